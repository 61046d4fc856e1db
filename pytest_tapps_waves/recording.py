"""What happens to each story, noted as it happens and written to the files that were asked for once the run is over."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from .collect.items import StoryItem
from .concurrent.xdist import is_xdist_worker
from .core.conflicts import describe
from .core.graph import numbers_of
from .core.happened import Happened, RunHappened, final, in_tracks, merged
from .core.model import State
from .inert import inert, one_line
from .reports.files import check_file, write_whole
from .reports.words import counted

if TYPE_CHECKING:
    from .core.plan import Plan
    from .preparation import Prepared
    from .settings import Settings

_HAPPENED = "epic_happened"
_KEPT = 16 * 1024
"""Characters of a story's output, and of its failure."""
_MAY_HAVE_RUN = (State.PASSED, State.FAILED, State.SKIPPED, State.CANCELLED)


class _Seen:
    """What was seen of one story so far."""

    __slots__ = ("attempts", "checks", "end", "failures", "ran", "reruns", "sections", "start", "worker")

    def __init__(self) -> None:
        self.start: float | None = None
        self.end: float | None = None
        self.ran = False
        self.attempts = 1
        self.worker = ""
        self.reruns = 0
        self.failures: list[str] = []
        self.sections: Sequence[tuple[str, str]] = ()
        self.checks: list[tuple[str, str]] = []

    def output(self) -> str:
        return "".join(f"{name}\n{text.rstrip()}\n\n" for name, text in [*self.sections, *self.checks])


class Recording:
    """The plugin object of a run that is asked for ``--epic-report`` or ``--epic-trace``."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        """:raises pytest.UsageError: if a file cannot be written, or what writes it is not installed."""
        self._config = config
        self._files = settings.files
        self._across_workers = settings.across_workers
        self._seen: dict[str, _Seen] = {}
        self._run: tuple[Prepared, Plan, Mapping[str, pytest.Item]] | None = None
        self._tripped: list[tuple[str, tuple[str, ...]]] = []
        self._workers: dict[str, RunHappened | None] = {}
        self._told: list[str] = []
        # Of the monotonic clock, so that nobody who sets the time makes stories overlap.
        self._epoch = time.time() - time.monotonic()
        if not is_xdist_worker(config):
            for option, path in self._files.items():
                check_file(option, path)

    def begin(self, found: Prepared, plan: Plan, items: Iterable[pytest.Item]) -> None:
        """Stories are about to be run."""
        self._run = found, plan, {item.nodeid: item for item in items}
        self._seen = {key: _Seen() for key in plan.graph.stories}

    def _now(self) -> float:
        return self._epoch + time.monotonic()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Called when an item's turn has come; again if a plugin runs it again."""
        seen = self._seen.get(nodeid)
        if seen is not None:
            seen.start = self._now() if seen.start is None else seen.start
            seen.end = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Called when an item has ended."""
        if nodeid in self._seen:
            self._seen[nodeid].end = self._now()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for each report of each item."""
        seen = self._seen.get(report.nodeid)
        if seen is None:
            return
        seen.reruns += str(report.outcome) == "rerun"
        seen.ran = seen.ran or report.failed or report.when == "call"
        if report.failed:
            seen.failures.append(report.longreprtext)
        seen.attempts = max(1, *(int(str(value)) for name, value in report.user_properties if name == "attempts"), 0)
        if (node := getattr(report, "node", None)) is not None:
            seen.worker = node.gateway.id
        if isinstance(report, pytest.SubtestReport):
            seen.checks += [(f"{report.context.msg}: {name}", text) for name, text in report.sections]
        else:
            # Each phase has those of the phases before it, too.
            seen.sections = report.sections

    def pytest_epic_breaker_tripped(self, epic: str, stories: Sequence[str]) -> None:
        """Called when the circuit breaker of an epic opens."""
        self._tripped.append((epic, tuple(stories)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Called by pytest-xdist's controller before a worker starts."""
        if not self._across_workers:
            self._workers[node.gateway.id] = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Called by pytest-xdist when a worker has ended; one that crashed has told nothing."""
        told = getattr(node, "workeroutput", {}).get(_HAPPENED)
        if told is not None:
            self._workers[node.gateway.id] = _unpacked(told, node.gateway.id)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Called when the run is over, however it ended."""
        if is_xdist_worker(self._config) and self._across_workers:
            # The controller has seen all of it.
            return
        happened = self._happened(session)
        if is_xdist_worker(self._config):
            self._config.workeroutput[_HAPPENED] = _packed(happened)  # type: ignore[attr-defined]
            return
        if self._workers and self._run is None:
            happened = merged([run for run in self._workers.values() if run is not None])
            if lost := [name for name, run in self._workers.items() if run is None]:
                what = counted(len(lost), "worker")
                self._told.append(f"missing is what {what} of pytest-xdist ran and could not tell: {', '.join(lost)}")
        for option, path in self._files.items():
            try:
                write_whole(path, _text_of(option, happened))
            except OSError as error:
                self._told.append(f"error: {option} was not written: {path}: {error.strerror or error}")
                if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
                    session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            else:
                self._told.append(f"{option.removeprefix('--')}: {path}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Called after the failures have been shown."""
        for line in self._told:
            terminalreporter.write_line(one_line(line))

    def _happened(self, session: pytest.Session) -> RunHappened:
        if self._run is None:
            return RunHappened()
        found, plan, items = self._run
        wave_of = numbers_of(found.waves)
        stories = plan.graph.stories
        in_file_order = sorted(stories, key=lambda key: stories[key].file_order)
        stopped = plan.stopped or session.shouldfail or session.shouldstop
        if not stopped and not plan.done and not is_xdist_worker(self._config):
            stopped = "interrupted"
        return RunHappened(
            in_tracks([self._story(key, found, plan, items.get(key), wave_of[key]) for key in in_file_order]),
            found.schedule if found.concurrent else "",
            found.limit if found.concurrent else 1,
            {path: one_line(found.mask(title)) for path, title in found.epic_titles.items() if title},
            [
                (conflict.policy.value, one_line(found.mask(describe(plan.graph, conflict))))
                for conflict in found.conflicts
            ],
            self._tripped,
            one_line(found.mask(str(stopped or ""))),
        )

    def _story(self, key: str, found: Prepared, plan: Plan, item: pytest.Item | None, wave: int) -> Happened:
        story, seen, state = plan.graph.stories[key], self._seen[key], final(plan.states[key])
        ran = seen.start is not None and state in _MAY_HAVE_RUN and (seen.ran or seen.end is None)
        output, left_out = _last(inert(seen.output()))
        failure, _ = _last(inert("\n\n".join(seen.failures)))
        return Happened(
            key,
            story.id,
            one_line(found.mask(found.titles.get(key, ""))),
            story.epic,
            story.line,
            wave,
            state.value,
            inert(found.mask(plan.reasons.get(key, ""))),
            tuple(dict.fromkeys(story.dependencies)),
            story.critical,
            ran,
            seen.start,
            seen.end if seen.end is not None or seen.start is None else self._now(),
            max(seen.reruns + 1, item.attempts if isinstance(item, StoryItem) else seen.attempts) if ran else 0,
            failure,
            output,
            left_out,
            seen.worker,
        )


def _last(text: str) -> tuple[str, int]:
    """The last of a text, from the beginning of a line, and how many characters come before it."""
    text = text.rstrip()
    if len(text) <= _KEPT:
        return text, 0
    line = text.find("\n", len(text) - _KEPT) + 1
    kept = text[line:] if line else text[-_KEPT:]
    return kept, len(text) - len(kept)


def _text_of(option: str, happened: RunHappened) -> str:
    # Imported where it is needed: Jinja2 takes its time.
    from .reports.written import WRITTEN

    return WRITTEN[option](happened)


def _packed(run: RunHappened) -> tuple[Any, ...]:
    """Plain data, which is all that pytest-xdist sends."""
    stories, *rest = run
    return [tuple(story) for story in stories], *rest


def _unpacked(data: Sequence[Any], worker: str) -> RunHappened:
    stories, *rest = data
    return RunHappened([Happened(*story)._replace(worker=worker) for story in stories], *rest)
