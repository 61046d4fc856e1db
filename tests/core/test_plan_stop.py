"""When a run or an epic is stopped: each story is cancelled once, and no wave begins any more."""

from __future__ import annotations

from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import EpicRules, State, Story
from pytest_tapps_waves.core.plan import Cancel, Plan
from pytest_tapps_waves.core.policies.base import Terms, WaveFinished, WaveStarted
from pytest_tapps_waves.core.policies.waves import WavesPolicy

EPIC = "epic_a.yaml"


def plan_of(*stories: Story) -> Plan:
    graph = Graph(stories)
    plan = Plan(graph, WavesPolicy(graph, graph.waves, Terms()), rules={EPIC: EpicRules(limit=0, breaker=0)}, limit=9)
    plan.begin()
    assert set(plan.next()) == set(graph.waves[0])
    return plan


def cancelled(plan: Plan) -> list[str]:
    return [effect.key for effect in plan.effects() if isinstance(effect, Cancel)]


def test_a_story_that_is_being_cancelled_is_not_cancelled_again_when_the_run_is_stopped() -> None:
    """A second cancellation would break off its clean-up."""
    plan = plan_of(Story("a", "a", EPIC, 1, critical=True), Story("b", "b", EPIC, 2), Story("c", "c", "t.py", 3))
    plan.end("a", State.FAILED)
    assert cancelled(plan) == ["b"]
    plan.stop("interrupted")
    assert cancelled(plan) == ["c"]


def test_a_story_that_is_being_cancelled_is_not_cancelled_again_when_another_critical_story_fails() -> None:
    plan = plan_of(*[Story(key, key, EPIC, 1, critical=True) for key in "abc"])
    plan.end("a", State.FAILED)
    assert cancelled(plan) == ["b", "c"]
    plan.end("b", State.FAILED)
    assert cancelled(plan) == []


def test_no_wave_begins_after_the_run_was_stopped() -> None:
    plan = plan_of(Story("a", "a", EPIC, 1), Story("b", "b", EPIC, 2, ("a",)))
    plan.stop("interrupted")
    plan.end("a", State.CANCELLED)
    assert not [effect for effect in plan.effects() if isinstance(effect, WaveStarted) and effect.number == 2]
    assert plan.done


def test_a_stopped_wave_is_finished_when_what_ran_has_ended() -> None:
    plan = plan_of(Story("a", "a", EPIC, 1), Story("b", "b", EPIC, 2, ("a",)))
    plan.stop("interrupted")
    plan.end("a", State.CANCELLED)
    assert [effect.number for effect in plan.effects() if isinstance(effect, WaveFinished)] == [1]
