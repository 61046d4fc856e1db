"""Whether a story has anything to do, and whether that is for an agent, under the settings of its epic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..settings import EpicSettings

if TYPE_CHECKING:
    from ..epics.spec import StorySpec


def does_nothing(spec: StorySpec, settings: EpicSettings) -> bool:
    """Whether a story has nothing to run, unless a hook finds it an action."""
    return not (spec.run or spec.call or spec.checks or has_agent(spec, settings))


def has_agent(spec: StorySpec, settings: EpicSettings) -> bool:
    """Whether a story is carried out by an agent."""
    return spec.agent is not None or (settings.teams and spec.run is None and spec.call is None)
