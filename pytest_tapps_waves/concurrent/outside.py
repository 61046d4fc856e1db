"""Synchronous code of a task, outside of the loop as it were: it runs in a greenlet beside the task's, and can wait.

To wait it switches to the task's greenlet, which awaits in its stead. So does https://greenback.readthedocs.io, but
with a new greenlet each time, for which the system maps memory, faults it in and takes it back. Here they are kept.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import types
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, TypeAlias, TypeVar

from greenlet import getcurrent, greenlet

# For implementers of loops; and that a task asks `call_soon` for its first step as it is made. Tested with Python 3.11,
# 3.12, 3.13. Noticed by tests/test_private_api.py.
from asyncio import _get_running_loop, _set_running_loop  # isort: skip
from asyncio.tasks import _enter_task, _leave_task  # isort: skip

_T = TypeVar("_T")
_Outcome: TypeAlias = tuple[Any, BaseException | None]
"""What came of something: what it returned, or else what it raised."""


def _nothing() -> None:
    """The work of a worker that has none."""


class Worker(greenlet):
    """A greenlet that carries out one piece of synchronous work after the other, for tasks of one thread.

    Its parent is the greenlet of the task. It switches to that with what is to be awaited, and with the greenlet to
    switch back to with what came of it; or with None, when the work is done.
    """

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None
        """That of the work, while there is some."""
        self._work: Callable[[], Any] = _nothing
        self._result: Any = None
        self._error: BaseException | None = None

    @types.coroutine
    def carry_out(self, task: asyncio.Task[Any], work: Callable[[], _T]) -> Generator[Any, Any, _T]:
        """Do this for the current task, and in its context.

        Users' code finds no running loop, as under plain pytest: it may call ``asyncio.run()``.
        """
        self.task, self._work = task, work
        self.parent = host = getcurrent()
        self.gr_context = host.gr_context
        try:
            wanted = self.switch(None, None)
            while wanted is not None:
                awaited, waiting = wanted
                try:
                    answer: _Outcome = (
                        (yield from awaited.carry_out(task))
                        if isinstance(awaited, _InTask)
                        else ((yield awaited), None)
                    )
                except BaseException as error:
                    answer = None, error
                # What is awaited holds the error that it raised, an error the frames that it came through: this is one.
                awaited = wanted = None
                # Another one, if what is awaited switches greenlets itself.
                self.parent = getcurrent()
                wanted = waiting.switch(*answer)
            if self._error is not None:
                raise self._error
            result: _T = self._result
            return result
        finally:
            # As above.
            answer = None, None
            self.task = self._result = self._error = self.gr_context = None
            self._work = _nothing

    def run(self, *nothing: None) -> None:
        """Called by the first switch to it."""
        while self.task is not None:
            _go_out(self, self.task)
            try:
                self._result = self._work()
            except BaseException as error:
                self._error = error
            _go_in(self.task)
            self._ask(None)

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Called somewhere below its work: let the task wait.

        :raises BaseException: what the coroutine raises.
        """
        __tracebackhide__ = True
        answer, error = None, None
        while True:
            try:
                awaited = coroutine.send(answer) if error is None else coroutine.throw(error)
            except StopIteration as end:
                result: _T = end.value
                return result
            finally:
                # As above.
                answer = error = None
            # Whoever waits may be in a greenlet of its own, below this one.
            answer, error = self._ask((awaited, getcurrent()))
            awaited = None

    def wait_for_task(self, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context) -> _Outcome:
        """Called somewhere below its work: see :func:`run_outside`."""
        outcome: _Outcome = self._ask((_InTask(coroutine, context), getcurrent()))
        return outcome

    def _ask(self, wanted: tuple[Any, greenlet] | None) -> Any:
        assert self.parent is not None
        return self.parent.switch(wanted)

    def end(self) -> None:
        """It has no work, and will have no more."""
        if self:
            self.parent = getcurrent()
            self.switch()


class _InTask:
    """What a worker asks for, in place of what is to be awaited: a coroutine, carried out by a task of its own.

    By the greenlet of the loop, also its first step: what users' code begins with greenlets in one step of a task it
    goes on with in the next.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context) -> None:
        self._coroutine = coroutine
        self._context = context

    def carry_out(self, current: asyncio.Task[Any]) -> Generator[Any, Any, _Outcome]:
        """
        :param current: the task that waits. When it is cancelled the other one is, and has to end first.
        """
        task = self._begun(current)
        try:
            return (yield from task), None
        except BaseException as error:
            # Without this frame: the error came from below.
            below = error.__traceback__.tb_next if error.__traceback__ is not None else None
            return None, error.with_traceback(below)

    def _begun(self, current: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Its task, which has taken the first step.

        asyncio begins a task a turn of the loop later, after what all others have to do meanwhile: stories that wake up
        together would go on in step, and end together. Python 3.12 has ``eager_start`` for this.
        """
        loop = current.get_loop()
        call_soon, replaced = loop.call_soon, "call_soon" in vars(loop)
        step: Callable[[], object] | None = None

        def keep(callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None) -> Any:
            nonlocal step
            owner = getattr(callback, "__self__", None)
            if step is not None or not isinstance(owner, asyncio.Task) or owner.get_coro() is not self._coroutine:
                return call_soon(callback, *args, context=context)
            step = partial(self._context.run, callback, *args)
            return None

        _leave_task(loop, current)
        try:
            loop.call_soon = keep  # type: ignore[assignment,method-assign]
            try:
                task = loop.create_task(self._coroutine, context=self._context)
            finally:
                if replaced:
                    # By users' code, as this does.
                    loop.call_soon = call_soon  # type: ignore[method-assign]
                else:
                    del loop.call_soon
            if step is not None:
                try:
                    step()
                except BaseException:
                    # KeyboardInterrupt and SystemExit a task lets out, besides having them as its result.
                    if not task.done():
                        raise
            return task
        finally:
            _enter_task(loop, current)


class _Outside(threading.local):
    """What runs outside of the loop in this thread at this moment."""

    worker: Worker | None = None


_OUTSIDE = _Outside()


def waiting_task() -> asyncio.Task[Any] | None:
    """The task of which a synchronous part runs here, so that :func:`wait_outside` may be called."""
    # Not for coroutines that this part runs on another loop: they are in a loop.
    if _OUTSIDE.worker is None or _get_running_loop() is not None:
        return None
    return _OUTSIDE.worker.task


def wait_outside(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Let the task of :func:`waiting_task`, and only that, wait for a coroutine, in the loop.

    :raises asyncio.CancelledError: when the task was cancelled meanwhile. It then counts as cancelled no more: what is
        left of it is to be carried out.
    """
    __tracebackhide__ = True
    worker = _OUTSIDE.worker
    assert worker is not None
    assert worker.task is not None
    _go_in(worker.task)
    try:
        return worker.wait(coroutine)
    except asyncio.CancelledError:
        while worker.task.uncancel():
            pass
        raise
    finally:
        _go_out(worker, worker.task)


def run_outside(coroutine: Coroutine[Any, Any, Any], context: contextvars.Context) -> _Outcome:
    """Let the task of :func:`waiting_task` wait for a coroutine that runs in a task of its own, which begins at once.

    :return: what it returned, and what it raised. That is all, too, if the waiting task was cancelled meanwhile.
    """
    worker = _OUTSIDE.worker
    assert worker is not None
    assert worker.task is not None
    _go_in(worker.task)
    try:
        return worker.wait_for_task(coroutine, context)
    finally:
        _go_out(worker, worker.task)


def _go_out(worker: Worker, task: asyncio.Task[Any]) -> None:
    # Without the task, too: since Python 3.14 no other loop could enter one of its own.
    _leave_task(task.get_loop(), task)
    _set_running_loop(None)
    _OUTSIDE.worker = worker


def _go_in(task: asyncio.Task[Any]) -> None:
    _OUTSIDE.worker = None
    _set_running_loop(task.get_loop())
    _enter_task(task.get_loop(), task)
