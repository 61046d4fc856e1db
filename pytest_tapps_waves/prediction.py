"""How long a run is going to take, and would have taken otherwise: its plan is replayed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pytest

from .core.forecast import Forecast, Outlook, Replaying, bound_of, eager_instead, forecast
from .core.model import DependencyRules
from .core.plan import Plan
from .core.replay import Replay, replayed
from .epics.pause import collector_paused
from .expectation import estimates_of, read_measured, terms_by
from .loops.at_once import is_test, needs_thread
from .preparation import Prepared
from .reports.words import seconds


def outlook_of(
    config: pytest.Config, found: Prepared, items: Sequence[pytest.Item], rules: DependencyRules
) -> Outlook | None:
    """What the run that begins is going to take; None if no story of it has been measured."""
    measured, _ = read_measured(config, found)
    if not measured:
        return None
    durations = estimates_of(found, items, measured).durations
    if not found.concurrent:
        return Outlook(durations, sum(durations.values()))
    with collector_paused():
        replay = _replaying(found, items, rules, durations)(found.schedule, found.limit)
    return Outlook(durations, replay.makespan)


def forecast_of(
    config: pytest.Config, found: Prepared, items: Sequence[pytest.Item], rules: DependencyRules
) -> tuple[Forecast, Sequence[str]]:
    """What the plan is going to take, and what users should know of the journal."""
    measured, notes = read_measured(config, found)
    estimates = estimates_of(found, items, measured)
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
            terms=terms_by(found, durations),
            alone=alone.__contains__,
            beside=beside.__contains__,
        )

    return replay
