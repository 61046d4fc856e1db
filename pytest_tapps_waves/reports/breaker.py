"""A tripped circuit breaker as a failed test of its epic."""

from __future__ import annotations

import pytest

from ..collect.failure_text import FailureText, Place
from ..concurrent.xdist import send_report, worker_of
from ..core.plan import Plan, Tripped
from .words import stories

NAME = "circuit-breaker"


def report_tripped(session: pytest.Session, plan: Plan, tripped: Tripped) -> None:
    """Report ``epic_shop.yaml::circuit-breaker`` as FAILED, naming the stories that opened it."""
    node_id = f"{tripped.epic}::{NAME}"
    named = [plan.graph.stories[key] for key in tripped.stories]
    headline, advice = _words(tripped, ", ".join(story.id for story in named))
    lines = [headline, *(f"  {story.id} ({story.epic}:{story.line})" for story in named)]
    lines.append(f"Nothing more of this epic was started. {advice}")
    place = Place(tripped.epic, named[-1].line, headline)
    location = (tripped.epic, named[-1].line - 1, "circuit breaker")
    hooks = session.config.hook
    # The last-failed plugin would keep it for ever, since no later run passes a test of this name.
    last_failed = session.config.pluginmanager.get_plugin("lfplugin")
    worker = worker_of(session.config)
    left_out = [plugin for plugin in (last_failed, worker) if plugin is not None]
    logreport = session.config.pluginmanager.subset_hook_caller("pytest_runtest_logreport", left_out)
    session.testscollected += 1
    hooks.pytest_runtest_logstart(nodeid=node_id, location=location)
    for when, outcome, longrepr in (
        ("setup", "passed", None),
        ("call", "failed", FailureText(place, lines)),
        ("teardown", "passed", None),
    ):
        report = pytest.TestReport(
            nodeid=node_id,
            location=location,
            keywords={},
            outcome=outcome,  # type: ignore[arg-type]
            longrepr=longrepr,  # type: ignore[arg-type]
            when=when,  # type: ignore[arg-type]
        )
        logreport(report=report)
        if worker is not None:
            send_report(worker, report)
    hooks.pytest_runtest_logfinish(nodeid=node_id, location=location)


def _words(tripped: Tripped, ids: str) -> tuple[str, str]:
    """What happened, and what to do about it."""
    if tripped.reason:
        return f"circuit breaker open: {tripped.reason}, by {ids}", "Raise its budget, and go on with --epic-resume."
    failed = stories(len(tripped.stories))
    advice = "Mend these, or raise circuit_breaker (0 is never)."
    return f"circuit breaker open: {failed} failed in a row: {ids}", advice
