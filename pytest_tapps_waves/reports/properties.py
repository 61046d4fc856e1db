"""What each report carries of the plan, for JUnit XML and whoever else reads ``user_properties``."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ..collect.items import StoryItem
from ..core.graph import Waves


def note_places(items: Iterable[pytest.Item], waves: Waves) -> None:
    """Note of each item of the plan its wave, and of each story its epic, its id and that nothing was attempted yet."""
    told_of: dict[str, tuple[str, int]] = {}
    for number, keys in enumerate(waves, 1):
        told_of.update(dict.fromkeys(keys, ("wave", number)))
    epics: dict[str, tuple[str, str]] = {}
    for item in items:
        wave = told_of.get(item.nodeid)
        if isinstance(item, StoryItem):
            epic = item.epic.header.id
            item.user_properties += [epics.setdefault(epic, ("epic", epic)), ("story", item.spec.id)]
        if wave is not None:
            item.user_properties.append(wave)
        if isinstance(item, StoryItem):
            item.note_attempts(0)
