"""Waiting that a cancellation does not cut short, for what must have ended before anything goes on."""

from __future__ import annotations

import asyncio
from typing import Any


async def regardless(future: asyncio.Future[Any], seconds: float | None = None) -> bool:
    """Wait for what will not take long, and no longer than that, even if cancelled meanwhile; tell whether it was."""
    loop = asyncio.get_running_loop()
    deadline, cancelled = None if seconds is None else loop.time() + seconds, False
    while not future.done():
        try:
            left = None if deadline is None else max(0.0, deadline - loop.time())
            if not (await asyncio.wait([future], timeout=left))[0]:
                future.cancel()
                break
        except asyncio.CancelledError:
            cancelled = True
    return cancelled
