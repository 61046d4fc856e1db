"""What is written into the database over and over."""

from __future__ import annotations

from typing import NamedTuple

from .store import storable


class Statement(NamedTuple):
    """A statement whose values begin with the number of the run."""

    text: str
    values: int
    """How many."""


PUT = Statement(
    """
    INSERT INTO attempt
        (run, place, node, number, definition, upstream, outcome, reason, started, duration, exit_status)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (run, node, number) DO UPDATE SET
        outcome = excluded.outcome, reason = excluded.reason, started = excluded.started,
        duration = excluded.duration, exit_status = excluded.exit_status
    """,
    11,
)
PUT_PROCESS = Statement("INSERT INTO process VALUES (?, ?, ?, ?)", 4)


class Row(NamedTuple):
    """One attempt at a story, as it is written."""

    node: str
    number: int
    """Counted from 1 in each run; 0 stands for a story that was decided about without being run."""
    definition: str
    upstream: str
    outcome: str
    """A state's word, or :data:`~.past.RUNNING`."""
    reason: str
    started: float
    """Seconds since the epoch."""
    duration: float
    """Seconds."""
    exit_status: int | None


def as_stored(row: Row) -> Row:
    """The row with text that SQLite takes."""
    if row.node.isascii() and row.reason.isascii():
        return row
    return row._replace(node=storable(row.node), reason=storable(row.reason))
