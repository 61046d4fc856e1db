"""What people read: one file a format. A new plan format is a file here and a line in ``PLANS``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from ..core.conflicts import Conflict
from ..core.graph import Graph, Waves
from .plan import plan_lines

PLANS: Mapping[str, Callable[[Graph, Waves, Sequence[Conflict], Mapping[str, str]], Iterator[str]]] = {
    "text": plan_lines
}
"""What ``--epic-plan`` prints, by the name that users give."""

__all__ = ["PLANS"]
