"""A story carried out: its action and its checks, within its timeout, again if it may."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_tapps_waves import attempts
from pytest_tapps_waves.actions.agents import AgentAction
from pytest_tapps_waves.actions.agents.brief import Brief
from pytest_tapps_waves.actions.base import Action, Job, StoryContext
from pytest_tapps_waves.actions.output import CURRENT_OUTPUT, Output
from pytest_tapps_waves.attempts import Enter, Performance, carry_out, pause_before
from pytest_tapps_waves.epics.agents import AgentSpec
from pytest_tapps_waves.errors import ActionFailed, ActionTimedOut
from pytest_tapps_waves.executors.local import LocalExecutor
from pytest_tapps_waves.workspaces.base import Landed, Workspace

Work = Callable[[Job], Coroutine[Any, Any, None]]


class Scripted:
    """An action that does what a test says."""

    def __init__(self, name: str, work: Work) -> None:
        self._name = name
        self._work = work

    def describe(self) -> str:
        return f"run: {self._name}"

    async def perform(self, job: Job, output: Output) -> None:
        output.write("stdout", f"{self._name} {job.context.attempt}\n".encode())
        assert CURRENT_OUTPUT.get() is output
        await self._work(job)


async def works(job: Job) -> None:
    pass


async def fails(job: Job) -> None:
    raise ActionFailed("exit status 1", "run: it", exit_status=1)


async def hangs(job: Job) -> None:
    await asyncio.Event().wait()


def fails_until(attempt: int) -> Work:
    async def work(job: Job) -> None:
        if job.context.attempt < attempt:
            await fails(job)

    return work


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The attempts before which there was a pause; it takes no time."""
    asked: list[int] = []

    def pause(attempt: int) -> float:
        asked.append(attempt)
        return 0.0

    monkeypatch.setattr(attempts, "pause_before", pause)
    return asked


def performance(action: Work | None = works, *checks: Work, timeout: float = 0, retries: int = 0) -> Performance:
    made: Sequence[tuple[str, Action]] = [
        (f"check {place}", Scripted(f"check{place}", check)) for place, check in enumerate(checks, 1)
    ]
    return Performance(Scripted("it", action) if action else None, made, timeout, retries)


async def carried_out(story: Performance, enter: Enter | None = None) -> Performance:
    def job(attempt: int, workspace: Workspace | None) -> Job:
        context = StoryContext("1", "", "shop", Path(), {}, story.timeout, attempt, logging.getLogger("epic.shop"))
        return Job(context, Path())

    async with asyncio.timeout(20):
        await carry_out(story, LocalExecutor(), job, lambda attempt, check: Output(), enter)
    return story


def run(story: Performance, enter: Enter | None = None) -> Performance:
    return asyncio.run(carried_out(story, enter))


def test_a_story_that_works_is_attempted_once(pauses: list[int]) -> None:
    story = run(performance(retries=5))
    assert [attempt.number for attempt in story.attempts] == [1]
    assert not story.failed
    assert pauses == []


@pytest.mark.parametrize(("retries", "attempted", "failed"), [(0, 1, True), (1, 2, True), (2, 3, False), (9, 3, False)])
def test_a_story_is_attempted_until_it_works_or_its_retries_are_used_up(
    pauses: list[int], retries: int, attempted: int, failed: bool
) -> None:
    story = run(performance(fails_until(3), retries=retries))
    assert [attempt.number for attempt in story.attempts] == list(range(1, attempted + 1))
    assert story.failed is failed
    assert pauses == list(range(2, attempted + 1))


def test_each_attempt_has_its_own_output_and_error() -> None:
    first, second = run(performance(fails_until(2), retries=1)).attempts
    assert (first.output.text("stdout"), second.output.text("stdout")) == ("it 1\n", "it 2\n")
    assert str(first.error) == "exit status 1: run: it"
    assert second.error is None


def test_all_checks_are_made_and_one_that_fails_fails_the_story() -> None:
    story = run(performance(works, fails, works, fails))
    assert story.failed
    (attempt,) = story.attempts
    assert attempt.error is None
    assert [check.description for check in attempt.checks] == ["check 1", "check 2", "check 3"]
    assert [check.description for check in attempt.failed_checks] == ["check 1", "check 3"]
    assert [check.output.text("stdout") for check in attempt.checks] == ["check1 1\n", "check2 1\n", "check3 1\n"]


def test_what_is_masked_is_in_nothing_that_a_performance_tells() -> None:
    async def tells(job: Job) -> None:
        raise ActionFailed("it is secret", "run: secret", "secret\nsecret", exit_status=3)

    story = run(performance(tells, retries=1))
    story.attempts += run(performance(works, tells)).attempts
    story.attempts[-1].checks[0].description = "it is secret"
    story.mask(lambda text: text.replace("secret", "***"))
    errors = [story.attempts[0].error, story.attempts[1].error, story.attempts[2].checks[0].error]
    assert [error and error.args for error in errors] == [("it is ***", "run: ***", "***\n***", 3)] * 3
    assert [error and (error.what, error.action, error.detail) for error in errors] == [
        ("it is ***", "run: ***", "***\n***")
    ] * 3
    assert story.attempts[2].checks[0].description == "it is ***"


def test_no_check_is_made_of_an_action_that_failed() -> None:
    assert run(performance(fails, works)).attempts[0].checks == []


def test_a_story_without_an_action_is_its_checks() -> None:
    assert not run(performance(None, works)).failed
    assert run(performance(None, works, fails)).failed


def test_a_failed_check_is_a_reason_to_try_again() -> None:
    story = run(performance(works, fails_until(2), retries=1))
    assert [len(attempt.failed_checks) for attempt in story.attempts] == [1, 0]
    assert not story.failed


def test_an_action_out_of_time_is_told_with_the_time_it_had() -> None:
    (attempt,) = run(performance(hangs, works, timeout=0.05)).attempts
    assert isinstance(attempt.error, ActionTimedOut)
    assert str(attempt.error) == "timed out after 0.05 s: run: it"
    assert attempt.checks == []
    assert attempt.duration >= 0.05


def test_the_timeout_covers_the_checks() -> None:
    (attempt,) = run(performance(works, works, hangs, works, timeout=0.05)).attempts
    assert str(attempt.error) == "timed out after 0.05 s: run: check2"
    assert [check.error is None for check in attempt.checks] == [True, False]


def test_each_attempt_has_the_whole_timeout() -> None:
    async def work(job: Job) -> None:
        if job.context.attempt == 1:
            await hangs(job)

    story = run(performance(work, timeout=0.05, retries=1))
    assert [isinstance(attempt.error, ActionTimedOut) for attempt in story.attempts] == [True, False]


def test_no_timeout_is_without_end() -> None:
    async def work(job: Job) -> None:
        await asyncio.sleep(0.02)

    assert not run(performance(work, timeout=0)).failed


def test_a_timeout_error_of_the_action_itself_is_not_taken_for_the_storys() -> None:
    async def work(job: Job) -> None:
        raise TimeoutError("the database")

    with pytest.raises(TimeoutError, match="the database"):
        run(performance(work, timeout=60))


async def _cancelled(story: Performance, begun: asyncio.Event) -> Performance:
    task = asyncio.create_task(carried_out(story))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return story


def test_a_cancelled_attempt_keeps_what_it_did() -> None:
    async def scene() -> Performance:
        begun = asyncio.Event()

        async def work(job: Job) -> None:
            begun.set()
            await hangs(job)

        return await _cancelled(performance(work, retries=3), begun)

    (attempt,) = asyncio.run(scene()).attempts
    assert attempt.output.text("stdout") == "it 1\n"
    assert attempt.duration > 0


def test_a_check_that_was_cancelled_did_not_pass() -> None:
    async def scene() -> Performance:
        begun = asyncio.Event()

        async def check(job: Job) -> None:
            begun.set()
            await hangs(job)

        return await _cancelled(performance(works, works, check, works), begun)

    (attempt,) = asyncio.run(scene()).attempts
    assert [check.error is None for check in attempt.checks] == [True, False]
    assert attempt.checks[1].output.text("stdout") == "check2 1\n"


def test_the_pause_between_attempts_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> Performance:
        pausing = asyncio.Event()

        def long_pause(attempt: int) -> float:
            pausing.set()
            return 300.0

        monkeypatch.setattr(attempts, "pause_before", long_pause)
        return await _cancelled(performance(fails, retries=1), pausing)

    assert len(asyncio.run(scene()).attempts) == 1


def test_what_an_action_raises_against_the_rules_comes_through() -> None:
    async def work(job: Job) -> None:
        raise KeyError("a bug of an action")

    with pytest.raises(KeyError):
        run(performance(work, retries=3))


@pytest.mark.parametrize("attempt", [2, 3, 4, 8, 50])
def test_pauses_grow_are_spread_and_have_an_end(attempt: int) -> None:
    longest = min(30.0, 0.5 * 2 ** (attempt - 2))
    pauses = {pause_before(attempt) for _ in range(200)}
    assert all(longest / 2 <= pause <= longest for pause in pauses)
    assert len(pauses) > 1


class Place:
    """A workspace that notes what becomes of it."""

    root = cwd = Path()
    without: frozenset[str] = frozenset()

    def __init__(self, events: list[str], land: Callable[[], Awaitable[None]] | None = None) -> None:
        self._events = events
        self._land = land

    async def land(self) -> Landed:
        self._events.append("land")
        if self._land is not None:
            await self._land()
        self._events.append("landed")
        return Landed(("x",))

    async def leave(self, *, keep: bool) -> str:
        self._events.append("kept" if keep else "removed")
        return "kept: somewhere" if keep else ""


def places(events: list[str], land: Callable[[], Awaitable[None]] | None = None) -> Enter:
    async def enter(attempt: int) -> Workspace:
        events.append(f"enter {attempt}")
        return Place(events, land)

    return enter


async def conflict() -> None:
    raise ActionFailed("merge conflict", "isolation: worktree")


def test_a_story_that_passes_lands_and_its_workspace_is_removed() -> None:
    events: list[str] = []
    story = run(performance(), places(events))
    assert events == ["enter 1", "land", "landed", "removed"]
    assert story.attempts[0].landed == Landed(("x",))
    assert story.attempts[0].kept == ""


@pytest.mark.usefixtures("pauses")
def test_only_the_last_of_failed_attempts_is_kept() -> None:
    events: list[str] = []
    story = run(performance(fails_until(9), retries=2), places(events))
    assert events == ["enter 1", "removed", "enter 2", "removed", "enter 3", "kept"]
    assert [attempt.kept for attempt in story.attempts] == ["", "", "kept: somewhere"]


@pytest.mark.usefixtures("pauses")
def test_work_that_cannot_be_taken_in_is_a_failed_attempt() -> None:
    events: list[str] = []
    story = run(performance(retries=1), places(events, conflict))
    assert events == ["enter 1", "land", "removed", "enter 2", "land", "kept"]
    assert [str(attempt.error) for attempt in story.attempts] == ["merge conflict: isolation: worktree"] * 2


def test_a_failed_check_lands_nothing() -> None:
    events: list[str] = []
    assert run(performance(works, fails_until(9)), places(events)).failed
    assert events == ["enter 1", "kept"]


def test_a_workspace_that_cannot_be_made_is_a_failed_attempt() -> None:
    async def enter(attempt: int) -> Workspace:
        raise ActionFailed("no space", "isolation: worktree")

    story = run(performance(), enter)
    assert str(story.attempts[0].error) == "no space: isolation: worktree"


def test_what_a_cancelled_story_did_is_kept() -> None:
    async def scene() -> None:
        begun = asyncio.Event()

        async def works_for_ever(job: Job) -> None:
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.ensure_future(carried_out(performance(works_for_ever), places(events)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    events: list[str] = []
    asyncio.run(scene())
    assert events == ["enter 1", "kept"]


def test_a_story_that_is_cancelled_while_its_work_is_taken_in_has_passed() -> None:
    async def scene() -> Performance:
        begun, goes_on = asyncio.Event(), asyncio.Event()

        async def land() -> None:
            begun.set()
            await goes_on.wait()

        task = asyncio.ensure_future(carried_out(performance(), places(events, land)))
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        goes_on.set()
        story = await task
        assert not task.cancelling(), "nobody is to take it for cancelled"
        return story

    events: list[str] = []
    story = asyncio.run(scene())
    assert events == ["enter 1", "land", "landed", "removed"]
    assert not story.failed


def test_the_time_of_an_attempt_does_not_run_while_it_waits_for_a_place() -> None:
    async def queues(job: Job) -> None:
        with job.waiting():
            # Longer than the story may take.
            await asyncio.sleep(0.2)

    async def queues_and_hangs(job: Job) -> None:
        await queues(job)
        await hangs(job)

    assert not run(performance(queues, timeout=0.1)).failed
    (attempt,) = run(performance(queues_and_hangs, timeout=0.1)).attempts
    assert isinstance(attempt.error, ActionTimedOut)


def test_the_checks_of_an_agents_work_are_made_where_it_worked() -> None:
    class Noting(LocalExecutor):
        async def run(self, action: Action, job: Job, output: Output) -> None:
            seen.append(job.here)

    async def scene(story: Performance) -> None:
        def job(attempt: int, workspace: Workspace | None) -> Job:
            context = StoryContext("1", "", "shop", Path(), {}, 0, attempt, logging.getLogger("epic.shop"))
            return Job(context, Path())

        await carry_out(story, Noting(), job, lambda attempt, check: Output())

    seen: list[bool] = []
    agent = AgentSpec([sys.executable, "-c", "", "{prompt}"], "command", allow=[], max_iterations=1)
    story = performance(works, works)
    asyncio.run(scene(story))
    story.action = AgentAction(Brief("1", "", "", [], [], agent))
    asyncio.run(scene(story))
    assert seen == [False, False, True]
