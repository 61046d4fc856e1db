"""What a plan promises for every graph, every schedule, every set of rules and every order of events."""

from __future__ import annotations

from collections.abc import Iterable

import hypothesis.strategies as st
from bookkeeper import OUTCOMES, Bookkeeper, World, worlds
from hypothesis import given, settings

MODERATE = settings(max_examples=200, deadline=None, database=None)

MOVES = st.tuples(
    st.sampled_from(["start", "start", "end", "end", "end"]), st.integers(0, 5), st.integers(0, len(OUTCOMES) - 1)
)


REST = st.lists(st.integers(0, len(OUTCOMES) - 1), min_size=1, max_size=6)


def drive(world: World, moves: Iterable[tuple[str, int, int]]) -> Bookkeeper:
    books = Bookkeeper(world)
    for move, choice, outcome in moves:
        if move == "start":
            books.start()
        else:
            books.end_one(choice, outcome)
    return books


@MODERATE
@given(world=worlds(), moves=st.lists(MOVES, max_size=40), rest=REST)
def test_every_plan_keeps_its_promises_to_the_end(
    world: World, moves: list[tuple[str, int, int]], rest: list[int]
) -> None:
    drive(world, moves).drain(rest)


@MODERATE
@given(world=worlds(), before=st.lists(MOVES, max_size=20), after=st.lists(MOVES, max_size=10))
def test_every_plan_keeps_its_promises_when_it_is_stopped(
    world: World, before: list[tuple[str, int, int]], after: list[tuple[str, int, int]]
) -> None:
    books = drive(world, before)
    books.stop()
    for _, choice, outcome in after:
        books.end_one(choice, outcome)
        assert books.plan.next() == []
    books.drain([0])


@MODERATE
@given(world=worlds(), moves=st.lists(MOVES, max_size=40))
def test_the_same_events_lead_to_the_same_states(world: World, moves: list[tuple[str, int, int]]) -> None:
    assert drive(world, moves).plan.states == drive(world, moves).plan.states
