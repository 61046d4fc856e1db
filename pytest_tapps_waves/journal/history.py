"""What all runs together say of each story."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .past import PAST_QUERY, Past, past_of
from .store import Store


class StoryHistory(NamedTuple):
    """The last that is known of a story."""

    latest: Past
    """The latest that became of it, be it that it was decided about without being run."""
    attempt: Past | None
    """The latest attempt at it that was made; its number tells how many its run has made."""


def read_history(store: Store) -> Mapping[str, StoryHistory]:
    """By node id.

    :raises sqlite3.Error: if the database cannot be read.
    """
    execute = store.connection.execute
    latest = "WHERE (node, attempt.place) IN (SELECT node, max(place) FROM attempt {} GROUP BY node)"
    attempts = {
        node: past_of(found) for node, *found in execute(PAST_QUERY + latest.format("WHERE number > 0")).fetchall()
    }
    return {
        node: StoryHistory(past_of(found), attempts.get(node))
        for node, *found in execute(PAST_QUERY + latest.format("")).fetchall()
    }
