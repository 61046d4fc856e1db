"""Numbers as people read them."""

from __future__ import annotations

import pytest

from pytest_tapps_waves.reports.words import seconds


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0.0, "0.00 s"),
        (0.994, "0.99 s"),
        (0.996, "1.0 s"),
        (11.04, "11.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (200.4, "3 min 20 s"),
        (3599.6, "1 h 0 min"),
        (7500.0, "2 h 5 min"),
    ],
)
def test_a_time_is_as_exact_as_is_of_use(number: float, words: str) -> None:
    assert seconds(number) == words
