"""The stories of a run, as its journal is told of them; and which of them need not run again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .core.graph import Graph
from .core.model import State
from .core.plan import Settled
from .journal import Journal
from .journal.digests import changed_keys, upstream_of
from .journal.owners import this_process
from .journal.past import RUNNING, Past
from .journal.statements import Row
from .journal.works import Done, done_by, put_done
from .reports.words import ago

if TYPE_CHECKING:
    from .attempts import Performance
    from .journal.places import Places

_LONGEST_REASON = 500


class Tried(NamedTuple):
    """What the journal keeps of an attempt."""

    start: float
    duration: float
    exit_status: int | None
    why: str
    """Why it was not the last one."""


def tries_of(performance: Performance | None) -> list[Tried]:
    """The attempts at a story, in order."""
    attempts = performance.attempts if performance is not None else ()
    return [
        Tried(
            attempt.start,
            attempt.duration,
            attempt.error.exit_status if attempt.error else None,
            str(attempt.error) if attempt.error else "a check failed",
        )
        for attempt in attempts
    ]


class _Going:
    """An attempt that goes on."""

    __slots__ = ("clock", "row", "written")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.clock = time.perf_counter()
        self.written = False
        """Whether the journal knows how it ended."""


class Book(Protocol):
    """What is told of the stories of a run while they run."""

    def begin(self, key: str) -> Settled | None: ...

    def set_up(self, key: str) -> None: ...

    def reported(self, key: str, state: State, reason: str, tries: Sequence[Tried]) -> None: ...

    def settled(self, key: str, state: State, reason: str) -> None: ...

    def process(self, key: str, pid: int) -> None: ...

    def did(self, key: str, summary: str, files: Sequence[str]) -> None: ...

    def done_by(self, keys: Iterable[str]) -> Mapping[str, Done]: ...


class Records:
    """Writes down what becomes of each story, before its report is shown."""

    def __init__(
        self,
        journal: Journal,
        graph: Graph,
        definitions: Mapping[str, str],
        mask: Callable[[str], str],
        *,
        resumes: bool,
    ) -> None:
        """
        :param definitions: by node id, of all stories that have something to run.
        :param mask: takes secrets out of what is written.
        :param resumes: whether stories that are done are passed over.
        """
        self.journal = journal
        self._mask = mask
        self._graph = graph
        self._resumes = resumes
        self._going: dict[str, _Going] = {}
        self._marks: dict[str, str] = {}
        # That of nearly all stories, so made once.
        self._first_mark = f"{journal.run_id}.1"
        self._definitions = definitions
        self._elsewhere: set[str] = set()
        self.notes: list[str] = []
        """What else users should know."""
        self.again: dict[str, list[str]] = {}
        """Ids of the stories that had passed and run again, by the reason."""

    def told(self) -> list[str]:
        """What users should know of the run's journal, and of stories that have been run again."""
        return [
            *(f"ran again, since {why}: {', '.join(ids)}" for why, ids in self.again.items()),
            *self.notes,
            *self.journal.notes,
        ]

    def begin(self, key: str) -> Settled | None:
        """A story is about to run: note it, or say why it does not have to."""
        upstream = self._upstream(key)
        definition = self._definitions.get(key)
        if definition is None:
            # What stands on it stands on what it depends on.
            self._marks[key] = upstream
            return None
        row = Row(key, 1, definition, upstream, RUNNING, "", time.time(), 0.0, None)
        if self._resumes:
            past = self.journal.latest(key)
            if past is not None and self._is_done(row, past):
                self._marks[key] = past.mark
                return Settled(key, State.DONE, f"done in {_run(past)}")
            holder = self.journal.claim(row)
            if holder is not None:
                self._elsewhere.add(key)
                return Settled(key, State.SKIPPED, f"is being run by {_run(holder)}, process {holder.owner.pid}")
        else:
            self.journal.put_soon(row)
        self._going[key] = _Going(row)
        self._marks[key] = self._mark(1)
        return None

    def set_up(self, key: str) -> None:
        """A story's set-up has passed: the first, or that of a plugin that runs it again."""
        going = self._going.get(key)
        if going is not None and going.written:
            number = going.row.number + 1
            row = going.row._replace(number=number, outcome=RUNNING, reason="", started=time.time(), exit_status=None)
            self._going[key] = _Going(row)
            self._marks[key] = self._mark(number)
            self.journal.put_soon(row)

    def reported(self, key: str, state: State, reason: str, tries: Sequence[Tried]) -> None:
        """A story's work has ended; its report is about to be shown.

        :param tries: none if it is not known of what it consisted.
        """
        going = self._going.get(key)
        if going is None:
            return
        if not tries:
            going.row = going.row._replace(duration=time.perf_counter() - going.clock)
            self._write(going, state, reason)
            return
        *retried, last = tries
        for tried in retried:
            self.journal.put_soon(_row_of(tried, going.row, State.FAILED, tried.why))
            going.row = going.row._replace(number=going.row.number + 1)
            self._marks[key] = self._mark(going.row.number)
        going.row = _row_of(last, going.row, state, reason)
        going.written = True
        self.journal.put(going.row)

    def settled(self, key: str, state: State, reason: str) -> None:
        """The final state of a story, which its teardown may have changed, or which it has without having run."""
        going = self._going.pop(key, None)
        if going is not None:
            if not going.written or going.row.outcome != state.word:
                self._write(going, state, reason or going.row.reason)
        elif not state.satisfies and key not in self._elsewhere:  # the other run says what became of it
            now = time.time()
            # The plan's own words, in which nothing has been masked.
            why = self._mask(reason)[:_LONGEST_REASON]
            self.journal.put_soon(Row(key, 0, "", "", state.word, why, now, 0.0, None))

    def did(self, key: str, summary: str, files: Sequence[str]) -> None:
        """A story has passed that changed something, or whose agent said what it did."""
        put_done(self.journal, key, Done(self._mask(summary), [self._mask(file) for file in files]))

    def done_by(self, keys: Iterable[str]) -> Mapping[str, Done]:
        """What is known of what stories did, of those of which anything is."""
        return done_by(self.journal, keys)

    @property
    def places(self) -> Places:
        """What is remembered of places outside of rootdir."""
        from .journal.places import Places

        return Places(self.journal, this_process().host)

    def process(self, key: str, pid: int) -> None:
        """A process has been started for a story."""
        self.journal.process(key, pid)

    def close(self) -> None:
        """The run is over; what still goes on by then has been broken off."""
        for key in list(self._going):
            self.settled(key, State.CANCELLED, "interrupted")
        self.journal.close()

    def _mark(self, number: int) -> str:
        return self._first_mark if number == 1 else f"{self.journal.run_id}.{number}"

    def _upstream(self, key: str) -> str:
        story = self._graph.stories[key]
        for other in story.defined:
            if other not in self._graph.stories and other not in self._marks:
                past = self.journal.latest(other)
                self._marks[other] = past.mark if past is not None else ""
        return upstream_of(self._marks, story.stands_on)

    def _write(self, going: _Going, state: State, reason: str) -> None:
        going.row = going.row._replace(outcome=state.word, reason=reason[:_LONGEST_REASON])
        going.written = True
        self.journal.put(going.row)

    def _is_done(self, row: Row, past: Past) -> bool:
        if past.outcome != State.PASSED.word:
            return False
        if past.definition == row.definition and past.upstream == row.upstream:
            return True
        changed = changed_keys(past.definition, row.definition)
        why = f"{', '.join(changed)} changed" if changed else "what it depends on has run again"
        story = self._graph.stories[row.node]
        self.again.setdefault(f"{why} after {_run(past)}", []).append(story.id)
        return False


def _row_of(tried: Tried, before: Row, state: State, reason: str) -> Row:
    return Row(
        before.node,
        before.number,
        before.definition,
        before.upstream,
        state.word,
        reason[:_LONGEST_REASON],
        tried.start,
        tried.duration,
        tried.exit_status,
    )


def _run(past: Past) -> str:
    return f"run {past.run_id[:8]} ({ago(time.time() - past.started - past.duration)})"
