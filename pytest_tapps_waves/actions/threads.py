"""Daemon threads that are used again, for functions that may never come back.

Not :func:`asyncio.to_thread`: its threads are joined when the loop and when the interpreter ends, so one function that
hangs past its story's timeout would keep pytest from ending.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")

_QUICK = 0.0005
"""Seconds that the loop stands still for a function that has just begun. One that ends within them, as most small ones
do, costs a third of one that has to wake the loop; and for one that does not, so little delays nobody."""


class DaemonThreads:
    """As many threads as functions run at once."""

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[_Work | None]] = []
        self._all = 0

    @property
    def busy(self) -> bool:
        """Whether there are functions that run, or that have just ended."""
        return self._all > len(self._idle)

    async def run(self, function: Callable[[], _T]) -> _T:
        """Run ``function`` in a thread, in a copy of this context. Cancelled, it is left to itself."""
        work = _Work(partial(contextvars.copy_context().run, function))
        queue = self._idle.pop() if self._idle else self._start()
        queue.put(work)
        if work.ended.acquire(timeout=_QUICK):
            self._idle.append(queue)
        elif ended := work.to_be_awaited(partial(self._idle.append, queue)):
            await ended
        else:
            self._idle.append(queue)
        result: _T = work.result()
        return result

    def close(self) -> None:
        """Let idle threads end; busy ones end with the process."""
        while self._idle:
            self._idle.pop().put(None)
            self._all -= 1

    def _start(self) -> SimpleQueue[_Work | None]:
        queue: SimpleQueue[_Work | None] = SimpleQueue()

        def serve() -> None:
            while (work := queue.get()) is not None:
                work.do()
                del work

        threading.Thread(target=serve, name="epic-story", daemon=True).start()
        self._all += 1
        return queue


class _Work:
    """One function in a thread."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.ended = threading.Lock()
        """Held until the function has ended."""
        self.ended.acquire()
        self._function = function
        self._result: Any = None
        self._error: BaseException | None = None
        self._deciding = threading.Lock()
        self._done = False
        self._wake: Callable[[], object] | None = None

    def do(self) -> None:
        """Run it, in its thread."""
        try:
            self._result = self._function()
        except BaseException as error:
            self._error = error
        with self._deciding:
            self._done = True
            wake = self._wake
        self.ended.release()
        if wake is not None:
            # The loop may be closed: then the story was given up long ago, and with it this thread.
            with suppress(RuntimeError):
                wake()

    def to_be_awaited(self, when_ended: Callable[[], None]) -> asyncio.Future[None] | None:
        """What is done once it has ended; None if it has by now.

        :param when_ended: called on the loop, even if nobody waits any more.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def settle() -> None:
            if not future.done():
                future.set_result(None)
            when_ended()

        with self._deciding:
            if self._done:
                return None
            self._wake = partial(loop.call_soon_threadsafe, settle)
        return future

    def result(self) -> Any:
        """What it returned.

        :raises BaseException: what it raised.
        """
        if self._error is None:
            return self._result
        try:
            if isinstance(self._error, StopIteration):
                # The one exception that a coroutine cannot let out; what a generator makes of it.
                raise RuntimeError("StopIteration was raised").with_traceback(self._error.__traceback__)
            raise self._error
        finally:
            self._error = None  # its traceback refers to this frame
