"""The time that attempts have, while the loop stands still or they wait for a place to be carried out in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

_DEADLINES: set[asyncio.Timeout] = set()
"""Of the attempts that go on."""


@contextmanager
def deadline(seconds: float) -> Iterator[asyncio.Timeout]:
    """A timeout of so many seconds, 0 is without end, that is entered within this."""
    limit = asyncio.timeout(seconds or None)
    _DEADLINES.add(limit)
    try:
        yield limit
    finally:
        _DEADLINES.discard(limit)


def extend_deadlines(seconds: float) -> None:
    """Give back to all running attempts the time that the loop stood still: they could not end in it."""
    for timeout in _DEADLINES:
        when = timeout.when()
        if when is not None and not timeout.expired():
            timeout.reschedule(when + seconds)


@contextmanager
def standing_still(limit: asyncio.Timeout) -> Iterator[None]:
    """While this holds, the time does not run that an attempt has."""
    loop, when = asyncio.get_running_loop(), limit.when()
    if when is None:
        yield
        return
    began = loop.time()
    limit.reschedule(None)
    try:
        yield
    finally:
        limit.reschedule(when + loop.time() - began)
