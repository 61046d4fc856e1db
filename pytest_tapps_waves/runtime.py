"""What tests and stories need of the run while they are run: the plan's verdicts, and what became of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from .core.model import State
from .core.plan import Plan, Settled
from .records import Book, tries_of
from .reports.outcomes import Outcomes, failure_of

if TYPE_CHECKING:
    from .actions.secrets import Secrets
    from .attempts import Performance

_NOT_RUN = (State.SKIPPED, State.REFUSED, State.CANCELLED)


class StoryRuntime:
    """The run, as the items of its graph see it."""

    def __init__(self, plan: Plan, records: Book | None, secrets: Secrets | None) -> None:
        """
        :param records: what the journal is told of; None without one.
        :param secrets: those of its epics, if they have any.
        """
        self.outcomes = Outcomes()
        self.secrets = secrets
        self.verdicts: dict[str, Settled] = {}
        """Decisions that are not in the plan's states: a story that was cancelled before it began."""
        self.cancel_reason: Callable[[str], str] = lambda key: "cancelled"
        self.failures: dict[str, str] = {}
        """Why stories have failed, in one line each, by node id."""
        self._plan = plan
        self._records = records
        self._performances: dict[str, Performance] = {}

    def watch(self, key: str, performance: Performance) -> None:
        """A story of an epic file is carried out; the attempts at it are told with its next report."""
        if self._records is not None:
            self._performances[key] = performance

    def verdict(self, item: pytest.Item) -> Settled | None:
        key = item.nodeid
        state = self._plan.states.get(key)
        if state in _NOT_RUN:
            return Settled(key, state, self._plan.reasons.get(key, ""))
        return self.verdicts.get(key)

    def begin(self, item: pytest.Item) -> Settled | None:
        """A story is about to run; what was decided about it just now, if anything."""
        decided = self._records.begin(item.nodeid) if self._records is not None else None
        if decided is not None:
            self.verdicts[item.nodeid] = decided
        return decided

    def reported(self, report: pytest.TestReport) -> None:
        """A report of a story has come, and nobody has been shown it yet."""
        key = report.nodeid
        self.outcomes.add(report)
        if report.failed:
            self.failures[key] = failure_of(report)
        if self._records is None or isinstance(report, pytest.SubtestReport):
            return
        if str(report.outcome) == "rerun":
            self._records.reported(key, State.FAILED, failure_of(report), tries_of(self._performances.pop(key, None)))
        elif report.when == "setup" and report.passed:
            self._records.set_up(key)
        elif report.when != "teardown" or not report.passed:
            state, reason = self.outcomes.so_far(key)
            self._records.reported(
                key, state, failure_of(report) if report.failed else reason, tries_of(self._performances.pop(key, None))
            )

    def end(self, item: pytest.Item, cancelled: str = "") -> tuple[State, str]:
        """A story, or the report of what was decided about it, has ended: its final state, and why.

        :param cancelled: the reason of a skip that stands for having been cancelled.
        """
        key = item.nodeid
        state, reason = self.outcomes.of(item)
        decided = self.verdicts.pop(key, None)
        if decided is not None and decided.state is State.DONE and state is State.SKIPPED:
            state = State.DONE
        elif state is State.SKIPPED and cancelled and reason == cancelled:
            state = State.CANCELLED
        elif self._plan.states[key] is State.REFUSED:
            state, reason = State.REFUSED, self._plan.reasons.get(key, "")
        if self._records is not None:
            self._records.settled(key, state, reason)
        return state, reason

    def interrupted(self, item: pytest.Item) -> None:
        """A story has been broken off, and there are no more reports of it."""
        if self._records is not None:
            self._records.settled(item.nodeid, State.CANCELLED, "interrupted")
