"""What is written into the database over and over."""

from __future__ import annotations

from typing import NamedTuple


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
    ON CONFLICT (node, run, number) DO UPDATE SET
        outcome = excluded.outcome, reason = excluded.reason, started = excluded.started,
        duration = excluded.duration, exit_status = excluded.exit_status
    """,
    11,
)
PUT_PROCESS = Statement("INSERT INTO process VALUES (?, ?, ?, ?)", 4)
