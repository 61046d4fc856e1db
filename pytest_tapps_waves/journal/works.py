"""What stories did that passed, as those that build on them are told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .journal import Journal
from .statements import Execute
from .store import storable

_LONGEST_SUMMARY = 4000
_MOST_FILES = 1000


class Done(NamedTuple):
    """What a story did."""

    summary: str
    """In its agent's own words, without what is too long; empty if nobody said anything."""
    files: Sequence[str]
    """The paths that it changed, relative to rootdir; the first thousand."""


def put_done(journal: Journal, node: str, done: Done) -> None:
    """Write it down, now, in place of what this run has said of the story before."""

    def work(execute: Execute, run: int) -> None:
        files = json.dumps(list(done.files[:_MOST_FILES]))
        place = journal.next_place()
        values = (run, storable(node), place, storable(done.summary[:_LONGEST_SUMMARY]), files)
        execute("INSERT OR REPLACE INTO work (run, node, place, summary, files) VALUES (?, ?, ?, ?, ?)", values)

    journal.ask(work)


def done_by(journal: Journal, nodes: Iterable[str]) -> Mapping[str, Done]:
    """The latest that is known of these stories, in whatever run; of those of which anything is."""

    def work(execute: Execute, run: int) -> dict[str, Done]:
        found: dict[str, Done] = {}
        for node in nodes:
            row = execute(
                "SELECT summary, files FROM work WHERE node = ? ORDER BY place DESC LIMIT 1", [storable(node)]
            ).fetchone()
            if row is not None:
                found[node] = Done(row[0], json.loads(row[1]))
        return found

    return journal.ask(work) or {}
