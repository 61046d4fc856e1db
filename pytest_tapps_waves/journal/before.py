"""What the runs before this one have left in the journal: some were killed, and some are old."""

from __future__ import annotations

import time
from typing import NamedTuple

from .owners import Owner
from .past import LOST, RUNNING
from .statements import Execute


class Dead(NamedTuple):
    """Runs that ended without saying so."""

    ids: list[str]
    """Of those on this host."""
    processes: list[tuple[int, str]]
    """What those had started for stories: pid, and what tells it from others."""
    last_place: int
    """The greatest that they gave to an attempt."""


def find_dead(execute: Execute, run: int, host: str) -> Dead:
    """Find the runs that are no more, and say in their place that they have ended.

    :param run: the number of the one that asks, on this ``host``.
    :raises sqlite3.Error: if that cannot be done.
    """
    open_runs = execute(
        "SELECT number, id, beat, host, pid, identity FROM run WHERE ended IS NULL AND number != ?", [run]
    ).fetchall()
    ids, processes, last_place = [], [], 0
    for number, run_id, beat, *owned in open_runs:
        owner = Owner(*owned)
        if not owner.is_gone(beat):
            continue
        if owner.host == host:
            ids.append(run_id)
            processes += execute("SELECT pid, identity FROM process WHERE run = ?", [number]).fetchall()
        execute("DELETE FROM process WHERE run = ?", [number])
        last = execute("SELECT coalesce(max(place), 0) FROM attempt WHERE run = ?", [number]).fetchone()[0]
        last_place = max(last_place, last)
        execute("UPDATE run SET ended = ?, place = max(place, ?) WHERE number = ?", (beat, last, number))
        execute(
            "UPDATE attempt SET outcome = ?, reason = ? WHERE run = ? AND outcome = ?",
            (LOST, "its run was killed", number, RUNNING),
        )
    return Dead(ids, processes, last_place)


def forget_old(execute: Execute, run: int, days: int) -> None:
    """Forget old runs. A clock that has jumped ahead makes none old: the one before must be as far ahead.

    :param run: the number of the one that asks.
    :param days: 0 is never.
    :raises sqlite3.Error: if that cannot be done.
    """
    if not days:
        return
    before = execute("SELECT max(started) FROM run WHERE number != ?", [run]).fetchone()[0]
    if before is not None:
        oldest = min(time.time(), before) - days * 86400
        # As long as something stands that it has made, somebody has to know of it.
        made = "SELECT run FROM made"
        execute(f"DELETE FROM run WHERE started < ? AND ended IS NOT NULL AND number NOT IN ({made})", [oldest])
