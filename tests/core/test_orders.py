"""A plan that is made elsewhere: it starts what is ordered, says how that ended, and decides nothing."""

from __future__ import annotations

import pytest

from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import State, Story
from pytest_tapps_waves.core.orders import Orders
from pytest_tapps_waves.core.plan import Cancel

Ended = list[tuple[str, State, str]]


@pytest.fixture
def ended() -> Ended:
    return []


@pytest.fixture
def orders(ended: Ended) -> Orders:
    graph = Graph([Story("a", "a", "epic", 1), Story("b", "b", "epic", 2, dependencies=("a",))])
    made = Orders(graph, lambda *end: ended.append(end))
    made.begin()
    return made


def test_nothing_starts_that_was_not_ordered(orders: Orders) -> None:
    assert orders.next() == []
    assert orders.waits
    assert not orders.done


def test_what_is_ordered_starts_whatever_it_depends_on(orders: Orders, ended: Ended) -> None:
    orders.order(["b", "no story"])
    assert orders.next() == ["b", "no story"]
    assert orders.running == {"b", "no story"}
    orders.end("b", State.FAILED)
    orders.end("no story", State.PASSED)
    assert ended == [("b", State.FAILED, ""), ("no story", State.PASSED, "")]
    assert orders.effects() == []
    assert orders.states["a"] is State.WAITING


def test_it_is_done_when_no_more_orders_come_and_all_have_ended(orders: Orders) -> None:
    orders.order(["a"])
    orders.next()
    orders.close()
    assert not orders.done
    orders.end("a", State.PASSED)
    assert orders.done


def test_one_that_was_cancelled_ends_so_if_it_was_broken_off(orders: Orders, ended: Ended) -> None:
    orders.order(["a", "b"])
    orders.next()
    orders.cancel("a", "why")
    orders.cancel("b", "why")
    assert orders.effects() == [Cancel("a", "why"), Cancel("b", "why")]
    orders.end("a", State.SKIPPED, "why")
    orders.end("b", State.SKIPPED, "a reason of its own")
    assert [state for _, state, _ in ended] == [State.CANCELLED, State.SKIPPED]
    orders.cancel("a", "too late")
    assert orders.effects() == []


def test_one_that_was_cancelled_before_it_started_is_not_started(orders: Orders, ended: Ended) -> None:
    orders.order(["a", "b"])
    orders.cancel("a", "why")
    assert ended == [("a", State.NOT_STARTED, "")]
    assert orders.next() == ["b"]


def test_stopped_it_starts_nothing_more_and_cancels_each_once(orders: Orders) -> None:
    orders.order(["a"])
    orders.next()
    orders.order(["b"])
    orders.stop("interrupted")
    orders.stop("again")
    orders.order(["b"])
    assert orders.next() == []
    assert orders.effects() == [Cancel("a", "cancelled: interrupted")]
    orders.end("a", State.CANCELLED)
    assert orders.done
