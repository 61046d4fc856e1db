"""Front matter: one story in a file, with ``id``, ``epic`` and ``depends_on`` above its text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..epics.schema import ALIASES, MISPLACED, StoryModel
from ..epics.values import Tags
from ..epics.wording import near, shown
from ..epics.yaml_lines import Map
from .details import add_files
from .document import Document
from .drafts import EpicDraft, How, Remark, StoryDraft
from .headings import key_of, story_title
from .labels import Field, field_of

_IDS = ("story_id", "id", "story", "story_number", "key")
_EPICS = ("epic", "epic_id", "parent_epic", "epic_number")
_STORY_KEYS = (*StoryModel.model_fields, *ALIASES)
_TAGS = TypeAdapter(Tags)


def own_story(document: Document) -> StoryDraft | None:
    """The story that a whole document is, if its front matter makes it one."""
    front = document.front
    if front is None or not _is_one_story(front):
        return None
    identifier = _first(front, _IDS) or _heading_id(document)
    if not identifier:
        return None
    title = front.get("title")
    line = next((front.lines[key] for key in _IDS if key in front), front.line)
    return StoryDraft(identifier, str(title) if isinstance(title, str) else "", document.path, line)


def epic_of(document: Document, story: StoryDraft | None) -> EpicDraft:
    """The epic of what stands under no heading of one: of the front matter, the file's name, or the story's id."""
    front = document.front or Map(1)
    path = PurePosixPath(document.path.replace("\\", "/"))
    named = re.search(r"epic[-_ ]?(\d+)", path.stem, re.IGNORECASE)
    dotted = re.fullmatch(r"(\d+)[.-]\d.*", key_of(story.id)) if story else None
    own = _first(front, ("id",)) if "epic" in str(front.get("type", "")).casefold() else ""
    identifier = _first(front, _EPICS) or own
    if not identifier and named:
        identifier = named[1]
    if not identifier and dotted:
        identifier = dotted[1]
    if not identifier:
        identifier = path.parent.name if story is not None and document.front and path.parent.name else path.stem
    title = front.get("title") if own else None
    heading = next((block.lines[0].text for block in document.blocks if block.kind == "heading"), "")
    if not isinstance(title, str):
        title = "" if document.front is not None or story_title(heading) else heading
    return EpicDraft(identifier, title, document.path, 1)


def take_front_matter(document: Document, story: StoryDraft, problems: list[tuple[int, str]]) -> None:
    """What front matter says of the one story of its document."""
    front = document.front
    assert front is not None
    for key, value in front.items():
        line = front.lines[key]
        name = key.casefold().replace("-", "_").replace(" ", "_")
        field = field_of(name)
        if name in (*_IDS, *_EPICS, "title") or value is None:
            continue
        if field in ("needs", "before"):
            _take_dependencies(story, field, value, line, problems)
        elif take := _TAKERS.get(field or name):
            if not take(story, value):
                problems.append((line, f"`{key}` is not taken over: {shown(value)}"))
        else:
            _keep(story, key, value, line, problems)


def _take_dependencies(story: StoryDraft, field: Field, value: Any, line: int, problems: list[tuple[int, str]]) -> None:
    listed = value if isinstance(value, list) else [value]
    lines = getattr(value, "lines", None) or [line] * len(listed)
    for entry, entry_line in zip(listed, lines, strict=True):
        if isinstance(entry, dict | list):
            problems.append((entry_line, f"{shown(entry)} looks like a dependency, and could not be placed"))
        elif entry is not None:
            how: How = "needs" if field == "needs" else "before"
            story.remarks.append(Remark(story.path, entry_line, str(entry), how, entries=(str(entry),)))


def _keep(story: StoryDraft, key: str, value: Any, line: int, problems: list[tuple[int, str]]) -> None:
    """As metadata, unless it would mean something to a run that it did not mean here."""
    if key in _STORY_KEYS or key in MISPLACED:
        problems.append((line, f"`{key}` is not taken over, since it would change how the story runs; add it by hand"))
    elif meant := near(key, _STORY_KEYS, 0.8):
        problems.append((line, f"`{key}` is not taken over; did you mean `{meant}`?"))
    else:
        story.metadata[key] = _plain(value)


def _plain(value: Any) -> Any:
    """Without lines."""
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    return [_plain(held) for held in value] if isinstance(value, list) else value


def _texts(value: Any) -> list[str] | None:
    listed = value if isinstance(value, list) else [value]
    return [str(entry) for entry in listed] if all(isinstance(entry, str | int | float) for entry in listed) else None


def _take_points(story: StoryDraft, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        return False
    story.points = float(value)
    return True


def _take_criteria(story: StoryDraft, value: Any) -> bool:
    story.criteria.extend(_texts(value) or [])
    return _texts(value) is not None


def _take_files(story: StoryDraft, value: Any) -> bool:
    texts = _texts(value)
    return texts is not None and add_files(story, texts)


def _take_tags(story: StoryDraft, value: Any) -> bool:
    texts = _texts(value) or []
    try:
        _TAGS.validate_python(texts)
    except ValidationError:
        return False
    story.tags.extend(texts)
    return bool(texts)


def _take_description(story: StoryDraft, value: Any) -> bool:
    story.description = value if isinstance(value, str) else ""
    return isinstance(value, str)


_TAKERS: dict[str, Callable[[StoryDraft, Any], bool]] = {
    "points": _take_points,
    "criteria": _take_criteria,
    "files": _take_files,
    "tags": _take_tags,
    "description": _take_description,
}


def _is_one_story(front: Map) -> bool:
    kind = str(front.get("type", "")).casefold()
    identifier = _first(front, ("id",))
    if "epic" in kind:
        return False
    depends = any(field_of(key) in ("needs", "before") for key in front)
    keyed = identifier.casefold().startswith(("story", "us-"))
    listed = bool(_first(front, _EPICS)) and ("title" in front or bool(identifier))
    return bool(_first(front, _IDS[:1])) or "story" in kind or keyed or listed or (bool(identifier) and depends)


def _first(front: Map, keys: tuple[str, ...]) -> str:
    values = (front[key] for key in keys if key in front)
    return next(
        (str(value).strip() for value in values if isinstance(value, str | int | float) and str(value).strip()), ""
    )


def _heading_id(document: Document) -> str:
    titles = (story_title(block.lines[0].text) for block in document.blocks if block.kind == "heading")
    return next((title.id for title in titles if title), "")
