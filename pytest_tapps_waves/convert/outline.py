"""From the blocks of a Markdown file to its epics and stories, with what is said of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .details import Details
from .document import Block, Document, Line
from .drafts import EpicDraft, Outline, Remark, StoryDraft
from .front import epic_of, own_story, take_front_matter
from .headings import (
    Title,
    begins_story,
    bold_story,
    epic_title,
    is_story_without_id,
    is_struck_out,
    key_of,
    story_title,
)
from .labels import Field, field_of, labelled

_BOLD = 0.5
"""How much deeper than the heading above it a story in bold is."""
_NAMES_STORIES = re.compile(r"\b(?:story|stories|epic|id)\b", re.IGNORECASE)
_GOES_ON = re.compile(r"(?:when|then|and|but)\b", re.IGNORECASE)


def outline(document: Document) -> Outline:
    """What a Markdown file holds. Of what it says about dependencies, only the words."""
    walk = _Walk(document)
    for block in document.blocks:
        walk.take(block)
    return walk.end()


@dataclass(slots=True)
class _Open:
    """A label whose value is still being read."""

    field: Field
    origin: str
    depth: int
    block: Block
    whole: bool = False
    """Whether its value stands beside it, and a list below is something else."""
    taken: bool = False
    listed: bool = False
    item_depth: int = 0


class _Walk:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._found = Outline(document.path, problems=list(document.problems))
        self._epic: EpicDraft | None = None
        self._epic_depth = 0
        self._story: StoryDraft | None = None
        self._story_depth: float = 0
        self._details: Details | None = None
        self._heading_depth = 0
        self._in_introduction = False
        self._open: _Open | None = None
        self._item_depth = 0
        self._items_are_stories = not any(begins_story(block) for block in document.blocks)
        self._single = own_story(document)
        if self._single is not None:
            self._epic = epic_of(document, self._single)
            self._found.epics.append(self._epic)
            self._begin_story(
                self._single, 0, document.blocks[0].first - 1 if document.blocks else len(document.source)
            )
            take_front_matter(document, self._single, self._found.problems)

    def take(self, block: Block) -> None:
        if block.kind == "heading":
            self._heading(block)
        elif block.kind == "row":
            self._row(block)
        elif block.kind in ("paragraph", "item"):
            self._text(block)
        if self._details is not None:
            self._details.reach(block)

    def end(self) -> Outline:
        self._end_story()
        self._found.epics = [epic for epic in self._found.epics if epic.stories or epic.remarks or epic.title]
        return self._found

    def _heading(self, block: Block) -> None:
        line, depth = block.lines[0], block.depth
        if self._details is not None and self._open is not None and self._nests_in_criteria(depth):
            self._details.criterion(line, new=True)
            return
        self._open = None
        if self._single is not None:
            self._heading_of_own_story(line)
        elif title := epic_title(line.text):
            self._begin_epic(title, line.number, depth)
        elif title := story_title(line.text):
            self._begin_story(self._new_story(title, line.number), depth, line.number)
            if is_struck_out(line.text):
                self._leave_out(line)
        else:
            self._other_heading(line, depth)
        self._heading_depth = depth
        if found := labelled(line, heading=True):
            self._open = _Open(found.field, "heading", depth, block)
            if found.value:
                self._value(found.value, line, block)
            elif self._details is not None:
                self._details.consume(line)

    def _nests_in_criteria(self, depth: int) -> bool:
        opened = self._open
        return opened is not None and opened.field == "criteria" and opened.origin == "heading" and depth > opened.depth

    def _heading_of_own_story(self, line: Line) -> None:
        assert self._single is not None and self._details is not None
        title = story_title(line.text)
        if title is not None and key_of(title.id) != key_of(self._single.id):
            self._problem(line, f"story {title.id} stands in the file of story {self._single.id}; give it its own file")
        elif self._heading_depth == 0:
            self._details.consume(line)
            self._single.title = self._single.title or (title.title if title else re.sub(r"^Story:\s*", "", line.text))

    def _other_heading(self, line: Line, depth: int) -> None:
        if is_story_without_id(line.text):
            self._problem(line, f"{line.text[:60]!r} is a story without an id; number it: `Story 1: ...`")
        within_bold = self._story_depth % 1 != 0 and labelled(line, heading=True) is None
        if self._story is not None and (depth <= self._story_depth or within_bold):
            self._end_story()
        if self._epic is not None and depth <= self._epic_depth:
            self._epic = None
        self._in_introduction = False

    def _begin_epic(self, title: Title, line: int, depth: int) -> None:
        self._end_story()
        known = [epic for epic in self._found.epics if key_of(epic.id) == key_of(title.id)]
        self._epic = known[0] if known else EpicDraft(title.id, "", self._document.path, line)
        if not known:
            self._found.epics.append(self._epic)
        self._epic.title = self._epic.title or title.title
        self._epic_depth = depth
        self._in_introduction = True

    def _new_story(self, title: Title, line: int) -> StoryDraft:
        return StoryDraft(title.id, title.title, self._document.path, line, points=title.points)

    def _begin_story(self, story: StoryDraft, depth: float, line: int) -> None:
        self._end_story()
        if self._epic is None and self._found.epics:
            # `## Epic 1`, `## Stories`, `### Story 1.1`: the headings between do not say where it belongs.
            self._epic = self._found.epics[-1]
        if self._epic is None:
            self._epic = epic_of(self._document, story)
            self._found.epics.append(self._epic)
        self._epic.stories.append(story)
        self._story, self._story_depth, self._in_introduction = story, depth, False
        self._details = Details(story, self._document, line)

    def _leave_out(self, line: Line) -> None:
        """What has begun is read to its end, so that nobody else gets what is said of it, and forgotten."""
        assert self._epic is not None and self._story is not None
        self._epic.stories.remove(self._story)
        self._problem(line, f"story {self._story.id} is struck out, and left out")

    def _end_story(self) -> None:
        if self._details is not None:
            self._details.close()
        self._story = self._details = self._open = None

    def _problem(self, line: Line, message: str) -> None:
        self._found.problems.append((line.number, message))

    def _remark(self, remark: Remark) -> None:
        (self._story or self._epic or self._found).remarks.append(remark)

    def _row(self, block: Block) -> None:
        if len(block.lines) >= 2 and (field := field_of(block.lines[0].text)) and self._story is not None:
            self._open = _Open(field, "row", block.depth, block)
            self._value(block.lines[1].text, block.lines[1], block)
            self._open = None
            return
        columns = [field_of(name) for name in block.head]
        names = [place for place, name in enumerate(block.head) if _NAMES_STORIES.search(name)]
        own = names[0] if names else 0
        for place, (field, cell) in enumerate(zip(columns, block.lines, strict=False)):
            if field in ("needs", "before") and place != own and own < len(block.lines):
                remark = Remark(
                    self._document.path,
                    cell.number,
                    cell.text,
                    "needs" if field == "needs" else "before",
                    block.lines[own].text,
                )
                # The row says whose dependencies these are, wherever it stands.
                (self._epic or self._found).remarks.append(remark)

    def _text(self, block: Block) -> None:
        lines = list(block.lines)
        if self._single is None and (title := self._bold_story(block)):
            self._begin_story(self._new_story(title, lines[0].number), self._heading_depth + _BOLD, lines[0].number)
            lines = lines[1:]
        running: list[Line] = []
        for place, line in enumerate(lines):
            found = labelled(line)
            if found is not None and self._counts(found.field):
                self._say(running)
                whole = bool(found.value) and found.field != "criteria" and not found.value.endswith(":")
                self._open = _Open(found.field, block.kind, block.depth, block, whole)
                if found.value:
                    self._value(found.value, line, block)
                elif self._details is not None:
                    self._details.consume(line)
            elif self._open is not None and self._goes_on(block):
                self._value(line.text, line, block, begins=place == 0)
            else:
                running.append(line)
        self._say(running)

    def _counts(self, field: Field) -> bool:
        """Whether a label means anything here: an epic's points and files are its own matter."""
        return self._story is not None or field in ("needs", "before")

    def _bold_story(self, block: Block) -> Title | None:
        """``**Story 8.1: Title**`` as the beginning of a story, or an item of a list of stories."""
        line = block.lines[0]
        if block.kind == "item":
            inside = self._open is not None or self._item_depth
            if not self._items_are_stories or (inside and block.depth > self._item_depth):
                return None
            title = story_title(line.text, bare=False)
            self._item_depth = block.depth if title else self._item_depth
            return title
        return bold_story(block)

    def _goes_on(self, block: Block) -> bool:
        """Whether a block belongs to the label before it."""
        opened = self._open
        assert opened is not None
        if block is opened.block:
            goes_on = opened.field not in ("points", "estimate", "priority", "status")
        elif opened.whole:
            goes_on = False
        elif opened.origin == "heading":
            goes_on = True
        elif opened.origin == "item":
            goes_on = block.depth > opened.depth
        elif block.kind == "item":
            goes_on = opened.listed = True
        else:
            goes_on = opened.field == "criteria" or not opened.taken or (block.depth > 0 and opened.listed)
        if not goes_on:
            self._open = None
        return goes_on

    def _value(self, text: str, line: Line, block: Block, *, begins: bool = True) -> None:
        opened = self._open
        assert opened is not None
        opened.taken = True
        if opened.field in ("needs", "before"):
            self._remark(
                Remark(self._document.path, line.number, text, "needs" if opened.field == "needs" else "before")
            )
            if self._details is not None:
                self._details.consume(line)
        elif self._details is not None:
            if block.kind == "item" and not opened.item_depth:
                opened.item_depth = block.depth
            own_item = block.kind == "item" and block.depth <= opened.item_depth
            own_paragraph = block.kind == "paragraph" and block.depth == 0 and not _GOES_ON.match(text)
            self._details.value(opened.field, text, line, new=begins and (own_item or own_paragraph))
            self._say([line], text)

    def _say(self, lines: list[Line], text: str = "") -> None:
        """Text without a label, which may speak of dependencies all the same."""
        for part in _together(lines):
            self._remark(
                Remark(self._document.path, part[0].number, text or "\n".join(line.text for line in part), "prose")
            )
        if self._story is None and self._epic is not None and self._in_introduction and lines:
            words = "\n".join(line.text for line in lines)
            self._epic.description = f"{self._epic.description}\n\n{words}".strip()
        lines.clear()


def _together(lines: list[Line]) -> Iterator[list[Line]]:
    """Lines that follow one another in the file."""
    part: list[Line] = []
    for line in lines:
        if part and line.number != part[-1].number + 1:
            yield part
            part = []
        part.append(line)
    if part:
        yield part
