"""Nodes are set up by the first item that needs them, and torn down by the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from _pytest.nodes import Node

from pytest_tapps_waves.concurrent.current import CURRENT_ITEM
from pytest_tapps_waves.concurrent.setup_state import SharedSetupState

FILES = {"test_a": "def test_1(): pass\ndef test_2(): pass\n", "test_b": "def test_3(): pass\n"}


class Tree:
    """Three items in two files, and what happens to their nodes."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(**FILES)
        found, _ = pytester.inline_genitems("-p", "no:cacheprovider")
        self.items = sorted(found, key=lambda item: item.name)
        self.session = self.items[0].session
        self.state = SharedSetupState(self.session, self.items)
        self.log: list[str] = []
        for node in {node: None for item in self.items for node in item.listchain()}:
            name = node.name if node is not self.session else "session"
            node.setup = self.note(f"up {name}")  # type: ignore[method-assign]
            node.teardown = self.note(f"down {name}")  # type: ignore[method-assign]

    def note(self, what: str) -> Callable[[], None]:
        return lambda: self.log.append(what)

    @contextmanager
    def current(self, item: pytest.Item) -> Iterator[None]:
        token = CURRENT_ITEM.set(item)
        try:
            yield
        finally:
            CURRENT_ITEM.reset(token)

    def set_up(self, item: pytest.Item) -> None:
        with self.current(item):
            self.state.setup(item)

    def tear_down(self, item: pytest.Item, *, ends: bool = True) -> None:
        with self.current(item):
            self.state.teardown_exact(None)
        if ends:
            self.state.ended(item)


@pytest.fixture
def tree(pytester: pytest.Pytester) -> Tree:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return Tree(pytester)


def _fail(what: str) -> Callable[[], None]:
    def fail() -> None:
        raise RuntimeError(what)

    return fail


def _file_of(item: pytest.Item) -> Node:
    assert item.parent is not None
    return item.parent


def test_a_node_is_set_up_once_for_items_that_overlap(tree: Tree) -> None:
    first, second, _ = tree.items
    tree.set_up(first)
    tree.set_up(second)
    assert tree.log.count("up test_a.py") == 1
    assert tree.log.count("up session") == 1
    assert tree.log[-2:] == ["up test_1", "up test_2"]


def test_a_file_is_torn_down_with_the_last_of_its_items_in_any_order(tree: Tree) -> None:
    first, second, _ = tree.items
    tree.set_up(first)
    tree.set_up(second)
    tree.log.clear()
    tree.tear_down(second)
    assert tree.log == ["down test_2"]
    tree.tear_down(first)
    assert tree.log == ["down test_2", "down test_1", "down test_a.py"]


def test_a_file_waits_for_items_that_have_not_begun(tree: Tree) -> None:
    first, second, _ = tree.items
    tree.set_up(first)
    tree.tear_down(first)
    assert "down test_a.py" not in tree.log
    tree.set_up(second)
    tree.tear_down(second)
    assert tree.log.count("up test_a.py") == tree.log.count("down test_a.py") == 1


def test_the_session_is_torn_down_by_the_very_last_item(tree: Tree) -> None:
    for item in tree.items:
        tree.set_up(item)
    for item in tree.items[:2]:
        tree.tear_down(item)
    assert "down session" not in tree.log
    tree.tear_down(tree.items[2])
    assert tree.log[-1] == "down session"


def test_nothing_waits_for_items_that_will_not_begin_once_the_session_stops(tree: Tree) -> None:
    tree.set_up(tree.items[0])
    tree.session.shouldfail = "stopping after 1 failures"
    tree.tear_down(tree.items[0])
    assert tree.log[-1] == "down session"


def test_an_item_that_runs_again_is_set_up_again(tree: Tree) -> None:
    tree.set_up(tree.items[0])
    tree.tear_down(tree.items[0], ends=False)
    tree.set_up(tree.items[0])
    assert tree.log[-2:] == ["down test_1", "up test_1"]


def test_finalizers_run_last_in_first_out_with_their_node(tree: Tree) -> None:
    first, second, _ = tree.items
    tree.set_up(first)
    tree.set_up(second)
    for number in (1, 2):
        tree.state.addfinalizer(tree.note(f"finalizer {number}"), first)
    tree.state.addfinalizer(tree.note("of the file"), _file_of(first))
    tree.log.clear()
    tree.tear_down(first)
    assert tree.log == ["finalizer 2", "finalizer 1", "down test_1"]
    tree.tear_down(second)
    assert tree.log[3:] == ["down test_2", "of the file", "down test_a.py"]


def test_a_file_whose_set_up_failed_fails_each_of_its_items_without_trying_again(tree: Tree) -> None:
    first, second, _ = tree.items
    _file_of(first).setup = _fail("no file")  # type: ignore[method-assign]
    for item in (first, second):
        with pytest.raises(RuntimeError, match="no file"):
            tree.set_up(item)
        tree.tear_down(item)
    assert "up test_1" not in tree.log
    assert tree.log[-1] == "down test_a.py"


def test_all_errors_of_a_tear_down_are_raised_and_hinder_nothing(tree: Tree) -> None:
    first = tree.items[0]
    tree.set_up(first)
    for number in (1, 2):
        tree.state.addfinalizer(_fail(f"error {number}"), first)
    with pytest.raises(ExceptionGroup) as raised:
        tree.tear_down(first)
    assert sorted(str(error) for error in raised.value.exceptions) == ["error 1", "error 2"]
    assert tree.log[-1] == "down test_1"
    assert not tree.state.is_node_active(first)


def test_without_a_current_item_all_that_is_left_is_torn_down(tree: Tree) -> None:
    tree.set_up(tree.items[0])
    tree.state.teardown_exact(None)
    down = [line for line in tree.log if line.startswith("down")]
    assert down[:2] == ["down test_1", "down test_a.py"]
    assert down[-1] == "down session"
    assert not tree.state.stack


def test_what_a_plugin_takes_off_the_stack_stays_set_up(tree: Tree) -> None:
    first, _, third = tree.items
    tree.set_up(first)
    tree.set_up(third)
    with tree.current(first):
        stack = tree.state.stack
        assert third not in stack
        stack.clear()
    assert tree.state.is_node_active(third)
    assert tree.state.is_node_active(_file_of(first))
