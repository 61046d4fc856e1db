"""What stands in a file is shown in messages at a price that does not grow with it."""

from __future__ import annotations

import tracemalloc

import pytest

from pytest_tapps_waves.epics import wording


def test_a_text_of_megabytes_is_cut_before_it_is_made_fit_to_read() -> None:
    text = "x" * 5_000_000
    tracemalloc.start()
    try:
        shown = wording.shown(text)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert shown == "'" + "x" * 56 + "..."
    assert most < 100_000


def test_a_key_that_is_longer_than_any_of_ours_is_compared_with_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "get_close_matches", lambda *args, **options: pytest.fail("compared"))
    assert wording.near("x" * 41, ("timeout",), 0.8) is None
