"""What all kinds of action share: what they are told, and what they owe."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

from .environment import command_environment
from .output import Output


@dataclass(frozen=True)
class StoryContext:
    """The story, as a function sees it that takes a parameter of this type."""

    id: str
    title: str
    epic: str
    """The id of its epic."""
    cwd: Path
    """Where the story works. The process itself stays where it is, since stories share it."""
    variables: Mapping[str, str]
    """The variables of the epic and of the story, and those that tell a command which story it is."""
    timeout: float
    """Seconds for one attempt; 0 is without end."""
    attempt: int
    """Counted from 1."""
    log: logging.Logger
    root: Path = Path()
    """What stands for rootdir where the story works: rootdir itself, or its place in a worktree."""
    without: Collection[str] = ()
    """Names of variables of ours that would lead its commands elsewhere."""

    @cached_property
    def env(self) -> Mapping[str, str]:
        """The environment of a command of this story: ours, the interpreter's ``bin`` first on PATH, and its own."""
        return command_environment(self.variables, self.without)


GRACE = 3.0
"""Seconds between asking processes to end and making them end."""


def _untold(pid: int) -> None:
    """Nobody wants to know."""


def _unguarded() -> None:
    """Nobody sees to what is started."""


class PriorWork(NamedTuple):
    """What an agent is told of a story that its own builds on."""

    id: str
    title: str
    summary: str
    """What the one who did it said about it; may be empty."""
    files: tuple[str, ...]
    """The paths that it changed, relative to rootdir."""


def _nothing_before() -> Sequence[PriorWork]:
    """Nobody has told."""
    return ()


def _never_spent() -> str:
    """There is no budget."""
    return ""


_NO_RESOURCES: Mapping[str, float] = MappingProxyType({})


class Job(NamedTuple):
    """One attempt at a story's action, or at one of its checks."""

    context: StoryContext
    rootdir: Path
    grace: float = GRACE
    """Seconds between asking a process tree to end and making it end."""
    on_process: Callable[[int], None] = _untold
    """Is told the pid of each process that is started for the story, before anything else is done with it."""
    before_process: Callable[[], None] = _unguarded
    """Called before each process that is started for the story, so that none outlives the run."""
    prior_work: Callable[[], Sequence[PriorWork]] = _nothing_before
    """What the last of the stories before it did, the latest last; asked once by an agent."""
    spent: Callable[[], str] = _never_spent
    """Why an agent may not be told anything more, once the budget of its epic is used up."""
    resources: Mapping[str, float] = _NO_RESOURCES
    """What a worker must have free for it, by name; of no meaning to actions, nor where there are no workers."""
    secrets: Sequence[str] = ()
    """Names of variables whose values are not to be shown: they have other values in another process, maybe."""
    here: bool = False
    """Whether it has to be carried out by this process, whatever the executor: others do not see where it works."""
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext
    """While this holds it waits for a place to be carried out in, and its timeout does not run."""


@dataclass(slots=True)
class Work:
    """What an agent tells of what it did, filled in as it goes: an agent that is cancelled has done something too."""

    answer: str = ""
    """What it said in its last turn."""
    tool_calls: list[str] = field(default_factory=list)
    """One line each: kind, title, and what became of it."""
    iterations: int = 0
    """How often it was told what to do."""
    tokens: int | None = None
    """Used up in all its turns, as far as it says so."""
    cost: float | None = None
    currency: str = ""


class Action(Protocol):
    """Work that a story does."""

    def describe(self) -> str:
        """In one line, as it stands in the epic file."""
        ...

    async def perform(self, job: Job, output: Output) -> None:
        """Do it, and leave nothing running, whether it ends by itself or is cancelled.

        :raises ActionFailed: if it did not do its work.
        """
        ...
