"""What the graph promises: its waves, the cycle as a path, a longest chain, and checked waves of others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pytest_tapps_waves.core.graph import CycleFound, Graph
from pytest_tapps_waves.core.model import Story
from pytest_tapps_waves.errors import WavesError

MODERATE = settings(max_examples=200, deadline=None, database=None)


def graph_of(edges: Mapping[str, str]) -> Graph:
    """Stories in file order, each with the letters that it depends on."""
    return Graph(
        Story(key, key, "epic_a.yaml", line, dependencies=tuple(needs))
        for line, (key, needs) in enumerate(edges.items(), 1)
    )


@st.composite
def acyclic(draw: st.DrawFn) -> dict[str, str]:
    keys = "abcdefgh"[: draw(st.integers(0, 8))]
    edges = {key: draw(st.text(keys[:place], max_size=3)) if place else "" for place, key in enumerate(keys)}
    return {key: edges[key] for key in draw(st.permutations(keys))}


def test_a_wave_comes_right_after_the_last_dependency() -> None:
    graph = graph_of({"a": "", "b": "a", "c": "", "d": "ab", "e": "c"})
    assert graph.waves == (("a", "c"), ("b", "e"), ("d",))


def test_a_wave_is_in_file_order_whichever_dependency_let_it_go_first() -> None:
    assert graph_of({"a": "z", "b": "y", "y": "", "z": ""}).waves == (("y", "z"), ("a", "b"))


def test_no_stories_make_no_waves() -> None:
    graph = graph_of({})
    assert (graph.waves, graph.critical_path()) == ((), [])


def test_a_dependency_named_twice_counts_once() -> None:
    graph = graph_of({"a": "", "b": "aa"})
    assert graph.waves == (("a",), ("b",))
    assert list(graph.dependents["a"]) == ["b"]


@MODERATE
@given(acyclic())
def test_every_story_is_one_wave_past_its_latest_dependency(edges: dict[str, str]) -> None:
    waves = graph_of(edges).waves
    wave_of = {key: number for number, wave in enumerate(waves) for key in wave}
    assert sorted(key for wave in waves for key in wave) == sorted(edges)
    for key, needs in edges.items():
        assert wave_of[key] == max((wave_of[need] + 1 for need in needs), default=0)


def test_a_long_chain_needs_no_recursion() -> None:
    last = 5_000
    graph = Graph(
        Story(str(number), str(number), "epic_a.yaml", 1, (str(number + 1),) if number < last else ())
        for number in range(last + 1)
    )
    backwards = [str(number) for number in range(last, -1, -1)]
    assert (graph.critical_path(), len(graph.waves)) == (backwards, last + 1)


@pytest.mark.parametrize(
    ("edges", "path"),
    [
        ({"a": "a"}, "a"),
        ({"a": "b", "b": "a"}, "ab"),
        ({"a": "", "b": "ad", "c": "b", "d": "c"}, "bdc"),
        ({"x": "c", "b": "d", "c": "b", "d": "c"}, "bdc"),
        ({"b": "d", "c": "b", "d": "c", "z": "c"}, "bdc"),
    ],
    ids=["itself", "a pair", "beside a good story", "what leads to it is left out", "what follows it is left out"],
)
def test_a_cycle_is_a_path_along_dependencies_from_its_first_story(edges: dict[str, str], path: str) -> None:
    with pytest.raises(CycleFound) as caught:
        graph_of(edges)
    assert caught.value.path == tuple(path)


@pytest.mark.parametrize(
    ("edges", "path"),
    [
        ({"a": "", "b": "a", "c": "b", "d": ""}, "abc"),
        ({"a": "", "b": "", "c": "ba"}, "ac"),
        ({"a": "", "b": "", "c": "b", "d": "a"}, "bc"),
        ({"a": "", "b": ""}, "a"),
    ],
    ids=["the longest chain", "the first dependency", "the first end", "no edges"],
)
def test_the_critical_path_is_the_longest_chain_and_of_equal_ones_the_first(edges: dict[str, str], path: str) -> None:
    assert graph_of(edges).critical_path() == list(path)


@MODERATE
@given(acyclic())
def test_the_critical_path_is_a_chain_as_long_as_there_are_waves(edges: dict[str, str]) -> None:
    graph = graph_of(edges)
    path = graph.critical_path()
    assert len(path) == len(graph.waves)
    assert all(before in edges[after] for before, after in pairwise(path))


def test_waves_of_a_hook_are_kept_without_the_empty_ones() -> None:
    graph = graph_of({"a": "", "b": "", "c": "a"})
    assert graph.regrouped([["b"], [], ["a"], ("c",)]) == (("b",), ("a",), ("c",))
    assert graph.regrouped(iter([iter("ba"), iter("c")])) == (("b", "a"), ("c",))


@pytest.mark.parametrize(
    ("waves", "message"),
    [
        (["a", "bx"], "wave 2 holds 'x', which is no story of this run"),
        (["a", "ba"], "a is in wave 1 and again in wave 2"),
        (["aa", "b"], "a is in wave 1 and again in wave 1"),
        (["a"], "b is in no wave"),
        (["ab"], "b is in wave 1, but depends on a of wave 1"),
        (["b", "", "a"], "b is in wave 1, but depends on a of wave 3"),
    ],
    ids=["unknown", "twice", "twice in a wave", "left out", "beside its dependency", "before its dependency"],
)
def test_waves_of_a_hook_that_break_the_graph_are_refused(waves: list[str], message: str) -> None:
    with pytest.raises(WavesError, match=f"^{re.escape(message)}$"):
        graph_of({"a": "", "b": "a"}).regrouped(waves)


def test_a_label_is_short_only_where_that_is_clear() -> None:
    graph = Graph(
        Story(f"{epic}::{name}", name, epic, 1) for epic, name in [("x.yaml", "1"), ("x.yaml", "2"), ("y", "1")]
    )
    here, elsewhere = graph.stories["x.yaml::2"], graph.stories["y::1"]
    assert graph.label("x.yaml::1", beside=here) == "1"
    assert graph.label("x.yaml::1", beside=elsewhere) == "x.yaml::1"
    assert graph.label("x.yaml::1") == "1"
