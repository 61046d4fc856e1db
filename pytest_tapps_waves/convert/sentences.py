"""Who needs whom, in running text: ``Stories 1-4 must complete before Story 5``, ``this one depends on Story 1.1``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .mentions import Mention, Reading, read_mentions

_SENTENCE = re.compile(r"(?:[^.!?;]|[.!?](?=\S))+")
_DONE = r"(?:complete[ds]?|finish(?:ed|es)?|done|come|comes|land|ship|be in place)"
_CUE = re.compile(
    rf"(?P<before>\b(?:(?:must|needs? to|has to|have to|should|to)\s+)?(?:be\s+)?(?:fully\s+)?{_DONE}\s+before\b"
    r"|\b(?:un)?blocks\b|\b(?:is|are)\s+(?:a\s+|an\s+)?(?:hard\s+|strict\s+)?prerequisites?\s+(?:for|of|to)\b"
    r"|\b(?:is|are)\s+(?:required|needed)\s+(?:by|for|before)\b|\bprecedes?\b|\bprerequisite\s+(?:for|of|to)\b)"
    r"|(?P<needs>\b(?:depends?|dependent|depending)\s+(?:up)?on\b|\bblocked\s+(?:by|on|until)\b|\bbuilds?\s+(?:up)?on\b"
    r"|\brequires?\b|\bprerequisites?\s*(?:is|are)\b|\b(?:must\s+)?waits?\s+(?:for|on)\b"
    r"|\b(?:must|can|should|may|cannot|can't|will)\s+(?:only\s+|not\s+)?(?:come|start|begin|run|be\s+done|be\s+started)"
    r"\s+(?:only\s+)?(?:after|until|once)\b|\b(?:starts?|begins?|comes?)\s+(?:only\s+)?after\b)",
    re.IGNORECASE,
)
_HINT = re.compile(
    r"\b(?:after|before|once|until|following|prior\s+to|needs?|relies\s+on|unlocks?|enables?|prerequisites?|dependenc\w+"
    r"|depends?|dependent|blocked|blocks|requires?|builds?)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\b(?:story|stories|epics?)[\s#-]*\w*\d", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:no|not|never|neither|nothing|without|optionally|independent\w*)\b|n't\b", re.IGNORECASE)
_WAITS = re.compile(r"(?:cannot|can't|not)\s[\w\s]*(?:until|once)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence that says who needs whom, or looks as if it did."""

    subjects: tuple[Mention, ...]
    """Empty for the story or the epic in which it stands."""
    reading: Reading
    """What it needs, or what needs it."""
    is_before: bool
    """Whether the subjects have to come first."""
    offset: int
    """Where in the text, in characters."""
    text: str


def statements(text: str, is_id: Callable[[str], bool], *, labelled: bool = False) -> Iterator[Statement]:
    """What sentences say of dependencies.

    :param labelled: whether the text stands under a label, so that a sentence says something even if it names nothing.
    """
    for found in _SENTENCE.finditer(text):
        sentence = found.group()
        cue = _CUE.search(sentence)
        names = bool(_NAMED.search(sentence))
        if not names and not (cue and labelled) and not (cue and _short_names(sentence[cue.end() :], is_id)):
            continue
        if cue:
            yield _statement(sentence, cue, is_id, found.start(), names or labelled)
        elif _HINT.search(sentence):
            start = found.start() + len(sentence) - len(sentence.lstrip())
            yield Statement((), Reading((), (_flat(sentence),)), False, start, _flat(sentence))


def has_cue(text: str) -> bool:
    """Whether a text says by its own words who needs whom."""
    return _CUE.search(text) is not None


def _statement(sentence: str, cue: re.Match[str], is_id: Callable[[str], bool], offset: int, tell: bool) -> Statement:
    before, after = sentence[: cue.start()], sentence[cue.end() :]
    subjects = read_mentions(before, is_id)
    reading = read_mentions(_flat(after), is_id)
    words = _flat(sentence)
    negated = _NEGATED.search(before) or (_NEGATED.search(cue.group()) and not _WAITS.search(cue.group()))
    unsure = negated or (_NAMED.search(before) and not subjects.mentions)
    if unsure or not reading.mentions:
        told = tell and (bool(_NAMED.search(sentence)) or not negated)
        reading = Reading((), (words,) if told else ())
    return Statement(subjects.mentions, reading, cue["before"] is not None, offset + cue.start(), words)


def _short_names(text: str, is_id: Callable[[str], bool]) -> bool:
    """Whether what follows is named by its id alone: ``depends on STORY-130``, ``depends on 1.1``."""
    words = re.findall(r"[\w.\-]*\w", text)
    return bool(words) and is_id(words[0]) and not words[0].isdigit()


def _flat(text: str) -> str:
    return " ".join(text.split())
