"""Reports of stories that have secrets, without them, for all who read reports."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from typing import Any

import pytest

from ..actions.secrets import Secrets
from ..collect.failure_text import FailureText, Place
from ..collect.items import StoryItem


class MaskedReports:
    """A plugin of a run whose epics have secrets."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport | None, pytest.TestReport | None]:
        """Called for each phase of an item, and for each check: what pytest itself captured is in the report by now."""
        report = yield
        masker = self._secrets.masker_of(item.epic) if isinstance(item, StoryItem) else None
        if report is not None and masker is not None:
            _mask(report, masker.text)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Called for each warning, whosever it is."""
        told = str(warning_message.message)
        if (masked := self._secrets.of_all.text(told)) != told:
            warning_message.message = Warning(masked)


def _mask(report: pytest.TestReport, mask: Callable[[str], str]) -> None:
    report.sections = [(mask(name), mask(text)) for name, text in report.sections]
    report.longrepr = _masked(report.longrepr, mask)
    path, line, title = report.location
    report.location = (path, line, mask(title))
    report.user_properties = [
        (name, mask(value) if isinstance(value, str) else value) for name, value in report.user_properties
    ]
    if hasattr(report, "wasxfail"):
        report.wasxfail = mask(report.wasxfail)


def _masked(told: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(told, tuple):
        path, line, reason = told
        return path, line, mask(reason)
    if told is None:
        return None
    if isinstance(told, str):
        return mask(told)
    if isinstance(told, FailureText):
        return told.masked(mask)
    crash = getattr(told, "reprcrash", None)
    summary = crash.message if crash is not None else ""
    whole = str(told)
    if mask(whole) == whole and mask(summary) == summary:
        return told
    place = Place(crash.path, crash.lineno, mask(summary)) if crash is not None else None
    return MaskedText(mask(whole), place)


class MaskedText:
    """A ``longrepr`` of pytest's own from which something was taken out."""

    def __init__(self, text: str, place: Place | None) -> None:
        if place is not None:
            self.reprcrash = place
        self._text = text

    def toterminal(self, tw: Any) -> None:
        """Called by pytest to print the failure."""
        tw.line(self._text)

    def __str__(self) -> str:
        return self._text
