"""What the eager schedule starts, and when; what holds for every graph is in test_plan_properties.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from pytest_tapps_waves.core.conflicts import find_conflicts
from pytest_tapps_waves.core.graph import Graph, Waves
from pytest_tapps_waves.core.model import EpicRules, OnConflict, State, Story
from pytest_tapps_waves.core.plan import Plan
from pytest_tapps_waves.core.policies.base import Terms
from pytest_tapps_waves.core.policies.eager import EagerPolicy
from pytest_tapps_waves.core.policies.waves import WavesPolicy
from pytest_tapps_waves.core.turns import find_turns

EPIC = "epic_a.yaml"
PASSED, FAILED = State.PASSED, State.FAILED


def story(key: str, needs: str = "", file: str = "", **more: Any) -> Story:
    """:param needs: the one-letter keys of its dependencies."""
    files = (file,) if file else ()
    return Story(key, key, more.pop("epic", EPIC), ord(key[0]), tuple(needs), files=files, **more)


def plan_of(
    *stories: Story, run: int = 9, takes: dict[str, float] | None = None, waves: Waves | None = None, **rules: Any
) -> Plan:
    """A plan that has begun, of ``run`` stories at once.

    :param takes: how long stories are thought to take.
    """
    graph = Graph(stories)
    by_epic = {EPIC: EpicRules(**{"limit": 0, "breaker": 0, "fail_fast": False, **rules})}
    waves = waves or graph.waves
    conflicts = find_conflicts(graph, waves, by_epic)
    policy = EagerPolicy(graph, waves, Terms(takes or {}, partial(find_turns, graph, waves, by_epic), conflicts))
    plan = Plan(graph, policy, rules=by_epic, conflicts=conflicts, limit=run)
    plan.begin()
    return plan


def start(plan: Plan) -> str:
    return "".join(plan.next())


def test_a_story_starts_when_its_own_dependencies_have_passed() -> None:
    plan = plan_of(story("a"), story("b"), story("c", "a"), story("d", "c"))
    assert start(plan) == "ab"
    plan.end("a", PASSED)
    assert start(plan) == "c"
    plan.end("c", PASSED)
    assert start(plan) == "d"


def test_the_longest_remaining_path_starts_first() -> None:
    stories = story("a"), story("b"), story("c", "a"), story("d", "b")
    assert start(plan_of(*stories, run=1, takes={"a": 1, "b": 2, "c": 5, "d": 3})) == "a"
    assert start(plan_of(*stories, run=1, takes={"a": 1, "b": 2, "c": 5, "d": 5})) == "b"


def test_without_durations_the_most_remaining_steps_start_first_and_of_equal_ones_the_first() -> None:
    plan = plan_of(story("x"), story("a"), story("b", "a"), story("c", "b"), story("y"), story("d", "y"), run=3)
    assert start(plan) == "ayx"


def test_what_waits_at_a_file_counts_as_what_remains() -> None:
    stories = story("a"), story("b", file="f"), story("p"), story("c", "p", file="f")
    assert start(plan_of(*stories, run=1, takes={"a": 3, "b": 1, "p": 1, "c": 9})) == "b"


def test_what_waits_in_a_serialized_conflict_counts_too() -> None:
    stories = story("z"), story("a", file="f"), story("b", file="f"), story("c", file="f")
    plan = plan_of(*stories, run=1, takes={"z": 5, "a": 2, "b": 2, "c": 2}, on_conflict=OnConflict.SERIALIZE)
    assert start(plan) == "a"


def test_stories_of_one_line_can_be_serialized_in_whichever_order_a_hook_puts_them() -> None:
    stories = [Story(key, key, EPIC, 1, files=("f",)) for key in "abc"]
    plan = plan_of(*stories, waves=(("c", "a", "b"),), on_conflict=OnConflict.SERIALIZE)
    assert start(plan) == "a"


@pytest.mark.parametrize("policy", [OnConflict.FAIL, OnConflict.SERIALIZE, OnConflict.WARN])
def test_a_story_of_a_later_wave_waits_for_the_file(policy: OnConflict) -> None:
    plan = plan_of(story("a", file="f"), story("p"), story("b", "p", file="f"), on_conflict=policy)
    assert start(plan) == "ap"
    plan.end("p", PASSED)
    assert start(plan) == ""
    plan.end("a", FAILED)
    assert start(plan) == "b"


def test_whoever_is_first_in_the_file_the_story_of_the_earlier_wave_goes_first() -> None:
    # The one in front depends, through others, on the one behind it.
    plan = plan_of(story("a", "c", file="f"), story("b", file="f"), story("c", "b"))
    for key in "bca":
        assert start(plan) == key
        plan.end(key, PASSED)


def test_what_is_not_run_holds_no_file_but_keeps_the_order_of_the_others() -> None:
    stories = [story("a", file="f"), story("p"), story("b", "p", file="f"), story("q", "p"), story("c", "q", file="f")]
    plan = plan_of(*stories)
    assert start(plan) == "ap"
    plan.end("p", PASSED)
    assert start(plan) == "q"
    plan.end("q", PASSED)
    assert start(plan) == ""
    plan.end("a", PASSED)
    assert start(plan) == "b"
    plan.end("b", PASSED)
    assert start(plan) == "c"


def test_a_story_that_is_settled_before_its_turn_does_not_let_go_those_after_it() -> None:
    stories = [story("a", file="f"), story("p"), story("b", "p", file="f"), story("q"), story("r", "q")]
    plan = plan_of(*stories, story("c", "r", file="f"))
    assert start(plan) == "apq"
    plan.end("p", FAILED)
    plan.end("q", PASSED)
    assert plan.states["b"] is State.SKIPPED
    assert start(plan) == "r"
    plan.end("r", PASSED)
    assert start(plan) == ""
    plan.end("a", PASSED)
    assert start(plan) == "c"


def test_stories_of_one_wave_that_only_warn_may_overlap_as_they_do_in_waves() -> None:
    assert start(plan_of(story("a", file="f"), story("b", file="f"), on_conflict=OnConflict.WARN)) == "ab"


def test_epics_without_conflict_detection_do_not_wait() -> None:
    plan = plan_of(story("a", file="f"), story("p"), story("b", "p", file="f"), on_conflict=OnConflict.OFF)
    assert start(plan) == "pa"
    plan.end("p", PASSED)
    assert start(plan) == "b"


def test_the_verdict_on_conflicts_is_that_of_the_plan() -> None:
    plan = plan_of(story("a", file="f"), story("b", file="f"), story("c"), story("d", "c", file="f"))
    assert {key for key, state in plan.states.items() if state is State.REFUSED} == {"a", "b"}
    assert start(plan) == "c"
    plan.end("c", PASSED)
    assert start(plan) == "d"


def test_barriers_that_a_hook_adds_are_none() -> None:
    graph = Graph([story("a"), story("b")])
    assert start(plan_of(*graph.stories.values(), waves=(("a",), ("b",)))) == "ab"


def test_no_wave_starts_or_ends() -> None:
    plan = plan_of(story("a"), story("b", "a"))
    for key in "ab":
        assert start(plan) == key
        plan.end(key, PASSED)
    assert (plan.effects(), plan.done) == ([], True)


def test_waves_too_start_with_what_takes_longest() -> None:
    graph = Graph([story(key) for key in "abc"])
    for takes, order in (({"a": 1.0, "b": 3.0, "c": 2.0}, "bca"), ({}, "abc"), (dict.fromkeys("abc", 2.0), "abc")):
        plan = Plan(graph, WavesPolicy(graph, graph.waves, Terms(takes)), limit=3)
        plan.begin()
        assert start(plan) == order
