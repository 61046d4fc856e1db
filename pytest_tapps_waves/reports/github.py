"""GitHub Actions: failures as annotations on the lines of their stories, and the run as a summary of the step.

Workflow commands and how they are escaped:
https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands and
https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts. A summary is Markdown of at most 1 MiB.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import pytest

from ..collect.names import is_epic_file
from ..core.graph import Waves, numbers_of
from ..core.model import State
from ..core.plan import Plan
from ..inert import inert, one_line
from .chart import MOST_CHARACTERS, MOST_EDGES, Chart, chart_lines
from .outcomes import failure_of
from .words import counted, seconds, stories

THEIRS = "pytest_github_actions_annotate_failures"
"""The plugin that annotates all failures. Where it is loaded, ours would say the same again."""
_MOST_LINES = 20
_MOST_TEXT = 4000
_MOST_ROWS = 1000
_MOST_BYTES = 900_000
_PROBLEM = re.compile(r"(?P<path>[^\n]+?):(?P<line>\d+): (?P<message>[^\n]*)")
_SIGNS = {
    State.PASSED: "✅",
    State.DONE: "✅",
    State.DOCUMENTED: "📄",
    State.FAILED: "❌",
    State.REFUSED: "❌",
    State.CANCELLED: "⏹️",
    State.SKIPPED: "⏭️",
}
_LOOKS = {
    State.PASSED: "passed",
    State.DONE: "passed",
    State.FAILED: "failed",
    State.REFUSED: "failed",
    State.CANCELLED: "skipped",
    State.SKIPPED: "skipped",
}
_STYLES = {
    "passed": "fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "failed": "fill:#ffebe9,stroke:#cf222e,color:#1f2328",
    "skipped": "fill:#f6f8fa,stroke:#818b98,color:#59636e,stroke-dasharray:4",
}
_LONGEST_TITLE = 40
_FIRST = (State.FAILED, State.REFUSED, State.CANCELLED, State.SKIPPED)


class Annotations:
    """A plugin of a run under GitHub Actions: it knows reports only, so it works in pytest-xdist's controller too."""

    def __init__(self, config: pytest.Config) -> None:
        self._rootdir = config.rootpath
        self._workspace = os.environ.get("GITHUB_WORKSPACE", "")
        self._commands: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called for each file that has been collected: mistakes of an epic file have a line of their own."""
        if report.failed and is_epic_file(PurePosixPath(report.nodeid)):
            for found in _PROBLEM.finditer(str(report.longrepr)):
                self._add(found["path"], int(found["line"]), "epic", found["message"])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for each report of each item. A failed check is told by its story."""
        path, line, title = report.location
        if report.failed and not isinstance(report, pytest.SubtestReport) and is_epic_file(PurePosixPath(path)):
            told = str(report.longrepr).splitlines()
            more = [f"and {len(told) - _MOST_LINES:,} more lines"] if len(told) > _MOST_LINES else []
            words = "\n".join([failure_of(report), *told[1:_MOST_LINES], *more])
            self._add(path, (line or 0) + 1, title, words)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Called after the failures have been shown."""
        if not terminalreporter.config.pluginmanager.has_plugin(THEIRS):
            for command in dict.fromkeys(self._commands):
                terminalreporter.ensure_newline()
                terminalreporter.write_line(command)

    def _add(self, path: str, line: int, title: str, message: str) -> None:
        place = f"file={_property(self._from_workspace(path))},line={line},title={_property(one_line(title))}"
        self._commands.append(f"::error {place}::{_data(inert(message)[:_MOST_TEXT])}")

    def _from_workspace(self, path: str) -> str:
        """The path as GitHub knows it: from the top of the repository."""
        whole = self._rootdir / path
        if self._workspace and whole.is_relative_to(self._workspace):
            return whole.relative_to(self._workspace).as_posix()
        return PurePosixPath(path).as_posix()


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


class StepSummary:
    """A plugin of a run with stories under GitHub Actions. Each worker of pytest-xdist would know its own part only."""

    def __init__(
        self, path: Path, plan: Plan, waves: Waves, titles: Mapping[str, str], mask: Callable[[str], str]
    ) -> None:
        """
        :param path: of the file that GitHub shows, to which each command of the step may add.
        :param titles: of the stories that have one, by key.
        :param mask: takes secrets out of a text.
        """
        self._path = path
        self._plan = plan
        self._waves = waves
        self._titles = titles
        self._mask = mask
        self._durations: dict[str, float] = {}
        self._failures: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for each report of each item."""
        key = report.nodeid
        if key in self._plan.states and not isinstance(report, pytest.SubtestReport):
            self._durations[key] = self._durations.get(key, 0.0) + report.duration
            if report.failed:
                self._failures.setdefault(key, failure_of(report))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Called when the run is over, however it ended."""
        text = "\n".join(self._lines()) + "\n"
        try:
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            session.config.issue_config_time_warning(
                pytest.PytestWarning(f"GITHUB_STEP_SUMMARY: {self._path} cannot be written: {error.strerror}"), 2
            )

    def _lines(self) -> Iterator[str]:
        graph, states = self._plan.graph, self._plan.states
        counts: dict[str, int] = {}
        for state in states.values():
            word = state.value if state.final else State.NOT_STARTED.value
            counts[word] = counts.get(word, 0) + 1
        yield f"### Epics: {stories(len(states))}, {counted(len(self._waves), 'wave')}"
        yield ""
        yield ", ".join(f"{number:,} {word}" for word, number in counts.items())
        yield ""
        yield from self._table()
        yield ""
        chart = list(chart_lines(self._chart()))
        edges = sum(graph.needs.values())
        if edges <= MOST_EDGES and sum(map(len, chart)) + len(chart) <= MOST_CHARACTERS:
            yield from ["<details><summary>The plan</summary>", "", "```mermaid", *chart, "```", "", "</details>"]
        else:
            yield f"The plan has {edges:,} dependencies, too many for GitHub to draw: `pytest --epic-plan` prints it."

    def _chart(self) -> Chart:
        graph, states = self._plan.graph, self._plan.states
        labels = {key: (self._label(key),) for key in graph.stories}
        looks = {key: _LOOKS[state] for key, state in states.items() if state in _LOOKS}
        return Chart(graph, self._waves, labels, graph.critical_path(), looks=looks, styles=_STYLES)

    def _label(self, key: str) -> str:
        title = one_line(self._mask(self._titles.get(key, "")))
        if len(title) > _LONGEST_TITLE:
            title = f"{title[: _LONGEST_TITLE - 3]}..."
        return f"{one_line(self._plan.graph.stories[key].id)} {title}".strip()

    def _table(self) -> Iterator[str]:
        yield "| | story | title | wave | time | |"
        yield "| --- | --- | --- | ---: | ---: | --- |"
        wave_of = numbers_of(self._waves)
        order = sorted(self._plan.states, key=lambda key: (self._plan.states[key] not in _FIRST, wave_of.get(key, 0)))
        size = 0
        for place, key in enumerate(order):
            state = self._plan.states[key]
            why = self._failures.get(key) or self._plan.reasons.get(key, "")
            took = seconds(self._durations[key]) if self._durations.get(key) else ""
            cells = (key, self._titles.get(key, ""), str(wave_of.get(key, "")), took, why)
            row = f"| {_SIGNS.get(state, '⏸️')} | {' | '.join(_cell(self._mask(cell)) for cell in cells)} |"
            size += len(row.encode("utf-8", "replace"))
            if place >= _MOST_ROWS or size > _MOST_BYTES:
                yield f"| | and {len(order) - place:,} more | | | | |"
                return
            yield row


def _cell(text: str) -> str:
    """Text of others, so that it stays text in a table of Markdown."""
    shown = one_line(text)[:300]
    return html.escape(re.sub(r"([\\`*_\[\]|~#$@])", r"\\\1", shown), quote=False)
