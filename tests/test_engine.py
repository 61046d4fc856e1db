"""The engine drives a real plan on a real loop; only the stories' work is made up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import EpicRules, State, Story
from pytest_tapps_waves.core.plan import Cancel, Effect, Plan, Settled
from pytest_tapps_waves.core.policies.base import Terms, WaveStarted
from pytest_tapps_waves.core.policies.waves import WavesPolicy
from pytest_tapps_waves.engine import Engine

EPIC = "epic_shop.yaml"


class Stage:
    """A run of some stories, and what was seen of it."""

    def __init__(self, *stories: str, limit: int = 3, breaker: int = 0, fail_fast: bool = True) -> None:
        """:param stories: each as ``key``, ``key!`` for a critical one, or ``key: dependency dependency``."""
        made = []
        for line, text in enumerate(stories, 1):
            name, _, dependencies = text.partition(":")
            key = name.removesuffix("!")
            made.append(Story(key, key, EPIC, line, tuple(dependencies.split()), critical=name.endswith("!")))
        graph = Graph(made)
        rules = EpicRules(limit=0, fail_fast=fail_fast, breaker=breaker)
        self.plan = Plan(graph, WavesPolicy(graph, graph.waves, Terms()), rules={EPIC: rules}, limit=limit)
        self.engine = Engine(self.plan, self._perform, self._on_effect)
        self.work: dict[str, Callable[[], Coroutine[Any, Any, State]]] = {}
        self.on_effect: Callable[[Effect], None] = lambda effect: None
        self.started: list[str] = []
        self.ended: list[str] = []
        self.verdicts: dict[str, str] = {}
        self.running = self.most = 0

    async def run(self) -> None:
        self.plan.begin()
        async with asyncio.timeout(20):
            await self.engine.run()

    def states(self) -> dict[str, str]:
        return {key: state.value for key, state in self.plan.states.items()}

    def _on_effect(self, effect: Effect) -> None:
        self.on_effect(effect)

    async def _perform(self, key: str, verdict: Settled | None) -> tuple[State, str]:
        if verdict is not None:
            self.verdicts[key] = verdict.reason
            return verdict.state, verdict.reason
        self.started.append(key)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return await self.work.get(key, passes)(), ""
        except asyncio.CancelledError:
            return State.CANCELLED, self.engine.cancel_reason(key)
        finally:
            self.running -= 1
            self.ended.append(key)


async def passes() -> State:
    await asyncio.sleep(0)
    return State.PASSED


async def fails() -> State:
    await asyncio.sleep(0)
    return State.FAILED


async def hangs() -> State:
    await asyncio.Event().wait()
    return State.PASSED


def raises(error: BaseException) -> Callable[[], Coroutine[Any, Any, State]]:
    async def work() -> State:
        await asyncio.sleep(0)
        raise error

    return work


def test_stories_run_after_their_dependencies_and_no_more_at_once_than_allowed() -> None:
    stage = Stage("a", "b", "c", "d", "e", "f: a e", limit=2)
    asyncio.run(stage.run())
    assert set(stage.states().values()) == {"passed"}
    assert stage.most == 2
    assert stage.started == ["a", "b", "c", "d", "e", "f"]


def test_stories_of_a_wave_are_under_way_together() -> None:
    stage = Stage("a", "b", "c")
    together = asyncio.Barrier(3)

    async def meets() -> State:
        await together.wait()
        return State.PASSED

    stage.work = dict.fromkeys("abc", meets)
    asyncio.run(stage.run())
    assert set(stage.states().values()) == {"passed"}


def test_it_is_known_how_long_each_story_that_was_run_took_and_all_of_them() -> None:
    stage = Stage("a", "b: a", "c", "d: c")
    stage.work["c"] = fails
    assert stage.engine.took == 0
    asyncio.run(stage.run())
    durations = stage.engine.durations
    assert set(durations) == {"a", "b", "c"}
    assert 0 < durations["a"] + durations["b"] <= stage.engine.took


def test_a_run_of_nothing_ends() -> None:
    asyncio.run(Stage().run())


def test_what_depends_on_a_failure_is_reported_and_not_run() -> None:
    stage = Stage("a", "b: a", "c: b", "d")
    stage.work["a"] = fails
    asyncio.run(stage.run())
    assert stage.started == ["a", "d"]
    assert stage.verdicts == {"b": "b depends on a, which failed", "c": "c depends on b, which was skipped"}


def test_a_critical_failure_cancels_what_runs_and_tells_it_why() -> None:
    stage = Stage("a!", "b", "c: b")
    stage.work = {"a": fails, "b": hangs}
    asyncio.run(stage.run())
    assert stage.states() == {"a": "failed", "b": "cancelled", "c": "skipped"}
    assert stage.plan.reasons["b"] == "cancelled: critical story a failed"


def test_a_story_that_is_cancelled_before_its_first_step_is_reported_and_not_run() -> None:
    stage = Stage("a", "b")
    stage.plan._effects.append(Cancel("a", "cancelled: no longer wanted"))
    asyncio.run(stage.run())
    assert stage.started == ["b"]
    assert stage.verdicts == {"a": "cancelled: no longer wanted"}
    assert stage.states() == {"a": "cancelled", "b": "passed"}


def test_cancelled_while_it_decides_it_still_ends_each_story_that_it_starts() -> None:
    stage = Stage("a", "b", "c", limit=2)
    stage.work = dict.fromkeys("abc", hangs)

    async def scene() -> None:
        task = asyncio.create_task(stage.run())

        def listen(effect: Effect) -> None:
            task.cancel()

        stage.on_effect = listen
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())
    assert sorted(stage.ended) == ["a", "b"]
    assert stage.states() == {"a": "cancelled", "b": "cancelled", "c": "not started"}


@pytest.mark.parametrize("error", [KeyError("a bug"), SystemError("worse"), pytest.exit.Exception("enough")])
def test_what_a_story_lets_out_stops_the_run_and_is_raised_when_all_have_ended(error: BaseException) -> None:
    stage = Stage("a", "b", "c: a", "d", limit=2)
    stage.work = {"a": raises(error), "b": hangs}
    with pytest.raises(type(error)) as raised:
        asyncio.run(stage.run())
    assert raised.value is error
    assert sorted(stage.ended) == ["a", "b"]
    assert stage.states() == {"a": "cancelled", "b": "cancelled", "c": "not started", "d": "not started"}


@pytest.mark.parametrize("error", [KeyError("a bug"), pytest.exit.Exception("enough")])
def test_what_a_listener_lets_out_stops_the_run_and_is_raised_when_all_have_ended(error: BaseException) -> None:
    stage = Stage("a", "b: a", "c", "d", breaker=1)
    stage.work = {"a": fails, "c": hangs, "d": hangs}

    def listen(effect: Effect) -> None:
        if not isinstance(effect, WaveStarted):
            raise error

    stage.on_effect = listen
    with pytest.raises(type(error)) as raised:
        asyncio.run(stage.run())
    assert raised.value is error
    assert sorted(stage.ended) == ["a", "c", "d"]
    assert "b" in stage.verdicts


def test_a_listener_that_fails_at_once_lets_nothing_start() -> None:
    stage = Stage("a", "b")

    def listen(effect: Effect) -> None:
        raise KeyError

    stage.on_effect = listen
    with pytest.raises(KeyError):
        asyncio.run(stage.run())
    assert stage.started == []


def test_stopped_it_starts_nothing_more_and_cancels_what_runs() -> None:
    stage = Stage("a", "b", "c", limit=2)

    async def stops() -> State:
        stage.engine.stop("enough")
        return State.PASSED

    stage.work = {"a": hangs, "b": stops}
    asyncio.run(stage.run())
    assert stage.states() == {"a": "cancelled", "b": "passed", "c": "not started"}
    assert stage.plan.reasons["a"] == "cancelled: enough"


def test_stopped_twice_the_first_reason_stays() -> None:
    stage = Stage("a", "b")

    async def stops() -> State:
        stage.engine.stop("first")
        stage.engine.stop("second")
        return State.PASSED

    stage.work = {"a": hangs, "b": stops}
    asyncio.run(stage.run())
    assert stage.plan.reasons["a"] == "cancelled: first"


def test_cancelled_it_waits_until_what_runs_has_cleaned_up() -> None:
    stage = Stage("a", "b: a")
    cleaned: list[str] = []
    begun = asyncio.Event()

    async def cleans_up() -> State:
        begun.set()
        try:
            return await hangs()
        finally:
            await asyncio.sleep(0.01)
            cleaned.append("a")

    stage.work["a"] = cleans_up

    async def scene() -> None:
        task = asyncio.create_task(stage.run())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())
    assert cleaned == ["a"]
    assert stage.states() == {"a": "cancelled", "b": "not started"}
    assert stage.plan.reasons["a"] == "cancelled: interrupted"


def test_a_story_may_end_as_it_likes_after_it_was_cancelled() -> None:
    stage = Stage("a!", "b")

    async def ends_well() -> State:
        try:
            return await hangs()
        except asyncio.CancelledError:
            return State.PASSED

    stage.work = {"a": fails, "b": ends_well}
    asyncio.run(stage.run())
    assert stage.states() == {"a": "failed", "b": "passed"}


def test_no_task_is_left_behind() -> None:
    stage = Stage("a!", "b", "c: b", "d")
    stage.work = {"a": fails, "b": hangs, "d": hangs}

    async def scene() -> int:
        await stage.run()
        return len(asyncio.all_tasks())

    assert asyncio.run(scene()) == 1
