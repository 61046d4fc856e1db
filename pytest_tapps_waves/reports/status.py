"""``--epic-status``: what became of each story in earlier runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from .words import ago, counted

FORMAT_VERSION = 1
"""Of the JSON; raised when a key changes its meaning or goes."""

_HEADINGS = ("story", "wave", "state", "attempts", "last", "when", "why")


class StoryStatus(NamedTuple):
    """What is known of a story."""

    node: str
    id: str
    title: str
    epic: str
    """The node id of its file."""
    wave: int
    """Counted from 1."""
    state: str
    """``passed``, ``failed``, ``skipped``, ``refused``, ``cancelled``, ``running``, ``lost`` (its run was killed),
    ``documented`` (nothing to run), or ``not run``."""
    is_done: bool
    """Whether ``--epic-resume`` passes over it."""
    attempts: int
    """In the run that made the latest."""
    duration: float | None
    """Of the latest attempt, in seconds."""
    ended: float | None
    """When the latest ended, or began if it goes on, in seconds since the epoch."""
    run: str
    """The id of its run, or empty."""
    reason: str
    exit_status: int | None


def status_lines(
    stories: Sequence[StoryStatus], titles: Mapping[str, str], now: float, notes: Sequence[str]
) -> Iterator[str]:
    """A table for each epic.

    :param stories: those of an epic together.
    :param titles: of the epics that have one, by the node ids of their files.
    :param notes: what users should know of the journal.
    """
    if not stories:
        yield "no stories"
    for epic, members in groupby(stories, lambda story: story.epic):
        listed = list(members)
        rows = [_HEADINGS, *(_row(story, now) for story in listed)]
        done = sum(story.is_done for story in listed)
        title = f" {titles[epic]}:" if titles.get(epic) else ""
        yield f"{epic}:{title} {counted(len(listed), 'story', 'stories')}, {done} done"
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    yield from notes


def _row(story: StoryStatus, now: float) -> tuple[str, ...]:
    return (
        story.id,
        str(story.wave),
        story.state,
        str(story.attempts or "-"),
        "-" if story.duration is None else f"{story.duration:.2f} s",
        "-" if story.ended is None else ago(now - story.ended),
        story.reason.splitlines()[0] if story.reason else "",
    )


def status_json(
    stories: Sequence[StoryStatus], titles: Mapping[str, str], now: float, notes: Sequence[str]
) -> Iterator[str]:
    """The same as one JSON document, with times as ISO 8601 in UTC."""
    epics = [
        {"path": epic, "title": titles.get(epic, ""), "stories": [_told(story) for story in members]}
        for epic, members in groupby(stories, lambda story: story.epic)
    ]
    document = {"version": FORMAT_VERSION, "at": _iso(now), "notes": list(notes), "epics": epics}
    yield from json.dumps(document, indent=2).splitlines()


def _told(story: StoryStatus) -> Mapping[str, object]:
    told = {name: value for name, value in story._asdict().items() if name != "epic"}
    return {**told, "ended": None if story.ended is None else _iso(story.ended)}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
