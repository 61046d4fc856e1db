"""What tells a process from another that has the same pid at another time."""

from __future__ import annotations

from functools import cache
from pathlib import Path


def identity_of(pid: int) -> str:
    """The boot of the machine, and when the process started; empty if there is no such process."""
    started = _start_of(pid)
    return f"{_boot()}:{started}" if started else ""


def is_alive(pid: int, identity: str) -> bool:
    """Whether a process of that pid and identity is there."""
    return bool(identity) and identity_of(pid) == identity


def _start_of(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _start_by_psutil(pid)
    # The second field is the program's name in brackets, which may hold anything.
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else fields[18]


def _start_by_psutil(pid: int) -> str:
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except psutil.Error:
        return ""


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        # Start times are since the epoch there, so that they tell boots apart.
        return ""
