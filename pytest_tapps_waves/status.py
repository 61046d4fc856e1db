"""Where each story stands, from the journal and from what its file says now."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pytest

from .collect.items import StoryItem
from .collect.library import cache_folder
from .core.graph import Graph, Waves
from .core.model import State
from .errors import JournalError
from .journal import Store
from .journal.digests import changed_keys, upstream_of
from .journal.history import StoryHistory, read_history
from .journal.past import LOST, RUNNING, Past
from .journal.store import storable
from .opening import definitions_of
from .reports.status import StoryStatus


def read_statuses(
    config: pytest.Config, graph: Graph, waves: Waves, items: Iterable[pytest.Item]
) -> tuple[Sequence[StoryStatus], Sequence[str]]:
    """The status of each story of the graph, epic by epic, and what users should know of the journal.

    :raises JournalError: if the journal cannot be read.
    """
    history: Mapping[str, StoryHistory] = {}
    notes: Sequence[str] = ()
    folder = cache_folder(config)
    if folder is None:
        raise JournalError("there is no journal without pytest's cache directory")
    store = Store(folder)
    try:
        history = read_history(store)
    except sqlite3.Error as error:
        raise JournalError(f"{store.path}: {error}") from None
    finally:
        store.close()
    notes = store.notes
    by_key = {item.nodeid: item for item in items if item.nodeid in graph.stories}
    found = {status.node: status for status in _statuses(graph, waves, by_key, history)}
    in_order = sorted(found, key=lambda key: (graph.stories[key].epic, graph.stories[key].line, key))
    return [found[key] for key in in_order], notes


def _statuses(
    graph: Graph, waves: Waves, items: Mapping[str, pytest.Item], history: Mapping[str, StoryHistory]
) -> Iterator[StoryStatus]:
    """In the order of the waves, since what is done stands on what is done before it."""
    definitions = definitions_of(items.values(), graph)
    marks = {node: story.attempt.mark for node, story in history.items() if story.attempt is not None}
    again: dict[str, list[str]] = {}
    """For each story of which something will run again, the ids of what that is."""
    for number, wave in enumerate(waves, 1):
        for key in wave:
            item, story, known = items[key], graph.stories[key], history.get(storable(key))
            title = item.spec.title if isinstance(item, StoryItem) else ""
            before = [name for other in story.dependencies for name in again.get(other, ())]
            if isinstance(item, StoryItem) and item.is_documentation:
                marks[key] = upstream_of(marks, story.stands_on)
                if before:
                    again[key] = before
                yield StoryStatus(
                    key, story.id, title, story.epic, number, "documented", True, 0, None, None, "", "", None
                )
                continue
            attempt = known.attempt if known is not None else None
            why_again = ""
            if attempt is None or attempt.outcome != State.PASSED.value:
                again[key] = [story.id]
            elif changed := changed_keys(attempt.definition, definitions[key]):
                why_again = f"{', '.join(changed)} changed since"
            elif before:
                why_again = f"{', '.join(dict.fromkeys(before))} will run again"
            elif attempt.upstream != upstream_of(marks, story.stands_on):
                why_again = "what it depends on has run again since"
            if why_again:
                again[key] = [story.id]
            latest = known.latest if known is not None else None
            yield StoryStatus(
                node=key,
                id=story.id,
                title=title,
                epic=story.epic,
                wave=number,
                state=_state(latest),
                is_done=key not in again,
                attempts=attempt.number if attempt else 0,
                duration=attempt.duration if attempt and attempt.outcome != RUNNING else None,
                ended=latest.started + latest.duration if latest else None,
                run=latest.run_id if latest else "",
                reason="; ".join(filter(None, [latest.reason if latest else "", why_again])),
                exit_status=attempt.exit_status if attempt else None,
            )


def _state(latest: Past | None) -> str:
    if latest is None:
        return "not run"
    return LOST if latest.is_lost else latest.outcome
