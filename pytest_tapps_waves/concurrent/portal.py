"""The way from pytest's synchronous protocol back to the loop."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TypeVar

from ..engine import HURRY
from .outside import Worker, wait_outside

_T = TypeVar("_T")


class Portal(Protocol):
    """Lets synchronous code wait for a coroutine."""

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """The coroutine's result."""
        ...


class SharedLoop:
    """For protocols that run in tasks of one loop: only the story of this task waits."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []

    async def enter(self, protocol: Callable[[], _T]) -> _T:
        """Run a synchronous protocol in this task, so that :meth:`wait` works anywhere below it."""
        task = asyncio.current_task()
        assert task is not None
        worker = self._idle.pop() if self._idle else Worker()
        try:
            return await worker.carry_out(task, protocol)
        finally:
            self._idle.append(worker)

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return wait_outside(coroutine)

    def close(self) -> None:
        """No protocol runs, nor will."""
        while self._idle:
            self._idle.pop().end()


class OwnLoop:
    """For pytest's own loop, which runs one item at a time: a loop that turns only while somebody waits.

    Not an :class:`asyncio.Runner`, which changes the handler of SIGINT for each story; nor is it the thread's current
    loop, which pytest-asyncio looks at.
    """

    def __init__(self, on_interrupt: Callable[[], None] = lambda: None) -> None:
        """:param on_interrupt: called in the loop when it has been interrupted once, and something has to end first."""
        self._on_interrupt = on_interrupt
        self._loop = new_event_loop()
        self._waiting: asyncio.Task[Any] | None = None
        self._interrupt: BaseException | None = None

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        task: asyncio.Task[_T] = self._loop.create_task(coroutine)
        self._waiting = task
        try:
            result = self._loop.run_until_complete(task)
            if self._interrupt is not None:
                raise self._interrupt
            return result
        except BaseException:
            # What a signal handler raises (pytest-timeout, a second Ctrl-C) leaves the task behind, and its process. It
            # comes before tasks of its own, such as one that starts a process: it alone knows how to end that.
            self._end([task])
            self._end(asyncio.all_tasks(self._loop))
            if self._interrupt is not None:
                raise self._interrupt from None
            raise
        finally:
            self._waiting = None

    def interrupt(self, error: BaseException) -> None:
        """Called by a signal handler: end what is waited for, and raise ``error`` from there; at once the second time.

        An exception out of the handler itself could come while a process is being started, and lose it.
        """
        if self._waiting is None:
            raise error
        if self._interrupt is None:
            self._interrupt = error
            self._loop.call_soon_threadsafe(self._stop, self._waiting)
        else:
            self._loop.call_soon_threadsafe(self._hurry, self._waiting)

    def _stop(self, task: asyncio.Task[Any]) -> None:
        self._on_interrupt()
        task.cancel()

    def _hurry(self, task: asyncio.Task[Any]) -> None:
        """Cancel it again and again, since two cancellations may come as one."""
        if not task.done():
            task.cancel()
            self._loop.call_later(HURRY, self._hurry, task)

    def break_off(self, wanted: Callable[[], bool]) -> None:
        """Called in another thread: cancel what is waited for, if that is ``wanted`` when the loop gets round to it."""
        with suppress(RuntimeError):  # it has been closed
            self._loop.call_soon_threadsafe(self._break_off, wanted)

    def _break_off(self, wanted: Callable[[], bool]) -> None:
        if self._waiting is not None and wanted():
            self._waiting.cancel()

    def close(self) -> None:
        self._end(asyncio.all_tasks(self._loop))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _end(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop that can start processes."""
    if sys.platform == "win32":
        return asyncio.ProactorEventLoop()
    return asyncio.SelectorEventLoop()


@contextmanager
def loop_of_the_run(*, debug: bool) -> Iterator[asyncio.Runner]:
    """The loop on which a concurrent run turns.

    :raises RuntimeWarning: if warnings are errors and it cannot be closed well, since a test broke it, or an
        asynchronous generator fails as it ends.
    """
    runner = asyncio.Runner(debug=debug, loop_factory=new_event_loop)
    try:
        yield runner
    finally:
        try:
            runner.close()
        except Exception as error:
            what = "".join(traceback.format_exception(error)).rstrip()
            warnings.warn(
                f"the loop of the tests that ran at once did not end well\n{what}", RuntimeWarning, stacklevel=1
            )


@contextmanager
def on_signal(number: signal.Signals, stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` in the main thread when a signal comes that would end the process, unless somebody handles it."""
    unhandled = (signal.SIG_DFL, signal.default_int_handler)
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(number) not in unhandled:
        yield
        return
    before = signal.signal(number, lambda number, frame: stop())
    try:
        yield
    finally:
        signal.signal(number, before)
