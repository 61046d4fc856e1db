"""Processes that belong together: found, asked whether they live, and signalled."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

import psutil


def group_of(leader: int) -> dict[int, psutil.Process]:
    """The processes of a process group, by pid, also when its leader has ended. POSIX only."""
    found: dict[int, psutil.Process] = {}
    if _group_exists(leader):
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if os.getpgid(process.pid) == leader:
                    found[process.pid] = process
    return found


def any_alive(processes: Iterable[psutil.Process]) -> bool:
    """Whether one of them has not ended yet; those that nobody has waited for have."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def signal_all(processes: Iterable[psutil.Process], *, hard: bool) -> None:
    """Ask them to end, or end them."""
    # psutil compares start times, so a pid that has been given to somebody else is left alone.
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if hard:
                process.kill()
            else:
                process.terminate()


def _group_exists(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
