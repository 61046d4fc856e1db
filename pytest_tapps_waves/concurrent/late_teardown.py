"""Fixtures of modules, classes and the session, where it is not known yet which item comes next.

pytest asks for the next item before it tears one down. Here an item is torn down for itself alone, and what else is to
be torn down is, as soon as the next item is known; what goes wrong then is an error of the item before it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest

# Tested with pytest 9.1, 9.2: `teardown_exact` of `Session._setupstate`, and `item_capture` of the capture manager.
# Noticed by tests/test_private_api.py.


class _Anyone(pytest.Item):
    """Stands for whichever item of the same class or module comes next."""

    def runtest(self) -> None:
        raise NotImplementedError("it stands for another item, and is never run")


class LateTeardown:
    """What is set up of the items that run one after the other."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._last: pytest.Item | None = None
        self._anyone: _Anyone | None = None

    def following(self, item: pytest.Item) -> pytest.Item:
        """What to name as the item after this one, so that only the item itself is torn down."""
        if self._anyone is None or self._anyone.parent is not item.parent:
            assert item.parent is not None
            self._anyone = _Anyone.from_parent(item.parent, name="anyone")
        self._last = item
        return self._anyone

    def before(self, item: pytest.Item | None) -> None:
        """Tear down what the item that comes now does not need; without one, everything."""
        last = self._last
        if last is None or (item is not None and item.parent is last.parent):
            return
        self._last = None if item is None else last

        def tear_down() -> None:
            with self._captured(last):
                self._session._setupstate.teardown_exact(item)

        ends = (pytest.exit.Exception, KeyboardInterrupt)
        call = pytest.CallInfo.from_call(tear_down, when="teardown", reraise=ends)
        if call.excinfo is not None:
            report = last.ihook.pytest_runtest_makereport(item=last, call=call)
            last.ihook.pytest_runtest_logreport(report=report)

    def _captured(self, item: pytest.Item) -> AbstractContextManager[None]:
        capture = self._session.config.pluginmanager.get_plugin("capturemanager")
        if capture is None:
            return nullcontext()
        captured: AbstractContextManager[None] = capture.item_capture("teardown", item)
        return captured
