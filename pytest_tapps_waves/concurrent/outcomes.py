"""Outcomes and reports that pytest has, but gives plugins no public way to make."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

# Tested with pytest 9.1, 9.2: `_use_item_location` of the skip exception, `SubtestReport`, `SubtestContext` and
# `failed_subtests_key` of the subtests plugin, and the signature of `CallInfo`, and
# `global_and_fixture_disabled` of the capture manager. Noticed by tests/test_private_api.py.
from _pytest.subtests import Captured, SubtestContext, SubtestReport, failed_subtests_key

from ..inert import inert
from .current import CURRENT_ITEM, RUNS_ALONE

if TYPE_CHECKING:
    from ..attempts import CheckResult


def skipped(reason: str) -> BaseException:
    """A skip that is shown at the item's own place, not at the line of this package that raised it."""
    return pytest.skip.Exception(reason, _use_item_location=True)


def refuse(item: pytest.Item, reason: str) -> None:
    """Let an item fail without being run: no fixture is set up for it."""

    def fail() -> None:
        pytest.fail(reason, pytrace=False)

    item.setup = lambda: None  # type: ignore[method-assign]
    item.runtest = fail  # type: ignore[method-assign]


def report_check(item: pytest.Item, result: CheckResult, error: BaseException | None) -> None:
    """Report an acceptance check as a subtest of its story.

    :param error: what to show of a check that failed; None for one that passed.
    """
    call = pytest.CallInfo[None](
        None,
        _raised(error) if error is not None else None,
        start=result.start,
        stop=result.start + result.duration,
        duration=result.duration,
        when="call",
        _ispytest=True,
    )
    hooks = item.ihook
    made = hooks.pytest_runtest_makereport(item=item, call=call)
    report = SubtestReport._new(
        made,
        SubtestContext(msg=result.description, kwargs={}),
        captured_output=Captured(inert(result.output.text("stdout")), inert(result.output.text("stderr"))),
        captured_logs=None,
    )
    report.longrepr = made.longrepr
    if report.failed:
        item.config.stash[failed_subtests_key][_subtests_key(item)] += 1
    with _terminal_visible(item):
        hooks.pytest_runtest_logreport(report=report)


def _terminal_visible(item: pytest.Item) -> AbstractContextManager[None]:
    """While an item runs alone a report in the middle of a phase would be captured; while others do, it never is."""
    capture = item.config.pluginmanager.get_plugin("capturemanager")
    if capture is None or (CURRENT_ITEM.get() is not None and not RUNS_ALONE.get()):
        return nullcontext()
    disabled: AbstractContextManager[None] = capture.global_and_fixture_disabled()
    return disabled


def _subtests_key(item: pytest.Item) -> Any:
    """pytest counts failed subtests by the item's structured id since 9.2, by its node id before."""
    return getattr(item, "id", item.nodeid)


def _raised(error: BaseException) -> pytest.ExceptionInfo[BaseException]:
    """pytest takes only exceptions that have been raised."""
    try:
        raise error
    except type(error):
        return pytest.ExceptionInfo.from_current()
