"""An epic as the YAML of an epic file."""

from __future__ import annotations

from typing import Any

import yaml

from ..inert import one_line
from .drafts import EpicDraft, StoryDraft

_HEAD = "# Converted from {sources}. A story without an action is documentation: give it `run` or `call`.\n"


class _Text(str):
    """Text that is quoted, whatever it looks like: ``"8.10"``."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block, ids in quotes, entries indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)
_Dumper.add_representer(
    _Text, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')
)


def epic_text(epic: EpicDraft) -> str:
    """The text of an epic file."""
    sources = dict.fromkeys([epic.path, *(story.path for story in epic.stories)])
    header: dict[str, Any] = {"id": _Text(epic.id)}
    if epic.title:
        header["title"] = epic.title
    if epic.description:
        header["description"] = epic.description
    value = {"epic": header, "stories": [_story(story) for story in epic.stories]}
    body = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return _HEAD.format(sources=one_line(", ".join(sources))) + body


def _story(story: StoryDraft) -> dict[str, Any]:
    given: dict[str, Any] = {
        "id": _Text(story.id),
        "title": story.title,
        "description": story.description,
        "dependencies": [_Text(dependency) for dependency in story.dependencies],
        "files_affected": story.files,
        "acceptance_criteria": story.criteria,
        "tags": story.tags,
        "points": _number(story.points),
        **story.metadata,
    }
    return {key: value for key, value in given.items() if value not in ("", [], None)}


def _number(points: float | None) -> float | int | None:
    return int(points) if points is not None and points.is_integer() else points
