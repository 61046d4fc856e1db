"""What each report carries of the plan, for JUnit XML and whoever else reads ``user_properties``."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ..collect.items import StoryItem
from ..core.graph import Waves, numbers_of


def note_places(items: Iterable[pytest.Item], waves: Waves) -> None:
    """Note of each item of the plan its wave, and of each story its epic, its id and that nothing was attempted yet."""
    wave_of = numbers_of(waves)
    for item in items:
        wave = wave_of.get(item.nodeid)
        if isinstance(item, StoryItem):
            item.user_properties += [("epic", item.epic.header.id), ("story", item.spec.id)]
        if wave is not None:
            item.user_properties.append(("wave", wave))
        if isinstance(item, StoryItem):
            item.note_attempts(0)
