"""``--epic-trace``: a run as Chrome trace events, which Perfetto and ``chrome://tracing`` open.

The format: "Trace Event Format", https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
(JSON object format). Times are whole microseconds from the beginning of the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ..core.happened import Bar, Happened, RunHappened, Timeline, timeline_of

Event = dict[str, Any]

_PROCESS = 1
_COLOURS = {"passed": "good", "failed": "terrible", "cancelled": "bad"}
"""Reserved colour names of the format, by the state of a story."""


def trace(run: RunHappened) -> str:
    """The whole file."""
    timeline = timeline_of(run)
    whole = {
        "traceEvents": list(_events(run, timeline)),
        "displayTimeUnit": "ms",
        "otherData": {
            "producer": "pytest-tapps-waves",
            "began": datetime.fromtimestamp(timeline.began, UTC).isoformat(),
            "schedule": run.schedule or "one by one",
            "stopped": run.stopped,
            "not started": [story.key for story in run.stories if story.start is None],
        },
    }
    return json.dumps(whole, indent=None, separators=(",", ":")) + "\n"


def _events(run: RunHappened, timeline: Timeline) -> Iterator[Event]:
    yield from _named("process_name", 0, "pytest")
    for slot, name in enumerate(timeline.slots):
        yield from _named("thread_name", slot + 1, name if not name.isdigit() else f"slot {name}", slot)
    spans = _spans(timeline)
    for bar in timeline.bars:
        start, end = spans[bar.story.key]
        yield {
            "name": _label(bar.story),
            "cat": bar.story.state,
            "ph": "X",
            "ts": start,
            "dur": end - start,
            "pid": _PROCESS,
            "tid": bar.slot + 1,
            "args": _arguments(bar.story),
            **({"cname": _COLOURS[bar.story.state]} if bar.story.state in _COLOURS else {}),
        }
    yield from _flows(timeline, spans)
    yield from _instants(run, timeline)


def _named(kind: str, thread: int, name: str, order: int | None = None) -> Iterator[Event]:
    common = {"ph": "M", "ts": 0, "pid": _PROCESS, "tid": thread}
    yield {"name": kind, **common, "args": {"name": name}}
    if order is not None:
        yield {"name": "thread_sort_index", **common, "args": {"sort_index": order}}


def _label(story: Happened) -> str:
    return f"{story.id} {story.title}".rstrip()


def _arguments(story: Happened) -> Event:
    told = {
        "story": story.key,
        "wave": story.wave,
        "outcome": story.state,
        "attempts": story.attempts,
        "depends on": list(story.dependencies),
    }
    return told | ({"reason": story.reason} if story.reason else {})


def _spans(timeline: Timeline) -> Mapping[str, tuple[int, int]]:
    """Beginnings and ends in microseconds: none is empty, since nothing can flow from what is, and none overlap."""
    spans: dict[str, tuple[int, int]] = {}
    last = [0] * len(timeline.slots)
    for bar in timeline.bars:
        start = max(_microseconds(bar.start), last[bar.slot])
        last[bar.slot] = max(_microseconds(bar.end), start + 1)
        spans[bar.story.key] = start, last[bar.slot]
    return spans


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _flows(timeline: Timeline, spans: Mapping[str, tuple[int, int]]) -> Iterator[Event]:
    """An arrow from the end of each story to the beginning of each that depends on it."""
    bars: dict[str, Bar] = {bar.story.key: bar for bar in timeline.bars}
    number = 0
    for bar in timeline.bars:
        for key in bar.story.dependencies:
            if key not in bars:
                continue
            number += 1
            common = {"name": "dependency", "cat": "dependency", "id": number, "pid": _PROCESS}
            # A flow begins in the slice that holds its time, and the end of a slice is no part of it.
            yield {**common, "ph": "s", "ts": spans[key][1] - 1, "tid": bars[key].slot + 1}
            yield {**common, "ph": "f", "bp": "e", "ts": spans[bar.story.key][0], "tid": bar.slot + 1}


def _instants(run: RunHappened, timeline: Timeline) -> Iterator[Event]:
    """What was reported and not run, on a track of its own."""
    not_run = [story for story in run.stories if not story.ran and story.start is not None]
    if not not_run:
        return
    thread = len(timeline.slots) + 1
    yield from _named("thread_name", thread, "not run", thread)
    began = timeline.began or min(story.start for story in not_run if story.start is not None)
    for story in not_run:
        assert story.start is not None
        yield {
            "name": _label(story),
            "cat": story.state,
            "ph": "i",
            "s": "t",
            "ts": max(0, _microseconds(story.start - began)),
            "pid": _PROCESS,
            "tid": thread,
            "args": _arguments(story),
        }
