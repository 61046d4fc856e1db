"""What begins an epic or a story: ``## Epic 8: Checkout``, ``### Story 8.1 - Schema``, ``#### STORY-130: Schema``."""

from __future__ import annotations

import re
from typing import NamedTuple

from .document import Block

_SEPARATED = r"(?:\s*[:：.)\]|–—-]+\s*(?P<title>.*)|\s*(?P<aside>\(.*)|\s*$)"
_ID = r"(?P<id>\d++(?:[.\-]\d++)*+[a-z]?(?=$|[\s:：.)\]|(–—-])|[A-Za-z0-9]++(?:[-_.][A-Za-z0-9]++)*+)"
_STORY = re.compile(
    rf"(?:user |technical |tech |enabler |spike )?story\s+#?{_ID}{_SEPARATED}", re.IGNORECASE | re.DOTALL
)
_STORY_BARE = re.compile(rf"(?:user )?story\s+{_ID}\s+(?P<title>\S.*)", re.IGNORECASE | re.DOTALL)
_STORY_KEY = re.compile(rf"(?P<id>(?:story|us|st)(?:[-_.][A-Za-z0-9]++)++){_SEPARATED}", re.IGNORECASE | re.DOTALL)
_EPIC = re.compile(rf"epic\s+#?{_ID}{_SEPARATED}", re.IGNORECASE | re.DOTALL)
_EPIC_KEY = re.compile(rf"(?P<id>epic(?:[-_.][A-Za-z0-9]++)++){_SEPARATED}", re.IGNORECASE | re.DOTALL)
_NAMELESS = re.compile(r"(?:user )?story\s*[:：–—-]\s*\S", re.IGNORECASE)
_POINTS = re.compile(r"[(\[]\s*(\d+(?:\.\d+)?)\s*(?:sp|pts?|points?|story points?)\s*[)\]]", re.IGNORECASE)


class Title(NamedTuple):
    """What a heading says of an epic or a story."""

    id: str
    title: str
    points: float | None = None


def story_title(text: str, *, bare: bool = True) -> Title | None:
    """
    :param bare: whether ``Story 8.1 Schema`` counts too, without anything between the two.
    """
    patterns = (_STORY, _STORY_KEY, _STORY_BARE) if bare else (_STORY, _STORY_KEY)
    return _title(text, patterns)


def epic_title(text: str) -> Title | None:
    return _title(text, (_EPIC, _EPIC_KEY))


def is_struck_out(text: str) -> bool:
    """Whether a heading is one of a story that is no longer meant: ``~~Story 1.5: Encryption~~ (deferred)``."""
    return text.lstrip().startswith("~~")


def is_story_without_id(text: str) -> bool:
    return _NAMELESS.match(_bare(text)) is not None


def bold_story(block: Block) -> Title | None:
    """A paragraph that begins a story: ``**Story 8.1: Schema**``."""
    line = block.lines[0]
    if block.kind != "paragraph" or not line.label or not line.text.startswith(line.label[:1]):
        return None
    alone = not line.rest or line.rest[0] in ":：-–—("
    return story_title(line.label) if not line.rest else story_title(line.text, bare=False) if alone else None


def begins_story(block: Block) -> bool:
    """Whether a heading or a paragraph does."""
    if block.kind == "heading":
        return story_title(block.lines[0].text) is not None
    return block.kind == "paragraph" and bold_story(block) is not None


def key_of(written: str) -> str:
    """By which an id is found, however it is written: ``STORY-8.1``, ``story 8.1``, ``8.1``."""
    folded = written.strip().lstrip("#").casefold()
    return re.sub(r"^(?:story|epic)[-_ .]*(?=.)", "", folded)


def _title(text: str, patterns: tuple[re.Pattern[str], ...]) -> Title | None:
    text = _bare(text)
    for pattern in patterns:
        found = pattern.fullmatch(text)
        if found and any(sign.isdigit() for sign in found["id"]):
            groups = found.groupdict()
            title = (groups.get("title") or groups.get("aside") or "").strip()
            points = _POINTS.search(title)
            if points:
                title = (title[: points.start()] + title[points.end() :]).strip()
            return Title(found["id"].lstrip("#"), title, float(points[1]) if points else None)
    return None


def _bare(text: str) -> str:
    """Without boxes, bullets and pictures before the first word."""
    return re.sub(r"^(?:\[[ xX]\]|[^\w])+", "", " ".join(text.split())).strip()
