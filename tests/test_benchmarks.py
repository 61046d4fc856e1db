from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from benchmarks.document import rendered
from benchmarks.figures import Figure, Result, Table, read_results
from benchmarks.graphs import uneven_graph
from benchmarks.parts.optimum import SCHEDULES, makespan
from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import Story

MODERATE = settings(max_examples=100, deadline=None, database=None)
SEEDS = st.integers(0, 10_000)
SIZES = st.integers(1, 60)
LIMITS = st.integers(1, 9)

DOCUMENT = "before\n<!-- figures: targets -->\n<!-- end -->\n<!-- figures: speed -->\nold\n<!-- end -->\nafter\n"


def result(*figures: Figure) -> Result:
    return Result("speed", "command", "2026-01-01", "machine", (Table("Speed", "stories", figures, "s"),))


def test_figures_that_are_kept_are_read_as_they_were(tmp_path: Path) -> None:
    speed = result(
        Figure("ours", "10", (1.0, 2.5), target=2.0, worst=3.0, moonshot=1.0),
        Figure("theirs", "10", absent="not there"),
    )
    speed.write(tmp_path)
    assert read_results(tmp_path, ["speed", "size"]) == {"speed": speed}


@pytest.mark.parametrize(("sample", "verdict"), [(2.0, "met"), (2.001, "**missed**")])
def test_a_figure_says_whether_its_target_is_met(sample: float, verdict: str) -> None:
    text = rendered(DOCUMENT, {"speed": result(Figure("ours", "10", (1.0, sample, 9.0), target=2.0))})
    assert f"| ours | 2.00 s (1.00 s to 9.00 s); target 2.00 s: {verdict} |" in text
    assert f"| Speed, ours, 10 | 2.00 s | 2.00 s | {verdict} |" in text


def test_the_worst_sample_has_a_target_of_its_own() -> None:
    text = rendered(DOCUMENT, {"speed": result(Figure("ours", "10", (1.0, 1.0, 4.0), target=2.0, worst=3.0))})
    assert "| Speed, ours, 10 | 2.00 s | 1.00 s | met |" in text
    assert "| Speed, ours, 10 | the worst 3.00 s | 4.00 s | **missed** |" in text


def test_what_was_not_measured_says_why() -> None:
    text = rendered(DOCUMENT, {"speed": result(Figure("make", "10", absent="make is not installed"))})
    assert "| make | none: make is not installed |" in text


def test_only_what_stands_between_the_markers_is_written_anew() -> None:
    text = rendered(DOCUMENT, {"speed": result(Figure("ours", "10", (1.0,)))})
    assert text.startswith("before\n<!-- figures: targets -->\n")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text
    assert rendered(text, {"speed": result(Figure("ours", "10", (1.0,)))}) == text


def test_a_part_without_a_place_in_the_document_is_an_error() -> None:
    with pytest.raises(ValueError, match="no place for speed"):
        rendered("<!-- figures: targets -->\n<!-- end -->", {"speed": result(Figure("ours", "10", (1.0,)))})


@MODERATE
@given(seed=SEEDS, size=SIZES)
def test_uneven_graphs_have_one_story_at_each_end(seed: int, size: int) -> None:
    graph = uneven_graph(seed, size)
    assert [number for number, wanted in enumerate(graph.dependencies) if not wanted] == [0]
    needed = {number for wanted in graph.dependencies for number in wanted}
    assert needed == set(range(size + 1))
    assert all(other < number for number, wanted in enumerate(graph.dependencies) for other in wanted)


@MODERATE
@given(seed=SEEDS, size=SIZES)
def test_the_barrier_loop_has_the_waves_of_the_plan(seed: int, size: int) -> None:
    graph = uneven_graph(seed, size)
    stories = Graph(
        Story(str(number), str(number), "epic", number, tuple(map(str, wanted)))
        for number, wanted in enumerate(graph.dependencies)
    )
    assert [[str(number) for number in wave] for wave in graph.waves] == list(map(list, stories.waves))


@MODERATE
@given(seed=SEEDS, size=SIZES, limit=LIMITS)
def test_no_schedule_beats_the_lower_bound(seed: int, size: int, limit: int) -> None:
    graph = uneven_graph(seed, size).scaled(3.0, limit)
    assert graph.lower_bound(limit) == pytest.approx(3.0)
    for row in SCHEDULES:
        assert makespan(graph, row, limit) >= 3.0 - 1e-9
