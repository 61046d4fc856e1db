"""What an agent is told, as text.

A prompt has these parts, each left out if there is nothing in it: title and description, acceptance criteria, files
that may be changed, prior work, and how to work. The story's own ``prompt`` takes the place of title and description.
In it ``{title}``, ``{description}``, ``{criteria}``, ``{files}`` and ``{prior_work}`` stand for these; other braces
stay as they are. A part that it places itself does not follow again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..base import PriorWork
from .brief import Brief

LONGEST_SUMMARY = 2_000
"""Characters of what a story before said about itself: its last ones, since agents sum up in the end."""
MOST_FILES = 50
"""Files of a story before that are named."""
LONGEST_ANSWER = 8_000
"""Characters of its own answer that an agent without a memory is shown again: the last ones."""

CLOSING = (
    "Work only in the current directory, and change nothing outside of it. Do not commit. "
    "When you are done, answer with a short summary of what you did."
)

_PLACES = re.compile(r"\{(title|description|criteria|files|prior_work)\}")

_HEADINGS: Mapping[str, str] = {
    "criteria": "Acceptance criteria",
    "files": "Files that may be changed",
    "prior_work": "Work done before",
}
"""The parts that follow, in this order."""


def first_prompt(brief: Brief, prior: Sequence[PriorWork]) -> str:
    """What a story's agent is told first."""
    texts = {
        "title": brief.title.strip(),
        "description": brief.description.strip(),
        "criteria": _listed(brief.criteria),
        "files": _listed(brief.files_affected),
        "prior_work": "\n\n".join(map(_told, prior)),
    }
    own = brief.agent.prompt
    if own is None:
        parts = [_heading(brief), texts["description"]]
        placed: set[str] = set()
    else:
        # All at once: what a description says of braces is its own.
        parts = [_PLACES.sub(lambda found: texts[found[1]], own).strip()]
        placed = set(_PLACES.findall(own))
    parts += [
        f"## {heading}\n\n{texts[name]}" for name, heading in _HEADINGS.items() if texts[name] and name not in placed
    ]
    return "\n\n".join(filter(None, [*parts, CLOSING]))


def prompt_again(first: str, answer: str, findings: str) -> str:
    """What an agent is told that does not know what it was told before, nor what it answered."""
    parts = [first]
    if answer.strip():
        parts.append(f"## What you answered before\n\n{_end_of(answer.strip(), LONGEST_ANSWER)}")
    parts.append(f"## What was found when your work was checked\n\n{findings.strip()}")
    return "\n\n".join(parts)


def _heading(brief: Brief) -> str:
    return f"# Story {brief.id}: {brief.title.strip()}" if brief.title.strip() else f"# Story {brief.id}"


def _listed(texts: Sequence[str]) -> str:
    return "\n".join("- " + text.strip().replace("\n", "\n  ") for text in texts)


def _told(work: PriorWork) -> str:
    parts = [f"### {work.id}: {work.title.strip()}" if work.title.strip() else f"### {work.id}"]
    if work.summary.strip():
        parts.append(_end_of(work.summary.strip(), LONGEST_SUMMARY))
    if work.files:
        more = len(work.files) - MOST_FILES
        parts.append(f"Files changed: {', '.join(work.files[:MOST_FILES])}{f' and {more:,} more' if more > 0 else ''}")
    return "\n\n".join(parts)


def _end_of(text: str, most: int) -> str:
    return text if len(text) <= most else f"[...] {text[-most:]}"
