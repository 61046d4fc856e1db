"""What a story's part of a document says besides its dependencies."""

from __future__ import annotations

import re

from pydantic import TypeAdapter, ValidationError

from ..epics.values import Globs
from .document import Block, Document, Line
from .drafts import StoryDraft
from .labels import Field

_POINTS = re.compile(r"(\d+(?:\.\d+)?)\s*(sp|pts?|(?:story )?points?)?(?:\s*\(.*\))?\.?", re.IGNORECASE)
_PATH = re.compile(r"[\w.@*?{}\[\]+~-]*[/\\][\w.@*?{}\[\]+~/\\-]*|[\w@*?-][\w.@*?-]*\.\w{1,8}")
_LINES = re.compile(r":\d+(?:-\d+)?$")
_RULE = re.compile(r"\s*(?:-{3,}|\*{3,}|_{3,}|={3,})\s*")
_GLOBS = TypeAdapter(Globs)


class Details:
    """Fills a story from its lines, and keeps those that mean nothing else as its description."""

    def __init__(self, story: StoryDraft, document: Document, line: int) -> None:
        """:param line: the last one before its text, counted from 1."""
        self._story = story
        self._document = document
        self._after = line
        self._last = line
        self._consumed: set[int] = set()

    def reach(self, block: Block) -> None:
        """A block belongs to the story."""
        self._last = max(self._last, block.last)
        if block.kind == "comment":
            self._consumed.update(range(block.first, block.last + 1))

    def consume(self, line: Line) -> None:
        """A line has been understood, so that the description does not need it."""
        self._consumed.add(line.number)

    def value(self, field: Field, text: str, line: Line, *, new: bool) -> None:
        """
        :param new: whether the line begins something, rather than going on with the line before.
        """
        if field == "criteria":
            self.criterion(line, new=new, text=text)
        elif (field == "files" and not self._files(text, line)) or (field == "points" and not self._points(text)):
            return
        elif field == "estimate" and not self._points(text, needs_unit=True):
            self._story.metadata.setdefault("estimate", text)
        elif field in ("priority", "status"):
            self._story.metadata.setdefault(field, text)
        self.consume(line)

    def criterion(self, line: Line, *, new: bool, text: str | None = None) -> None:
        text = line.text if text is None else text
        if new or not self._story.criteria:
            self._story.criteria.append(text)
        else:
            self._story.criteria[-1] += f"\n{text}"
        self.consume(line)

    def _points(self, text: str, *, needs_unit: bool = False) -> bool:
        found = _POINTS.fullmatch(text)
        if not found or (needs_unit and not found[2]):
            return False
        self._story.points = float(found[1])
        return True

    def _files(self, text: str, line: Line) -> bool:
        """Whether all that looks like a file is one that can be named."""
        codes = [_LINES.sub("", code.strip()) for code in line.codes]
        listed = [code for code in codes if _PATH.fullmatch(code)] if codes else _PATH.findall(text)
        return bool(listed) and add_files(self._story, listed)

    def close(self) -> None:
        """The story has ended."""
        lines = self._document.source[self._after : self._last]
        kept = [
            "" if _RULE.fullmatch(line) else line.rstrip()
            for number, line in enumerate(lines, self._after + 1)
            if number not in self._consumed
        ]
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n")
        self._story.description = "\n\n".join(part for part in (self._story.description, text) if part.strip())


def add_files(story: StoryDraft, listed: list[str]) -> bool:
    """Name files that a story affects, as globs relative to the project.

    :returns: whether all of them could be.
    """
    files = [name.replace("\\", "/").removeprefix("./") for name in listed]
    try:
        _GLOBS.validate_python(files)
    except ValidationError:
        return False
    story.files.extend(name for name in files if name not in story.files)
    return True
