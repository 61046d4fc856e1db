"""What must not be left half done, off the loop's thread."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from functools import partial
from typing import TypeVar

_T = TypeVar("_T")


async def to_the_end(function: Callable[[], _T]) -> _T:
    """Run a function in a thread. Cancelled, this waits until it has ended, and is cancelled only then."""
    run = partial(contextvars.copy_context().run, function)
    # No task, since whoever ends a loop cancels all that there are.
    work = asyncio.get_running_loop().run_in_executor(None, run)
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait((work,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        work.exception()  # it has been seen
        raise cancelled
    return work.result()
