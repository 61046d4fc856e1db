"""The schedules: when a plan lets a story start. A new one is a file here and a line in ``POLICIES``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

# Every run has to know their names, few run stories.
if TYPE_CHECKING:
    from ..graph import Graph, Waves
    from .base import Policy, Terms


def _waves(graph: Graph, waves: Waves, terms: Terms) -> Policy:
    from .waves import WavesPolicy

    return WavesPolicy(graph, waves, terms)


def _eager(graph: Graph, waves: Waves, terms: Terms) -> Policy:
    from .eager import EagerPolicy

    return EagerPolicy(graph, waves, terms)


POLICIES: Mapping[str, Callable[[Graph, Waves, Terms], Policy]] = {"waves": _waves, "eager": _eager}
"""By the name that users give."""
