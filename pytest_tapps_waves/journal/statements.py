"""What is written into the database over and over."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from json.encoder import encode_basestring_ascii as _quoted
from typing import NamedTuple, TypeAlias

from .store import storable

Execute: TypeAlias = Callable[..., sqlite3.Cursor]
"""Executes a statement, given its values."""


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


def line_of(place: int, row: Row) -> bytes:
    """The values of :data:`PUT` but the run, as a line of JSON, its times to the microsecond."""
    node, number, definition, upstream, outcome, reason, started, duration, exit_status = row
    # By hand: JSONEncoder makes a new encoder for each line, which costs more than all else that is done to write it.
    words = f"{_quoted(definition)},{_quoted(upstream)},{_quoted(outcome)},{_quoted(reason)}"
    # Whole numbers, since the shortest text that is read as the same float takes longer to find than all the rest.
    times = f"{round(started * 1e6)}e-6,{round(duration * 1e6)}e-6"
    status = "null" if exit_status is None else exit_status
    return f"[{place},{_quoted(node)},{number},{words},{times},{status}]\n".encode("ascii")


def line_of_process(process: tuple[str, int, str]) -> bytes:
    """The values of :data:`PUT_PROCESS` but the run, as a line of JSON."""
    return f"{json.dumps(process)}\n".encode("ascii")


def as_stored(row: Row) -> Row:
    """The row with text that SQLite takes."""
    if row.node.isascii() and row.reason.isascii():
        return row
    return row._replace(node=storable(row.node), reason=storable(row.reason))
