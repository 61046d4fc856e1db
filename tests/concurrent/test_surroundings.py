"""What a concurrent run changes of the process around it is as it was afterwards."""

from __future__ import annotations

import gc

import pytest

from pytest_tapps_waves.loops.surroundings import collections_as_rare


@pytest.mark.parametrize(("at_once", "times"), [(1, 1), (8, 8), (1000, 32)])
def test_with_n_at_once_the_collector_looks_after_n_times_as_many_objects(at_once: int, times: int) -> None:
    before = gc.get_threshold()
    with collections_as_rare(at_once):
        assert gc.get_threshold() == (before[0] * times, *before[1:])
    assert gc.get_threshold() == before


def test_a_run_that_breaks_off_leaves_the_collector_as_it_was() -> None:
    before = gc.get_threshold()

    def broken_off() -> None:
        with collections_as_rare(8):
            raise KeyError

    with pytest.raises(KeyError):
        broken_off()
    assert gc.get_threshold() == before


def test_a_collector_that_is_switched_off_stays_so() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0, *before[1:])
    try:
        with collections_as_rare(8):
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
