"""What the reports of an item amount to."""

from __future__ import annotations

import pytest

from ..collect.items import StoryItem
from ..core.model import State


class Outcomes:
    """What the reports of each item amount to."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._reasons: dict[str, str] = {}

    def so_far(self, key: str) -> tuple[State, str]:
        """What the reports that have come amount to."""
        return self._states.get(key, State.SKIPPED), self._reasons.get(key, "")

    def add(self, report: pytest.TestReport) -> None:
        """Count a report. A set-up begins anew, since a plugin may run an item again."""
        key = report.nodeid
        if report.when == "setup":
            self._states[key] = State.PASSED
        if report.failed:
            self._states[key] = State.FAILED
        elif isinstance(report, pytest.SubtestReport):
            # One that is skipped leaves its test to pass.
            return
        elif report.skipped and self._states.get(key) is not State.FAILED:
            self._states[key] = State.SKIPPED
            if isinstance(report.longrepr, tuple):
                self._reasons[key] = report.longrepr[2].removeprefix("Skipped: ")

    def of(self, item: pytest.Item) -> tuple[State, str]:
        """The final state of an item that has run, and why it was skipped."""
        state = self._states.pop(item.nodeid, State.SKIPPED)
        reason = self._reasons.pop(item.nodeid, "")
        if state is State.SKIPPED and isinstance(item, StoryItem) and item.is_documentation:
            return State.DOCUMENTED, ""
        return state, reason


def failure_of(report: pytest.TestReport) -> str:
    """Why a report is of a failure, in one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr).strip()
    return text.splitlines()[0] if text else ""
