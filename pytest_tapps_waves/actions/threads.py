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
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")
_Work = Callable[[], None]


class DaemonThreads:
    """As many threads as functions run at once."""

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[_Work | None]] = []

    async def run(self, function: Callable[[], _T]) -> _T:
        """Run ``function`` in a thread, in a copy of this context. Cancelled, it is left to itself."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()
        context = contextvars.copy_context()
        queue = self._idle.pop() if self._idle else self._start()

        def settle(set_outcome: Callable[[Any], None], outcome: Any) -> None:
            if not future.done():
                set_outcome(outcome)
            self._idle.append(queue)

        def work() -> None:
            try:
                result = context.run(function)
            except StopIteration as error:
                # The one exception that a future does not take; what a generator makes of it.
                raised = RuntimeError("StopIteration was raised").with_traceback(error.__traceback__)
                ended: tuple[Callable[[Any], None], Any] = (future.set_exception, raised)
            except BaseException as error:
                ended = (future.set_exception, error)
            else:
                ended = (future.set_result, result)
            # The loop may be closed: then the story was given up long ago, and with it this thread.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, *ended)

        queue.put(work)
        return await future

    def close(self) -> None:
        """Let idle threads end; busy ones end with the process."""
        while self._idle:
            self._idle.pop().put(None)

    @staticmethod
    def _start() -> SimpleQueue[_Work | None]:
        queue: SimpleQueue[_Work | None] = SimpleQueue()

        def serve() -> None:
            while (work := queue.get()) is not None:
                work()
                del work

        threading.Thread(target=serve, name="epic-story", daemon=True).start()
        return queue
