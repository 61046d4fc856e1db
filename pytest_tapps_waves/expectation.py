"""How long stories are thought to take: the journal and the authors' guesses are asked."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from .collect.items import StoryItem
from .collect.library import cache_folder
from .core.estimates import Estimates, estimated
from .core.policies.base import Terms
from .errors import JournalError
from .journal import Store
from .journal.durations import median_durations
from .journal.store import FILE_NAME
from .preparation import Prepared
from .records import Records

GUESSES = {
    "estimated_effort_hours": ("estimated_effort_hours",),
    "story_points": ("story_points", "points"),
}
"""The keys of stories that guess how long they take, by what they are called."""

_GRAIN = 0.005
"""Seconds. By how much less one story is longer than another is chance, and no reason to leave the order of the file,
in which whatever belongs to neighbours lies together in memory."""


def terms_of(found: Prepared, items: Iterable[pytest.Item], records: Records | None) -> Terms:
    """What the schedule of a concurrent run that begins may go by."""
    stories = found.graph.stories
    durations: Mapping[str, float] = {}
    # With a slot for each there is nothing to choose, and with one the order saves nothing.
    if 1 < found.limit < len(stories):
        measured = records.journal.durations(stories) if records is not None else {}
        durations = estimates_of(found, items, measured).durations
    return terms_by(found, durations)


def durations_of(config: pytest.Config, found: Prepared, items: Iterable[pytest.Item]) -> Mapping[str, float]:
    """How long stories are thought to take, for a schedule, from a journal that somebody else writes."""
    measured, _ = read_measured(config, found)
    return _in_grains(estimates_of(found, items, measured).durations)


def terms_by(found: Prepared, durations: Mapping[str, float]) -> Terms:
    """What a schedule may go by, if stories take so many seconds."""
    return Terms(_in_grains(durations), found.turns, found.conflicts)


def _in_grains(durations: Mapping[str, float]) -> Mapping[str, float]:
    return {key: math.ceil(duration / _GRAIN) * _GRAIN for key, duration in durations.items()}


def read_measured(config: pytest.Config, found: Prepared) -> tuple[Mapping[str, float], Sequence[str]]:
    """How long stories have taken, from a journal that somebody else writes, and what users should know of that.

    :return: seconds by node id, and notes.
    """
    folder = cache_folder(config)
    if folder is None or not (folder / FILE_NAME).exists():
        return {}, ()
    try:
        store = Store(folder)
    except JournalError as error:
        return {}, [f"warning: durations are unknown: {error}"]
    try:
        return median_durations(store.connection.execute, found.graph.stories), store.notes
    except sqlite3.Error as error:
        return {}, [f"warning: durations are unknown: {store.path}: {error}"]
    finally:
        store.close()


def estimates_of(found: Prepared, items: Iterable[pytest.Item], measured: Mapping[str, float]) -> Estimates:
    """How long each story is thought to take, from those that have been measured, and from guesses."""
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
