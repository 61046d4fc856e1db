"""One story carried out: its action and its checks, within its timeout, again if it may."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from .actions.agents import AgentAction
from .actions.base import Action, Job, Work
from .actions.output import Output
from .deadlines import deadline, standing_still
from .errors import ActionFailed, ActionTimedOut
from .executors.base import Executor
from .workspaces.base import Landed, Workspace

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class CheckResult:
    """What became of one acceptance check."""

    description: str
    output: Output
    start: float
    """Seconds since the epoch."""
    duration: float = 0.0
    error: ActionFailed | None = None


@dataclass(slots=True)
class Attempt:
    """What became of one attempt; filled in as it goes, so that a cancelled one tells what it did."""

    number: int
    output: Output
    start: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    checks: list[CheckResult] = field(default_factory=list)
    duration: float = 0.0
    error: ActionFailed | None = None
    work: Work | None = None
    """What its agent told, if it had one."""
    landed: Landed | None = None
    """What it changed, if it was isolated and has passed."""
    kept: str = ""
    """Where its work is to be found, if it was isolated and has not."""
    doing: Action | None = None
    """The action, or the check of it, that was begun last."""

    @property
    def failed_checks(self) -> list[CheckResult]:
        return [check for check in self.checks if check.error]

    @property
    def failed(self) -> bool:
        return bool(self.error or self.failed_checks)


@dataclass(slots=True)
class Performance:
    """A story's work and the attempts at it, in order."""

    action: Action | None
    checks: Sequence[tuple[str, Action]]
    timeout: float
    """Seconds for one attempt, its checks included; 0 is without end."""
    retries: int
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return self.attempts[-1].failed

    @property
    def works(self) -> list[Work]:
        """What agents told of each attempt at it."""
        return [attempt.work for attempt in self.attempts if attempt.work is not None]

    def mask(self, text: Callable[[str], str]) -> None:
        """Take out of all that it tells what ``text`` takes out of a text."""
        for attempt in self.attempts:
            if attempt.error is not None:
                attempt.error.mask(text)
            for check in attempt.checks:
                check.description = text(check.description)
                if check.error is not None:
                    check.error.mask(text)


JobFor: TypeAlias = Callable[[int, Workspace | None], Job]
Enter: TypeAlias = Callable[[int], Awaitable[Workspace]]


async def carry_out(
    performance: Performance,
    executor: Executor,
    job_for: JobFor,
    new_output: Callable[[int, int], Output],
    enter: Enter | None = None,
) -> None:
    """Attempt the work until it is done, or ``retries`` are used up; what happened is in ``performance.attempts``.

    :param job_for: the job of the attempt of a number, counted from 1, in a workspace if it has one.
    :param new_output: takes what an attempt prints (its number, and 0), and what its checks print (and theirs, from 1).
    :param enter: makes the workspace of an attempt; without it stories work in the user's tree.
    """
    for number in range(1, performance.retries + 2):
        if number > 1:
            await asyncio.sleep(pause_before(number))
        attempt = Attempt(number, new_output(number, 0))
        performance.attempts.append(attempt)
        start = time.perf_counter()
        try:
            if enter is None:
                await _attempt(performance, attempt, executor, job_for(number, None), new_output)
            else:
                await _isolated(performance, attempt, executor, job_for, new_output, enter)
        except ActionFailed as error:
            attempt.error = error
        finally:
            attempt.duration = time.perf_counter() - start
            attempt.output.close()
        if not performance.failed:
            return


async def _isolated(
    performance: Performance,
    attempt: Attempt,
    executor: Executor,
    job_for: JobFor,
    new_output: Callable[[int, int], Output],
    enter: Enter,
) -> None:
    """An attempt in a workspace of its own; to make that, and to take the work in, is no part of the timeout."""
    workspace = await enter(attempt.number)
    # A story that is cancelled has maybe done most of its work.
    keep = True
    try:
        try:
            await _attempt(performance, attempt, executor, job_for(attempt.number, workspace), new_output)
            if not attempt.failed:
                attempt.landed = await _landed(workspace)
        except ActionFailed as error:
            attempt.error = error
        keep = attempt.failed and attempt.number > performance.retries
    finally:
        attempt.kept = await workspace.leave(keep=keep)


async def _landed(workspace: Workspace) -> Landed:
    """Make its work part of its epic's. A cancellation comes too late for that: the story has passed."""
    landing = asyncio.ensure_future(workspace.land())
    while not landing.done():
        try:
            await asyncio.wait({landing})
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
    return landing.result()


def pause_before(attempt: int) -> float:
    """Seconds to wait before an attempt: doubled each time, and spread so that retries of many stories do not meet.

    "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: the variant called equal jitter.
    """
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (attempt - 2))
    return longest / 2 + random.uniform(0, longest / 2)


async def _attempt(
    performance: Performance,
    attempt: Attempt,
    executor: Executor,
    job: Job,
    new_output: Callable[[int, int], Output],
) -> None:
    attempt.doing = performance.action
    with deadline(performance.timeout) as limit:
        # The checks of an agent's work are made where the agent is.
        here = job.here or isinstance(performance.action, AgentAction)
        job = job._replace(waiting=partial(standing_still, limit), here=here)
        try:
            async with limit:
                if isinstance(performance.action, AgentAction):
                    await _converse(performance, attempt, performance.action, executor, job, new_output)
                else:
                    if performance.action is not None:
                        with attempt.output.receiving():
                            await executor.run(performance.action, job, attempt.output)
                    await _check_all(performance, attempt, executor, job, new_output)
        except ActionFailed as error:
            attempt.error = error
        except TimeoutError:
            if not limit.expired():
                raise
            assert attempt.doing is not None
            attempt.error = ActionTimedOut(f"timed out after {performance.timeout:g} s", attempt.doing.describe())


async def _converse(
    performance: Performance,
    attempt: Attempt,
    action: AgentAction,
    executor: Executor,
    job: Job,
    new_output: Callable[[int, int], Output],
) -> None:
    """Let an agent work until the checks are content with it, or it has been told often enough.

    Where the run is, is where an agent works, whatever executor carries out commands: it holds a conversation.
    """
    attempt.work = Work()
    with attempt.output.receiving():
        async with action.converse(job, attempt.output, attempt.work) as conversation:
            await conversation.begin()
            await _check_all(performance, attempt, executor, job, new_output)
            while attempt.failed_checks and attempt.work.iterations < action.iterations:
                if why := job.spent():
                    raise ActionFailed(f"{why}, and checks still fail", action.describe())
                findings = findings_of(attempt.failed_checks)
                attempt.checks.clear()
                attempt.doing = action
                await conversation.revise(findings)
                await _check_all(performance, attempt, executor, job, new_output)


_MOST_LINES = 40


def findings_of(failed: Sequence[CheckResult]) -> str:
    """What failed checks found, as an agent is told of it."""
    told: list[str] = []
    for result in failed:
        assert result.error is not None
        told.append(f"- {result.description}\n  {result.error.what}: {result.error.action}")
        lines = result.error.detail.splitlines()[-_MOST_LINES:] or result.output.last_lines(_MOST_LINES)
        told += [f"  | {line}" for line in lines]
    return "\n".join(told)


async def _check_all(
    performance: Performance,
    attempt: Attempt,
    executor: Executor,
    job: Job,
    new_output: Callable[[int, int], Output],
) -> None:
    for place, (description, check) in enumerate(performance.checks, 1):
        attempt.doing = check
        result = CheckResult(description, new_output(attempt.number, place), time.time())
        attempt.checks.append(result)
        await _check(result, check, executor, job)


async def _check(result: CheckResult, check: Action, executor: Executor, job: Job) -> None:
    start = time.perf_counter()
    try:
        with result.output.receiving():
            await executor.run(check, job, result.output)
    except ActionFailed as error:
        result.error = error
    except asyncio.CancelledError:
        result.error = ActionFailed("cancelled, or out of time", check.describe())
        raise
    finally:
        result.duration = time.perf_counter() - start
        result.output.close()
