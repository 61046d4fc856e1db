"""What the system may run short of when a process is to be started: waited for, and named."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

_T = TypeVar("_T")

_SHORT = (errno.EMFILE, errno.ENFILE, errno.EAGAIN)
_SPARE_PIPES = 8
"""Commands leave so many pipes' descriptors to the rest of the run: a start needs some, and so does pytest itself."""

_TRIES = 6
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5


class Shortage(Exception):
    """Of what is short, and where its limit is."""


async def with_room(
    start: Callable[[], Awaitable[_T]], others: Callable[[], bool], on_wait: Callable[[str], None]
) -> _T:
    """What ``start`` answers with, as soon as there are descriptors and processes to be had.

    Others that run may give back what is short, so they are waited for; without any there is an end to trying.

    :param others: tells whether processes of ours are running.
    :param on_wait: is told of the first time that something is short.
    :raises Shortage: if nobody is left who could give anything back.
    """
    alone, pause = 0, _FIRST_PAUSE
    while True:
        try:
            _look_for_room()
            return await start()
        except OSError as error:
            if error.errno not in _SHORT:
                raise
            what = _words(error)
        alone = 0 if others() else alone + 1
        if alone == _TRIES:
            raise Shortage(what)
        if pause == _FIRST_PAUSE:
            on_wait(what)
        # Spread, so that those who wait do not all come at once.
        await asyncio.sleep(random.uniform(pause / 2, pause))
        pause = min(_LONGEST_PAUSE, 2 * pause)


_highest = 0
"""The highest descriptor that has been given out while we looked."""


def _look_for_room() -> None:
    """:raises OSError: if descriptors are short: a start that fails half way would lose some more."""
    global _highest
    # The lowest that is free is given out, so where none was near the limit many are left.
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    _highest = max(_highest, descriptor)
    soft = _soft_limit("NOFILE")
    if soft is None or _highest < soft // 2:
        return
    descriptors: list[int] = []
    try:
        for _ in range(_SPARE_PIPES):
            descriptors += os.pipe()
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _words(error: OSError) -> str:
    if error.errno == errno.ENFILE:
        return "too many open files in the whole system"
    what, name = ("open files", "NOFILE") if error.errno == errno.EMFILE else ("processes", "NPROC")
    return f"too many {what}{_limit(name)}"


def _limit(name: str) -> str:
    soft = _soft_limit(name)
    return "" if soft is None else f" (RLIMIT_{name} is {'unlimited' if soft == math.inf else soft})"


def _soft_limit(name: str) -> float | None:
    """None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    soft = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0]
    return math.inf if soft == resource.RLIM_INFINITY else soft
