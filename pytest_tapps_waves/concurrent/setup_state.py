"""pytest's ``SetupState`` for items that run at once: a tree with use counts instead of a stack.

A node (a file, the session) is set up by the first story that needs it and torn down by the last one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from types import TracebackType

import pytest

# Tested with pytest 9.1, 9.2: `Session._setupstate` and the methods `setup`, `teardown_exact`, `addfinalizer`,
# `is_node_active` and the attribute `stack` of SetupState. Noticed by tests/test_private_api.py.
from _pytest.nodes import Node
from _pytest.runner import SetupState

from .current import CURRENT_ITEM

_Nodes = dict[Node, tuple[list[Callable[[], object]], tuple[BaseException, TracebackType | None] | None]]

_OUTCOMES = (pytest.skip.Exception, pytest.fail.Exception, pytest.exit.Exception, Exception)


class SharedSetupState(SetupState):
    """The nodes that are set up, and which items use them."""

    def __init__(self, session: pytest.Session, items: Iterable[pytest.Item]) -> None:
        """:param items: all that are going to run while this is in place."""
        self._nodes: _Nodes = {}
        self._session = session
        self._users: dict[Node, set[pytest.Item]] = {}
        self._to_come: dict[Node, int] = {}
        self._ended: set[pytest.Item] = set()
        self.last_in: dict[Node, pytest.Item] = {}
        """Of what several items share, the last that ended."""
        for item in items:
            for node in item.listchain():
                self._to_come[node] = self._to_come.get(node, 0) + 1

    @property
    def stack(self) -> _Nodes:  # type: ignore[override]
        """What the current item uses; a copy, since rerunfailures takes out what it believes to be only that item's."""
        item = CURRENT_ITEM.get()
        nodes = self._nodes if item is None else item.listchain()
        return {node: self._nodes[node] for node in nodes if node in self._nodes}

    def is_node_active(self, node: Node) -> bool:
        return node in self._nodes

    def addfinalizer(self, finalizer: Callable[[], object], node: Node) -> None:
        assert callable(finalizer)
        assert node in self._nodes, node
        self._nodes[node][0].append(finalizer)

    def setup(self, item: pytest.Item) -> None:
        __tracebackhide__ = True
        chain = item.listchain()
        for node in chain:
            if node in self._nodes and (failure := self._nodes[node][1]):
                raise failure[0].with_traceback(failure[1])
        for node in chain:
            self._users.setdefault(node, set()).add(item)
            if node in self._nodes:
                continue
            self._nodes[node] = ([node.teardown], None)
            try:
                node.setup()
            except _OUTCOMES as error:
                self._nodes[node] = (self._nodes[node][0], (error, error.__traceback__))
                raise

    def teardown_exact(self, nextitem: pytest.Item | None) -> None:
        """Tear down what the current item is the last to need; without a current item, all that is left."""
        __tracebackhide__ = True
        item = CURRENT_ITEM.get()
        nodes = list(reversed(self._nodes if item is None else item.listchain()))
        errors: list[BaseException] = []
        for node in nodes:
            if item is not None:
                self._users.get(node, set()).discard(item)
                if node is not item and self._needed(node, item):
                    continue
            errors.extend(self._tear_down(node))
        # pytest removes the variable after this, without a default, and another story may have done so already.
        if item is not None:
            os.environ["PYTEST_CURRENT_TEST"] = f"{item.nodeid} (teardown)".replace("\x00", "(null)")
        _raise(errors)

    def active(self) -> list[Node]:
        """What is set up, the innermost first."""
        return list(reversed(self._nodes))

    def tear_down(self, node: Node) -> None:
        """Tear down one node, whoever may need it."""
        __tracebackhide__ = True
        _raise(self._tear_down(node))

    def ended(self, item: pytest.Item) -> None:
        """The item is not going to run again."""
        self._ended.add(item)
        for node in item.listchain():
            self._to_come[node] -= 1
            if node is not item:
                self.last_in[node] = item
        # Of the item itself nothing is kept: there are many.
        del self._to_come[item]
        self._users.pop(item, None)

    def _needed(self, node: Node, item: pytest.Item) -> bool:
        if self._users.get(node):
            return True
        if self._session.shouldstop or self._session.shouldfail:
            return False
        return self._to_come.get(node, 0) > (0 if item in self._ended else 1)

    def _tear_down(self, node: Node) -> list[BaseException]:
        __tracebackhide__ = True
        if node not in self._nodes:
            return []
        finalizers, _ = self._nodes.pop(node)
        errors: list[BaseException] = []
        while finalizers:
            try:
                finalizers.pop()()
            except _OUTCOMES as error:
                errors.append(error)
        if len(errors) > 1:
            return [BaseExceptionGroup(f"errors while tearing down {node!r}", errors[::-1])]
        return errors


def _raise(errors: list[BaseException]) -> None:
    __tracebackhide__ = True
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("errors during test teardown", errors[::-1])
