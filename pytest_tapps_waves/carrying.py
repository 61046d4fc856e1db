"""How the stories of epic files are carried out: where, within which time, and what becomes of what they print."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .actions.base import GRACE
from .actions.call import THREADS, Call
from .actions.guard import Guard
from .actions.kinds import action_of
from .actions.output import Output, file_name
from .attempts import Attempt, Performance, carry_out
from .collect.items import StoryItem
from .collect.library import logs_of
from .concurrent.echo import echo_of
from .concurrent.outcomes import skipped
from .concurrent.output import RoutedStreams
from .concurrent.portal import Portal
from .core.plan import Plan
from .errors import ActionFailed
from .executing import OutcomesKnown
from .executors.base import Executor, Telling
from .inert import one_line
from .isolation import open_isolation
from .jobs import Jobs
from .journal.places import Places
from .preparation import Prepared
from .records import Book
from .reports.words import counted
from .runtime import StoryRuntime
from .settings import Settings

if TYPE_CHECKING:
    from .actions.secrets import Masker


class Carrier:
    """Carries out the stories of one run, each when its item asks for it."""

    def __init__(
        self,
        session: pytest.Session,
        settings: Settings,
        found: Prepared,
        plan: Plan,
        runtime: StoryRuntime,
        executor: Executor,
        portal: Portal,
        book: Book | None,
        places: Places | None,
        run: str,
    ) -> None:
        """
        :param book: what is told of stories, and asked of those before; None without a journal.
        :param places: what is remembered of places across runs; None without a journal.
        :param run: the id of the run, like no other anywhere.
        :raises pytest.UsageError: if stories cannot be isolated here.
        """
        config = session.config
        self._isolation = open_isolation(session, settings, found.epics, found.graph, found.waves, places, run)
        self._guard = Guard(run)
        self._jobs = Jobs(config.rootpath, run, found.graph, found.epics, self._guard, book, found.titles)
        self._config = config
        self._settings = found.epics
        self._concurrent = found.concurrent
        self._plan = plan
        self._runtime = runtime
        self._executor = executor
        self._outcomes_known = OutcomesKnown(executor)
        self._portal = portal
        self._book = book
        self._logs = logs_of(config)
        self._new_echo = echo_of(config)
        self._output_limit = settings.output_limit
        self._streams: dict[Masker | None, RoutedStreams] = {}
        self._retried: list[str] = []
        self._notes: list[str] = []

    def carry_out(self, item: StoryItem) -> Performance:
        """Do a story's work, and wait for it.

        :raises pytest.skip.Exception: if it was cancelled.
        """
        spec = item.spec
        checks = [(one_line(check.description), action) for check in spec.checks if (action := action_of(check))]
        settings = self._settings[item.epic.path]
        timeout = self._shorter(spec.timeout if spec.timeout is not None else settings.timeout)
        performance = Performance(item.action, checks, timeout, spec.retries)
        self._runtime.watch(item.nodeid, performance)
        self._jobs.spending.watch(item.epic.path, item.nodeid, performance)
        secrets = self._runtime.secrets
        masker = secrets.masker_of(item.epic) if secrets is not None else None
        try:
            if masker is not None:
                _refuse_unmaskable(item)
            with self._routed(masker) if self._routes(performance, masker) else nullcontext():
                self._portal.wait(
                    carry_out(
                        performance,
                        self._outcomes_known,
                        partial(self._jobs.of, item, timeout),
                        partial(self._output, item, masker),
                        self._isolation.enter_for(item) if self._isolation and settings.isolation != "none" else None,
                    )
                )
        except ActionFailed as error:
            performance.attempts.append(Attempt(1, Output(), error=error))
        except asyncio.CancelledError:
            item.add_sections(performance)
            raise skipped(self._runtime.cancel_reason(item.nodeid)) from None
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

    def told(self) -> Iterator[str]:
        """What users should know of the stories once the run is over."""
        yield from self._notes
        if self._retried:
            yield f"passed only after retries: {', '.join(self._retried)}"
        yield from self.told_of_places()
        if isinstance(self._executor, Telling):
            yield from self._executor.told()

    def told_of_places(self) -> list[str]:
        """What users should know of where isolated stories have worked."""
        return self._isolation.told() if self._isolation is not None else []

    def end_processes(self) -> None:
        """End what stories have left running."""
        if left := self._guard.close(GRACE):
            what = counted(len(left), "process", "processes")
            self._notes.append(f"ended {what} that stories had left running: {', '.join(map(str, left))}")
        if self._guard.trouble:
            self._notes.append(self._guard.trouble)

    def _carried_out(self, item: StoryItem, performance: Performance) -> None:
        """A story's work has ended, however it did."""
        last = performance.attempts[-1]
        if len(performance.attempts) > 1 and not performance.failed:
            self._retried.append(f"{item.spec.id} (attempt {len(performance.attempts)})")
        if last.landed is not None:
            self._notes += [f"{item.spec.id}: {note}" for note in last.landed.notes]
        did_something = last.work is not None or (last.landed is not None and last.landed.files)
        if self._book is not None and did_something and not performance.failed:
            summary = last.work.answer if last.work is not None else ""
            self._book.did(item.nodeid, summary, last.landed.files if last.landed is not None else ())
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
