"""What people read: one file a format. A new format of the plan or of the status is a line in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from .plans import PLANS

if TYPE_CHECKING:
    from .status import StoryStatus

    Statuses = Callable[[Sequence[StoryStatus], Mapping[str, str], float, Sequence[str]], Iterator[str]]


def _text(stories: Sequence[StoryStatus], titles: Mapping[str, str], now: float, notes: Sequence[str]) -> Iterator[str]:
    from .status import status_lines

    return status_lines(stories, titles, now, notes)


def _json(stories: Sequence[StoryStatus], titles: Mapping[str, str], now: float, notes: Sequence[str]) -> Iterator[str]:
    from .status import status_json

    return status_json(stories, titles, now, notes)


STATUSES: Mapping[str, Statuses] = {"text": _text, "json": _json}
"""What ``--epic-status`` prints, by the name that users give."""

FOR_PROGRAMS = frozenset({"json", "mermaid", "dot"})
"""The formats that no person reads: they stand alone on stdout."""

__all__ = ["FOR_PROGRAMS", "PLANS", "STATUSES"]
