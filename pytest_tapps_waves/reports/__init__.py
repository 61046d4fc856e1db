"""What people read: one file a format. A new format of the plan or of the status is a line in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from .plans import PLANS, PlanView
from .status import StoryStatus, status_json, status_lines

STATUSES: Mapping[str, Callable[[Sequence[StoryStatus], Mapping[str, str], float, Sequence[str]], Iterator[str]]] = {
    "text": status_lines,
    "json": status_json,
}
"""What ``--epic-status`` prints, by the name that users give."""

FOR_PROGRAMS = frozenset({"json", "mermaid", "dot"})
"""The formats that no person reads: they stand alone on stdout."""

__all__ = ["FOR_PROGRAMS", "PLANS", "STATUSES", "PlanView"]
