"""The streams that stories write to while they run at once."""

from __future__ import annotations

import io

from pytest_tapps_waves.concurrent.output import _RoutedText


def test_a_stream_may_be_flushed_after_the_end_of_the_capture() -> None:
    beside = io.StringIO()
    routed = _RoutedText("stdout", beside)
    beside.close()
    routed.flush()
