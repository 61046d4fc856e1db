"""One story carried out: its action and its checks, within its timeout, again if it may."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from .actions.base import Action, Job
from .actions.output import Output
from .errors import ActionFailed, ActionTimedOut
from .executors.base import Executor

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

    @property
    def failed_checks(self) -> list[CheckResult]:
        return [check for check in self.checks if check.error]


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
        last = self.attempts[-1]
        return bool(last.error or last.failed_checks)

    def mask(self, text: Callable[[str], str]) -> None:
        """Take out of all that it tells what ``text`` takes out of a text."""
        for attempt in self.attempts:
            if attempt.error is not None:
                attempt.error.mask(text)
            for check in attempt.checks:
                check.description = text(check.description)
                if check.error is not None:
                    check.error.mask(text)


async def carry_out(
    performance: Performance,
    executor: Executor,
    job_for: Callable[[int], Job],
    new_output: Callable[[int, int], Output],
) -> None:
    """Attempt the work until it is done, or ``retries`` are used up; what happened is in ``performance.attempts``.

    :param job_for: the job of the attempt of a number, counted from 1.
    :param new_output: takes what an attempt prints (its number, and 0), and what its checks print (and theirs, from 1).
    """
    for number in range(1, performance.retries + 2):
        if number > 1:
            await asyncio.sleep(pause_before(number))
        attempt = Attempt(number, new_output(number, 0))
        performance.attempts.append(attempt)
        start = time.perf_counter()
        try:
            await _attempt(performance, attempt, executor, job_for(number), new_output)
        finally:
            attempt.duration = time.perf_counter() - start
            attempt.output.close()
        if not performance.failed:
            return


def pause_before(attempt: int) -> float:
    """Seconds to wait before an attempt: doubled each time, and spread so that retries of many stories do not meet.

    "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: the variant called equal jitter.
    """
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (attempt - 2))
    return longest / 2 + random.uniform(0, longest / 2)


_DEADLINES: set[asyncio.Timeout] = set()
"""Of the attempts that go on."""


def extend_deadlines(seconds: float) -> None:
    """Give back to all running attempts the time that the loop stood still: they could not end in it."""
    for timeout in _DEADLINES:
        when = timeout.when()
        if when is not None and not timeout.expired():
            timeout.reschedule(when + seconds)


@contextmanager
def _standing_still(limit: asyncio.Timeout) -> Iterator[None]:
    """While this holds, the time does not run that an attempt has."""
    loop, when = asyncio.get_running_loop(), limit.when()
    if when is None:
        yield
        return
    began = loop.time()
    limit.reschedule(None)
    try:
        yield
    finally:
        limit.reschedule(when + loop.time() - began)


async def _attempt(
    performance: Performance,
    attempt: Attempt,
    executor: Executor,
    job: Job,
    new_output: Callable[[int, int], Output],
) -> None:
    doing = performance.action
    limit = asyncio.timeout(performance.timeout or None)
    job = job._replace(waiting=partial(_standing_still, limit))
    _DEADLINES.add(limit)
    try:
        async with limit:
            if doing is not None:
                with attempt.output.receiving():
                    await executor.run(doing, job, attempt.output)
            for place, (description, check) in enumerate(performance.checks, 1):
                doing = check
                result = CheckResult(description, new_output(attempt.number, place), time.time())
                attempt.checks.append(result)
                await _check(result, check, executor, job)
    except ActionFailed as error:
        attempt.error = error
    except TimeoutError:
        if not limit.expired():
            raise
        assert doing is not None
        attempt.error = ActionTimedOut(f"timed out after {performance.timeout:g} s", doing.describe())
    finally:
        _DEADLINES.discard(limit)


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
