"""The streams that stories write to while they run at once."""

from __future__ import annotations

from pathlib import Path

from pytest_tapps_waves.actions.routed import RoutedText


def test_a_stream_may_be_flushed_after_the_end_of_the_capture(tmp_path: Path) -> None:
    with (tmp_path / "captured").open("w") as beside:
        routed = RoutedText("stdout", beside)
    routed.flush()
