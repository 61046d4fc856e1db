"""What ``-v`` says of a story besides its outcome."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import pytest

from .words import seconds


class WavesOfStories:
    """The plugin object that adds the wave, and how long it took: ``PASSED (wave 2, 0.31 s)``."""

    def __init__(self, wave_of: Mapping[str, int]) -> None:
        """:param wave_of: by node id, counted from 1."""
        self._wave_of = wave_of

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, report: pytest.CollectReport | pytest.TestReport) -> Generator[None, Any, Any]:
        """Called for each report, for the category, the letter and the word that stand for it."""
        found = yield
        wave = self._wave_of.get(report.nodeid)
        if found is None or wave is None or not isinstance(report, pytest.TestReport):
            return found
        category, letter, word = found
        # The line of one that was skipped has room for the reason, or for this. A subtest is not the story.
        if not word or report.skipped or isinstance(report, pytest.SubtestReport):
            return found
        took = f", {seconds(report.duration)}" if report.when == "call" else ""
        said = f" (wave {wave}{took})"
        return category, letter, (f"{word[0]}{said}", word[1]) if isinstance(word, tuple) else f"{word}{said}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Called when the run is over: its summary has the plain words."""
        session.config.pluginmanager.unregister(self)
