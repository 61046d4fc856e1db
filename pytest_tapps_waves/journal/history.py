"""What all runs together say of each story."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from .past import PAST_QUERY, Past, past_of
from .store import Store
from .tail import take_in


class StoryHistory(NamedTuple):
    """The last that is known of a story."""

    latest: Past
    """The latest that became of it, be it that it was decided about without being run."""
    attempt: Past | None
    """The latest attempt at it that was made; its number tells how many its run has made."""


def read_history(store: Store) -> Mapping[str, StoryHistory]:
    """By node id. What runs that were killed had not committed is committed first.

    :raises sqlite3.Error: if the database cannot be read.
    """
    execute = store.connection.execute
    try:
        take_in(execute, store.path.parent)
    except sqlite3.Error as error:
        store.notes.append(f"warning: the last that runs that were killed wrote is not shown: {error}")
        if store.connection.in_transaction:
            execute("ROLLBACK")
    latest = "WHERE (node, attempt.place) IN (SELECT node, max(place) FROM attempt {} GROUP BY node)"
    attempts = {
        node: past_of(found) for node, *found in execute(PAST_QUERY + latest.format("WHERE number > 0")).fetchall()
    }
    return {
        node: StoryHistory(past_of(found), attempts.get(node))
        for node, *found in execute(PAST_QUERY + latest.format("")).fetchall()
    }
