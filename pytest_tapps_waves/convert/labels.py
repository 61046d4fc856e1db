"""What a label announces: `**Prerequisites:** Story 1.1`, `#### Acceptance Criteria`, `depends_on: [...]`."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from .document import Line

Field = Literal["needs", "before", "criteria", "points", "files", "estimate", "priority", "status"]

_LONGEST = 60
_PATTERNS: dict[Field, str] = {
    "before": r"(must )?(be )?(completed?|done|finished|come|comes) before|blocks|blocking|unblocks|enables"
    r"|required (by|for)|(is )?(a )?(hard )?prerequisites? (of|for|to)|needed (by|for)|precedes|dependents"
    r"|dependent (stories|epics)|followed by|successors?|downstream( .*)?|must (be )?(completed?|done|finished) before",
    "needs": r"(.* )?dependenc(y|ies)( .*)?|depends?( (up)?on)?|dependent (up)?on|pre ?requisites?( .*)?|prereqs?"
    r"|(is )?blocked by|blockers?|requires?|required (stories|epics|first)|needs|builds (up)?on|waits? for"
    r"|preceded by|predecessors?|(must )?(come|comes|start|run) after|sequential requirements",
    "criteria": r"acceptance( criteria| criterion| tests?)?|acs?|success criteria",
    "points": r"(story )?points?|sp",
    "estimate": r"(story )?estimates?|estimation|(estimated )?(effort|size)",
    "files": r"((key|relevant|affected|new|changed|modified) )?files?( (list|affected|created|modified|changed|touched"
    r"|involved|to( (and|or|create|modify|change|edit|touch|update|add|delete|remove))+))?",
    "priority": r"priority",
    "status": r"status",
}
"""The first that fits. ``Prerequisite for`` is the reverse of ``Prerequisites``."""
_FIELDS = tuple((field, re.compile(pattern)) for field, pattern in _PATTERNS.items())
_PLAIN = re.compile(r"([^\W\d_][\w /&()-]{0,50}?)\s*[:：]\s*(.*)", re.DOTALL)
_SEPARATORS = ":：-–— \t"


class Labelled(NamedTuple):
    """A line that announces something."""

    field: Field
    value: str
    """What stands on the same line."""


def field_of(label: str) -> Field | None:
    """What a label announces, if it is one of those that are known."""
    words = " ".join(re.sub(r"\([^)]*\)|[^\w]|_", " ", label.casefold()).split())
    if not words or len(words) > _LONGEST:
        return None
    field = next((field for field, pattern in _FIELDS if pattern.fullmatch(words)), None)
    # `Dependencies of Story 2` is no label, but says something itself.
    return None if field in ("needs", "before") and any(sign.isdigit() for sign in words) else field


def labelled(line: Line, *, heading: bool = False) -> Labelled | None:
    """The label of a line, in bold, plain, or as a heading, and its value."""
    if line.label and not _PLAIN.fullmatch(line.label.rstrip(_SEPARATORS)):
        ends = line.label.endswith((":", "：")) or not line.rest or line.rest[0] in _SEPARATORS
        if ends and (field := field_of(line.label)):
            return Labelled(field, line.rest.strip(_SEPARATORS) if line.rest[:1] in _SEPARATORS else line.rest)
    if (heading or line.text.endswith((":", "："))) and (field := field_of(line.text)):
        return Labelled(field, "")
    plain = _PLAIN.fullmatch(line.text)
    if plain and (field := field_of(plain[1])):
        return Labelled(field, plain[2].strip())
    return None
