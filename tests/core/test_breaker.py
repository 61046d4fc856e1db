"""What the circuit breaker promises: it opens once, after so many failures in a row."""

from __future__ import annotations

import pytest

from pytest_tapps_waves.core.breaker import Breaker


def test_opens_at_the_threshold_and_names_the_failures_in_order() -> None:
    breaker = Breaker(3)
    assert breaker.failed("c") == ()
    assert breaker.failed("a") == ()
    assert not breaker.open
    assert breaker.failed("b") == ("c", "a", "b")
    assert breaker.open


def test_a_threshold_of_one_opens_at_the_first_failure() -> None:
    assert Breaker(1).failed("a") == ("a",)


def test_a_pass_starts_the_count_anew() -> None:
    breaker = Breaker(2)
    breaker.failed("a")
    breaker.passed()
    assert breaker.failed("b") == ()
    assert not breaker.open
    assert breaker.failed("c") == ("b", "c")


def test_reports_its_opening_only_once() -> None:
    breaker = Breaker(2)
    breaker.failed("a")
    assert breaker.failed("b")
    assert [breaker.failed(key) for key in "cde"] == [(), (), ()]


def test_a_pass_does_not_close_it_nor_let_it_open_again() -> None:
    breaker = Breaker(1)
    breaker.failed("a")
    breaker.passed()
    assert breaker.open
    assert breaker.failed("b") == ()


@pytest.mark.parametrize("failures", [1, 3, 100])
def test_zero_never_opens(failures: int) -> None:
    breaker = Breaker(0)
    assert not any(breaker.failed(str(number)) for number in range(failures))
    assert not breaker.open
