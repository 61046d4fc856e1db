"""How long stories are going to take: the journal and the authors' guesses are asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from .collect.items import StoryItem
from .core.estimates import Estimates, estimated
from .core.policies import Terms
from .preparation import Prepared
from .records import Records

GUESSES = {
    "estimated_effort_hours": ("estimated_effort_hours",),
    "story_points": ("story_points", "points"),
}
"""The keys of stories that guess how long they take, by what they are called."""


def terms_of(found: Prepared, items: Iterable[pytest.Item], records: Records | None) -> Terms:
    """What the schedule of a run that begins may go by."""
    if not found.concurrent:
        # pytest's own loop has the order.
        return Terms()
    stories = found.graph.stories
    durations: Mapping[str, float] = {}
    # With a slot for each there is nothing to choose, and with one the order saves nothing.
    if 1 < found.limit < len(stories):
        measured = records.journal.durations(stories) if records is not None else {}
        durations = _estimated(found, items, measured).durations
    return Terms(durations, found.turns, found.conflicts)


def _estimated(found: Prepared, items: Iterable[pytest.Item], measured: Mapping[str, float]) -> Estimates:
    guesses: dict[str, dict[str, float]] = {kind: {} for kind in GUESSES}
    idle: set[str] = set()
    for item in items:
        if isinstance(item, StoryItem):
            if item.is_documentation:
                idle.add(item.nodeid)
            for kind, keys in GUESSES.items() if item.spec.metadata else ():
                number = next(filter(None, (_number(item.spec.metadata.get(key)) for key in keys)), None)
                if number is not None:
                    guesses[kind][item.nodeid] = number
    return estimated(found.graph.stories, measured, guesses, idle)


def _number(value: Any) -> float | None:
    """A guess, or None where something else stands: the keys are the authors' own."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        return None
    return float(value)
