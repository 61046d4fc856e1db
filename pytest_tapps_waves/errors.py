"""The errors of this package.

::

    EpicError
    ├── PlanProblems        one or more mistakes of an epic file or of the graph, each with its place
    ├── WavesError          a ``pytest_epic_waves`` hook answered with waves that break the graph
    ├── JournalError        there can be no journal where it should be
    ├── WorkspaceError      stories cannot be isolated here as they are to be
    ├── ExecutorError       what carries out stories is not there, or is there no more
    └── ActionFailed        a story's action, or one of its checks, did not do its work
        └── ActionTimedOut  it took longer than the story's ``timeout``

All of them survive pickling, since reports of workers and executors may carry them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .inert import one_line


class EpicError(Exception):
    """The root of this package's errors."""


class Problem(NamedTuple):
    """One mistake of the plan: where it is, what is wrong and what to do about it."""

    path: str
    """The file, relative to rootdir."""
    line: int
    """Counted from 1."""
    message: str

    def __str__(self) -> str:
        return one_line(f"{self.path}:{self.line}: {self.message}")


class PlanProblems(EpicError):
    """One or more mistakes that keep a file, or the whole graph, from being planned."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class WavesError(EpicError):
    """Waves that do not hold every story once, or that put a story before one that it depends on."""


class JournalError(EpicError):
    """The journal cannot be opened, so nothing of the run is kept."""


class WorkspaceError(EpicError):
    """Stories cannot be isolated here as they are to be: what is wrong, and what to do, in one line."""


class ExecutorError(EpicError):
    """What carries out stories cannot be had, or is gone: the run cannot begin, or ends. One line, with what to do."""


class ActionFailed(EpicError):
    """An action or a check that failed, with what a person needs to mend it."""

    def __init__(self, what: str, action: str, detail: str = "", exit_status: int | None = None) -> None:
        """
        :param what: what happened, as one phrase: ``exit status 3``, ``ValueError: no such shard``.
        :param action: the action in words, as it stands in the file: ``run: make docs``.
        :param detail: more lines to show, such as the traceback of the user's own function.
        :param exit_status: of the process, negative for a signal, where there was one.
        """
        super().__init__(what, action, detail, exit_status)
        self.what = what
        self.action = action
        self.detail = detail
        self.exit_status = exit_status

    def __str__(self) -> str:
        return f"{self.what}: {self.action}"

    def mask(self, text: Callable[[str], str]) -> None:
        """Take out of it what ``text`` takes out of a text."""
        self.what, self.action, self.detail = text(self.what), text(self.action), text(self.detail)
        self.args = tuple(text(argument) if isinstance(argument, str) else argument for argument in self.args)


class ActionTimedOut(ActionFailed):
    """An action that ran into the story's timeout."""
