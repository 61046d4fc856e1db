"""The note that a run of agents leaves for whoever goes on, a person or an agent: Markdown, beside the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..core.model import State, Story
from ..core.plan import Plan
from ..inert import one_line
from ..journal.works import Done

HANDOFF = "handoff.md"
_LONGEST = 300
_MOST_FILES = 20

_DONE = (State.PASSED, State.DONE)
_FAILED = (State.FAILED, State.REFUSED)
_SECTIONS = {
    "Done": _DONE,
    "Failed": _FAILED,
    "Next": tuple(state for state in State if state not in (*_DONE, *_FAILED, State.DOCUMENTED)),
}


def handoff(
    plan: Plan,
    titles: Mapping[str, str],
    epic_titles: Mapping[str, str],
    done: Mapping[str, Done],
    whys: Mapping[str, str],
    notes: Sequence[str],
) -> str:
    """What is done, what has failed, what comes next, and where the work is.

    :param titles: of stories, and of epics by the node ids of their files.
    :param done: what stories did that passed, by node id.
    :param whys: why stories have failed, by node id.
    :param notes: lines that say where the work is.
    """

    def told(story: Story) -> Iterator[str]:
        title, reason = one_line(titles.get(story.key, "")), whys.get(story.key) or plan.reasons.get(story.key, "")
        why = _short(reason.removeprefix(f"{story.id} "))
        yield f"- **{story.id}**{f' {title}' if title else ''}{f': {why}' if why else ''}"
        did = done.get(story.key) if plan.states[story.key] in _DONE else None
        if did is not None and did.summary.strip():
            yield f"  {_short(did.summary)}"
        if did is not None and did.files:
            more = len(did.files) - _MOST_FILES
            files = ", ".join(f"`{one_line(file)}`" for file in did.files[:_MOST_FILES])
            yield f"  Files: {files}{f' and {more} more' if more > 0 else ''}"

    lines = ["# Hand-over", ""]
    members: dict[str, list[Story]] = {}
    for story in plan.graph.stories.values():
        members.setdefault(story.epic, []).append(story)
    for epic, stories in members.items():
        title = one_line(epic_titles.get(epic, ""))
        lines += [f"## {title} ({epic})" if title else f"## {epic}", ""]
        for heading, states in _SECTIONS.items():
            chosen = [line for story in stories if plan.states[story.key] in states for line in told(story)]
            lines += [f"### {heading}", "", *chosen, ""] if chosen else []
    if notes:
        lines += ["## Where the work is", "", *(f"- {one_line(note)}" for note in notes), ""]
    return "\n".join(lines)


def leave(folder: Path, text: str) -> str:
    """Write it there; in a line, where it is, or why it is not."""
    path = folder / HANDOFF
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        return f"warning: {path} cannot be written: {error.strerror}"
    return f"handed over in {path}"


def _short(text: str) -> str:
    line = one_line(" ".join(text.split()))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 4]} ..."
