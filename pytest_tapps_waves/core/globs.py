"""Gitignore-style globs as languages of paths: can two of them match a common path?

The format is that of https://git-scm.com/docs/gitignore#_pattern_format. :func:`overlap` answers for *every* path that
might come to be, not only for those on disk, with one reserve: git lets a pattern that names a directory match all
below it, and any name might be a directory. Only names that are known to be directories do so here, since otherwise
``README.md`` and ``setup.py`` would have ``README.md/setup.py`` in common.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

ANY_DEPTH = "**"


class Glob(NamedTuple):
    """A pattern, taken apart."""

    text: str
    """As it stands in the file."""
    segments: tuple[str, ...]
    """Between slashes; ``**`` is any number of segments, none included."""
    literal: tuple[bool, ...]
    """For each segment, whether it matches only itself."""
    directory: bool
    """Whether it is known to match directories, and so all that is below them."""

    @property
    def path(self) -> str | None:
        """The one path that it stands for, or None."""
        return "/".join(self.segments) if all(self.literal) else None

    @property
    def name(self) -> str | None:
        """The one name that it stands for, at any depth, or None."""
        if self.literal == (False, True) and self.segments[0] == ANY_DEPTH and not self.directory:
            return self.segments[1]
        return None

    @property
    def prefix(self) -> tuple[str, ...]:
        """Its leading literal segments."""
        for place, literal in enumerate(self.literal):
            if not literal:
                return self.segments[:place]
        return self.segments


def parse(text: str, is_directory: Callable[[str], bool] = lambda path: False) -> Glob:
    """Take a pattern apart.

    :param is_directory: tells of a literal path, relative to rootdir, whether a directory is there.
    """
    if _PLAIN.fullmatch(text):
        segments = text.split("/")
        return Glob(text, tuple(segments), (True,) * len(segments), is_directory(text))
    written = text
    while text.endswith(" ") and not text.endswith("\\ "):
        text = text[:-1]
    segments = [segment for segment in text.split("/") if segment and segment != "."]
    directory = text.endswith("/")
    if "/" not in text.rstrip("/"):
        segments.insert(0, ANY_DEPTH)
    while segments and segments[-1] == ANY_DEPTH:
        segments.pop()
        directory = True
    collapsed = [
        segment
        for place, segment in enumerate(segments)
        if segment != ANY_DEPTH or place == 0 or segments[place - 1] != ANY_DEPTH
    ]
    if _SIGNS.isdisjoint(text):
        literal = (False, *(True,) * (len(collapsed) - 1)) if collapsed[:1] == [ANY_DEPTH] else (True,) * len(collapsed)
        plain = tuple(collapsed)
    else:
        literal = tuple([not _wild(segment) for segment in collapsed])
        plain = tuple(
            [_unescape(segment) if spelled else segment for segment, spelled in zip(collapsed, literal, strict=True)]
        )
    named = plain[1:] if plain[:1] == (ANY_DEPTH,) else plain
    if not directory and all(literal[-len(named) :] if named else literal):
        directory = is_directory("/".join(named))
    return Glob(written, plain, literal, directory)


def are_apart(texts: Mapping[str, object]) -> bool:
    """Whether all patterns are plain paths, and none of them lies below another: then no two can overlap."""
    if not all(map(_PLAIN.fullmatch, texts)):
        return False
    above = {text.rpartition("/")[0] for text in texts}
    while above:
        if not above.isdisjoint(texts.keys()):
            return False
        above = {text.rpartition("/")[0] for text in above if "/" in text}
    return True


_SIGNS = frozenset("*?[\\")
_PLAIN = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)+")
"""What most patterns are: a path of two names or more, without anything that needs a second look."""
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _wild(segment: str) -> bool:
    return any(sign in _ESCAPED.sub("", segment) for sign in "*?[")


def _unescape(segment: str) -> str:
    return _ESCAPED.sub(r"\1", segment)


def overlap(one: Glob, other: Glob) -> bool:
    """Whether the two can match a common path. At most four times the product of their numbers of segments in steps."""
    reached: set[tuple[int, int, bool, bool]] = set()
    stack = [(0, 0, False, False)]
    while stack:
        place = stack.pop()
        if place in reached:
            continue
        reached.add(place)
        i, j, one_guesses, other_guesses = place  # whether it has matched a segment that it does not spell out
        one_ended, other_ended = i == len(one.segments), j == len(other.segments)
        if one_ended and other_ended:
            return True
        if one_ended or other_ended:
            # A pattern that spells the path out and goes on below it says that it is a directory.
            if (one.directory or not other_guesses) if one_ended else (other.directory or not one_guesses):
                return True
            continue
        a, b = spelled(one, i), spelled(other, j)
        a_guesses, b_guesses = one_guesses or not one.literal[i], other_guesses or not other.literal[j]
        if a == ANY_DEPTH:
            stack += [(i + 1, j, one_guesses, other_guesses), (i, j + 1, True, b_guesses)]
        if b == ANY_DEPTH:
            stack += [(i, j + 1, one_guesses, other_guesses), (i + 1, j, a_guesses, True)]
        if ANY_DEPTH not in (a, b) and segments_overlap(a, b):
            stack.append((i + 1, j + 1, a_guesses, b_guesses))
    return False


def spelled(glob: Glob, place: int) -> str:
    """A segment as a glob again: what is literal was unescaped, and may hold signs."""
    segment = glob.segments[place]
    if not glob.literal[place] or _SIGNS.isdisjoint(segment):
        return segment
    return re.sub(r"[*?\[\\]", r"\\\g<0>", segment)


@lru_cache(maxsize=4096)
def segments_overlap(one: str, other: str) -> bool:
    """Whether two globs of one path segment can match a common name."""
    if one == other:
        return True
    a, b = _tokens(one), _tokens(other)
    reached: set[tuple[int, int]] = set()
    stack = [(0, 0)]
    while stack:
        place = stack.pop()
        if place in reached:
            continue
        reached.add(place)
        i, j = place
        if i == len(a) and j == len(b):
            return True
        a_star, b_star = a[i : i + 1] == ["*"], b[j : j + 1] == ["*"]
        if a_star:
            stack += [(i + 1, j)] + ([(i, j + 1)] if j < len(b) else [])
        if b_star:
            stack += [(i, j + 1)] + ([(i + 1, j)] if i < len(a) else [])
        if not a_star and not b_star and i < len(a) and j < len(b) and _characters_overlap(a[i], b[j]):
            stack.append((i + 1, j + 1))
    return False


def literal_ends(segment: str) -> tuple[str, str]:
    """What all names begin with, and end with, that a glob of one segment matches; all of it, if that is one name."""
    if _SIGNS.isdisjoint(segment):
        return segment, segment
    tokens = _tokens(segment)
    begin = "".join(token[1] for token in takewhile(_is_letter, tokens))
    return begin, "".join(token[1] for token in takewhile(_is_letter, reversed(tokens)))[::-1]


def _is_letter(token: str) -> bool:
    return token[0] == "\\"


def _tokens(segment: str) -> list[str]:
    """Each a star, a question mark, a class with its brackets, or ``\\`` and the character that stands for itself."""
    tokens: list[str] = []
    place = 0
    while place < len(segment):
        sign = segment[place]
        close = _class_end(segment, place) if sign == "[" else -1
        if sign == "\\" and place + 1 < len(segment):
            tokens.append(segment[place : place + 2])
            place += 2
        elif close > 0:
            tokens.append(segment[place : close + 1])
            place = close + 1
        else:
            tokens.append(sign if sign in "*?" else "\\" + sign)
            place += 1
    return tokens


_CLASS = re.compile(r"\[[!^]?+\]?+(?:\[:\w+:\]|\\.|[^\]])*\]", re.DOTALL)


def _class_end(segment: str, place: int) -> int:
    """Where the class that begins here has its closing bracket, or -1."""
    found = _CLASS.match(segment, place)
    return found.end() - 1 if found else -1


def _characters_overlap(one: str, other: str) -> bool:
    """Two classes are taken to overlap: that errs to the safe side, and saves the whole of bracket syntax."""
    if one[0] == "\\" and other[0] == "\\":
        return one == other
    for letter, group in ((one, other), (other, one)):
        if letter[0] == "\\" and group[0] == "[":
            return _in_class(letter[1], group[1:-1])
    return True


def _in_class(letter: str, group: str) -> bool:
    if "\\" in group or "[:" in group:
        return True
    negated = group[0] in "!^"
    members = group[1:] if negated else group
    place, found = 0, False
    while place < len(members):
        if members[place + 1 : place + 2] == "-" and place + 2 < len(members):
            found = found or members[place] <= letter <= members[place + 2]
            place += 3
        else:
            found = found or members[place] == letter
            place += 1
    return found != negated
