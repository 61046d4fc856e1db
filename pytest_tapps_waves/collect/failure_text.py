"""The report of a failed story, as pytest prints it, and as it goes from one process to another."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

_KEY = "epic_failure"


class Place(NamedTuple):
    """Where a story stands, in the form that pytest looks for to make its one-line summaries."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.lineno}: {self.message}"


class FailureText:
    """A ``longrepr``: paragraphs, of which the first is the headline."""

    def __init__(self, place: Place, lines: Sequence[str]) -> None:
        self.reprcrash = place
        self._lines = tuple(lines)

    def toterminal(self, tw: Any) -> None:
        """Called by pytest to print the failure."""
        tw.line(f"{self.reprcrash.path}:{self.reprcrash.lineno}: {self._lines[0]}", bold=True, red=True)
        for line in self._lines[1:]:
            tw.line(line)

    def packed(self) -> dict[str, object]:
        """What :meth:`unpacked` needs besides the text."""
        return self.reprcrash._asdict()

    @classmethod
    def unpacked(cls, place: Mapping[str, Any], text: str) -> FailureText:
        """The same in another process."""
        headline, *lines = text.split("\n")
        return cls(Place(**place), [headline.removeprefix(f"{place['path']}:{place['lineno']}: "), *lines])

    def masked(self, text: Callable[[str], str]) -> FailureText:
        """The same, without what ``text`` takes out of a text."""
        place = self.reprcrash
        return FailureText(place._replace(message=text(place.message)), text("\n".join(self._lines)).split("\n"))

    def __str__(self) -> str:
        first = f"{self.reprcrash.path}:{self.reprcrash.lineno}: {self._lines[0]}"
        return "\n".join([first, *self._lines[1:]])


class Serialized:
    """The plugin object that keeps what pytest would lose of such reports on their way from a worker: their place."""

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self, report: Any) -> Generator[None, Any, Any]:
        """Called by pytest-xdist in a worker, and by plugins that write reports down."""
        data = yield
        if data is not None and isinstance(report.longrepr, FailureText):
            data[_KEY] = report.longrepr.packed()
        return data

    @pytest.hookimpl(wrapper=True)
    def pytest_report_from_serializable(self, data: dict[str, Any]) -> Generator[None, Any, Any]:
        """Called by pytest-xdist in the controller."""
        place = data.pop(_KEY, None)
        report = yield
        if report is not None and place is not None and isinstance(report.longrepr, str):
            report.longrepr = FailureText.unpacked(place, report.longrepr)
        return report
