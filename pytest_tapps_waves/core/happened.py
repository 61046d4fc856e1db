"""What happened in a run, story by story, and what can be seen in it: slots, barriers, the chain that took longest."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from .graph import Graph
from .model import State, Story


class Happened(NamedTuple):
    """What became of one story. All of it is plain data, so that it can be sent from process to process."""

    key: str
    """Its node id."""
    id: str
    title: str
    epic: str
    """The node id of its file."""
    line: int
    """Where it begins in that file, counted from 1."""
    wave: int
    """Counted from 1."""
    state: str
    """The value of a :class:`State` that is final."""
    reason: str
    """Why it was not run, or broken off."""
    dependencies: tuple[str, ...]
    """Keys of stories of the same run."""
    critical: bool
    ran: bool
    """Whether it was really carried out, so that it took a slot."""
    start: float | None
    """When it, or the report of what was decided about it, began: seconds since the epoch."""
    end: float | None
    attempts: int
    failure: str
    """What its report says, if it failed; the last of it, where that is long."""
    output: str
    """The last that it printed."""
    left_out: int
    """So many characters of its output came before that."""
    worker: str = ""
    """The process of pytest-xdist that ran it, if there was one."""

    @property
    def seconds(self) -> float:
        """How long it took; 0 if it did not run."""
        return self.end - self.start if self.ran and self.start is not None and self.end is not None else 0.0


class RunHappened(NamedTuple):
    """What became of a run."""

    stories: Sequence[Happened] = ()
    """In the order of the files and of the lines in them."""
    schedule: str = ""
    """The schedule of a concurrent run; empty if stories ran one by one."""
    limit: int = 1
    """At most this many at once."""
    titles: Mapping[str, str] = {}
    """Of the epics that have one, by the node ids of their files."""
    conflicts: Sequence[tuple[str, str]] = ()
    """What the policy made of each, and the conflict in words."""
    tripped: Sequence[tuple[str, tuple[str, ...]]] = ()
    """The epics whose circuit breaker opened, and the keys of the stories that failed in a row."""
    stopped: str = ""
    """Why the run was stopped before its end."""


class Bar(NamedTuple):
    """A story's time in its slot."""

    story: Happened
    slot: int
    """Counted from 0."""
    start: float
    """Seconds from the beginning of the run."""
    end: float


class Gap(NamedTuple):
    """Time in which a slot stood idle, since its wave had not ended."""

    wave: int
    slot: int
    start: float
    end: float


class Timeline(NamedTuple):
    """When each story ran, and where."""

    began: float
    """The first beginning, in seconds since the epoch."""
    length: float
    """Seconds until the last end."""
    slots: Sequence[str]
    """What the slots are called."""
    bars: Sequence[Bar]
    """In the order in which they began."""
    gaps: Sequence[Gap]


def timeline_of(run: RunHappened) -> Timeline:
    """The stories that ran, each in a slot of which no two overlap."""
    ran = [story for story in run.stories if story.ran and story.start is not None]
    ran.sort(key=lambda story: _span(story)[0])
    if not ran:
        return Timeline(0.0, 0.0, (), (), ())
    began = _span(ran[0])[0]
    workers = sorted({story.worker for story in ran if story.worker}, key=lambda name: (len(name), name))
    bars = list(_in_workers(ran, workers, began) if workers else _in_slots(ran, began))
    slots = workers or [str(number + 1) for number in range(1 + max(bar.slot for bar in bars))]
    gaps = list(_gaps(bars, len(slots))) if run.schedule == "waves" and not workers else []
    return Timeline(began, max(bar.end for bar in bars), slots, bars, gaps)


def _span(story: Happened) -> tuple[float, float]:
    assert story.start is not None
    return story.start, story.start + max(0.0, story.seconds)


def _in_slots(ran: Iterable[Happened], began: float) -> Iterator[Bar]:
    """Give each story, in the order in which they began, the first slot that is free.

    That takes as many slots as there were stories at once, and no more: the greedy colouring of interval graphs.
    """
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    slots = 0
    for story in ran:
        start, end = _span(story)
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            slot = heapq.heappop(free)
        else:
            slot, slots = slots, slots + 1
        heapq.heappush(busy, (end, slot))
        yield Bar(story, slot, start - began, end - began)


def _in_workers(ran: Iterable[Happened], workers: Sequence[str], began: float) -> Iterator[Bar]:
    slot_of = {worker: slot for slot, worker in enumerate(workers)}
    for story in ran:
        start, end = _span(story)
        yield Bar(story, slot_of[story.worker], start - began, end - began)


def _gaps(bars: Sequence[Bar], slots: int) -> Iterator[Gap]:
    """The idle time of each slot between its last story of a wave and the end of that wave."""
    waves: dict[int, list[Bar]] = {}
    for bar in bars:
        waves.setdefault(bar.story.wave, []).append(bar)
    # After the last wave nothing waits.
    for wave in sorted(waves)[:-1]:
        members = waves[wave]
        end = max(bar.end for bar in members)
        idle_since = dict.fromkeys(range(slots), min(bar.start for bar in members))
        for bar in members:
            idle_since[bar.slot] = max(idle_since[bar.slot], bar.end)
        yield from (Gap(wave, slot, start, end) for slot, start in idle_since.items() if start < end)


def longest_chain(stories: Sequence[Happened]) -> list[Happened]:
    """The critical path of what happened: the chain of dependencies whose stories took longest together.

    Stories that did not run are no part of it.
    """
    known = {story.key: story for story in stories}
    graph = Graph(
        Story(story.key, story.id, story.epic, story.line, tuple(key for key in story.dependencies if key in known))
        for story in stories
    )
    path = graph.critical_path({key: story.seconds for key, story in known.items()})
    return [known[key] for key in path if known[key].ran]


def merged(runs: Sequence[RunHappened]) -> RunHappened:
    """What workers of pytest-xdist, each of which knows all stories and ran some of them, have seen together."""
    if not runs:
        return RunHappened()
    stories: dict[str, Happened] = {}
    for run in runs:
        for story in run.stories:
            known = stories.get(story.key)
            if known is None or (known.start is None and story.start is not None):
                stories[story.key] = story
    return RunHappened(
        list(stories.values()),
        limit=len(runs),
        titles={path: title for run in runs for path, title in run.titles.items()},
        conflicts=list(dict.fromkeys(conflict for run in runs for conflict in run.conflicts)),
        tripped=list(dict.fromkeys(tripped for run in runs for tripped in run.tripped)),
        stopped=next((run.stopped for run in runs if run.stopped), ""),
    )


def in_tracks(stories: Sequence[Happened]) -> list[Happened]:
    """The stories as they are shown: those of a process have a track of their own, unless it ran several at once."""
    until: dict[str, float] = {}
    for story in sorted((story for story in stories if story.ran and story.worker), key=lambda story: story.start or 0):
        start, end = story.start or 0.0, story.end or 0.0
        if start < until.get(story.worker, 0.0):
            return [story._replace(worker="") for story in stories]
        until[story.worker] = end
    return list(stories)


def final(state: State) -> State:
    """What a state means in a run that is over."""
    if state.final:
        return state
    return State.CANCELLED if state is State.RUNNING else State.NOT_STARTED
