"""Plans of all kinds, driven by events and checked against books of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, product

import hypothesis.strategies as st

from pytest_tapps_waves.core.conflicts import Conflict, find_conflicts
from pytest_tapps_waves.core.globs import overlap, parse
from pytest_tapps_waves.core.graph import Graph, Waves
from pytest_tapps_waves.core.model import DependencyAction, DependencyRules, EpicRules, OnConflict, State, Story
from pytest_tapps_waves.core.plan import Cancel, Effect, Plan, Settled, Tripped
from pytest_tapps_waves.core.policies import POLICIES
from pytest_tapps_waves.core.policies.base import Terms, WaveFinished, WaveStarted
from pytest_tapps_waves.core.turns import find_turns

EPICS = ("epic_a.yaml", "epic_b.yaml", "test_c.py")
FILES = ((), ("/x",), ("/x",), ("/y", "/x"), ("/q.z",), ("/q.z",), ("*.z",), ("*.z", "/x"))
OUTCOMES = (State.PASSED, State.PASSED, State.FAILED, State.DOCUMENTED, State.SKIPPED)
AFTER_A_CANCEL = (State.CANCELLED, State.CANCELLED, State.PASSED, State.FAILED)


@dataclass(frozen=True)
class World:
    stories: tuple[Story, ...]
    waves: Waves
    rules: dict[str, EpicRules]
    conflicts: tuple[Conflict, ...]
    limit: int
    dependency_rules: DependencyRules
    schedule: str
    durations: Mapping[str, float]
    graph: Graph = field(repr=False)


def _rules(draw: st.DrawFn) -> EpicRules:
    return EpicRules(
        limit=draw(st.sampled_from([0, 0, 1, 2, 3])),
        fail_fast=draw(st.booleans()),
        breaker=draw(st.sampled_from([0, 1, 2, 2, 3])),
        on_conflict=draw(st.sampled_from([OnConflict.SERIALIZE, OnConflict.SERIALIZE, *OnConflict])),
    )


@st.composite
def _stories(draw: st.DrawFn) -> list[Story]:
    stories: list[Story] = []
    names = [str(number) for number in range(draw(st.sampled_from([1, 2, 4, 6, 8, 10])))]
    epics = draw(st.sampled_from([EPICS[:1], EPICS[:2], EPICS]))
    for place, name in enumerate(names):
        stories.append(
            Story(
                key=name,
                id=name,
                epic=draw(st.sampled_from(epics)),
                line=place + 1,
                dependencies=tuple(filter(None, draw(st.lists(st.sampled_from(["", *names[:place]]), max_size=2)))),
                files=draw(st.sampled_from(FILES)),
                critical=draw(st.sampled_from([False, False, True])),
                missing=draw(st.sampled_from([(), (), (), ("elsewhere",)])),
            )
        )
    # File order need not be a good order.
    return draw(st.permutations(stories)) if draw(st.booleans()) else stories


@st.composite
def worlds(draw: st.DrawFn, schedules: Sequence[str] = tuple(POLICIES)) -> World:
    graph = Graph(draw(_stories()))
    rules = {epic: _rules(draw) for epic in EPICS[:2]}  # the third is a Python file, and has none
    waves = graph.waves
    if draw(st.booleans()):
        cut = draw(st.integers(1, 3))
        waves = graph.regrouped(part for wave in waves for part in (wave[:cut], wave[cut:]))
    action = st.sampled_from(DependencyAction)
    return World(
        stories=tuple(graph.stories.values()),
        graph=graph,
        waves=waves,
        rules=rules,
        conflicts=tuple(find_conflicts(graph, waves, rules)),
        limit=draw(st.sampled_from([1, 2, 3, 5])),
        dependency_rules=DependencyRules(failed=draw(action), missing=draw(action)),
        schedule=draw(st.sampled_from(schedules)),
        durations={key: draw(st.sampled_from([0.5, 1.0, 7.0])) for key in graph.stories} if draw(st.booleans()) else {},
    )


class Bookkeeper:
    """Drives a plan by events, and checks it against books of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.running: list[str] = []
        self.ended: dict[str, State] = {}
        self.settled: dict[str, State] = {}
        self.cancelled: set[str] = set()
        self.halted: set[str] = set()
        """Epics that a breaker or a critical story stopped."""
        self.failures: dict[str, list[str]] = {epic: [] for epic in EPICS}
        self.tripped: dict[str, tuple[str, ...]] = {}
        self.wave_effects: list[WaveStarted | WaveFinished] = []
        self.stopped = False
        turns = partial(find_turns, world.graph, world.waves, world.rules)
        terms = Terms(world.durations, turns, world.conflicts)
        self.waves = world.schedule == "waves"
        self.wave_of = {key: number for number, wave in enumerate(world.waves) for key in wave}
        self.plan = Plan(
            world.graph,
            POLICIES[world.schedule](world.graph, world.waves, terms),
            rules=world.rules,
            conflicts=world.conflicts,
            limit=world.limit,
            dependency_rules=world.dependency_rules,
        )
        self.plan.begin()
        self._take_effects()

    def start(self) -> None:
        for key in self.plan.next():
            self._check_may_start(key)
            self.running.append(key)
        self._check_limits()
        if not self.waves:
            self._check_that_nothing_waits_for_nothing()
        assert self.plan.done or self.running, "a deadlock: stories are left, none runs and none may start"

    def end_one(self, choice: int, outcome: int) -> None:
        if self.running:
            key = self.running.pop(choice % len(self.running))
            states = AFTER_A_CANCEL if key in self.cancelled else OUTCOMES
            self._end(key, states[outcome % len(states)])

    def stop(self) -> None:
        self.stopped = True
        self.plan.stop("interrupted")
        self._take_effects()
        assert set(self.running) <= self.cancelled

    def drain(self, outcomes: Iterable[int]) -> None:
        for outcome in cycle(outcomes):
            if self.plan.done:
                break
            self.start()
            self.end_one(0, outcome)
        self._check_the_end()

    def _end(self, key: str, state: State) -> None:
        story = self.world.graph.stories[key]
        rules = self.world.rules.get(story.epic)
        self.ended[key] = state
        if state is State.PASSED:
            self.failures[story.epic].clear()
        if state is State.FAILED and rules:
            row = self.failures[story.epic]
            row.append(key)
            if story.critical and rules.fail_fast:
                self.halted.add(story.epic)
            if rules.breaker and len(row) >= rules.breaker and story.epic not in self.tripped:
                self.tripped[story.epic] = tuple(row)
                self.halted.add(story.epic)
        told = self.plan.effects()
        assert not told, "effects that nobody asked for"
        self.plan.end(key, state)
        effects = self._take_effects()
        trips = [effect for effect in effects if isinstance(effect, Tripped)]
        just_now = self.tripped.get(story.epic, ("",))[-1] == key
        assert trips == ([Tripped(story.epic, self.tripped[story.epic])] if just_now else [])
        if state is State.FAILED and rules and story.critical and rules.fail_fast:
            siblings = {other for other in self.running if self.world.graph.stories[other].epic == story.epic}
            assert siblings <= self.cancelled

    def _take_effects(self) -> list[Effect]:
        effects = self.plan.effects()
        for effect in effects:
            if isinstance(effect, Settled):
                assert effect.key not in self.settled, "settled twice"
                assert effect.key not in self.ended and effect.key not in self.running, "settled after it started"
                assert effect.state in (State.SKIPPED, State.REFUSED)
                assert effect.reason
                told_of_a_stop = effect.reason.startswith(("circuit breaker", "cancelled"))
                assert not told_of_a_stop or self.world.graph.stories[effect.key].epic in self.halted
                assert not self.stopped, "what was not started when the run was stopped has no report"
                self.settled[effect.key] = effect.state
            elif isinstance(effect, Cancel):
                assert effect.key in self.running, "only what runs can be cancelled"
                assert self.stopped or self.world.graph.stories[effect.key].epic in self.halted
                self.cancelled.add(effect.key)
            elif isinstance(effect, (WaveStarted, WaveFinished)):
                self.wave_effects.append(effect)
                self._check_wave(effect)
        return effects

    def _final(self, keys: Iterable[str]) -> bool:
        return all(key in self.ended or key in self.settled for key in keys)

    def _check_wave(self, effect: WaveStarted | WaveFinished) -> None:
        if self.stopped:
            return
        assert effect.stories == self.world.waves[effect.number - 1]
        assert self._final(key for wave in self.world.waves[: effect.number - 1] for key in wave)
        before = self.wave_effects[-2] if len(self.wave_effects) > 1 else None
        if isinstance(effect, WaveFinished):
            assert isinstance(before, WaveStarted) and before.number == effect.number
            assert self._final(effect.stories)
        else:
            assert before is None or (isinstance(before, WaveFinished) and before.number < effect.number)
            assert not self._final(effect.stories)

    def _check_may_start(self, key: str) -> None:
        story = self.world.graph.stories[key]
        rules = self.world.dependency_rules
        assert not self.stopped
        assert key not in self.settled and key not in self.ended and key not in self.running
        assert story.epic not in self.halted
        assert rules.missing is DependencyAction.RUN or not story.missing
        assert self._final(story.dependencies)
        if rules.failed is not DependencyAction.RUN:
            states = {self.ended.get(dependency) for dependency in story.dependencies}
            assert states <= {State.PASSED, State.DOCUMENTED}
        if self.waves:
            number = self.wave_of[key]
            assert self._final(other for wave in self.world.waves[:number] for other in wave)
            last = self.wave_effects[-1]
            assert isinstance(last, WaveStarted) and last.number == number + 1
        else:
            assert not self.wave_effects, "waves mean nothing without barriers"
            assert self._final(self._before_at_files(key)), "a turn at a file was taken too early"
            together = (other for other in self.running if self.wave_of[other] != self.wave_of[key])
            assert not any(self._share(key, other) for other in together), "two stories are at one file"
        for conflict in self.world.conflicts:
            if key in conflict.stories:
                assert conflict.policy is not OnConflict.FAIL
                if conflict.policy is OnConflict.SERIALIZE:
                    assert self._final(conflict.stories[: conflict.stories.index(key)])

    def _share(self, one: str, other: str) -> bool:
        """Holds each glob of the one against each of the other."""
        stories = [self.world.graph.stories[key] for key in (one, other)]
        rules = [self.world.rules.get(story.epic) for story in stories]
        if any(rule is None or rule.on_conflict is OnConflict.OFF for rule in rules):
            return False
        return any(overlap(parse(a), parse(b)) for a, b in product(stories[0].files, stories[1].files))

    def _before_at_files(self, key: str) -> list[str]:
        return [other for other in self.wave_of if self.wave_of[other] < self.wave_of[key] and self._share(key, other)]

    def _check_that_nothing_waits_for_nothing(self) -> None:
        """While a slot is free, whatever waits has something to wait for."""
        if len(self.running) >= self.world.limit or self.stopped:
            return
        for key, story in self.world.graph.stories.items():
            rules = self.world.rules.get(story.epic, EpicRules(limit=0))
            inside = sum(self.world.graph.stories[other].epic == story.epic for other in self.running)
            queued = [
                other
                for conflict in self.world.conflicts
                if conflict.policy is OnConflict.SERIALIZE and key in conflict.stories
                for other in conflict.stories[: conflict.stories.index(key)]
            ]
            assert (
                key in self.running
                or self._final([key])
                or not self._final([*story.dependencies, *self._before_at_files(key), *queued])
                or (rules.limit and inside >= rules.limit)
            ), f"{key} waits for nothing"

    def _check_limits(self) -> None:
        assert set(self.running) == self.plan.running
        assert len(self.running) <= self.world.limit
        for epic, rules in self.world.rules.items():
            inside = [key for key in self.running if self.world.graph.stories[key].epic == epic]
            assert len(inside) <= rules.limit or not rules.limit

    def _check_the_end(self) -> None:
        assert self.plan.next() == [] and not self.plan.running
        for key, state in self.plan.states.items():
            reached = [books[key] for books in (self.ended, self.settled) if key in books]
            assert reached == ([] if state is State.NOT_STARTED else [state])
            assert state is not State.NOT_STARTED or self.stopped
        if not self.stopped and self.waves:
            assert not self.wave_effects or isinstance(self.wave_effects[-1], WaveFinished)
