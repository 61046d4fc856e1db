"""What all kinds of isolation share: a place for one attempt at a story, and what becomes of what was done there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ..core.model import OnConflict


class Claim(NamedTuple):
    """A story, as its workspace needs to know it."""

    node: str
    """Its node id."""
    id: str
    title: str
    epic: str
    """The node id of its epic's file."""
    epic_id: str
    cwd: str
    """Where it works, relative to rootdir, with slashes."""
    files_affected: Sequence[str]
    """Gitignore-style globs, relative to rootdir; empty if it says nothing of them."""
    on_conflict: OnConflict
    """What is to become of a write that it has not declared."""
    place: int
    """Its place in the plan, which is the order in which work is put together."""
    upstream: frozenset[str]
    """The node ids of the other epics' files that hold stories which it depends on, directly or through others."""


class Landed(NamedTuple):
    """What a story's work came to, once it is part of its epic's."""

    files: tuple[str, ...]
    """The paths that it changed, relative to rootdir, with slashes, sorted."""
    notes: tuple[str, ...] = ()
    """What users should know: undeclared writes that are only warned of."""


class Made(NamedTuple):
    """A place outside of rootdir that was made for a story."""

    node: str
    """The story's node id."""
    path: str
    """Absolute."""
    branch: str
    repository: str
    """The absolute path of the repository that it belongs to (its common git directory)."""


class Ledger(Protocol):
    """Remembers across runs what was made, so that nothing else is ever removed."""

    def making(self, made: Made) -> None:
        """Write down, now, what is about to be made."""
        ...

    def keeping(self, made: Made) -> None:
        """It is left for users to find."""
        ...

    def gone(self, made: Made) -> None:
        """It is there no more."""
        ...

    def left(self) -> Sequence[Made]:
        """What runs had made that were killed: nobody needs it any more."""
        ...

    def kept(self) -> Sequence[Made]:
        """What runs that have ended left for users to find."""
        ...


class Workspace(Protocol):
    """Where one attempt at a story works."""

    root: Path
    """What stands for rootdir."""
    cwd: Path
    """What stands for the story's ``cwd``."""
    without: frozenset[str]
    """Names of environment variables that would lead its processes elsewhere."""

    async def land(self) -> Landed:
        """The attempt has passed: make its work part of its epic's.

        :raises ActionFailed: if it has written what it did not declare, or what others wrote too.
        """
        ...

    async def leave(self, *, keep: bool) -> str:
        """The attempt is over. Called once, whatever happened, and never cancelled half-way.

        :param keep: whether users are to find what it did.
        :return: where that is, in words, or nothing.
        """
        ...


class Workspaces(Protocol):
    """The workspaces of one run. Its methods are called on the thread of the loop; what takes long is awaited."""

    def prepare(self, epics: Mapping[str, str], *, resume: bool) -> None:
        """Called once, before the first story runs.

        :param epics: of the epics whose stories work here, by the node ids of their files, the epics' ids.
        :param resume: whether the run goes on with what earlier runs did.
        :raises WorkspaceError: if stories cannot work like this here; in one line, with what to do.
        """
        ...

    async def enter(self, claim: Claim, attempt: int) -> Workspace:
        """Make the place for an attempt.

        :param attempt: counted from 1; the place of the attempt before has been left, and is not to be built upon.
        :raises ActionFailed: if there cannot be one.
        """
        ...

    def told(self) -> list[str]:
        """What users should know, once the run is over: where the work is."""
        ...
