"""Replays take the time that was worked out by hand."""

from __future__ import annotations

from itertools import cycle

import hypothesis.strategies as st
import pytest
from bookkeeper import World, worlds
from hypothesis import given, settings

from pytest_tapps_waves.core.conflicts import find_conflicts
from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import EpicRules, OnConflict, Story
from pytest_tapps_waves.core.replay import Replay, replayed

EPIC = "epic_a.yaml"
MODERATE = settings(max_examples=200, deadline=None, database=None)


def story(key: str, needs: str = "", file: str = "") -> Story:
    return Story(key, key, EPIC, 1, tuple(needs), (file,) if file else ())


def replay(
    schedule: str, takes: dict[str, float], *stories: Story, limit: int = 9, alone: str = "", beside: str = ""
) -> Replay:
    """:param alone: the letters of stories, as of ``beside``."""
    graph = Graph(stories or [story(key) for key in takes])
    rules = {EPIC: EpicRules(limit=0, on_conflict=OnConflict.SERIALIZE)}
    conflicts = find_conflicts(graph, graph.waves, rules)
    return replayed(
        graph,
        graph.waves,
        schedule,
        takes,
        limit=limit,
        rules=rules,
        conflicts=conflicts,
        alone=alone.__contains__,
        beside=beside.__contains__,
    )


@pytest.mark.parametrize(
    ("schedule", "limit", "makespan", "most"), [("waves", 9, 11, 3), ("eager", 9, 8, 3), ("eager", 2, 8, 2)]
)
def test_a_barrier_costs_what_it_costs(schedule: str, limit: int, makespan: float, most: int) -> None:
    # waves: {a b c} 6, {d e} 4, {f} 1. eager: a-d-f takes 2 + 4 + 1, b-e 6 + 2; by two: a d f c and b e.
    stories = story("a"), story("b"), story("c"), story("d", "a"), story("e", "b"), story("f", "d")
    takes = {"a": 2.0, "b": 6.0, "c": 1.0, "d": 4.0, "e": 2.0, "f": 1.0}
    assert replay(schedule, takes, *stories, limit=limit) == Replay(makespan, frozenset(takes), most)


@pytest.mark.parametrize("schedule", ["waves", "eager"])
def test_the_longest_go_first(schedule: str) -> None:
    # 5 beside 3 and 2; in file order it would be 2 and 5 beside 3.
    assert replay(schedule, {"a": 2.0, "b": 3.0, "c": 5.0}, limit=2).makespan == 5


def test_a_file_is_waited_for() -> None:
    takes = {"a": 5.0, "p": 1.0, "b": 3.0}
    stories = story("a", file="x"), story("p"), story("b", "p", "x")
    assert replay("eager", takes, *stories).makespan == 8
    assert replay("waves", takes, *stories).makespan == 8


def test_serialized_stories_take_one_after_the_other() -> None:
    takes = {"a": 2.0, "b": 3.0}
    assert replay("eager", takes, story("a", file="x"), story("b", file="x")).makespan == 5


def test_what_runs_alone_waits_for_tests_but_not_for_commands_and_lets_nothing_start_meanwhile() -> None:
    takes = {"a": 4.0, "t": 2.0, "s": 3.0, "b": 1.0}
    stories = story("a"), story("t"), story("s"), story("b", "a")
    # s waits for the async test t and runs from 2 to 5, while a ends at 4: b begins when s has ended.
    assert replay("eager", takes, *stories).makespan == 5
    assert replay("eager", takes, *stories, alone="s", beside="ts").makespan == 6
    # If t is a command, s does not wait.
    assert replay("eager", takes, *stories, alone="s", beside="s").makespan == 5


def test_what_is_not_run_takes_no_time() -> None:
    graph = Graph([story("a", file="x"), story("b", file="x"), story("c", "a"), story("d")])
    rules = {EPIC: EpicRules(limit=0)}
    conflicts = find_conflicts(graph, graph.waves, rules)
    takes = dict.fromkeys("abcd", 2.0)
    found = replayed(graph, graph.waves, "eager", takes, limit=4, rules=rules, conflicts=conflicts)
    assert found == Replay(2.0, frozenset("d"), 1)


def test_a_run_of_nothing_takes_no_time() -> None:
    assert replay("waves", {}) == Replay(0.0, frozenset(), 0)


@MODERATE
@given(world=worlds(), takes=st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=10))
def test_a_replay_runs_what_a_run_without_failures_does_and_keeps_within_bounds(
    world: World, takes: list[float]
) -> None:
    durations = dict(zip(world.graph.stories, cycle(takes), strict=False))
    found = {
        schedule: replayed(
            world.graph,
            world.waves,
            schedule,
            durations,
            limit=world.limit,
            rules=world.rules,
            conflicts=world.conflicts,
            dependency_rules=world.dependency_rules,
        )
        for schedule in ("waves", "eager")
    }
    assert found["waves"].ran == found["eager"].ran
    work = sum(durations[key] for key in found["eager"].ran)
    for replay in found.values():
        assert work / world.limit <= replay.makespan + 1e-9
        assert replay.makespan <= work + 1e-9
        assert replay.most_at_once <= world.limit
