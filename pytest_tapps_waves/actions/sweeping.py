"""What is left of runs that have ended: found by the id of the run that their processes carry, and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

from . import guardian

HAS_PROC = Path("/proc/self/environ").exists()
"""Whether this is Linux, or alike enough."""

_PAUSE = 0.02
_KILLED = 2.0
"""Seconds that a process may take to be gone once it has been killed."""


def sweep(runs: Collection[str], grace: float = 0.0) -> list[int]:
    """End the processes of runs, and answer with their pids.

    What carries the id of such a run, or of a part of it, in ``EPIC_RUN`` is ended, with all that stems from it; never
    this process, nor what it stems from itself. What may not be looked into, or not be ended, is left alone.

    :param grace: seconds between asking to end (SIGTERM) and killing; 0 is to kill at once.
    """
    wanted, spared = frozenset(map(os.fsencode, runs)), _own_line()
    begin = time.monotonic()
    asked: dict[int, str] = {}
    while found := _belonging(wanted, spared) if wanted else {}:
        waited = time.monotonic() - begin
        if waited > grace + _KILLED:
            break
        for pid, start in found.items():
            if waited >= grace or asked.get(pid) != start:
                _send(pid, start, hard=waited >= grace)
                asked[pid] = start
        time.sleep(_PAUSE)
    return sorted(asked.keys() - found.keys())


def sweep_groups(leaders: Iterable[tuple[int, str]]) -> list[int]:
    """Kill the process groups of these, each told by its pid and :func:`identity_of`, where the leader is still there.

    For what has put off the id of its run. Answers with the pids of the leaders.
    """
    found = [pid for pid, identity in leaders if is_alive(pid, identity)]
    for pid in found:
        with contextlib.suppress(OSError):
            # Each was started as the leader of a session of its own, where there are such.
            if hasattr(os, "killpg"):
                os.killpg(pid, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGTERM)
    return found


def identity_of(pid: int) -> str:
    """What tells the process of this pid from all that have had it, or will, after a new start of the machine too.

    Empty if there is no such process.
    """
    if HAS_PROC:
        fields = guardian.stat_fields(pid)
        return f"{_boot_id()}/{fields[19].decode()}" if fields is not None else ""
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return repr(process.create_time())
    return ""


def is_alive(pid: int, identity: str) -> bool:
    """Whether the process that had this pid and :func:`identity_of` is still running."""
    return bool(identity) and identity_of(pid) == identity


@cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _own_line() -> frozenset[int]:
    """This process, its parent, and so on."""
    line, pid = {os.getpid()}, os.getppid()
    while pid > 0 and pid not in line:
        line.add(pid)
        pid = _parent_of(pid)
    return frozenset(line)


def _parent_of(pid: int) -> int:
    if HAS_PROC:
        fields = guardian.stat_fields(pid)
        return int(fields[1]) if fields is not None else 0
    import psutil

    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).ppid()
    return 0


def _belonging(runs: frozenset[bytes], spared: frozenset[int]) -> dict[int, str]:
    if HAS_PROC:
        return guardian.belonging(runs, spared)
    import psutil

    values = {os.fsdecode(run) for run in runs}
    parents, starts, found = {}, {}, set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            parents[process.pid], starts[process.pid] = process.ppid(), repr(process.create_time())
            # Looked at last: of many processes it may not be read.
            variables = process.environ()
            cookie = variables.get(guardian.COOKIE, "")
            if guardian.MARK not in variables and any(f"{cookie}.".startswith(f"{run}.") for run in values):
                found.add(process.pid)
    found = guardian.with_descendants(found - spared, parents, {}) - spared
    return {pid: starts[pid] for pid in found}


def _send(pid: int, start: str, *, hard: bool) -> None:
    if HAS_PROC:
        guardian.send(pid, start, signal.SIGKILL if hard else signal.SIGTERM)
        return
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        # From here on psutil itself sees to it that it is no other.
        if repr(process.create_time()) == start:
            process.kill() if hard else process.terminate()
