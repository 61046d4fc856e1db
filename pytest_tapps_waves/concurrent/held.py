"""What is set up for several items, where it is not known which of them come to this process.

pytest tears down a module when the next item is in another one. Here the next item is not known before the last one has
ended, and stories of several modules come in turns: what they share is set up once, and torn down when nobody can need
it any more. What goes wrong then is an error of the item that ran last in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pytest

# Tested with pytest 9.1, 9.2: `item_capture` of the capture manager, and that pytest asks `Session._setupstate` for all
# of it. Noticed by tests/test_private_api.py.
from _pytest.nodes import Node

from .current import CURRENT_ITEM, RUNS_ALONE
from .setup_state import SharedSetupState


class HeldFixtures:
    """The nodes that are set up, and stay so after the item that needed them first."""

    def __init__(
        self,
        config: pytest.Config,
        state: SharedSetupState,
        is_held: Callable[[pytest.Item], bool] = lambda item: True,
        *,
        captures: bool,
    ) -> None:
        """
        :param is_held: tells of an item that has run whether others of its file come in no order.
        :param captures: whether pytest's own capture is at work.
        """
        self._config = config
        self._state = state
        self._is_held = is_held
        self._captures = captures

    @contextmanager
    def around(self, item: pytest.Item) -> Iterator[None]:
        """While this holds the item is set up, run and torn down, but not what it shares with others."""
        token, alone_token = CURRENT_ITEM.set(item), RUNS_ALONE.set(True)
        try:
            yield
        finally:
            CURRENT_ITEM.reset(token)
            RUNS_ALONE.reset(alone_token)
            self._state.ended(item)

    def release_before(self, following: pytest.Item) -> None:
        """Tear down what the item that comes now does not need, unless it is held for others."""
        ran = {self._state.last_in[node] for node in self._state.active() if node in self._state.last_in}
        held = [item for item in ran if self._is_held(item)]
        needed = {node for item in (following, *held) for node in item.listchain()}
        self._release(lambda node: node not in needed)

    def release_file(self, node_id: str) -> None:
        """Tear down what belongs to a file, since no more of it comes."""
        self._release(lambda node: node.nodeid == node_id or node.nodeid.startswith(f"{node_id}::"))

    def release_all(self) -> None:
        """Tear down everything."""
        self._release(lambda node: True)

    def _release(self, wanted: Callable[[Node], bool]) -> None:
        for node in self._state.active():
            if wanted(node):
                self._tear_down(node, self._state.last_in.pop(node, None))

    def _tear_down(self, node: Node, last: pytest.Item | None) -> None:
        if last is None:
            return

        def tear_down() -> None:
            with self._captured(last):
                self._state.tear_down(node)

        ends = (pytest.exit.Exception, KeyboardInterrupt)
        call = pytest.CallInfo.from_call(tear_down, when="teardown", reraise=ends)
        if call.excinfo is not None:
            report = last.ihook.pytest_runtest_makereport(item=last, call=call)
            last.ihook.pytest_runtest_logreport(report=report)

    def _captured(self, item: pytest.Item) -> AbstractContextManager[None]:
        capture = self._config.pluginmanager.get_plugin("capturemanager") if self._captures else None
        if capture is None:
            return nullcontext()
        captured: AbstractContextManager[None] = capture.item_capture("teardown", item)
        return captured
