"""The plan of a run as a state machine: events in, decisions out. No clock and no asyncio, so it can be replayed.

Whoever drives it calls :meth:`Plan.begin`, starts what :meth:`Plan.next` names, says :meth:`Plan.end` when a story
ended, and after each of these reads :meth:`Plan.effects`.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from .breaker import Breaker
from .conflicts import Conflict, refusals
from .graph import Graph
from .model import (
    NO_RULES,
    STATE_WORDS,
    UNSETTLED,
    DependencyAction,
    DependencyRules,
    EpicRules,
    OnConflict,
    State,
    Story,
)
from .policies.base import Policy, WaveFinished, WaveStarted


class Settled(NamedTuple):
    """The story is not run; report it in its final state, for this reason."""

    key: str
    state: State
    reason: str


class Cancel(NamedTuple):
    """The story is running and must be cancelled, for this reason."""

    key: str
    reason: str


class Tripped(NamedTuple):
    """The circuit breaker of an epic has opened."""

    epic: str
    stories: tuple[str, ...]
    """Those that failed in a row, in the order in which they ended; or that used up the budget."""
    reason: str = ""
    """Why, if it was not because of failures."""


_BREAKER_OPEN = "circuit breaker open"
Effect: TypeAlias = Settled | Cancel | Tripped | WaveStarted | WaveFinished


class _Queue:
    """Stories that must not overlap in time."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(keys)
        self.place = 0
        """Of the first that has not ended."""


class Plan:
    """The state of every story of a run, and what has to happen next."""

    waits = False
    """Whether it is told from elsewhere what to start, and may be told more."""

    def __init__(
        self,
        graph: Graph,
        policy: Policy,
        *,
        rules: Mapping[str, EpicRules] | None = None,
        conflicts: Sequence[Conflict] = (),
        limit: int = 1,
        dependency_rules: DependencyRules | None = None,
    ) -> None:
        """:param limit: at most this many stories at once, in the whole run."""
        self.graph = graph
        self.states: dict[str, State] = dict.fromkeys(graph.stories, State.WAITING)
        self.reasons: dict[str, str] = {}
        self._policy = policy
        self._rules = rules or {}
        self._limit = limit
        self._dependency_rules = dependency_rules or DependencyRules()
        self._conflicts = conflicts
        self._breakers = {epic: Breaker(rule.breaker) for epic, rule in self._rules.items()}
        self._members: dict[str, list[str]] = {}
        for story in graph.stories.values():
            self._members.setdefault(story.epic, []).append(story.key)
        # One more than its dependencies: the schedule itself holds a story back until it opens it.
        self._blockers = {key: needs + 1 for key, needs in graph.needs.items()}
        self._cancelled: set[str] = set()
        self._queues: dict[str, list[_Queue]] = {}
        self._ready: list[tuple[int, str]] = []
        self._parked: dict[str, list[tuple[int, str]]] = {}
        self._running_in: dict[str, int] = dict.fromkeys(self._members, 0)
        self._open = len(graph.stories)
        self._effects: list[Effect] = []
        self.running: set[str] = set()
        self.stopped = ""
        """Why the whole run was stopped, or empty."""

    @property
    def done(self) -> bool:
        return not self._open

    def begin(self) -> None:
        """Settle what the plan alone decides: conflicts, and dependencies that are not part of the run."""
        for conflict in self._conflicts:
            if conflict.policy is OnConflict.SERIALIZE:
                self._serialize(conflict.stories)
        self._settle(
            [
                *(Settled(key, State.REFUSED, why) for key, why in refusals(self.graph, self._conflicts).items()),
                *self._missing(),
            ]
        )
        self._poll()

    def next(self) -> list[str]:
        """The stories to start now, as many as the slots of the run and of each epic allow. They are running then."""
        starting: list[str] = []
        while self._ready and len(self.running) < self._limit:
            entry = heapq.heappop(self._ready)
            key = entry[1]
            if self.states[key] is not State.READY:
                continue
            epic = self.graph.stories[key].epic
            limit = self._rule(epic).limit
            if limit and self._running_in[epic] >= limit:
                heapq.heappush(self._parked.setdefault(epic, []), entry)
                continue
            self.start(key)
            starting.append(key)
        return starting

    def start(self, key: str) -> None:
        """The story has been started."""
        assert self.states[key] in (State.WAITING, State.READY), (key, self.states[key])
        self.states[key] = State.RUNNING
        self.running.add(key)
        self._running_in[self.graph.stories[key].epic] += 1

    def end(self, key: str, state: State, reason: str = "") -> None:
        """The story, which was running, ended in ``state``."""
        story = self.graph.stories[key]
        self.running.remove(key)
        self._running_in[story.epic] -= 1
        if parked := self._parked.get(story.epic):
            heapq.heappush(self._ready, heapq.heappop(parked))
        self._close(key, state, reason)
        following: list[Settled] = []
        if state is State.FAILED:
            following = self._failed(story, self._rule(story.epic))
        elif state is State.PASSED and story.epic in self._breakers:
            self._breakers[story.epic].passed()
        self._settle([*following, *self._release(key)])
        self._poll()

    def spent(self, epic: str, stories: Sequence[str], reason: str) -> None:
        """The budget of an epic is used up: its breaker opens, unless it is open. What runs of it goes on."""
        breaker = self._breakers[epic]
        if not breaker.open:
            breaker.open = True
            self._effects.append(Tripped(epic, tuple(stories), reason))
            self._settle(self._rest(epic, _BREAKER_OPEN))
            self._poll()

    def stop(self, reason: str) -> None:
        """Start nothing more, cancel what runs. What was not started has no report."""
        if self.stopped:
            return
        self.stopped = reason
        for key, state in self.states.items():
            if state in (State.WAITING, State.READY):
                self.states[key] = State.NOT_STARTED
                self._open -= 1
                self._policy.settled(key)
        self._cancel(sorted(self.running, key=self.graph.position.__getitem__), f"cancelled: {reason}")
        self._poll()

    def _cancel(self, keys: Iterable[str], reason: str) -> None:
        """Each only once: a second time would break off its clean-up."""
        for key in keys:
            if key not in self._cancelled:
                self._cancelled.add(key)
                self._effects.append(Cancel(key, reason))

    def effects(self) -> list[Effect]:
        """What has been decided since the last call, in order."""
        effects, self._effects = self._effects, []
        return effects

    def _rule(self, epic: str) -> EpicRules:
        return self._rules.get(epic, NO_RULES)

    def _serialize(self, keys: Sequence[str]) -> None:
        """Let each wait until all before it, in file order, have ended in whatever way."""
        queue = _Queue(keys)
        for key in keys:
            self._queues.setdefault(key, []).append(queue)
        for key in keys[1:]:
            self._blockers[key] += 1

    def _advance(self, queue: _Queue) -> None:
        """Let the first that has not ended go. One that is settled early does not let go those after it."""
        before = queue.place
        while queue.place < len(queue.keys) and self.states[queue.keys[queue.place]].final:
            queue.place += 1
        if before < queue.place < len(queue.keys):
            self._unblock(queue.keys[queue.place])

    def _missing(self) -> Iterator[Settled]:
        rules = self._dependency_rules
        if rules.missing is not DependencyAction.RUN:
            state = State.SKIPPED if rules.missing is DependencyAction.SKIP else State.REFUSED
            for story in self.graph.stories.values():
                if story.missing:
                    reason = f"{story.id} depends on {', '.join(story.missing)}, {story.missing_words}"
                    yield Settled(story.key, state, reason)

    def _unblock(self, key: str) -> None:
        self._blockers[key] -= 1
        if not self._blockers[key] and self.states[key] is State.WAITING:
            self.states[key] = State.READY
            heapq.heappush(self._ready, (self._policy.rank(key), key))

    def _settle(self, verdicts: Iterable[Settled]) -> None:
        """Settle stories that are not going to be run, and all that now cannot run either."""
        queue = deque(verdicts)
        while queue:
            verdict = queue.popleft()
            key = verdict.key
            if self.states[key] in UNSETTLED:
                self._close(key, verdict.state, verdict.reason)
                self._effects.append(verdict)
                queue.extend(self._release(key))

    def _close(self, key: str, state: State, reason: str) -> None:
        self.states[key] = state
        if reason:
            self.reasons[key] = reason
        self._open -= 1
        self._policy.settled(key)

    def _release(self, key: str) -> Iterable[Settled]:
        """Let go what waited for a story that is final now, or say what becomes of it."""
        for queue in self._queues.get(key, ()):
            self._advance(queue)
        state = self.states[key]
        if state.satisfies or self._dependency_rules.failed is DependencyAction.RUN:
            for dependent in self.graph.dependents[key]:
                self._unblock(dependent)
            return ()
        verdict = State.SKIPPED if self._dependency_rules.failed is DependencyAction.SKIP else State.REFUSED
        left = [dependent for dependent in self.graph.dependents[key] if self.states[dependent] in UNSETTLED]
        return [Settled(dependent, verdict, self._why_not(dependent, key, state)) for dependent in left]

    def _why_not(self, dependent: str, key: str, state: State) -> str:
        story = self.graph.stories[dependent]
        return f"{story.id} depends on {self.graph.label(key, beside=story)}, which {STATE_WORDS[state]}"

    def _failed(self, story: Story, rules: EpicRules) -> list[Settled]:
        """What a failure does to its epic, before it reaches the story's dependents."""
        stopped: list[Settled] = []
        if story.critical and rules.fail_fast:
            reason = f"cancelled: critical story {story.id} failed"
            self._cancel([key for key in self._members[story.epic] if key in self.running], reason)
            stopped += self._rest(story.epic, reason)
        breaker = self._breakers.get(story.epic)
        if breaker and (failures := breaker.failed(story.key)):
            self._effects.append(Tripped(story.epic, failures))
            stopped += self._rest(story.epic, _BREAKER_OPEN)
        return stopped

    def _rest(self, epic: str, reason: str) -> list[Settled]:
        return [
            Settled(key, State.SKIPPED, reason)
            for key in self._members[epic]
            if self.states[key] in (State.WAITING, State.READY)
        ]

    def _poll(self) -> None:
        """Ask the schedule what it lets go now."""
        opened, effects = self._policy.poll()
        self._effects.extend(effects)
        for key in opened:
            self._unblock(key)
