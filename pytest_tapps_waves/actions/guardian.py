"""A process that outlives pytest: when pytest is gone, it kills what is left of the stories of that run. Linux only.

It is run as a script, ``python -I -S guardian.py RUN PARENT``, and so imports little, and nothing of this package. The
run ends it with SIGKILL when it has ended itself. What is said of /proc here serves :mod:`.sweeping` too.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

COOKIE = "EPIC_RUN"
"""The variable that the processes of a run carry; its value is the id of the run, or of a part of it: ``RUN.PART``."""

MARK = "EPIC_GUARDIAN"
"""The variable that guardians carry. They see to the end of their own runs, which may be part of a story."""

_LOOK = 0.2
_PAUSE = 0.05
_CALM = 5
"""So many looks in a row must find nothing: one may miss a process that is just about to become a story's."""
_LONGEST = 10.0


def belonging(runs: frozenset[bytes], spared: frozenset[int] = frozenset()) -> dict[int, str]:
    """The processes of runs, by pid, with their start time: what carries the cookie, and what stems from that.

    What stems from it may have been started with another environment, and may have another parent by now, but not
    another session.

    :param spared: pids that do not count, whatever they carry.
    """
    mark = f"\0{MARK}=".encode()
    cookies = [f"\0{COOKIE}=".encode() + run + end for run in runs for end in (b"\0", b".")]
    parents, sessions, starts = {}, {}, {}
    found = set()
    for name in os.listdir("/proc"):  # noqa: PTH208 - see _read
        fields = stat_fields(name) if name.isdigit() else None
        if fields is None:
            continue
        variables = b"\0" + _read(f"/proc/{name}/environ") + b"\0"
        if mark in variables:
            continue
        pid = int(name)
        parents[pid], sessions[pid], starts[pid] = int(fields[1]), int(fields[3]), fields[19].decode()
        if pid not in spared and any(cookie in variables for cookie in cookies):
            found.add(pid)
    return {pid: starts[pid] for pid in with_descendants(found, parents, sessions) - spared}


def with_descendants(found: set[int], parents: dict[int, int], sessions: dict[int, int]) -> set[int]:
    """Also the processes whose parent, or whose leader of the session, is one of them."""
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found or sessions.get(pid, 0) in found} - found
        found = found | more
        grown = bool(more)
    return found


def stat_fields(pid: int | str) -> list[bytes] | None:
    """What /proc/PID/stat says from the state on, the third field; None if the process has ended."""
    # The name before it may hold anything, brackets and spaces too.
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return None if len(fields) < 20 or fields[0] in b"ZX" else fields


def send(pid: int, start: str, number: int) -> bool:
    """Send a signal to the process that has this pid and this start time; tell whether there was one."""
    try:
        # A handle of the process itself: what is checked after this holds for what is signalled.
        handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
    except ProcessLookupError:
        return False
    except OSError:  # an old kernel, a sandbox, no descriptor left
        handle = -1
    try:
        fields = stat_fields(pid)
        if fields is None or fields[19].decode() != start:
            return False
        if handle >= 0:
            signal.pidfd_send_signal(handle, number)
        else:
            os.kill(pid, number)
    except OSError:  # it has ended, or is somebody else's
        return False
    finally:
        if handle >= 0:
            os.close(handle)
    return True


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - pathlib takes longer to import than all of this
            return file.read()
    except OSError:
        return b""


def _wait_for_end_of(parent: int) -> None:
    # Not PR_SET_PDEATHSIG, which tells of the end of a thread; nor the end of a pipe, which forks would hold open.
    try:
        handle = os.pidfd_open(parent)
    except (AttributeError, OSError):
        while os.getppid() == parent:
            time.sleep(_LOOK)
        return
    if os.getppid() == parent:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll()


def _kill_all(run: str) -> None:
    deadline, calm = time.monotonic() + _LONGEST, 0
    while calm < _CALM and time.monotonic() < deadline:
        found = belonging(frozenset([run.encode()]))
        for pid, start in found.items():
            send(pid, start, signal.SIGKILL)
        calm = 0 if found else calm + 1
        time.sleep(_PAUSE)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    _wait_for_end_of(int(sys.argv[2]))
    _kill_all(sys.argv[1])
