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
from functools import partial
from typing import Any, Protocol, TypeVar

# For implementers of loops. Tested with Python 3.11, 3.12, 3.13. Noticed by tests/test_private_api.py.
from asyncio import _get_running_loop, _set_running_loop  # isort: skip
from asyncio.tasks import _enter_task, _leave_task  # isort: skip

from ..engine import HURRY

_T = TypeVar("_T")


class Portal(Protocol):
    """Lets synchronous code wait for a coroutine."""

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """The coroutine's result."""
        ...


class _Outside(threading.local):
    """The task of which a synchronous part runs in this thread at this moment, outside of the loop as it were."""

    task: asyncio.Task[Any] | None = None


_OUTSIDE = _Outside()


def waiting_task() -> asyncio.Task[Any] | None:
    """The task of which a synchronous part runs here, so that :func:`wait_outside` may be called."""
    # Not for coroutines that this part runs on another loop: they are in a loop.
    return None if _get_running_loop() is not None else _OUTSIDE.task


def wait_outside(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Let the task of :func:`waiting_task`, and only that, wait for a coroutine, in the loop.

    :raises asyncio.CancelledError: when the task was cancelled meanwhile. It then counts as cancelled no more: what is
        left of it is to be carried out.
    """
    from greenback import await_

    task = _OUTSIDE.task
    assert task is not None
    _go_in(task)
    try:
        return await_(coroutine)
    except asyncio.CancelledError:
        while task.uncancel():
            pass
        raise
    finally:
        _go_out(task)


def _go_out(task: asyncio.Task[Any]) -> None:
    """Synchronous code of users finds no running loop, as under plain pytest: it may call ``asyncio.run()``."""
    # Without the task, too: since Python 3.14 no other loop could enter one of its own.
    _leave_task(task.get_loop(), task)
    _set_running_loop(None)
    _OUTSIDE.task = task


def _go_in(task: asyncio.Task[Any]) -> None:
    _OUTSIDE.task = None
    _set_running_loop(task.get_loop())
    _enter_task(task.get_loop(), task)


def _outside(task: asyncio.Task[Any], protocol: Callable[[], _T]) -> _T:
    _go_out(task)
    try:
        return protocol()
    finally:
        _go_in(task)


class SharedLoop:
    """For protocols that run in tasks of one loop: only the story of this task waits."""

    async def enter(self, protocol: Callable[[], _T]) -> _T:
        """Run a synchronous protocol in this task, so that :meth:`wait` works anywhere below it.

        It finds no running loop, except while it waits.
        """
        from greenback import with_portal_run_sync

        task = asyncio.current_task()
        assert task is not None
        return await with_portal_run_sync(partial(_outside, task, protocol))

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return wait_outside(coroutine)


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
