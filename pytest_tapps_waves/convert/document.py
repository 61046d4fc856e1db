"""A Markdown file as blocks of lines that know their numbers.

Parsed by markdown-it-py as CommonMark (https://spec.commonmark.org/0.31.2/) with tables; front matter by its plugin.
Inline marks are parsed line by line, since each line has to know its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

from ..epics.yaml_lines import Map, read
from ..epics.yaml_scalars import YamlError
from ..errors import EpicError

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MAX_BYTES = 5 * 1024 * 1024
_FRONT_TEXT = frozenset({"id", "story_id", "story", "epic", "epic_id", "title", "depends_on", "dependencies", "tags"})
_NEVER_LABELS = "[]( )xX*_"

Kind = Literal["heading", "paragraph", "item", "row", "code", "comment"]


class Unreadable(EpicError):
    """A file that is no Markdown, or a parser that is not installed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text, without its marks."""

    number: int
    """In the file, counted from 1."""
    text: str
    label: str = ""
    """What begins it in bold or italics."""
    rest: str = ""
    """What comes after the label."""
    codes: tuple[str, ...] = ()
    """What stands in backticks."""


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, the beginning of a list item, a row of a table, or code."""

    kind: Kind
    depth: int
    """Of a heading its level; else how many list items it stands in."""
    lines: tuple[Line, ...]
    first: int
    last: int
    """Its lines in the file, counted from 1, both included."""
    head: tuple[str, ...] = ()
    """Of a row, the names of its columns. Its cells are its lines."""


@dataclass(frozen=True, slots=True)
class Document:
    """One Markdown file."""

    path: str
    """For messages."""
    source: tuple[str, ...]
    """Its lines."""
    blocks: tuple[Block, ...]
    front: Map | None = None
    """The mapping of its front matter."""
    problems: tuple[tuple[int, str], ...] = field(default=())


def parse(text: str, path: str) -> Document:
    """
    :raises Unreadable: if the extra ``convert`` is not installed.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    tokens = _parser().parse(text)
    front, problems = _front_matter(tokens)
    blocks = _Blocks()
    for token in tokens:
        blocks.feed(token)
    return Document(path, tuple(text.split("\n")), tuple(blocks.found), front, tuple(problems))


@cache
def _parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
        from mdit_py_plugins.front_matter import front_matter_plugin
    except ImportError as error:
        raise Unreadable(
            f"{error.name} is not installed, which reads Markdown; pip install 'pytest-tapps-waves[convert]'"
        ) from None
    return MarkdownIt("commonmark").enable("table").use(front_matter_plugin)


def _front_matter(tokens: Sequence[Token]) -> tuple[Map | None, list[tuple[int, str]]]:
    if not tokens or tokens[0].type != "front_matter":
        return None, []
    # The line of the mark before it is kept, so that lines count from the beginning of the file.
    try:
        front, found = read(b"\n" + tokens[0].content.encode("utf-8", "replace"), _FRONT_TEXT)
    except YamlError as error:
        return None, [(error.line, f"the front matter is not read: {error.message}")]
    return (front if isinstance(front, Map) else None), found


class _Blocks:
    """Turns the tokens of markdown-it, which nest, into blocks, which do not."""

    def __init__(self) -> None:
        self.found: list[Block] = []
        self._depth = 0
        self._begins_item = False
        self._level = 0
        self._head: tuple[str, ...] = ()
        self._cells: list[Line] | None = None
        self._in_head = False

    def feed(self, token: Token) -> None:
        kind = token.type
        first, last = (token.map[0] + 1, token.map[1]) if token.map else (1, 1)
        if kind == "inline":
            self._inline(token, first, last)
        elif kind in ("list_item_open", "list_item_close"):
            self._depth += token.nesting
            self._begins_item = kind == "list_item_open"
        elif kind == "heading_open":
            self._level = int(token.tag[1:])
        elif kind in ("thead_open", "thead_close"):
            self._in_head = kind == "thead_open"
        elif kind in ("tr_open", "tr_close"):
            self._row(kind == "tr_open")
        elif kind in ("fence", "code_block", "html_block"):
            self.found.append(Block("comment" if kind == "html_block" else "code", self._depth, (), first, last))
            self._begins_item = False

    def _inline(self, token: Token, first: int, last: int) -> None:
        if self._cells is not None:
            self._cells.append(_line(token.content, first))
            return
        lines = tuple(_line(raw, first + place) for place, raw in enumerate(token.content.split("\n")))
        kind: Kind = "heading" if self._level else "item" if self._begins_item else "paragraph"
        self.found.append(Block(kind, self._level or self._depth, lines, first, last))
        self._level, self._begins_item = 0, False

    def _row(self, opens: bool) -> None:
        cells, self._cells = self._cells, [] if opens else None
        if cells and self._in_head:
            self._head = tuple(cell.text for cell in cells)
        elif cells and not opens:
            number = cells[0].number
            self.found.append(Block("row", self._depth, tuple(cells), number, number, self._head))


def _line(raw: str, number: int) -> Line:
    inline = _parser().parseInline(raw)
    children = (inline[0].children if inline else None) or []
    text: list[str] = []
    marked: list[str] = []
    codes: list[str] = []
    nesting = 0
    closed_at = -1
    for child in children:
        opens = child.type in ("strong_open", "em_open")
        if opens and (nesting or (closed_at < 0 and not "".join(text).strip(_NEVER_LABELS + "#>-–—•·:"))):
            nesting += 1
        elif child.type in ("strong_close", "em_close") and nesting:
            nesting -= 1
            if not nesting:
                closed_at = len(text)
        elif child.type in ("text", "code_inline", "text_special"):
            text.append(child.content)
            if nesting:
                marked.append(child.content)
            if child.type == "code_inline":
                codes.append(child.content)
    label = "".join(marked).strip()
    rest = "".join(text[closed_at:]).strip() if closed_at >= 0 else ""
    return Line(number, _unchecked("".join(text)), label, rest if label else "", tuple(codes))


def _unchecked(text: str) -> str:
    """Without the box of a task: ``[ ] The table exists``."""
    text = text.strip()
    return text[3:].strip() if text[:3] in ("[ ]", "[x]", "[X]") else text
