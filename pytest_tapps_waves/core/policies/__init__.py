"""The schedules: when a plan lets a story start. A new one is a file here and a line in ``POLICIES``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..graph import Graph, Waves
from .base import Policy, Terms
from .eager import EagerPolicy
from .waves import WavesPolicy

POLICIES: Mapping[str, Callable[[Graph, Waves, Terms], Policy]] = {"waves": WavesPolicy, "eager": EagerPolicy}
"""By the name that users give."""

__all__ = ["POLICIES", "EagerPolicy", "Policy", "Terms", "WavesPolicy"]
