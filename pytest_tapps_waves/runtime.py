"""What stories need of the run while they are run: the plan's verdicts, their jobs, and what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .actions.call import THREADS, Call
from .actions.kinds import action_of
from .actions.output import Output, file_name
from .attempts import Attempt, Performance, carry_out
from .collect.items import StoryItem
from .concurrent.echo import echo_of
from .concurrent.outcomes import skipped
from .concurrent.output import RoutedStreams
from .concurrent.portal import Portal
from .core.model import State
from .core.plan import Plan, Settled
from .errors import ActionFailed
from .executing import OutcomesKnown
from .executors.base import Executor
from .inert import one_line
from .isolation import Isolation
from .jobs import Jobs
from .records import Book, tries_of
from .reports.outcomes import Outcomes, failure_of
from .settings import EpicSettings

if TYPE_CHECKING:
    from .actions.secrets import Masker, Secrets

_NOT_RUN = (State.SKIPPED, State.REFUSED, State.CANCELLED)


class StoryRuntime:
    """The run, as stories see it."""

    def __init__(
        self,
        config: pytest.Config,
        plan: Plan,
        settings: Mapping[str, EpicSettings],
        executor: Executor,
        portal: Portal,
        logs: Callable[[], Path],
        *,
        concurrent: bool,
        output_limit: int,
        records: Book | None,
        secrets: Secrets | None,
        jobs: Jobs,
        isolation: Isolation | None,
    ) -> None:
        """
        :param settings: by epic.
        :param logs: names the directory for output that is too long to be kept in memory.
        :param output_limit: how many bytes of a stream are kept there.
        :param records: what the journal is told of; None without one.
        :param secrets: those of its epics, if they have any.
        :param jobs: what attempts are told.
        :param isolation: makes workspaces; None if all stories work in the user's tree.
        """
        self.outcomes = Outcomes()
        self.secrets = secrets
        self.verdicts: dict[str, Settled] = {}
        """Decisions that are not in the plan's states: a story that was cancelled before it began."""
        self.cancel_reason: Callable[[str], str] = lambda key: "cancelled"
        self.retried: list[str] = []
        """The stories that passed, but not at the first attempt, in words."""
        self.failures: dict[str, str] = {}
        """Why stories have failed, in one line each, by node id."""
        self.notes: list[str] = []
        """What else users should know of what stories did."""
        self._config = config
        self._plan = plan
        self._settings = settings
        self._executor = OutcomesKnown(executor)
        self._portal = portal
        self._logs = logs
        self._new_echo = echo_of(config)
        self._concurrent = concurrent
        self._jobs = jobs
        self._isolation = isolation
        self._records = records
        self._performances: dict[str, Performance] = {}
        self._streams: dict[Masker | None, RoutedStreams] = {}
        self._output_limit = output_limit

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

    def carry_out(self, item: StoryItem) -> Performance:
        settings = self._settings[item.epic.path]
        spec = item.spec
        checks = [(one_line(check.description), action) for check in spec.checks if (action := action_of(check))]
        timeout = self._shorter(spec.timeout if spec.timeout is not None else settings.timeout)
        performance = Performance(item.action, checks, timeout, spec.retries)
        if self._records is not None:
            self._performances[item.nodeid] = performance
        self._jobs.spending.watch(item.epic.path, item.nodeid, performance)
        masker = self.secrets.masker_of(item.epic) if self.secrets is not None else None
        try:
            if masker is not None:
                _refuse_unmaskable(item)
            with self._routed(masker) if self._routes(performance, masker) else nullcontext():
                self._portal.wait(
                    carry_out(
                        performance,
                        self._executor,
                        partial(self._jobs.of, item, timeout),
                        partial(self._output, item, masker),
                        self._isolation.enter_for(item) if self._isolation and settings.isolation != "none" else None,
                    )
                )
        except ActionFailed as error:
            performance.attempts.append(Attempt(1, Output(), error=error))
        except asyncio.CancelledError:
            item.add_sections(performance)
            raise skipped(self.cancel_reason(item.nodeid)) from None
        except pytest.exit.Exception as error:
            # It is no report of the story, but the last line of the whole run.
            if masker is not None:
                error.msg = masker.text(str(error.msg))
                error.args = (error.msg,)
            raise
        finally:
            if masker is not None:
                performance.mask(masker.text)
        self._carried_out(item, performance)
        return performance

    def _carried_out(self, item: StoryItem, performance: Performance) -> None:
        """A story's work has ended, however it did."""
        last = performance.attempts[-1]
        if len(performance.attempts) > 1 and not performance.failed:
            self.retried.append(f"{item.spec.id} (attempt {len(performance.attempts)})")
        if last.landed is not None:
            self.notes += [f"{item.spec.id}: {note}" for note in last.landed.notes]
        did_something = last.work is not None or (last.landed is not None and last.landed.files)
        if self._records is not None and did_something and not performance.failed:
            summary = last.work.answer if last.work is not None else ""
            self._records.did(item.nodeid, summary, last.landed.files if last.landed is not None else ())
        if why := self._jobs.spending.used_up(item.epic.path):
            self._plan.spent(item.epic.path, self._jobs.spending.spenders(item.epic.path), why)

    def _routes(self, performance: Performance, masker: Masker | None) -> bool:
        """Whether the streams have to be routed for this story.

        While stories run at once they are routed for the whole run. One by one they are for functions, for secrets, and
        to keep what a function prints that was given up out of the reports of the stories after its own.
        """
        actions = [performance.action, *(action for _, action in performance.checks)]
        return not self._concurrent and (
            any(isinstance(action, Call) for action in actions) or masker is not None or THREADS.busy
        )

    def _shorter(self, timeout: float) -> float:
        """The story's timeout, or pytest-timeout's where that is shorter.

        Its own alarm is one for the whole process, so while stories run at once it is left out.
        """
        # Tested with pytest-timeout 2.4: the value of --timeout, PYTEST_TIMEOUT or its ini option.
        theirs = getattr(self._config, "_env_timeout", None) if self._concurrent else None
        return min(theirs, timeout or theirs) if theirs else timeout

    def _routed(self, masker: Masker | None) -> RoutedStreams:
        if masker not in self._streams:
            self._streams[masker] = RoutedStreams(self._config, masker)
        return self._streams[masker]

    def _output(self, item: StoryItem, masker: Masker | None, attempt: int, check: int) -> Output:
        spool = partial(self._spool, item.nodeid, attempt, check)
        echo = self._new_echo and self._new_echo()
        if masker is None:
            return Output(spool, echo, self._output_limit)
        from .actions.secrets import MaskedOutput

        return MaskedOutput(masker, spool, echo, self._output_limit)

    def _spool(self, key: str, attempt: int, check: int) -> Path:
        parts = [key, f"attempt{attempt}" if attempt > 1 else "", f"check{check}" if check else ""]
        return self._logs() / file_name(".".join(filter(None, parts)))


def _refuse_unmaskable(item: StoryItem) -> None:
    from .actions.secrets import SHORTEST, unmaskable

    name = unmaskable(item.epic, item.spec)
    if name is not None:
        raise ActionFailed(
            f"the secret {name} has fewer than {SHORTEST} characters, too few to be masked; "
            "give it a longer value, or take it out of `secrets`",
            "it was not run",
        )
