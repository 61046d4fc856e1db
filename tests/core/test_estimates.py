"""How long a story is thought to take: measured, guessed, or as long as a usual one."""

from __future__ import annotations

import pytest

from pytest_tapps_waves.core.estimates import Estimates, estimated, median


def test_what_was_measured_beats_what_was_guessed() -> None:
    assert estimated("ab", {"a": 2.0, "b": 4.0}, {"hours": {"a": 9.0}}) == Estimates(
        {"a": 2.0, "b": 4.0}, 2, {}, 0, 3.0
    )


def test_guesses_are_scaled_by_the_stories_that_have_been_measured_too() -> None:
    found = estimated("abcd", {"a": 2.0, "b": 4.0}, {"hours": {"a": 1.0, "b": 2.0, "c": 5.0}})
    assert found == Estimates({"a": 2.0, "b": 4.0, "c": 10.0, "d": 3.0}, 2, {"hours": 1}, 1, 3.0)


def test_without_such_stories_the_median_guess_is_a_usual_duration() -> None:
    found = estimated("abcd", {"a": 6.0}, {"hours": {"b": 1.0, "c": 2.0, "d": 8.0}})
    assert found.durations == {"a": 6.0, "b": 3.0, "c": 6.0, "d": 24.0}


def test_where_nothing_is_measured_guesses_are_proportions() -> None:
    found = estimated("abcd", {}, {"hours": {"b": 2.0, "c": 4.0, "d": 8.0}})
    assert found == Estimates({"a": 1.0, "b": 0.5, "c": 1.0, "d": 2.0}, 0, {"hours": 3}, 1, 1.0)


def test_each_kind_of_guess_has_its_own_scale_and_the_first_counts() -> None:
    found = estimated("abc", {"a": 10.0}, {"hours": {"b": 3.0}, "points": {"a": 5.0, "b": 9.0, "c": 8.0}})
    assert found.durations == {"a": 10.0, "b": 10.0, "c": 16.0}
    assert found.guessed == {"hours": 1, "points": 1}


def test_where_nothing_is_known_all_are_alike() -> None:
    assert estimated("ab", {}, {"hours": {}}, idle="b") == Estimates({"a": 1.0, "b": 1.0}, 0, {}, 2, 1.0)


def test_a_story_with_nothing_to_run_takes_no_time_beside_those_that_do() -> None:
    assert estimated("ab", {"a": 2.0}, {}, idle="b") == Estimates({"a": 2.0, "b": 0.0}, 1, {}, 0, 2.0)


@pytest.mark.parametrize(("numbers", "middle"), [([3.0], 3.0), ([1.0, 9.0, 2.0], 2.0), ([4.0, 1.0, 2.0, 9.0], 3.0)])
def test_the_median_is_the_middle(numbers: list[float], middle: float) -> None:
    assert median(numbers) == middle
