"""What the core plans: stories, the rules of their epics, and the states that a story goes through."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class State(Enum):
    """The state of a story in a plan. Every story ends in exactly one of the states that are ``final``."""

    WAITING = "waiting"
    """A dependency, an earlier story of a serialized conflict, or the schedule holds it back."""
    READY = "ready"
    """Nothing holds it back but a free slot."""
    RUNNING = "running"
    """Started and not ended."""
    PASSED = "passed"
    """Ended well: its dependents may run."""
    DOCUMENTED = "documented"
    """Had nothing to run, so it was reported as skipped; its dependents may run."""
    DONE = "done"
    """Passed in an earlier run, so it was reported as skipped; its dependents may run."""
    FAILED = "failed"
    """Ran, and its action, a check or a hook failed."""
    REFUSED = "refused"
    """Failed without being run, since the plan is wrong (a conflict), or its policy says so."""
    SKIPPED = "skipped"
    """Not run because of what happened before, or skipped by itself."""
    CANCELLED = "cancelled"
    """Was running when its epic or the whole run was stopped."""
    NOT_STARTED = "not started"
    """The run was stopped before its turn; it has no report."""

    # Each is there once, and an Enum's own hash is a call of Python code, as is each look at its value.
    __hash__ = object.__hash__

    def __init__(self, word: str) -> None:
        self.word = word
        """Its value, for whatever asks for it with every story."""

    @property
    def final(self) -> bool:
        return self not in UNSETTLED

    @property
    def satisfies(self) -> bool:
        """Whether dependents of a story in this state may run."""
        return self in _SATISFYING


UNSETTLED = frozenset({State.WAITING, State.READY, State.RUNNING})
"""Those that are not final."""
_SATISFYING = frozenset({State.PASSED, State.DOCUMENTED, State.DONE})

STATE_WORDS = {
    State.FAILED: "failed",
    State.REFUSED: "failed",
    State.SKIPPED: "was skipped",
    State.CANCELLED: "was cancelled",
    State.NOT_STARTED: "was not run",
}
"""How a dependent's reason names the state of what it depends on."""


class OnConflict(Enum):
    """What a file conflict does, from the strictest to the laxest."""

    FAIL = "fail"
    SERIALIZE = "serialize"
    WARN = "warn"
    OFF = "off"


class DependencyAction(Enum):
    """What becomes of a story whose dependency failed, or is not part of the run."""

    RUN = "run"
    SKIP = "skip"
    FAIL = "fail"


class EpicRules(NamedTuple):
    """How the stories of one epic are run."""

    limit: int = 1
    """At most this many of its stories at once; 0 is no limit but the run's own."""
    fail_fast: bool = True
    breaker: int = 3
    """So many failures in a row stop the epic; 0 is never."""
    on_conflict: OnConflict = OnConflict.FAIL


class DependencyRules(NamedTuple):
    """What becomes of stories whose dependencies failed, or are not part of the run."""

    failed: DependencyAction = DependencyAction.SKIP
    missing: DependencyAction = DependencyAction.SKIP


NO_RULES = EpicRules(limit=0, fail_fast=False, breaker=0, on_conflict=OnConflict.OFF)
"""For stories that belong to no epic: Python tests."""


class Story(NamedTuple):
    """A story as the plan sees it."""

    key: str
    """Its node id, unique in the run."""
    id: str
    """Its id in the epic, for messages."""
    epic: str
    """The node id of its file."""
    line: int
    """Where it begins in that file, counted from 1."""
    dependencies: tuple[str, ...] = ()
    """Keys of stories of the same graph."""
    files: tuple[str, ...] = ()
    """Gitignore-style globs, relative to rootdir."""
    critical: bool = False
    missing: tuple[str, ...] = ()
    """Labels of dependencies that are not part of this run."""
    missing_words: str = "which was not found"
    """Completes ``8.3 depends on 8.1, `` for those."""
    defined: tuple[str, ...] = ()
    """Keys of its dependencies as they are defined, if some of them are not part of this run."""

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Keys of all its dependencies, whether they are part of this run or not."""
        return self.defined or self.dependencies

    @property
    def file_order(self) -> tuple[str, int]:
        """Where it stands, whatever order its items were shuffled into."""
        return self.epic, self.line
