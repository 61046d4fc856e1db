"""What people read: one file a format. A new format of the plan or of the status is a line in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.conflicts import Conflict
from ..core.graph import Graph, Waves
from .plan import plan_lines
from .status import StoryStatus, status_json, status_lines

# A plain run prints no plan, and need not wait for what foretells one.
if TYPE_CHECKING:
    from ..core.forecast import Forecast

PLANS: Mapping[str, Callable[[Graph, Waves, Sequence[Conflict], Mapping[str, str], Forecast], Iterator[str]]] = {
    "text": plan_lines
}
"""What ``--epic-plan`` prints, by the name that users give."""

STATUSES: Mapping[str, Callable[[Sequence[StoryStatus], Mapping[str, str], float, Sequence[str]], Iterator[str]]] = {
    "text": status_lines,
    "json": status_json,
}
"""What ``--epic-status`` prints, by the name that users give."""

FOR_PROGRAMS = frozenset({"json"})
"""The formats that no person reads."""

__all__ = ["FOR_PROGRAMS", "PLANS", "STATUSES"]
