"""What is said of a plan: its bound, how many at once are of use, and what another schedule would save."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest

from pytest_tapps_waves.core.estimates import Estimates
from pytest_tapps_waves.core.forecast import Bound, Forecast, bound_of, eager_instead, forecast
from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import Story
from pytest_tapps_waves.core.replay import Replay, replayed


def graph_of(edges: Mapping[str, str]) -> Graph:
    return Graph(Story(key, key, "epic_a.yaml", 1, tuple(needs)) for key, needs in edges.items())


def forecast_of(graph: Graph, takes: Mapping[str, float], limit: int) -> Forecast:
    def replay(schedule: str, at_once: int) -> Replay:
        return replayed(graph, graph.waves, schedule, takes, limit=at_once)

    return forecast(graph, Estimates(takes), limit, replay, replay)


def test_nothing_is_faster_than_the_critical_path_or_the_work_shared_out() -> None:
    graph = graph_of({"a": "", "b": "a", "c": "", "d": ""})
    bound = bound_of(graph, {"a": 1.0, "b": 2.0, "c": 2.5, "d": 0.5}, frozenset("abcd"))
    assert bound == Bound(["a", "b"], 3.0, 6.0)
    assert [bound.makespan(limit) for limit in (1, 2, 3)] == [6.0, 3.0, 3.0]


def test_the_critical_path_is_by_duration_and_not_by_steps() -> None:
    graph = graph_of({"a": "", "b": "a", "c": "b", "d": ""})
    assert bound_of(graph, {"a": 1.0, "b": 1.0, "c": 1.0, "d": 9.0}, frozenset("abcd")).path == ["d"]


def test_what_does_not_run_does_not_count() -> None:
    graph = graph_of({"a": "", "b": ""})
    assert bound_of(graph, {"a": 1.0, "b": 9.0}, frozenset("a")) == Bound(["a"], 1.0, 1.0)


def test_both_schedules_are_foretold_and_how_many_at_once_are_enough() -> None:
    # The path a-b takes 4; c, d, e and f fit beside it, two and two: so three at once, and a fourth is idle.
    graph = graph_of({"a": "", "b": "a", "c": "", "d": "", "e": "", "f": ""})
    found = forecast_of(graph, {"a": 1.0, "b": 3.0, **dict.fromkeys("cdef", 2.0)}, 2)
    assert (found.concurrent, found.limit, found.enough) == (True, 2, 3)
    assert found.makespans == {"waves": 8.0, "eager": 6.0}


def test_of_a_run_one_by_one_it_is_told_what_it_could_be() -> None:
    found = forecast_of(graph_of({"a": "", "b": "", "c": "b"}), dict.fromkeys("abc", 1.0), 0)
    assert (found.concurrent, found.limit, found.enough) == (False, 2, 2)
    assert found.makespans == {"waves": 2.0, "eager": 2.0}


@pytest.mark.parametrize("edges", [{}, {"a": ""}, {"a": "", "b": "a"}], ids=["nothing", "one", "a chain"])
def test_where_nothing_can_be_at_once_one_is_enough(edges: dict[str, str]) -> None:
    assert forecast_of(graph_of(edges), dict.fromkeys(edges, 1.0), 4).enough == 1


@pytest.mark.parametrize(
    ("took", "scale", "instead"),
    [(11.0, 1.0, 8.0), (12.0, 1.0, 9.0), (1.1, 0.1, None), (100.0, 1.0, None)],
    ids=["as replayed", "with an hour lost", "too short", "too small a part"],
)
def test_what_eager_would_save_is_told_if_it_is_worth_it(took: float, scale: float, instead: float | None) -> None:
    graph = graph_of({"a": "", "b": "", "c": "", "d": "a", "e": "b", "f": "d"})
    takes = {key: scale * seconds for key, seconds in zip("abcdef", (2, 6, 1, 4, 2, 1), strict=True)}
    replay = partial(_replay, graph, takes)
    assert eager_instead(took, 0.0, 9, replay) == instead


def test_what_cannot_be_saved_is_not_replayed() -> None:
    def never(schedule: str, limit: int) -> Replay:
        raise AssertionError

    assert eager_instead(10.0, 9.5, 4, never) is None


def test_eager_is_not_replayed_where_the_barriers_cost_little() -> None:
    def waves_only(schedule: str, limit: int) -> Replay:
        assert schedule == "waves"
        return Replay(9.9, frozenset(), 4)

    assert eager_instead(20.0, 9.0, 4, waves_only) is None


def _replay(graph: Graph, takes: Mapping[str, float], schedule: str, limit: int) -> Replay:
    return replayed(graph, graph.waves, schedule, takes, limit=limit)
