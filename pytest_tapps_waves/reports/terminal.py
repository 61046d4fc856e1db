"""What the terminal says of the epics before and after the run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext

import pytest

from ..concurrent.live_line import live_line_away
from ..core.conflicts import Conflict, describe
from ..core.graph import Graph, Waves
from ..core.model import OnConflict, State
from ..core.plan import Plan
from ..inert import inert, one_line
from .words import counted, stories

_WORDS = {
    State.PASSED: "passed",
    State.FAILED: "failed",
    State.REFUSED: "refused",
    State.SKIPPED: "skipped",
    State.CANCELLED: "cancelled",
    State.DONE: "done before",
    State.DOCUMENTED: "without anything to run",
    State.NOT_STARTED: "not started",
}
_SHOWN_IDS = 12


def header(graph: Graph, waves: Waves, epics: int, *, limit: int, concurrent: bool, schedule: str) -> str:
    """The plan in one line: ``epics: 2 epics, 14 stories, 5 waves, 3 at once, waves schedule``."""
    how = f"{limit} at once, {schedule} schedule" if concurrent else "one at a time"
    files = f"{counted(epics, 'epic')}, " if epics else ""
    return f"epics: {files}{stories(len(graph.stories))}, {counted(len(waves), 'wave')}, {how}"


def announce_stop(config: pytest.Config) -> None:
    """Say that the run waits for stories to end, and how not to wait."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is not None:
        # Pytest's own way for plugins that write in the midst of a test.
        with (
            capture.global_and_fixture_disabled() if capture is not None else nullcontext(),
            live_line_away(config),
        ):
            reporter.ensure_newline()
            reporter.write_line("stopping: stories are asked to end; once more (Ctrl-C) stops them at once")


def write_summary(
    reporter: pytest.TerminalReporter,
    plan: Plan,
    conflicts: Sequence[Conflict],
    strays: Sequence[str],
    notes: Sequence[str],
    mask: Callable[[str], str],
) -> None:
    """The section after the failures: each epic that did not simply pass, and why its stories were not run.

    :param notes: what else users should know.
    :param mask: takes secrets out of a line.
    """
    lines = [*_epic_lines(plan), *_conflict_lines(plan.graph, conflicts), *notes]
    if lines:
        reporter.section("epics")
        for line in lines:
            reporter.line(one_line(mask(line)))
    for name, text in zip(("stdout", "stderr"), strays, strict=True):
        if text:
            reporter.section(f"{name} of no story in particular", sep="-")
            reporter.line(inert(mask(text)).rstrip("\n"))


def resume_line(arguments: Sequence[str]) -> str:
    """How to go on with a run that was stopped.

    :param arguments: of its command line.
    """
    # What clears the journal would make everything run again.
    kept = [argument for argument in arguments if argument not in ("--cache-clear", "--no-epic-resume")]
    resume = [] if "--epic-resume" in kept else ["--epic-resume"]
    return f"to go on where it stopped: {shlex.join(['pytest', *kept, *resume])}"


def _epic_lines(plan: Plan) -> Iterator[str]:
    members: dict[str, list[str]] = {}
    for key, story in plan.graph.stories.items():
        members.setdefault(story.epic, []).append(key)
    for epic, keys in members.items():
        counts: dict[State, int] = {}
        for key in keys:
            counts[plan.states[key]] = counts.get(plan.states[key], 0) + 1
        if set(counts) <= {State.PASSED, State.DOCUMENTED}:
            continue
        yield f"{epic}: " + ", ".join(f"{counts[state]} {word}" for state, word in _WORDS.items() if state in counts)
        for reason, ids in _reasons(plan, keys).items():
            yield f"  {len(ids)} {reason}: {_listed(ids)}"


def _reasons(plan: Plan, keys: Iterable[str]) -> Mapping[str, list[str]]:
    """Ids of stories that were not run, by the reason that they share."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        if plan.states[key] in (State.DONE, State.SKIPPED, State.CANCELLED) and (reason := plan.reasons.get(key)):
            identifier = plan.graph.stories[key].id
            groups.setdefault(reason.removeprefix(f"{identifier} "), []).append(identifier)
    return groups


def _listed(ids: Sequence[str]) -> str:
    rest = len(ids) - _SHOWN_IDS
    return ", ".join(ids[:_SHOWN_IDS]) + (f" and {rest} more" if rest > 0 else "")


def _conflict_lines(graph: Graph, conflicts: Iterable[Conflict]) -> Iterator[str]:
    words = {OnConflict.SERIALIZE: "serialized", OnConflict.WARN: "warning"}
    for conflict in conflicts:
        if conflict.policy in words:
            yield f"{words[conflict.policy]}: {describe(graph, conflict)}"
