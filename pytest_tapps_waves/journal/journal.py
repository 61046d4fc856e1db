"""One run's part of the journal: what it writes, and what it reads of the runs before it and beside it."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ..actions.sweeping import identity_of
from ..errors import JournalError
from .before import Dead, find_dead, forget_old
from .durations import median_durations
from .owners import BEAT_SECONDS, Owner
from .past import PAST_QUERY, Past, past_of
from .statements import PUT, PUT_PROCESS, Execute, Row, as_stored, line_of, line_of_process
from .store import Store, is_damage, storable
from .tail import Tail, take_in

_Answer = TypeVar("_Answer")

_FLUSH_SECONDS = 0.2
_GROUP_SECONDS = 0.2
"""So soon after a commit no other is made for what is in the tail by then. SQLite's code and pages take the place of
all else in the processor's caches, so what costs is how often they are needed."""
_RETRY_SECONDS = 5.0

_LATEST = PAST_QUERY + "WHERE node = ? AND attempt.number > 0 ORDER BY attempt.place DESC LIMIT 1"


class Journal:
    """The journal of a run that goes on. Its methods raise nothing: what could not be kept is said by :attr:`notes`."""

    def __init__(self, store: Store, owner: Owner, run_id: str, arguments: str, days: int) -> None:
        """
        :param days: runs that are older are forgotten; 0 is never.
        :raises JournalError: if not even the run can be written down.
        """
        self.run_id = run_id
        self._store = store
        self._owner = owner
        self._arguments = storable(arguments)
        self._lock = threading.RLock()
        self._pending: dict[tuple[str, int], Row] = {}
        self._processes: list[tuple[str, int, str]] = []
        self._tail = Tail(store.path.parent, run_id)
        self._group_until = 0.0
        self._closed = threading.Event()
        self._trouble = ""
        self._place = 0
        self._retry_at = 0.0
        try:
            try:
                self._run = self._begin()
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
                store.renew()
                self._run = self._begin()
        except sqlite3.Error as error:
            store.close()
            raise JournalError(f"{store.path}: {error}") from None
        self._tried(self._take_in)
        dead = self._tried(lambda execute: find_dead(execute, self._run, owner.host)) or Dead([], [], 0)
        self.dead = dead.ids
        """The ids of runs on this host that ended without saying so, found now."""
        self.left = dead.processes
        """The processes that such runs had started for stories: pid, and what tells it from others."""
        # They may have given more places than they have said, and the clock may have been turned back since.
        self._place = max(self._place, dead.last_place)
        self._tried(lambda execute: forget_old(execute, self._run, days))
        self._pulse = threading.Thread(target=self._beat, name="epics-journal", daemon=True)
        self._pulse.start()

    @property
    def notes(self) -> list[str]:
        """What users should know."""
        notes = list(self._store.notes)
        if self._pending:
            what = "1 attempt is" if len(self._pending) == 1 else f"{len(self._pending):,} attempts are"
            notes.append(f"warning: {what} not in {self._store.path}: {self._trouble or 'not yet written'}")
        return notes

    def put(self, row: Row) -> None:
        """Write an attempt down, now. What is already written of it is replaced."""
        row = as_stored(row)
        with self._lock:
            self._pending[row.node, row.number] = row
            self._write_down(line_of(self.next_place(), row))

    def put_soon(self, row: Row) -> None:
        """Write an attempt down within a moment, or together with the next one."""
        row = as_stored(row)
        with self._lock:
            self._pending[row.node, row.number] = row

    def claim(self, row: Row) -> Past | None:
        """Write down that an attempt begins, unless another run is at it: then answer with that one."""

        row = as_stored(row)

        def work(execute: Execute) -> Past | None:
            execute("BEGIN IMMEDIATE")
            past = self._read_latest(execute, row.node)
            if past is not None and past.being_run and past.run_id != self.run_id:
                execute("ROLLBACK")
                return past
            execute(PUT.text, (self._run, self.next_place(), *row))
            execute("COMMIT")
            return None

        with self._lock:
            self._flush()
            return self._tried(work)

    def process(self, node: str, pid: int) -> None:
        """Write down, now, that a process has been started for a story."""
        process = (storable(node), pid, identity_of(pid))
        with self._lock:
            self._processes.append(process)
            self._write_down(line_of_process(process))

    def latest(self, node: str) -> Past | None:
        """The latest attempt at a story that was made, in whatever run."""
        with self._lock:
            self._flush()
            return self._tried(lambda execute: self._read_latest(execute, node))

    def durations(self, nodes: Iterable[str]) -> Mapping[str, float]:
        """How long stories took lately when they passed, in seconds: of those that ever did."""
        with self._lock:
            return self._tried(lambda execute: median_durations(execute, nodes)) or {}

    def ask(self, work: Callable[[Execute, int], _Answer]) -> _Answer | None:
        """Let ``work`` do something, given what executes statements and the number of the run; None if it cannot be."""
        with self._lock:
            self._flush()
            return self._tried(lambda execute: work(execute, self._run))

    def close(self) -> None:
        """The run has ended. A second time does nothing."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
            self._retry_at = 0.0
            # A run that is not whole does not say that it has ended: the next one takes in what its tail holds.
            if self._flush() and self._tried(self._write_end):
                self._tail.remove()
            if not self._store.is_in_place:
                what = "was removed, or set aside by another run, while this one went on; it says nothing of this one"
                self._store.notes.append(f"warning: {self._store.path} {what}")
        self._pulse.join()
        self._store.close()

    def _begin(self) -> int:
        now = time.time()
        self._place = self._store.connection.execute("SELECT coalesce(max(place), 0) FROM run").fetchone()[0]
        cursor = self._store.connection.execute(
            "INSERT INTO run (id, started, beat, place, host, pid, identity, arguments) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self.run_id, now, now, self.next_place(), *self._owner, self._arguments),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _take_in(self, execute: Execute) -> None:
        take_in(execute, self._store.path.parent)

    def _write_pending(self, execute: Execute) -> bool:
        execute("BEGIN IMMEDIATE")
        many = self._store.connection.executemany
        many(PUT.text, [(self._run, self.next_place(), *row) for row in self._pending.values()])
        if self._processes:
            many(PUT_PROCESS.text, [(self._run, *process) for process in self._processes])
        execute("COMMIT")
        return True

    def _write_beat(self, execute: Execute) -> None:
        execute("UPDATE run SET beat = ?, place = ? WHERE number = ?", (time.time(), self._place, self._run))

    def _write_end(self, execute: Execute) -> bool:
        execute("DELETE FROM process WHERE run = ?", [self._run])
        now = time.time()
        execute("UPDATE run SET ended = ?, beat = ?, place = ? WHERE number = ?", (now, now, self._place, self._run))
        return True

    def next_place(self) -> int:
        """A number that is greater than all that were given before, in whatever run."""
        # The time, but never behind what has been given: "Logical Physical Clocks", Kulkarni et al., 2014.
        self._place = max(self._place + 1, time.time_ns() // 1000)
        return self._place

    def _write_down(self, line: bytes) -> None:
        """Commit what waits, or write a line of it to the tail: what must not be lost from now on."""
        grouped = time.monotonic() < self._group_until and self._tail.append(line)
        if not grouped and not self._flush():
            self._tail.append(line)

    def _flush(self) -> bool:
        """Commit what waits; whether nothing does any more."""
        if not self._pending and not self._processes:
            return True
        if self._retry_at and time.monotonic() < self._retry_at:
            return False
        if not self._tried(self._write_pending):
            return False
        self._pending.clear()
        self._processes.clear()
        self._tail.clear()
        self._group_until = time.monotonic() + _GROUP_SECONDS
        if self._retry_at:
            self._retry_at = 0.0
            self._store.be_patient(True)
        return True

    def _tried(self, work: Callable[[Execute], _Answer]) -> _Answer | None:
        """Do something with the database; None if that is not possible."""
        try:
            try:
                return work(self._store.connection.execute)
            except sqlite3.Error as error:
                self._roll_back()
                if not is_damage(error):
                    raise
                self._store.renew()
                self._run = self._begin()
                return work(self._store.connection.execute)
        except sqlite3.Error as error:
            self._roll_back()
            self._trouble = str(error)
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            # Somebody who holds the database for long must hold up one statement, and not each story.
            with contextlib.suppress(sqlite3.Error):
                self._store.be_patient(False)
            return None
        except BaseException:
            # Ctrl-C: what was begun must not take along all that is written from now on.
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._store.connection.in_transaction:
                self._store.connection.execute("ROLLBACK")

    def _read_latest(self, execute: Execute, node: str) -> Past | None:
        found = execute(_LATEST, [storable(node)]).fetchone()
        return past_of(found[1:]) if found else None

    def _beat(self) -> None:
        """Runs in a thread of its own: says that the run is there, and writes down what may wait no longer."""
        due = time.monotonic() + BEAT_SECONDS
        # Looks again and again rather than being woken by each story: that would cost more than the story's row.
        while not self._closed.wait(_FLUSH_SECONDS):
            with self._lock:
                # Stories that end one after the other commit by themselves, and twice as often costs twice as much.
                if time.monotonic() >= self._group_until:
                    self._flush()
                if time.monotonic() >= due:
                    self._tried(self._write_beat)
                    due = time.monotonic() + BEAT_SECONDS
