"""How long a run is going to take, and would have taken otherwise: the journal and the authors' guesses are asked."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from .collect.items import StoryItem
from .collect.library import cache_folder
from .core.estimates import Estimates, estimated
from .core.forecast import Forecast, Outlook, Replaying, bound_of, eager_instead, forecast
from .core.model import DependencyRules
from .core.plan import Plan
from .core.policies.base import Terms
from .core.replay import Replay, replayed
from .epics.pause import collector_paused
from .errors import JournalError
from .journal import Store
from .journal.durations import median_durations
from .journal.store import FILE_NAME
from .loops.at_once import is_test, needs_thread
from .preparation import Prepared
from .records import Records
from .reports.words import seconds

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
        durations = _estimated(found, items, measured).durations
    return _terms(found, durations)


def durations_of(config: pytest.Config, found: Prepared, items: Iterable[pytest.Item]) -> Mapping[str, float]:
    """How long stories are thought to take, for a schedule, from a journal that somebody else writes."""
    measured, _ = _read_measured(config, found)
    return _in_grains(_estimated(found, items, measured).durations)


def _terms(found: Prepared, durations: Mapping[str, float]) -> Terms:
    return Terms(_in_grains(durations), found.turns, found.conflicts)


def _in_grains(durations: Mapping[str, float]) -> Mapping[str, float]:
    return {key: math.ceil(duration / _GRAIN) * _GRAIN for key, duration in durations.items()}


def outlook_of(
    config: pytest.Config, found: Prepared, items: Sequence[pytest.Item], rules: DependencyRules
) -> Outlook | None:
    """What the run that begins is going to take; None if no story of it has been measured."""
    measured, _ = _read_measured(config, found)
    if not measured:
        return None
    durations = _estimated(found, items, measured).durations
    if not found.concurrent:
        return Outlook(durations, sum(durations.values()))
    with collector_paused():
        replay = _replaying(found, items, rules, durations)(found.schedule, found.limit)
    return Outlook(durations, replay.makespan)


def forecast_of(
    config: pytest.Config, found: Prepared, items: Sequence[pytest.Item], rules: DependencyRules
) -> tuple[Forecast, Sequence[str]]:
    """What the plan is going to take, and what users should know of the journal."""
    measured, notes = _read_measured(config, found)
    estimates = _estimated(found, items, measured)
    unlimited = _replaying(found, items, rules, estimates.durations, limits=False)
    if not found.concurrent:
        return forecast(found.graph, estimates, 0, unlimited, unlimited), notes
    replay = _replaying(found, items, rules, estimates.durations)
    return forecast(found.graph, estimates, found.limit, replay, unlimited), notes


def hint(
    found: Prepared,
    items: Sequence[pytest.Item],
    plan: Plan,
    durations: Mapping[str, float],
    took: float,
    rules: DependencyRules,
) -> Iterator[str]:
    """The line that says what the eager schedule would have saved, if that is known, and worth a line.

    :param durations: of all stories that were run, in seconds.
    :param took: seconds from the beginning of the first to the end of the last.
    """
    if found.schedule != "waves" or not plan.done or len(found.waves) < 2:
        return
    if not all(plan.states[key].satisfies and key in durations for key in plan.states):
        return
    with collector_paused():
        least = bound_of(found.graph, durations, frozenset(durations)).makespan(found.limit)
        instead = eager_instead(took, least, found.limit, _replaying(found, items, rules, durations))
    if instead is not None:
        yield f"waves {seconds(took)} · eager would take about {seconds(instead)}: --epic-schedule=eager"


def _replaying(
    found: Prepared,
    items: Iterable[pytest.Item],
    rules: DependencyRules,
    durations: Mapping[str, float],
    *,
    limits: bool = True,
) -> Replaying:
    """:param limits: whether those of single epics hold."""
    tests = [item for item in items if item.nodeid in found.graph.stories and is_test(item)]
    epics = {path: epic.rules for path, epic in found.epics.items()}
    rules_of = {path: epic if limits else epic._replace(limit=0) for path, epic in epics.items()}
    alone = {item.nodeid for item in tests if needs_thread(item)}
    beside = {item.nodeid for item in tests}

    def replay(schedule: str, limit: int) -> Replay:
        return replayed(
            found.graph,
            found.waves,
            schedule,
            durations,
            limit=limit,
            rules=rules_of,
            conflicts=found.conflicts,
            dependency_rules=rules,
            terms=_terms(found, durations),
            alone=alone.__contains__,
            beside=beside.__contains__,
        )

    return replay


def _read_measured(config: pytest.Config, found: Prepared) -> tuple[Mapping[str, float], Sequence[str]]:
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
