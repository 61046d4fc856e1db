"""What the report of a failed story shows: what happened, where, and the last that it printed; no traceback of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import ActionFailed, EpicError
from ..inert import inert

if TYPE_CHECKING:
    from ..attempts import Attempt, CheckResult, Performance


class StoryFailed(EpicError):
    """Ends the call phase of a story's item."""

    def __init__(self, summary: str, lines: Sequence[str]) -> None:
        """
        :param summary: for the short test summary; it and the lines may hold anything.
        :param lines: for the report.
        """
        self.summary = inert(summary)
        self.lines = tuple(map(inert, lines))
        super().__init__(self.summary, self.lines)

    def __str__(self) -> str:
        return self.summary


def refused(reason: str) -> StoryFailed:
    """A story that the plan does not let run."""
    lines = reason.splitlines()
    return StoryFailed(lines[0], [*lines, "It was not run."])


def check_failed(headline: str, result: CheckResult) -> StoryFailed:
    """A failed acceptance check, for the report of its subtest."""
    assert result.error is not None
    return StoryFailed(
        f"{result.description}: {result.error.what}",
        [
            f"{headline}, check failed: {result.description}",
            *_told(result.error, result.duration, result.output.last_lines()),
        ],
    )


def story_failed(headline: str, performance: Performance) -> StoryFailed:
    """A story whose last attempt failed."""
    attempt = performance.attempts[-1]
    lines: list[str] = []
    summary = ""
    if attempt.error is not None:
        lines += _told(attempt.error, attempt.duration, attempt.output.last_lines())
        summary = str(attempt.error)
    failed = attempt.failed_checks
    if failed:
        counted = f"{len(failed)} of {len(performance.checks)} acceptance checks failed"
        summary = summary or f"{counted}: {failed[0].description}"
        lines.append(f"{counted}:")
        for result in failed:
            assert result.error is not None
            lines += [f"  - {result.description}: {result.error.what}: {result.error.action}"]
            lines += [f"      {line}" for line in result.output.last_lines(5)]
    if attempt.kept:
        lines.append(attempt.kept)
    lines += _attempts(performance.attempts)
    return StoryFailed(summary, [headline, *lines])


def _told(error: ActionFailed, duration: float, last_lines: Sequence[str]) -> list[str]:
    lines = [f"{error.what}, after {duration:.2f} s", f"  {error.action}"]
    if error.detail:
        lines += ["", *error.detail.splitlines()]
    elif last_lines:
        lines += ["last lines of its output:", *(f"  | {line}" for line in last_lines)]
    elif error.exit_status is not None:
        lines.append("it printed nothing")
    return lines


def _attempts(attempts: Sequence[Attempt]) -> list[str]:
    if len(attempts) < 2:
        return []
    told = []
    for attempt in attempts:
        what = attempt.error.what if attempt.error else f"{len(attempt.failed_checks)} checks failed"
        told.append(f"  attempt {attempt.number}: {what}, after {attempt.duration:.2f} s")
    return [f"all {len(attempts)} attempts failed:", *told]
