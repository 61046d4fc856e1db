"""What a worker tells the controller of the run that it has prepared, so that the plan can be made there.

The controller collects nothing. All workers collect the same, which pytest-xdist checks, so one of them tells it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ..collect.files import PresentFiles
from ..collect.items import StoryItem
from ..core.conflicts import Conflict
from ..core.graph import Graph
from ..core.model import EpicRules, OnConflict, Story
from ..core.turns import find_turns
from ..epics.spec import EpicDefinition
from ..expectation import durations_of
from ..opening import definitions_of
from ..preparation import Prepared
from ..settings import EpicSettings

if TYPE_CHECKING:
    from ..actions.secrets import Secrets


class Place(NamedTuple):
    """What the report of a story needs, if the controller makes it."""

    location: tuple[str, int | None, str]
    of_epic: bool
    """Whether it is a story of an epic file, and no Python test."""


class Facts(NamedTuple):
    """What a worker has told."""

    found: Prepared
    places: Mapping[str, Place]
    """Of all stories, by key."""
    epic_ids: Mapping[str, str]
    """By the node ids of the epics' files."""
    definitions: Mapping[str, str]
    """What the results of stories depend on, as digests, by key."""
    durations: Mapping[str, float]
    """How long stories are thought to take; in seconds once any of them has been measured, and 1 each before."""
    one_by_one: bool
    """Whether a worker runs no two stories at once."""


def told(session: pytest.Session, found: Prepared) -> str:
    """All of it in one text: ten thousand stories as lists would take pytest-xdist longer than to collect them."""
    items = {item.nodeid: item for item in session.items}
    stories = found.graph.stories
    place = found.graph.position
    epics = _epics([items[key] for key in stories])
    return json.dumps(
        {
            "stories": [tuple(story) for story in stories.values()],
            "places": [_place_of(items[key]) for key in stories],
            "waves": [[place[key] for key in wave] for wave in found.waves],
            "conflicts": [
                (conflict.wave, conflict.stories, conflict.paths, conflict.policy.value) for conflict in found.conflicts
            ],
            "epics": {
                path: (epic.concurrent, epic.rules[:3], epic.rules.on_conflict.value, epic.timeout, epic.isolation)
                for path, epic in found.epics.items()
            },
            "epic_ids": {path: epic.header.id for path, epic in epics.items()},
            "schedule": found.schedule,
            "limit": found.limit if found.concurrent else 1,
            "one_by_one": not found.concurrent,
            "titles": found.titles,
            "epic_titles": found.epic_titles,
            "secrets": _secrets(epics) if found.secrets is not None else None,
            "definitions": definitions_of(session.items, found.graph),
            "durations": durations_of(session.config, found, session.items),
        },
        separators=(",", ":"),
    )


def understood(config: pytest.Config, text: str, workers: int) -> Facts:
    """The other side of :func:`told`.

    :param workers: how many there are.
    """
    data = json.loads(text)
    graph = Graph(_story(fields) for fields in data["stories"])
    keys = list(graph.stories)
    waves = tuple(tuple(keys[place] for place in wave) for wave in data["waves"])
    epics = {
        path: EpicSettings(
            concurrent, EpicRules(limit, fail_fast, breaker, OnConflict(on_conflict)), timeout, isolation
        )
        for path, (concurrent, (limit, fail_fast, breaker), on_conflict, timeout, isolation) in data["epics"].items()
    }
    rules = {path: epic.rules for path, epic in epics.items()}
    present = PresentFiles(config.rootpath)
    found = Prepared(
        graph,
        waves,
        [
            Conflict(wave, tuple(stories), tuple(paths), OnConflict(policy))
            for wave, stories, paths, policy in data["conflicts"]
        ],
        cache(partial(find_turns, graph, waves, rules, present.is_directory)),
        epics,
        data["schedule"],
        data["limit"] * workers,
        True,
        data["titles"],
        data["epic_titles"],
        None,
    )
    places = [Place(tuple(location), of_epic) for location, of_epic in data["places"]]
    return Facts(
        found._replace(secrets=_masking(data["secrets"])),
        dict(zip(keys, places, strict=True)),
        data["epic_ids"],
        data["definitions"],
        data["durations"],
        data["one_by_one"],
    )


def _story(fields: Sequence[Any]) -> Story:
    return Story._make(tuple(value) if isinstance(value, list) else value for value in fields)


def _place_of(item: pytest.Item) -> Place:
    return Place(item.location, isinstance(item, StoryItem))


def _epics(items: Sequence[pytest.Item]) -> Mapping[str, EpicDefinition]:
    files = {item.parent: item.epic for item in items if isinstance(item, StoryItem)}
    return {epic.path: epic for epic in files.values()}


def _secrets(epics: Mapping[str, EpicDefinition]) -> Mapping[str, Sequence[str]]:
    """The names of secrets, whose values the controller's own environment has, and the values that are in files."""
    names = sorted({name for epic in epics.values() for name in epic.header.secrets})
    written = {
        variables[name]
        for epic in epics.values()
        for variables in (epic.header.env, *(story.env for story in epic.stories))
        for name in epic.header.secrets
        if name in variables
    }
    return {"names": names, "values": sorted(written)}


def _masking(data: Mapping[str, Sequence[str]] | None) -> Secrets | None:
    if data is None:
        return None
    # Imported where it is needed: most runs have no secrets.
    from ..actions.secrets import Secrets

    secrets = Secrets(())
    secrets.of_all.learn([*data["values"], *(os.environ[name] for name in data["names"] if name in os.environ)])
    return secrets
