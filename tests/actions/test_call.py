"""Functions as actions, and the threads in which they run."""

from __future__ import annotations

import asyncio
import importlib
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pytest_tapps_waves.actions.base import Job, StoryContext
from pytest_tapps_waves.actions.call import Call
from pytest_tapps_waves.actions.output import Output
from pytest_tapps_waves.actions.threads import DaemonThreads
from pytest_tapps_waves.errors import ActionFailed

_T = TypeVar("_T")

NAME: ContextVar[str] = ContextVar("NAME", default="nobody")

STEPS = """
import asyncio
from pytest_tapps_waves.actions.base import StoryContext

seen = []

def nothing(): seen.append("nothing")
def told(context: StoryContext): seen.append(context.id)
def told_by_name(*, story: "StoryContext", more=1): seen.append(story.title)
async def later(context: StoryContext):
    await asyncio.sleep(0)
    seen.append(f"later {context.id}")
def fails(): raise ValueError("no such shard\\nreally")
async def fails_later(): raise ValueError("no such shard")
def leaves(): raise SystemExit(3)
def stops(): return next(iter([]))
def wants(argument): pass
def yields(): yield seen.append("yields")
async def yields_later(): yield seen.append("yields")
async def cancelled_by_itself():
    task = asyncio.ensure_future(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await task

class Steps:
    def __call__(self): seen.append("instance")
    def method(self, context: StoryContext): seen.append(f"method {context.id}")
    class Inner:
        @staticmethod
        def deep(): seen.append("deep")

steps = Steps()
number = 3
"""


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module of the user's, as ``steps_of_a_test``."""
    (tmp_path / "steps_of_a_test.py").write_text(STEPS)
    (tmp_path / "broken_steps.py").write_text("import there_is_none\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("steps_of_a_test")
    sys.modules.pop("steps_of_a_test", None)


def perform(target: str) -> None:
    context = StoryContext("8.1", "First", "shop", Path(), {}, 60.0, 1, logging.getLogger("epic.shop"))

    async def scene() -> None:
        async with asyncio.timeout(20):
            await Call(target).perform(Job(context, Path()), Output())

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("name", "trace"),
    [
        ("nothing", "nothing"),
        ("told", "8.1"),
        ("told_by_name", "First"),
        ("later", "later 8.1"),
        ("steps", "instance"),
        ("steps.method", "method 8.1"),
        ("Steps.Inner.deep", "deep"),
    ],
)
def test_it_calls_what_the_target_names_and_hands_it_the_story(steps: Any, name: str, trace: str) -> None:
    perform(f"steps_of_a_test:{name}")
    assert steps.seen == [trace]


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("steps_of_a_test:fails", "ValueError: no such shard"),
        ("steps_of_a_test:fails_later", "ValueError: no such shard"),
        ("steps_of_a_test:leaves", "SystemExit: 3"),
        ("steps_of_a_test:stops", "StopIteration"),
        ("steps_of_a_test:cancelled_by_itself", "CancelledError"),
        ("steps_of_a_test:missing", "steps_of_a_test has no missing"),
        ("steps_of_a_test:number", "number cannot be called"),
        ("no_such_module:f", "there is no module no_such_module"),
        ("broken_steps:f", "No module named 'there_is_none'"),
        ("steps_of_a_test:wants", "its parameter 'argument' has no value"),
        ("steps_of_a_test:yields", "it is a generator, nothing of which has run"),
        ("steps_of_a_test:yields_later", "it is a generator, nothing of which has run"),
    ],
)
def test_what_goes_wrong_is_told_in_one_phrase(steps: Any, target: str, what: str) -> None:
    with pytest.raises(ActionFailed) as raised:
        perform(target)
    assert what in raised.value.what
    assert "\n" not in raised.value.what
    assert raised.value.action == f"call: {target}"


@pytest.mark.parametrize("name", ["fails", "fails_later"])
def test_the_traceback_begins_in_the_users_function(steps: Any, name: str) -> None:
    with pytest.raises(ActionFailed) as raised:
        perform(f"steps_of_a_test:{name}")
    assert f"in {name}" in raised.value.detail
    assert "pytest_tapps_waves" not in raised.value.detail


def run(function: Callable[[], _T]) -> _T:
    async def scene() -> _T:
        threads = DaemonThreads()
        try:
            async with asyncio.timeout(20):
                return await threads.run(function)
        finally:
            threads.close()

    return asyncio.run(scene())


def _raiser(error: BaseException) -> Callable[[], None]:
    def function() -> None:
        raise error

    return function


@pytest.mark.parametrize(
    "error",
    [KeyError("a"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), pytest.skip.Exception("no")],
    ids=lambda error: type(error).__name__,
)
def test_every_exception_comes_through(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised:
        run(_raiser(error))
    assert raised.value is error


def test_a_function_sees_the_context_variables_of_its_caller_and_keeps_its_own_changes() -> None:
    async def scene() -> tuple[str, str]:
        threads = DaemonThreads()
        NAME.set("caller")

        def function() -> str:
            seen = NAME.get()
            NAME.set("function")
            return seen

        seen = await threads.run(function)
        threads.close()
        return seen, NAME.get()

    assert asyncio.run(scene()) == ("caller", "caller")


def test_a_thread_is_used_again_and_ends_when_closed() -> None:
    async def scene() -> list[threading.Thread]:
        threads = DaemonThreads()
        used = [await threads.run(threading.current_thread) for _ in range(5)]
        threads.close()
        return used

    used = asyncio.run(scene())
    assert len(set(used)) == 1
    used[0].join(20)
    assert not used[0].is_alive()


def test_functions_run_at_once() -> None:
    async def scene() -> None:
        threads = DaemonThreads()
        together = threading.Barrier(4)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(threads.run(lambda: together.wait(20)))
        threads.close()

    asyncio.run(scene())


def test_a_function_that_hangs_is_left_to_itself_when_cancelled() -> None:
    let_go = threading.Event()

    async def scene() -> str:
        threads = DaemonThreads()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await threads.run(lambda: let_go.wait(60))
        after = await threads.run(lambda: "another thread")
        threads.close()
        return after

    try:
        assert asyncio.run(scene()) == "another thread"
    finally:
        let_go.set()


def test_a_function_that_comes_back_after_its_loop_was_closed_does_no_harm() -> None:
    let_go, threads = threading.Event(), DaemonThreads()
    used: list[threading.Thread] = []

    async def scene() -> None:
        def function() -> None:
            used.append(threading.current_thread())
            let_go.wait(60)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await threads.run(function)

    asyncio.run(scene())
    let_go.set()
    assert run(lambda: "well") == "well"
    assert used[0].daemon


def test_a_function_that_hangs_keeps_no_process_from_ending() -> None:
    program = (
        "import asyncio, time\n"
        "from pytest_tapps_waves.actions.threads import DaemonThreads\n"
        "async def main():\n"
        "    async with asyncio.timeout(0.05):\n"
        "        await DaemonThreads().run(lambda: time.sleep(300))\n"
        "try:\n"
        "    asyncio.run(main())\n"
        "except TimeoutError:\n"
        "    print('timed out')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["timed", "out"]
