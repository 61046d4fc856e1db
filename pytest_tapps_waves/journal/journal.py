"""One run's part of the journal: what it writes, and what it reads of the runs before it and beside it."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from ..actions.sweeping import identity_of
from ..errors import JournalError
from .durations import median_durations
from .owners import BEAT_SECONDS, Owner
from .past import LOST, PAST_QUERY, RUNNING, Past, past_of
from .store import Store, is_damage

_Answer = TypeVar("_Answer")

_FLUSH_SECONDS = 0.2
_RETRY_SECONDS = 5.0

_LATEST = PAST_QUERY + "WHERE node = ? AND attempt.number > 0 ORDER BY attempt.place DESC LIMIT 1"
_PUT = """
    INSERT INTO attempt
        (run, place, node, number, definition, upstream, outcome, reason, started, duration, exit_status)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (node, run, number) DO UPDATE SET
        outcome = excluded.outcome, reason = excluded.reason, started = excluded.started,
        duration = excluded.duration, exit_status = excluded.exit_status
"""


class Row(NamedTuple):
    """One attempt at a story, as it is written."""

    node: str
    number: int
    """Counted from 1 in each run; 0 stands for a story that was decided about without being run."""
    definition: str
    upstream: str
    outcome: str
    """A state's word, or :data:`RUNNING`."""
    reason: str
    started: float
    """Seconds since the epoch."""
    duration: float
    """Seconds."""
    exit_status: int | None


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
        self._arguments = arguments
        self._lock = threading.RLock()
        self._pending: dict[tuple[str, int], Row] = {}
        self._closed = threading.Event()
        self._trouble = ""
        self._place = 0
        self._retry_at = 0.0
        try:
            self._run = self._begin()
        except sqlite3.Error as error:
            store.close()
            raise JournalError(f"{store.path}: {error}") from None
        self.left: list[tuple[int, str]] = []
        """The processes that such runs had started for stories: pid, and what tells it from others."""
        self.dead = self._find_dead()
        """The ids of runs on this host that ended without saying so, found now."""
        self._prune(days)
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
        with self._lock:
            self._pending[row.node, row.number] = row
            self._flush()

    def put_soon(self, row: Row) -> None:
        """Write an attempt down within a moment, or together with the next one."""
        with self._lock:
            self._pending[row.node, row.number] = row

    def claim(self, row: Row) -> Past | None:
        """Write down that an attempt begins, unless another run is at it: then answer with that one."""

        def work(execute: Callable[..., sqlite3.Cursor]) -> Past | None:
            execute("BEGIN IMMEDIATE")
            past = self._read_latest(execute, row.node)
            if past is not None and past.being_run and past.run_id != self.run_id:
                execute("ROLLBACK")
                return past
            execute(_PUT, self._values(row))
            execute("COMMIT")
            return None

        with self._lock:
            self._flush()
            return self._tried(work)

    def process(self, node: str, pid: int) -> None:
        """Write down, now, that a process has been started for a story."""
        values = (self._run, node, pid, identity_of(pid))
        with self._lock:
            self._flush()
            self._tried(lambda execute: execute("INSERT INTO process VALUES (?, ?, ?, ?)", values))

    def latest(self, node: str) -> Past | None:
        """The latest attempt at a story that was made, in whatever run."""
        with self._lock:
            self._flush()
            return self._tried(lambda execute: self._read_latest(execute, node))

    def durations(self, nodes: Iterable[str]) -> Mapping[str, float]:
        """How long stories took lately when they passed, in seconds: of those that ever did."""
        with self._lock:
            return self._tried(lambda execute: median_durations(execute, nodes)) or {}

    def close(self) -> None:
        """The run has ended. A second time does nothing."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
            self._retry_at = 0.0
            self._flush()
            self._tried(self._write_end)
        self._pulse.join()
        self._store.close()

    def _begin(self) -> int:
        now = time.time()
        self._place = self._store.connection.execute("SELECT coalesce(max(place), 0) FROM run").fetchone()[0]
        cursor = self._store.connection.execute(
            "INSERT INTO run (id, started, beat, place, host, pid, identity, arguments) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self.run_id, now, now, self._next_place(), *self._owner, self._arguments),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _find_dead(self) -> list[str]:
        def work(execute: Callable[..., sqlite3.Cursor]) -> list[str]:
            open_runs = execute(
                "SELECT number, id, beat, host, pid, identity FROM run WHERE ended IS NULL AND number != ?", [self._run]
            ).fetchall()
            dead = [
                (number, run_id, beat, owner.host)
                for number, run_id, beat, *owned in open_runs
                if (owner := Owner(*owned)).is_gone(beat)
            ]
            for number, _, beat, host in dead:
                if host == self._owner.host:
                    self.left += execute("SELECT pid, identity FROM process WHERE run = ?", [number]).fetchall()
                execute("DELETE FROM process WHERE run = ?", [number])
                execute("UPDATE run SET ended = ? WHERE number = ?", (beat, number))
                execute(
                    "UPDATE attempt SET outcome = ?, reason = ? WHERE run = ? AND outcome = ?",
                    (LOST, "its run was killed", number, RUNNING),
                )
            return [run_id for _, run_id, _, host in dead if host == self._owner.host]

        return self._tried(work) or []

    def _prune(self, days: int) -> None:
        """Forget old runs. A clock that has jumped ahead makes none old: the one before must be as far ahead."""

        def work(execute: Callable[..., sqlite3.Cursor]) -> None:
            if not days:
                return
            before = execute("SELECT max(started) FROM run WHERE number != ?", [self._run]).fetchone()[0]
            if before is not None:
                oldest = min(time.time(), before) - days * 86400
                execute("DELETE FROM run WHERE started < ? AND ended IS NOT NULL", [oldest])

        self._tried(work)

    def _write_pending(self, execute: Callable[..., sqlite3.Cursor]) -> bool:
        rows = [self._values(row) for row in self._pending.values()]
        if len(rows) == 1:
            execute(_PUT, rows[0])
            return True
        execute("BEGIN IMMEDIATE")
        for row in rows:
            execute(_PUT, row)
        execute("COMMIT")
        return True

    def _write_beat(self, execute: Callable[..., sqlite3.Cursor]) -> None:
        execute("UPDATE run SET beat = ?, place = ? WHERE number = ?", (time.time(), self._place, self._run))

    def _write_end(self, execute: Callable[..., sqlite3.Cursor]) -> None:
        execute("DELETE FROM process WHERE run = ?", [self._run])
        now = time.time()
        execute("UPDATE run SET ended = ?, beat = ?, place = ? WHERE number = ?", (now, now, self._place, self._run))

    def _values(self, row: Row) -> tuple[object, ...]:
        return (self._run, self._next_place(), *row)

    def _next_place(self) -> int:
        # The time, but never behind what has been given: "Logical Physical Clocks", Kulkarni et al., 2014.
        self._place = max(self._place + 1, time.time_ns() // 1000)
        return self._place

    def _flush(self) -> None:
        if not self._pending or (self._retry_at and time.monotonic() < self._retry_at):
            return
        if self._tried(self._write_pending):
            self._pending.clear()

    def _tried(self, work: Callable[[Callable[..., sqlite3.Cursor]], _Answer]) -> _Answer | None:
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
            return None

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._store.connection.in_transaction:
                self._store.connection.execute("ROLLBACK")

    def _read_latest(self, execute: Callable[..., sqlite3.Cursor], node: str) -> Past | None:
        found = execute(_LATEST, [node]).fetchone()
        return past_of(found[1:]) if found else None

    def _beat(self) -> None:
        """Runs in a thread of its own: says that the run is there, and writes down what may wait no longer."""
        due = time.monotonic() + BEAT_SECONDS
        # Looks again and again rather than being woken by each story: that would cost more than the story's row.
        while not self._closed.wait(_FLUSH_SECONDS):
            with self._lock:
                self._flush()
                if time.monotonic() >= due:
                    self._tried(self._write_beat)
                    due = time.monotonic() + BEAT_SECONDS
