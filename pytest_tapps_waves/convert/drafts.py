"""Epics and stories as they are found in Markdown, before it is known what they depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

How = Literal["needs", "before", "prose"]


@dataclass(frozen=True, slots=True)
class Remark:
    """A text that may say what an epic or a story depends on."""

    path: str
    line: int
    text: str
    how: How
    """Under which kind of label it stands, if it stands under one."""
    subject: str = ""
    """Of a table, the cell that names the story."""
    entries: tuple[str, ...] = ()
    """Of front matter, the list. Each is an id, or words."""


@dataclass(slots=True)
class StoryDraft:
    """A story, while it is put together."""

    id: str
    title: str
    path: str
    line: int
    description: str = ""
    criteria: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    points: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    dependencies: dict[str, int] = field(default_factory=dict)
    """As they are written in the epic file, each with the line that says so."""
    needs: list[StoryDraft] = field(default_factory=list)
    """The stories that these are, once that is known."""


@dataclass(slots=True)
class EpicDraft:
    """An epic, while it is put together."""

    id: str
    title: str
    path: str
    line: int
    description: str = ""
    stories: list[StoryDraft] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


@dataclass(slots=True)
class Outline:
    """What one Markdown file holds."""

    path: str
    epics: list[EpicDraft] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    """Of no epic: of the project."""
    problems: list[tuple[int, str]] = field(default_factory=list)

    @property
    def stories(self) -> Sequence[StoryDraft]:
        return [story for epic in self.epics for story in epic.stories]
