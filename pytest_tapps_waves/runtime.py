"""What stories need of the run while they are run: the plan's verdicts, their jobs, and what became of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

from .actions import Action, Call, Job, StoryContext, action_of
from .actions.call import LET_THROUGH, user_traceback
from .actions.guard import Guard
from .actions.output import Output, file_name
from .attempts import Attempt, Performance, carry_out
from .collect.items import StoryItem
from .concurrent.outcomes import skipped
from .concurrent.output import echo_of, routed_streams
from .concurrent.portal import Portal
from .core.model import State
from .core.plan import Plan, Settled
from .errors import ActionFailed
from .executors import Executor
from .settings import EpicSettings
from .workspaces import WORKSPACES

_NOT_RUN = (State.SKIPPED, State.REFUSED, State.CANCELLED)

LET_THROUGH.append(pytest.exit.Exception)


class Outcomes:
    """What the reports of each item amount to."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._reasons: dict[str, str] = {}

    def add(self, report: pytest.TestReport) -> None:
        """Count a report. A set-up begins anew, since a plugin may run an item again."""
        key = report.nodeid
        if report.when == "setup":
            self._states[key] = State.PASSED
        if report.failed:
            self._states[key] = State.FAILED
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


class _OutcomesKnown:
    """An executor to which ``pytest.fail()`` in a story's function is a failure like any other."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.close = executor.close

    async def run(self, action: Action, job: Job, output: Output) -> None:
        try:
            await self._executor.run(action, job, output)
        except pytest.xfail.Exception:
            raise
        except pytest.fail.Exception as error:
            detail = user_traceback(error) if error.pytrace else ""
            raise ActionFailed(f"Failed: {error.msg}", action.describe(), detail) from None


class StoryRuntime:
    """The run, as stories see it."""

    def __init__(
        self,
        config: pytest.Config,
        plan: Plan,
        settings: Mapping[str, EpicSettings],
        executor: Executor,
        portal: Portal,
        logs: Path | None,
        *,
        concurrent: bool,
        run: str,
    ) -> None:
        """
        :param settings: by epic.
        :param run: the id of the run, like no other anywhere.
        :param logs: the directory for output that is too long to be kept in memory.
        """
        self.outcomes = Outcomes()
        self.verdicts: dict[str, Settled] = {}
        """Decisions that are not in the plan's states: a story that was cancelled before it began."""
        self.cancel_reason: Callable[[str], str] = lambda key: "cancelled"
        self._config = config
        self._plan = plan
        self._settings = settings
        self._executor = _OutcomesKnown(executor)
        self._portal = portal
        self._logs = logs
        self._echo = echo_of(config)
        self._concurrent = concurrent
        self._run = run
        self.guard = Guard(run)

    def verdict(self, item: pytest.Item) -> Settled | None:
        key = item.nodeid
        state = self._plan.states.get(key)
        if state in _NOT_RUN:
            return Settled(key, state, self._plan.reasons.get(key, ""))
        return self.verdicts.get(key)

    def carry_out(self, item: StoryItem) -> Performance:
        settings = self._settings[item.epic.path]
        spec = item.spec
        checks = [(check.description, action) for check in spec.checks if (action := action_of(check))]
        timeout = self._shorter(spec.timeout if spec.timeout is not None else settings.timeout)
        performance = Performance(item.action, checks, timeout, spec.retries)
        in_process = any(isinstance(action, Call) for action in (item.action, *(action for _, action in checks)))
        # While stories run at once the streams are routed for the whole run.
        routed = routed_streams(self._config) if in_process and not self._concurrent else nullcontext()
        try:
            cwd = WORKSPACES[settings.isolation](self._config.rootpath, spec.cwd)
            with routed:
                self._portal.wait(
                    carry_out(
                        performance,
                        self._executor,
                        partial(self._job, item, cwd, timeout),
                        partial(self._output, item),
                    )
                )
        except ActionFailed as error:
            performance.attempts.append(Attempt(1, Output(), error=error))
        except asyncio.CancelledError:
            item.add_sections(performance)
            raise skipped(self.cancel_reason(item.nodeid)) from None
        return performance

    def _shorter(self, timeout: float) -> float:
        """The story's timeout, or pytest-timeout's where that is shorter.

        Its own alarm is one for the whole process, so while stories run at once it is left out.
        """
        # Tested with pytest-timeout 2.4: the value of --timeout, PYTEST_TIMEOUT or its ini option.
        theirs = getattr(self._config, "_env_timeout", None) if self._concurrent else None
        return min(theirs, timeout or theirs) if theirs else timeout

    def _job(self, item: StoryItem, cwd: Path, timeout: float, attempt: int) -> Job:
        spec, epic = item.spec, item.epic.header
        rootdir = self._config.rootpath
        variables = {
            **epic.env,
            **spec.env,
            "EPIC_ID": epic.id,
            "STORY_ID": spec.id,
            "STORY_ATTEMPT": str(attempt),
            "EPIC_ROOT": str(rootdir),
            "EPIC_RUN": self._run,
            "PYTEST_CURRENT_TEST": f"{item.nodeid} (call)",
        }
        context = StoryContext(
            id=spec.id,
            title=spec.title,
            epic=epic.id,
            cwd=cwd,
            variables=variables,
            timeout=timeout,
            attempt=attempt,
            log=logging.getLogger(f"epic.{epic.id}"),
        )
        return Job(context, rootdir, before_process=self.guard.begin)

    def _output(self, item: StoryItem, attempt: int, check: int) -> Output:
        return Output(partial(self._spool, item.nodeid, attempt, check), self._echo)

    def _spool(self, key: str, attempt: int, check: int) -> Path | None:
        if self._logs is None:
            return None
        parts = [key, f"attempt{attempt}" if attempt > 1 else "", f"check{check}" if check else ""]
        return self._logs / file_name(".".join(filter(None, parts)))
