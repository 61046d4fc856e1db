"""The database: its place, its schema, and what is done when it cannot be used.

SQLite in WAL mode (https://www.sqlite.org/wal.html) with ``synchronous=NORMAL``: a commit outlives the end of the
process, however it ends. Power lost may take the last commits along, never the database; their stories run again.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from ..errors import JournalError

FILE_NAME = "journal.db"
_LOCK_NAME = "journal.lock"

MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE run (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        started REAL NOT NULL,
        beat REAL NOT NULL,
        ended REAL,
        place INTEGER NOT NULL DEFAULT 0,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        identity TEXT NOT NULL,
        arguments TEXT NOT NULL
    );
    CREATE TABLE attempt (
        run INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
        node TEXT NOT NULL,
        number INTEGER NOT NULL,
        place INTEGER NOT NULL,
        definition TEXT NOT NULL,
        upstream TEXT NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL,
        started REAL NOT NULL,
        duration REAL NOT NULL,
        exit_status INTEGER,
        PRIMARY KEY (run, node, number)
    ) WITHOUT ROWID;
    CREATE TABLE process (
        run INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
        node TEXT NOT NULL,
        pid INTEGER NOT NULL,
        identity TEXT NOT NULL
    );
    CREATE INDEX process_run ON process (run);
    """,
    """
    CREATE TABLE work (
        run INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
        node TEXT NOT NULL,
        place INTEGER NOT NULL,
        summary TEXT NOT NULL,
        files TEXT NOT NULL,
        PRIMARY KEY (node, run)
    ) WITHOUT ROWID;
    CREATE TABLE made (
        run INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
        node TEXT NOT NULL,
        path TEXT PRIMARY KEY,
        branch TEXT NOT NULL,
        repository TEXT NOT NULL,
        kept INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE INDEX made_run ON made (run);
    """,
)
"""What makes each version of the schema from the one before; the first makes version 1 of nothing.

``place`` grows with each attempt, also when the clock is turned back, so it tells which is the latest; a run's is the
last that it gave. One tree of pages for the attempts, and those of a run beside one another, since each commit writes
the pages that it changed. ``number`` of an attempt is 0 where a story was decided about without being run. ``run.id``
is the run's ``EPIC_RUN``. The host of an attempt is that of its run. ``work`` is what stories changed that passed, and
what their agents said of it; its ``files`` are a list in JSON. ``made`` are the places outside of rootdir that are
there, or may be.
"""

# An "SQL error" on statements that are right is a schema that is not ours.
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
_BUSY_SECONDS = 10.0


class Store:
    """The open database."""

    def __init__(self, folder: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
        """:raises JournalError: if there can be no database in that folder."""
        self.path = folder / FILE_NAME
        self._migrations = migrations
        self.notes: list[str] = []
        """What users should know: databases that were set aside."""
        self._file: tuple[int, int] | None = None
        try:
            with self._alone():
                self.connection = self._opened()
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: {error}") from None

    def renew(self) -> None:
        """Set a database aside that turned out to be damaged, unless another run has, and begin a new one.

        :raises sqlite3.Error: if there can be no new one.
        """
        with self._alone():
            if self.is_in_place:
                self._set_aside("is damaged")
            self.close()
            self.connection = self._opened()

    @property
    def is_in_place(self) -> bool:
        """Whether the file of that name is still the one that is open."""
        return self._file == self._found()

    def _found(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """While this holds, no other run opens the database or sets it aside.

        SQLite cannot wait for one that others make a WAL of, and what they have just begun is not to be set aside. Its
        own lock of an empty database is one that every system has, and that ends with the process.
        """
        with contextlib.closing(self._connect(_LOCK_NAME)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield

    def be_patient(self, patient: bool) -> None:
        """Wait for others who write, some seconds, or not at all.

        :raises sqlite3.Error: if the database is closed.
        """
        self.connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000 if patient else 0:.0f}")

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()

    def _opened(self) -> sqlite3.Connection:
        self.connection = self._connect()
        try:
            version = self._prepare()
        except sqlite3.Error as error:
            if not is_damage(error):
                self.close()
                raise
            self._set_aside("is damaged")
        else:
            if version <= len(self._migrations):
                self._file = self._found()
                return self.connection
            self._set_aside(f"is of version {version}, from a later pytest-tapps-waves")
        self.connection = self._connect()
        self._prepare()
        self._file = self._found()
        return self.connection

    def _connect(self, name: str = FILE_NAME) -> sqlite3.Connection:
        # Written to by the thread that beats too, under a lock of the journal's.
        return sqlite3.connect(
            self.path.with_name(name), timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    def _prepare(self) -> int:
        """Bring the schema up to date; the version that it has then."""
        execute = self.connection.execute
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        execute("PRAGMA foreign_keys = ON")
        # Some 16 MiB: what is written over and over is copied into the database less often.
        execute("PRAGMA wal_autocheckpoint = 4000")
        version = self._version()
        if version < len(self._migrations):
            execute("BEGIN IMMEDIATE")
            try:
                # Another run may have done it while this one waited.
                version = self._version()
                for migration in self._migrations[version:]:
                    for statement in filter(str.strip, migration.split(";")):
                        execute(statement)
                    version += 1
                execute(f"PRAGMA user_version = {version}")
                execute("COMMIT")
            except sqlite3.Error:
                with contextlib.suppress(sqlite3.Error):
                    execute("ROLLBACK")
                raise
        if version == len(self._migrations):
            for table in ("run", "attempt", "process", "work", "made"):
                execute(f"SELECT * FROM {table} LIMIT 1").fetchone()
        return version

    def _version(self) -> int:
        version: int = self.connection.execute("PRAGMA user_version").fetchone()[0]
        return version

    def _set_aside(self, what: str) -> None:
        self.close()
        aside = next(path for number in count(1) if not (path := self.path.with_suffix(f".db.old{number}")).exists())
        try:
            # The log first: alone, it would be played into the new database.
            for suffix in ("-wal", "-shm", ""):
                with contextlib.suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + suffix).replace(aside.with_name(aside.name + suffix))
        except OSError as error:
            raise sqlite3.OperationalError(f"it {what}, and cannot be set aside: {error.strerror}") from None
        self.notes.append(f"warning: {self.path} {what}; it was set aside as {aside.name}, and a new one was begun")


def storable(text: str) -> str:
    """Text as SQLite takes it: halves of pairs, as in names of files that are no text, become escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def is_damage(error: sqlite3.Error) -> bool:
    """Whether it is the database itself that is wrong, and not the disk or somebody who holds it."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED
