"""How long stories took, out of the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import pytest

from pytest_tapps_waves.journal.durations import PASSES, median_durations
from pytest_tapps_waves.journal.store import MIGRATIONS


def journal(attempts: Iterable[tuple[str, int, int, str, float]]) -> sqlite3.Connection:
    """A journal of attempts: story, run, number, outcome and duration."""
    connection = sqlite3.connect(":memory:")
    connection.executescript("".join(MIGRATIONS))
    for story, run, number, outcome, duration in attempts:
        connection.execute(
            "INSERT INTO attempt VALUES (?, ?, ?, 0, '', '', ?, '', 0, ?, NULL)",
            (run, story, number, outcome, duration),
        )
    return connection


@pytest.mark.parametrize(
    ("attempts", "found"),
    [
        ([("a", 1, 1, "passed", 2.0)], {"a": 2.0}),
        ([("a", 1, 1, "failed", 9.0), ("a", 1, 2, "passed", 2.0), ("a", 2, 1, "passed", 5.0)], {"a": 3.5}),
        ([("a", 1, 1, "failed", 9.0), ("a", 2, 1, "running", 0.0), ("a", 3, 1, "cancelled", 4.0)], {}),
        ([("a", 1, 0, "passed", 9.0), ("other", 1, 1, "passed", 1.0)], {}),
        ([("a", run, 1, "passed", float(run)) for run in range(1, 20)], {"a": 20 - (PASSES + 1) / 2}),
        ([("a", 1, 1, "passed", 1.0), ("b", 1, 1, "passed", 4.0)], {"a": 1.0, "b": 4.0}),
    ],
    ids=["a pass", "the median of passes", "no pass", "no attempt", "the latest", "each its own"],
)
def test_the_median_of_the_latest_passes_counts(
    attempts: list[tuple[str, int, int, str, float]], found: dict[str, float]
) -> None:
    connection = journal(attempts)
    assert median_durations(connection.execute, ["b", "a"]) == found
    connection.close()
