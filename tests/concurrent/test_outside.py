"""Synchronous code that waits for coroutines, in greenlets that are used again."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import sys
import traceback
import weakref
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import greenback
import pytest
from greenlet import getcurrent, greenlet

from pytest_tapps_waves.concurrent.outside import run_outside, wait_outside, waiting_task
from pytest_tapps_waves.concurrent.portal import SharedLoop

VARIABLE = contextvars.ContextVar("VARIABLE", default="nobody's")


@pytest.fixture
def portal() -> Iterator[SharedLoop]:
    shared = SharedLoop()
    yield shared
    shared.close()


async def in_time(awaitable: Awaitable[Any]) -> Any:
    async with asyncio.timeout(10):
        return await awaitable


def wait_and_tell() -> Any:
    wait_outside(asyncio.sleep(0))
    return getcurrent()


def test_greenlets_are_used_again_and_there_are_as_many_as_works_at_once(portal: SharedLoop) -> None:
    async def run() -> list[set[Any]]:
        return [set(await asyncio.gather(*(portal.enter(wait_and_tell) for _ in range(3)))) for _ in range(2)]

    first, second = asyncio.run(run())
    assert len(first) == 3
    assert first == second
    portal.close()
    assert not any(first)


def test_work_is_outside_of_the_loop_and_what_it_waits_for_in_it(portal: SharedLoop) -> None:
    async def inside() -> Any:
        return asyncio.current_task(), asyncio.get_running_loop()

    def work() -> list[Any]:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return [
            waiting_task(),
            *wait_outside(inside()),
            asyncio.run(asyncio.sleep(0, "a loop of its own")),
            waiting_task(),
        ]

    async def run() -> list[Any]:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        found = await portal.enter(work)
        assert (asyncio.current_task(), asyncio.get_running_loop(), waiting_task()) == (task, loop, None)
        assert found == [task, task, loop, "a loop of its own", task]
        return found

    assert asyncio.run(in_time(run()))


def test_each_work_has_the_context_of_its_task_before_and_after_it_waits(portal: SharedLoop) -> None:
    def work(name: str) -> list[str]:
        before = VARIABLE.get()
        VARIABLE.set(name)
        wait_outside(asyncio.sleep(0))
        return [before, VARIABLE.get()]

    async def run() -> Any:
        await portal.enter(partial(work, "first"))
        VARIABLE.set("the task's")
        both = await asyncio.gather(*(asyncio.create_task(portal.enter(partial(work, name))) for name in "ab"))
        return [*both, VARIABLE.get()]

    assert asyncio.run(run()) == [["the task's", "a"], ["the task's", "b"], "the task's"]


def test_a_coroutine_runs_in_the_context_of_whoever_waits_for_it(portal: SharedLoop) -> None:
    async def told() -> str:
        await asyncio.sleep(0)
        return VARIABLE.get()

    def work() -> list[str]:
        context = contextvars.copy_context()
        context.run(VARIABLE.set, "its own")
        return [context.run(wait_outside, told()), wait_outside(told())]

    assert asyncio.run(portal.enter(work)) == ["its own", "nobody's"]


def test_code_in_a_greenlet_below_may_wait(portal: SharedLoop) -> None:
    def work() -> Any:
        below = greenlet(lambda: wait_outside(asyncio.sleep(0, "waited")))
        return below.switch()

    assert asyncio.run(in_time(portal.enter(work))) == "waited"


def test_a_failure_comes_with_the_frames_that_it_came_through(portal: SharedLoop) -> None:
    async def fails_later() -> None:
        await asyncio.sleep(0)
        raise ValueError("in the coroutine")

    def work() -> str:
        with pytest.raises(ValueError, match="in the coroutine") as caught:
            wait_outside(fails_later())
        return "".join(traceback.format_exception(caught.value))

    assert "in fails_later" in asyncio.run(portal.enter(work))

    def fails() -> None:
        raise KeyError("in the work")

    with pytest.raises(KeyError) as caught:
        asyncio.run(portal.enter(fails))
    assert "in fails" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("how", ["raised by what is awaited", "given to a future", "raised by the work", "returned"])
def test_nothing_of_a_work_is_kept(portal: SharedLoop, how: str) -> None:
    class Kept(Exception):
        pass

    async def fails() -> None:
        await asyncio.sleep(0)
        raise made()

    kept: list[weakref.ref[Kept]] = []

    def made() -> Kept:
        error = Kept()
        kept.append(weakref.ref(error))
        return error

    def work() -> Any:
        if how == "returned":
            return made()
        if how == "raised by the work":
            raise made()
        return wait_outside(fails() if how == "raised by what is awaited" else given())

    async def given() -> None:
        await failing_in_a_moment()

    def failing_in_a_moment() -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_exception, made())
        return future

    async def run() -> None:
        with contextlib.suppress(Kept):
            await portal.enter(work)
        await portal.enter(lambda: None)

    gc.collect()
    gc.disable()
    try:
        asyncio.run(run())
        assert [reference() for reference in kept] == [None]
    finally:
        gc.enable()


def test_a_work_that_is_cancelled_while_it_waits_goes_on_and_its_task_is_cancelled_no_more(portal: SharedLoop) -> None:
    def work(begun: Callable[[], None]) -> str:
        begun()
        try:
            wait_outside(asyncio.Event().wait())
        except asyncio.CancelledError:
            return str(wait_outside(asyncio.sleep(0, "cleaned up")))
        return "not cancelled"

    async def run() -> Any:
        begun = asyncio.Event()
        task = asyncio.create_task(portal.enter(partial(work, begun.set)))
        await begun.wait()
        task.cancel()
        return await task, task.cancelling()

    assert asyncio.run(in_time(run())) == ("cleaned up", 0)


def test_what_is_awaited_may_switch_greenlets_with_greenback(portal: SharedLoop) -> None:
    def synchronous(value: int) -> int:
        return int(greenback.await_(asyncio.sleep(0, value)))

    async def test() -> int:
        await greenback.ensure_portal()
        return synchronous(1) + await asyncio.sleep(0, 10) + synchronous(100)

    def work() -> int:
        return wait_outside(test()) + wait_outside(asyncio.sleep(0, 1000))

    async def run() -> list[int]:
        return list(await asyncio.gather(*(asyncio.create_task(portal.enter(work)) for _ in range(2))))

    assert asyncio.run(in_time(run())) == [1111, 1111]


def test_a_task_is_begun_at_once_and_is_a_task_as_any(portal: SharedLoop) -> None:
    seen: list[Any] = []

    async def note() -> str:
        seen.append((asyncio.current_task(), asyncio.get_running_loop(), VARIABLE.get(), getcurrent()))
        return "noted"

    async def twice() -> str:
        await note()
        await asyncio.sleep(0)
        return await note()

    def work() -> None:
        context = contextvars.copy_context()
        context.run(VARIABLE.set, "its own")
        assert run_outside(note(), context) == ("noted", None)
        assert run_outside(twice(), context) == ("noted", None)

    async def run() -> None:
        turns: list[int] = []
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: turns.append(len(seen)))
        await portal.enter(work)
        # Only `twice` has let others go on.
        assert turns == [2]
        tasks = [task for task, *_ in seen]
        assert tasks[1] is tasks[2]
        assert len({asyncio.current_task(), *tasks}) == 3
        # One greenlet, the loop's: what users' code does with greenlets in one step it goes on with in the next.
        assert {tuple(rest) for _, *rest in seen} == {(loop, "its own", getcurrent())}

    asyncio.run(in_time(run()))


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
def test_what_a_task_raises_is_told_with_the_frames_that_it_came_through(
    portal: SharedLoop, error: type[BaseException], later: bool
) -> None:
    async def fails() -> None:
        if later:
            await asyncio.sleep(0)
        raise error

    def work() -> str:
        result, raised = run_outside(fails(), contextvars.copy_context())
        assert result is None
        assert isinstance(raised, error)
        frames = [frame.name for frame in traceback.extract_tb(raised.__traceback__)]
        # asyncio makes another error of a cancellation.
        assert frames[-1:] == ["fails"] or error is asyncio.CancelledError
        assert len(frames) <= 1
        return wait_outside(asyncio.sleep(0, "went on"))

    async def run() -> list[str]:
        return [await portal.enter(work), await portal.enter(work)]

    assert asyncio.run(in_time(run())) == ["went on", "went on"]


def test_an_interrupt_in_a_first_step_is_the_tasks_alone(portal: SharedLoop) -> None:
    async def interrupted() -> None:
        raise KeyboardInterrupt

    def work() -> str:
        _, raised = run_outside(interrupted(), contextvars.copy_context())
        assert isinstance(raised, KeyboardInterrupt)
        return wait_outside(asyncio.sleep(0, "went on"))

    assert asyncio.run(in_time(portal.enter(work))) == "went on"


@pytest.mark.parametrize("how", ["ends", "fails", "is cancelled"])
def test_a_task_that_is_cancelled_while_it_waits_for_another_cancels_that_and_waits_on(
    portal: SharedLoop, how: str
) -> None:
    log: list[str] = []

    async def stays() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("cancelled")
            await asyncio.sleep(0)
            log.append("cleaned up")
            if how == "is cancelled":
                raise
            if how == "fails":
                raise ValueError from None
        return "ended"

    def work() -> Any:
        result, raised = run_outside(stays(), contextvars.copy_context())
        task = waiting_task()
        assert task is not None
        return result, type(raised), task.cancelling()

    async def run() -> Any:
        task = asyncio.create_task(portal.enter(work))
        await asyncio.sleep(0)
        task.cancel()
        return await task

    outcome = {"ends": ("ended", type(None)), "fails": (None, ValueError)}.get(how, (None, asyncio.CancelledError))
    assert asyncio.run(in_time(run())) == (*outcome, 1)
    assert log == ["cancelled", "cleaned up"]


def test_a_task_that_is_cancelled_when_what_it_waits_for_has_failed_loses_nothing(
    portal: SharedLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(waiting: asyncio.Task[Any]) -> None:
        await asyncio.sleep(0)
        # In a turn in which this task has ended, and whoever waits for it has not heard of that.
        asyncio.get_running_loop().call_soon(waiting.cancel)
        raise ValueError

    def work() -> Any:
        task = waiting_task()
        assert task is not None
        _, raised = run_outside(fails(task), contextvars.copy_context())
        return type(raised), task.cancelling()

    async def run() -> Any:
        return await asyncio.create_task(portal.enter(work))

    raised, cancelling = asyncio.run(in_time(run()))
    gc.collect()
    assert cancelling == 1
    assert raised is asyncio.CancelledError
    assert not caplog.records


def test_what_a_task_factory_asks_of_the_loop_is_done_and_its_tasks_begin_as_it_says(portal: SharedLoop) -> None:
    seen: list[str] = []
    handles: list[asyncio.Handle] = []

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        handles.append(loop.call_soon(seen.append, "asked for before"))
        return asyncio.Task(wrapped(coroutine), loop=loop, **options)

    async def wrapped(coroutine: Any) -> Any:
        seen.append("began")
        return await coroutine

    async def run() -> Any:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(factory)
        coroutine = asyncio.sleep(0, "slept")
        outcome = await portal.enter(lambda: run_outside(coroutine, contextvars.copy_context()))
        loop.set_task_factory(None)
        assert "call_soon" not in vars(loop)
        return outcome

    assert asyncio.run(run()) == ("slept", None)
    assert seen == ["asked for before", "began"]
    assert isinstance(handles[0], asyncio.Handle)


def test_what_users_code_has_put_in_the_place_of_call_soon_stays_there(portal: SharedLoop) -> None:
    called: list[Any] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        theirs = loop.call_soon

        def spy(callback: Any, *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
            called.append(callback)
            return theirs(callback, *args, context=context)

        loop.call_soon = spy  # type: ignore[assignment,method-assign]
        try:
            await portal.enter(lambda: run_outside(asyncio.sleep(0), contextvars.copy_context()))
            assert vars(loop)["call_soon"] is spy
        finally:
            del loop.call_soon

    asyncio.run(in_time(run()))
    assert called


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in Python 3.12")
def test_a_task_may_be_begun_by_its_factory(portal: SharedLoop) -> None:
    async def called_soon() -> str:
        called = asyncio.Event()
        asyncio.get_running_loop().call_soon(called.set)
        await called.wait()
        return "called"

    async def run() -> Any:
        asyncio.get_running_loop().set_task_factory(vars(asyncio)["eager_task_factory"])
        return await portal.enter(lambda: run_outside(called_soon(), contextvars.copy_context()))

    assert asyncio.run(in_time(run())) == ("called", None)
