"""What stories need of pytest-xdist: its workers told of the run, and a distribution that keeps their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from .collect.names import is_epic_file
from .concurrent.xdist import DISTRIBUTION, WAVES, is_across_workers, is_xdist_worker
from .errors import Problem
from .inert import one_line
from .settings import EpicSettings, Settings

if TYPE_CHECKING:
    from .collect.assembly import Assembled

_ARGUMENTS = "epic_arguments"
_NOTES = "epic_notes"
RUN, TELLS = "epic_run", "epic_tells"
"""Where a worker finds the id of the run, and whether it is the one that tells the controller what it has prepared."""
NOTES = "epics-worker-notes"
"""The name of :class:`WorkerNotes` as a plugin."""
_WOULD_BREAK = "pytest-xdist would run stories before their dependencies: leave --dist out, or use --dist=loadfile"


def tell_worker(config: pytest.Config, node: Any) -> None:
    """Let a worker know how items are handed out and how the run was called, which pytest-xdist keeps from it."""
    node.workerinput[DISTRIBUTION] = WAVES if is_across_workers(config) else config.getoption("dist", "no")
    node.workerinput[_ARGUMENTS] = list(config.invocation_params.args)


def arguments_of(config: Any) -> Sequence[str]:
    """How the run was called; a worker was called by pytest-xdist."""
    arguments: Sequence[str] = (
        config.workerinput[_ARGUMENTS] if is_xdist_worker(config) else config.invocation_params.args
    )
    return arguments


def tell_controller(config: Any, notes: Iterable[str]) -> None:
    """Let the controller say what a worker has to tell of its part of the run, since nobody sees its summary."""
    config.workeroutput[_NOTES] = [one_line(note) for note in notes]


class WorkerNotes:
    """The controller's part of :func:`tell_controller`."""

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Called by pytest-xdist when a worker has ended; one that crashed has told nothing."""
        self._notes.update(dict.fromkeys(getattr(node, "workeroutput", {}).get(_NOTES, ())))

    def take(self) -> list[str]:
        """What has been told, to be said by somebody else."""
        told = list(self._notes)
        self._notes.clear()
        return told

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Called after the failures have been shown."""
        if self._notes:
            terminalreporter.section("epics")
        for note in self._notes:
            terminalreporter.line(note)


def check_distribution(config: pytest.Config, settings: Settings, ids: Sequence[str]) -> None:
    """Refuse, in the controller, a distribution that would break the order of stories.

    :raises pytest.UsageError: if it would.
    """
    if is_across_workers(config):
        return
    if not any(is_epic_file(PurePosixPath(node_id.partition("::")[0])) for node_id in ids):
        return
    if config.getoption("dist", "no") != "loadfile":
        raise pytest.UsageError(f"{_WOULD_BREAK}, or --epic-parallel=N without -n")
    if settings.cli.parallel:
        raise pytest.UsageError("-n and --epic-parallel do not go together; drop one of them")


def worker_problems(
    config: Any, settings: Settings, assembled: Assembled, epics: Mapping[str, EpicSettings]
) -> list[Problem]:
    """What a worker, which sees no other worker's stories, cannot honour."""
    if is_across_workers(config):
        return _in_one_process(assembled, epics)
    if config.workerinput[DISTRIBUTION] != "loadfile":
        ordered = [story for story in assembled.graph.stories.values() if story.dependencies]
        first = {story.epic: story.line for story in reversed(ordered)}
        # Epic files are known by their names: the controller refuses them, with all of the run.
        tests = {path: line for path, line in first.items() if not is_epic_file(PurePosixPath(path))}
        return [Problem(path, line, f"{_WOULD_BREAK}, or run without -n") for path, line in tests.items()]
    problems: list[Problem] = []
    for story in assembled.graph.stories.values():
        for key in story.dependencies:
            if assembled.graph.stories[key].epic != story.epic:
                message = (
                    f"story {story.id} depends on {key} of another file, which another pytest-xdist worker may run; "
                    "run without -n"
                )
                problems.append(Problem(story.epic, story.line, message))
    # What contradicts on the command line is refused by the controller.
    for path, epic in epics.items() if not settings.cli.parallel else ():
        if epic.concurrent:
            line = assembled.epics[path].line
            problems.append(
                Problem(path, line, "pytest-xdist workers run one story at a time; drop parallel_strategy, or -n")
            )
    return problems


def _in_one_process(assembled: Assembled, epics: Mapping[str, EpicSettings]) -> list[Problem]:
    """Epics whose stories build upon one another's work, which one process has to put together."""
    # Imported here: any run imports this module.
    from .collect.idle import has_agent

    problems: list[Problem] = []
    for path, epic in epics.items():
        definition = assembled.epics[path]
        if epic.isolation != "none":
            why = f"stories with isolation: {epic.isolation}"
        elif any(has_agent(spec, epic) for spec in definition.stories):
            why = "stories of agents"
        else:
            continue
        problems.append(Problem(path, definition.line, f"{why} run in one process: drop -n, or this epic"))
    return problems
