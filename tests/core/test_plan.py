"""What a plan decides, one decision at a time; what holds for every plan is in test_plan_properties.py."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_tapps_waves.core.conflicts import find_conflicts
from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import DependencyAction, DependencyRules, EpicRules, OnConflict, State, Story
from pytest_tapps_waves.core.plan import Cancel, Effect, Plan, Settled, Tripped
from pytest_tapps_waves.core.policies.base import Terms, WaveFinished, WaveStarted
from pytest_tapps_waves.core.policies.waves import WavesPolicy

EPIC, OTHER = "epic_a.yaml", "epic_b.yaml"
OPEN, PASSED, FAILED = "circuit breaker open", State.PASSED, State.FAILED


def story(key: str, needs: str = "", file: str = "", **more: Any) -> Story:
    """:param needs: the one-letter keys of its dependencies."""
    files = (file,) if file else ()
    return Story(key, key, more.pop("epic", EPIC), ord(key[0]), tuple(needs), files=files, **more)


def plan_of(*stories: Story, run: int = 9, dependency_rules: DependencyRules | None = None, **rules: Any) -> Plan:
    """A plan that has begun, of ``run`` stories at once and with ``rules`` for both epics; its effects are not read."""
    graph = Graph(stories)
    by_epic = dict.fromkeys((EPIC, OTHER), EpicRules(**{"limit": 0, "breaker": 0, "fail_fast": False, **rules}))
    conflicts = find_conflicts(graph, graph.waves, by_epic)
    policy = WavesPolicy(graph, graph.waves, Terms())
    plan = Plan(graph, policy, rules=by_epic, conflicts=conflicts, limit=run, dependency_rules=dependency_rules)
    plan.begin()
    return plan


def decided(plan: Plan) -> list[Effect]:
    """The effects since the last call, but for those of waves."""
    return [effect for effect in plan.effects() if not isinstance(effect, WaveStarted | WaveFinished)]


def start(plan: Plan) -> str:
    return "".join(plan.next())


def fail(plan: Plan, keys: str) -> list[Effect]:
    for key in keys:
        plan.end(key, FAILED)
    return decided(plan)


@pytest.mark.parametrize(
    ("state", "word"),
    [(State.FAILED, "failed"), (State.SKIPPED, "was skipped"), (State.CANCELLED, "was cancelled")],
)
def test_what_depends_on_a_story_that_did_not_pass_is_skipped_down_the_chain(state: State, word: str) -> None:
    plan = plan_of(story("a"), story("b", "a"), story("c", "b"))
    assert start(plan) == "a"
    plan.end("a", state)
    assert decided(plan) == [
        Settled("b", State.SKIPPED, f"b depends on a, which {word}"),
        Settled("c", State.SKIPPED, "c depends on b, which was skipped"),
    ]
    assert plan.done
    assert plan.reasons["b"] == f"b depends on a, which {word}"


def test_a_dependency_of_another_epic_is_named_in_full() -> None:
    plan = plan_of(Story("x.yaml::1", "1", "x.yaml", 1), Story("y.yaml::1", "1", "y.yaml", 1, ("x.yaml::1",)))
    plan.next()
    plan.end("x.yaml::1", FAILED)
    assert decided(plan) == [Settled("y.yaml::1", State.SKIPPED, "1 depends on x.yaml::1, which failed")]


def test_the_first_dependency_that_did_not_pass_is_the_reason() -> None:
    plan = plan_of(story("a"), story("b"), story("c", "ab"))
    start(plan)
    assert fail(plan, "ba") == [Settled("c", State.SKIPPED, "c depends on b, which failed")]


@pytest.mark.parametrize("state", [State.PASSED, State.DOCUMENTED])
def test_what_depends_on_a_story_that_passed_or_had_nothing_to_run_is_run(state: State) -> None:
    plan = plan_of(story("a"), story("b", "a"))
    start(plan)
    plan.end("a", state)
    assert (decided(plan), start(plan)) == ([], "b")


def test_a_failed_dependency_may_be_passed_over() -> None:
    plan = plan_of(story("a"), story("b", "a"), dependency_rules=DependencyRules(failed=DependencyAction.RUN))
    start(plan)
    assert (fail(plan, "a"), start(plan)) == ([], "b")


def test_a_failed_dependency_may_fail_what_depends_on_it() -> None:
    rules = DependencyRules(failed=DependencyAction.FAIL)
    plan = plan_of(story("a"), story("b", "a"), story("c", "b"), dependency_rules=rules)
    start(plan)
    assert fail(plan, "a") == [
        Settled("b", State.REFUSED, "b depends on a, which failed"),
        Settled("c", State.REFUSED, "c depends on b, which failed"),
    ]


@pytest.mark.parametrize(
    ("action", "state"), [(DependencyAction.SKIP, State.SKIPPED), (DependencyAction.FAIL, State.REFUSED)]
)
def test_a_story_whose_dependency_is_not_in_the_run_is_not_run(action: DependencyAction, state: State) -> None:
    rules = DependencyRules(missing=action)
    lost = story("a", missing=("7.4", "t.py::up"), missing_words="which is deselected")
    plan = plan_of(lost, story("b", "a"), story("c"), dependency_rules=rules)
    word = "was skipped" if state is State.SKIPPED else "failed"
    assert decided(plan) == [
        Settled("a", state, "a depends on 7.4, t.py::up, which is deselected"),
        Settled("b", State.SKIPPED, f"b depends on a, which {word}"),
    ]
    assert start(plan) == "c"


def test_a_missing_dependency_may_be_passed_over() -> None:
    rules = DependencyRules(missing=DependencyAction.RUN)
    plan = plan_of(story("a", missing=("7.4",)), story("b", "a"), dependency_rules=rules)
    assert (decided(plan), start(plan)) == ([], "a")


def test_a_conflict_refuses_its_stories_and_skips_what_depends_on_them() -> None:
    plan = plan_of(story("a", file="/x"), story("b", file="/x"), story("c"), story("d", "a"))
    why = "a and b are both in wave 1 and both affect /x (epic_a.yaml:97, :98)"
    assert decided(plan) == [
        Settled("a", State.REFUSED, why),
        Settled("b", State.REFUSED, why),
        Settled("d", State.SKIPPED, "d depends on a, which failed"),
    ]
    assert start(plan) == "c"


def test_serialized_stories_go_one_after_the_other_in_file_order() -> None:
    files = [story("c", file="/x"), story("a", file="/x"), story("b", file="/x"), story("d", file="/y")]
    plan = plan_of(*files, on_conflict=OnConflict.SERIALIZE)
    assert decided(plan) == []
    assert start(plan) == "ad"
    plan.end("a", FAILED)
    assert start(plan) == "b"
    plan.end("d", PASSED)
    assert start(plan) == ""
    plan.end("b", PASSED)
    assert start(plan) == "c"


def test_a_serialized_story_that_is_settled_early_does_not_let_go_those_after_it() -> None:
    files = [story("a", file="/x"), story("b", file="/x", missing=("z",)), story("c", file="/x")]
    plan = plan_of(*files, on_conflict=OnConflict.SERIALIZE)
    assert start(plan) == "a"
    assert plan.states["b"] is State.SKIPPED
    plan.end("a", PASSED)
    assert start(plan) == "c"


def test_nor_does_it_let_go_the_one_before_it_ahead_of_its_wave() -> None:
    files = [story("a", "q", "/x"), story("b", "p", "/x"), story("c", "q", "/x")]
    plan = plan_of(*[story(key) for key in "pqr"], *files, on_conflict=OnConflict.SERIALIZE)
    assert start(plan) == "pqr"
    plan.end("q", PASSED)
    plan.end("p", FAILED)
    assert start(plan) == ""
    plan.end("r", PASSED)
    assert start(plan) == "a"


def test_a_serialized_chain_goes_on_when_its_first_story_is_not_run() -> None:
    files = [story("a", file="/x", missing=("z",)), story("b", file="/x"), story("c", file="/x")]
    assert start(plan_of(*files, on_conflict=OnConflict.SERIALIZE)) == "b"


def test_a_story_of_two_serialized_conflicts_waits_for_both() -> None:
    both = Story("c", "c", EPIC, 99, files=("/x", "/y"))
    plan = plan_of(story("a", file="/x"), story("b", file="/y"), both, on_conflict=OnConflict.SERIALIZE)
    assert start(plan) == "ab"
    plan.end("a", PASSED)
    assert start(plan) == ""
    plan.end("b", PASSED)
    assert start(plan) == "c"


@pytest.mark.parametrize("policy", [OnConflict.WARN, OnConflict.OFF])
def test_a_conflict_that_is_only_told_of_holds_nothing_back(policy: OnConflict) -> None:
    plan = plan_of(story("a", file="/x"), story("b", file="/x"), on_conflict=policy)
    assert (decided(plan), start(plan)) == ([], "ab")


def test_a_tripped_breaker_skips_the_rest_of_its_epic_and_lets_running_stories_finish() -> None:
    stories = [story(key) for key in "abcd"]
    plan = plan_of(*stories, story("e", "a"), story("f", "e"), story("x", epic=OTHER), run=4, breaker=2)
    assert start(plan) == "abcd"
    assert fail(plan, "b") == []
    rest = [Settled("e", State.SKIPPED, OPEN), Settled("f", State.SKIPPED, OPEN)]
    assert fail(plan, "a") == [Tripped(EPIC, ("b", "a")), *rest]
    assert plan.running == {"c", "d"}
    assert start(plan) == "x"
    assert fail(plan, "c") == []
    plan.end("d", PASSED)
    assert not plan.done
    plan.end("x", PASSED)
    assert plan.done


def test_a_tripped_breaker_stops_stories_that_are_ready() -> None:
    plan = plan_of(*[story(key) for key in "abc"], run=1, breaker=1)
    assert start(plan) == "a"
    rest = [Settled("b", State.SKIPPED, OPEN), Settled("c", State.SKIPPED, OPEN)]
    assert fail(plan, "a") == [Tripped(EPIC, ("a",)), *rest]
    assert (start(plan), plan.done) == ("", True)


def test_what_depends_on_a_stopped_epic_is_skipped_for_that() -> None:
    plan = plan_of(story("a"), story("b"), story("x", "b", epic=OTHER), run=1, breaker=1)
    start(plan)
    assert fail(plan, "a")[-1] == Settled("x", State.SKIPPED, "x depends on b, which was skipped")


@pytest.mark.parametrize(
    ("between", "trips"),
    [(State.PASSED, False), (State.SKIPPED, True), (State.DOCUMENTED, True), (State.CANCELLED, True)],
)
def test_of_what_ends_between_two_failures_only_a_pass_resets_the_count(between: State, trips: bool) -> None:
    plan = plan_of(*[story(key) for key in "abc"], breaker=2)
    start(plan)
    plan.end("a", FAILED)
    plan.end("b", between)
    assert fail(plan, "c") == ([Tripped(EPIC, ("a", "c"))] if trips else [])


def test_a_breaker_of_zero_never_trips() -> None:
    plan = plan_of(*[story(key) for key in "abcdef"], story("g"), run=6, breaker=0)
    assert start(plan) == "abcdef"
    assert (fail(plan, "abcdef"), start(plan)) == ([], "g")


def test_failures_of_another_epic_do_not_count() -> None:
    plan = plan_of(story("a"), story("x", epic=OTHER), story("b"), breaker=2)
    start(plan)
    assert fail(plan, "ax") == []
    assert fail(plan, "b") == [Tripped(EPIC, ("a", "b"))]


def test_under_fail_fast_a_failed_critical_story_cancels_its_epic_and_skips_the_rest() -> None:
    stories = [story("b"), story("a", critical=True), story("c"), story("d", "a"), story("x", epic=OTHER)]
    plan = plan_of(*stories, run=3, fail_fast=True)
    assert start(plan) == "bac"
    why = "cancelled: critical story a failed"
    assert fail(plan, "a") == [Cancel("b", why), Cancel("c", why), Settled("d", State.SKIPPED, why)]
    assert start(plan) == "x"
    for key in "bcx":
        plan.end(key, State.CANCELLED)
    assert (decided(plan), plan.done) == ([], True)


@pytest.mark.parametrize(("critical", "fail_fast"), [(True, False), (False, True)])
def test_only_both_together_stop_an_epic(critical: bool, fail_fast: bool) -> None:
    plan = plan_of(story("a", critical=critical), story("b"), story("c"), run=2, fail_fast=fail_fast)
    start(plan)
    assert (fail(plan, "a"), start(plan)) == ([], "c")


def test_a_stopped_run_cancels_what_runs_and_starts_nothing_more() -> None:
    plan = plan_of(story("b"), story("a"), story("c"), story("d", "a"), run=2)
    start(plan)
    plan.stop("interrupted")
    assert decided(plan) == [Cancel("b", "cancelled: interrupted"), Cancel("a", "cancelled: interrupted")]
    assert {key for key, state in plan.states.items() if state is State.NOT_STARTED} == {"c", "d"}
    plan.stop("again")
    plan.end("a", PASSED)
    plan.end("b", State.CANCELLED)
    assert (decided(plan), start(plan), plan.stopped, plan.done) == ([], "", "interrupted", True)


def test_the_run_starts_no_more_than_its_limit_in_file_order() -> None:
    plan = plan_of(*[story(key) for key in "dcba"], run=2)
    assert (start(plan), start(plan)) == ("dc", "")
    plan.end("c", PASSED)
    assert start(plan) == "b"


def test_an_epic_at_its_limit_leaves_its_slots_to_others_and_then_goes_on_in_order() -> None:
    plan = plan_of(*[story(key) for key in "abcd"], story("x", epic=OTHER), run=3, limit=1)
    assert start(plan) == "ax"
    for ended, started in ("ab", "bc", "cd"):
        plan.end(ended, PASSED)
        assert start(plan) == started


def test_a_budget_that_is_used_up_starts_nothing_more_of_its_epic_and_lets_the_rest_go_on() -> None:
    plan = plan_of(story("a"), story("b"), story("c", "a"), story("d", epic=OTHER), run=2)
    assert start(plan) == "ab"
    plan.spent(EPIC, ["a"], "used up")
    assert decided(plan) == [Tripped(EPIC, ("a",), "used up"), Settled("c", State.SKIPPED, OPEN)]
    plan.end("a", PASSED)
    plan.end("b", PASSED)
    assert start(plan) == "d"
    plan.end("d", PASSED)
    assert plan.done


def test_a_breaker_opens_once_whatever_opens_it() -> None:
    plan = plan_of(story("a"), story("b"), story("c"), run=2, breaker=1)
    assert start(plan) == "ab"
    plan.spent(EPIC, ["a"], "used up")
    plan.spent(EPIC, ["a", "b"], "used up")
    assert [effect for effect in fail(plan, "a") if isinstance(effect, Tripped)] == [Tripped(EPIC, ("a",), "used up")]
