"""Reports of stories that no worker was asked to run, as a worker would have made them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from ..collect.failure import refused
from ..collect.failure_text import FailureText, Place
from ..core.model import State, Story
from ..core.plan import Settled


def report_settled(
    config: pytest.Config,
    settled: Settled,
    story: Story,
    location: tuple[str, int | None, str],
    properties: Sequence[tuple[str, object]],
    *,
    of_epic: bool,
) -> None:
    """Report a story as skipped, or as failed without having been run.

    :param of_epic: whether it is a story of an epic file, and no Python test.
    """
    hooks = config.hook
    hooks.pytest_runtest_logstart(nodeid=story.key, location=location)
    if settled.state is State.REFUSED:
        told = _refusal_of_story(settled.reason, story) if of_epic else _refusal_of_test(settled.reason)
        phases: list[tuple[str, str, object]] = [("setup", "passed", None), ("call", "failed", told)]
    else:
        path, line, _ = location
        place = os.path.normpath(config.rootpath / path)
        phases = [("setup", "skipped", (place, (line or 0) + 1, f"Skipped: {settled.reason}"))]
    for when, outcome, longrepr in (*phases, ("teardown", "passed", None)):
        report = pytest.TestReport(
            nodeid=story.key,
            location=location,
            keywords={},
            outcome=outcome,  # type: ignore[arg-type]
            longrepr=longrepr,  # type: ignore[arg-type]
            when=when,  # type: ignore[arg-type]
            user_properties=properties,
        )
        hooks.pytest_runtest_logreport(report=report)
    hooks.pytest_runtest_logfinish(nodeid=story.key, location=location)


def _refusal_of_story(reason: str, story: Story) -> FailureText:
    failure = refused(reason)
    return FailureText(Place(story.epic, story.line, failure.summary), failure.lines)


def _refusal_of_test(reason: str) -> object:
    try:
        pytest.fail(reason, pytrace=False)
    except pytest.fail.Exception:
        return pytest.ExceptionInfo.from_current().getrepr(style="value")
