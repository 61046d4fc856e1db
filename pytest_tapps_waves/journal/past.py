"""Attempts at stories, as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .owners import Owner

RUNNING = "running"
"""The outcome of an attempt that goes on."""
LOST = "lost"
"""The outcome of an attempt whose run ended without saying how."""

PAST_QUERY = """
    SELECT node, run.id, attempt.number, definition, upstream, outcome, reason, attempt.started, duration, exit_status,
        host, pid, identity, beat, ended
    FROM run CROSS JOIN attempt ON attempt.run = run.number
"""
"""What :func:`past_of` takes, after the node id."""


class Past(NamedTuple):
    """One attempt at a story, in whatever run."""

    run_id: str
    number: int
    """Counted from 1 in each run; 0 stands for a story that was decided about without being run."""
    definition: str
    upstream: str
    outcome: str
    reason: str
    started: float
    """Seconds since the epoch."""
    duration: float
    """Seconds."""
    exit_status: int | None
    owner: Owner
    being_run: bool
    """Whether it goes on right now."""

    @property
    def mark(self) -> str:
        """Tells this attempt at the story from all others."""
        return f"{self.run_id}.{self.number}"

    @property
    def is_lost(self) -> bool:
        """Whether its run ended without saying how."""
        return self.outcome == LOST or (self.outcome == RUNNING and not self.being_run)


def past_of(columns: Sequence[Any]) -> Past:
    """What a row of :data:`PAST_QUERY` says, without its first column."""
    *attempt, host, pid, identity, beat, ended = columns
    owner = Owner(host, pid, identity)
    being_run = attempt[4] == RUNNING and ended is None and not owner.is_gone(beat)
    return Past._make([*attempt, owner, being_run])
