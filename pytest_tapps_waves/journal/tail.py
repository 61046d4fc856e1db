"""What a run has written down since its last commit: a file of JSON lines beside the database.

A commit costs as much as a few small stories. Where stories end in quick succession each end is a line here, written
before its report is shown, and they are committed together a moment later. A line outlives the process as a commit in
WAL mode does; the lines of a run that was killed are taken in by whoever opens the journal next.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from .owners import Owner
from .statements import PUT, PUT_PROCESS

SUFFIX = ".tail"

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_STATEMENTS = {PUT.values: PUT.text, PUT_PROCESS.values: PUT_PROCESS.text}
_WRONG_VALUES = (
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    OverflowError,
    ValueError,
)


class Tail:
    """The file of one run. It is there only while something is in it, or may soon be again."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._path = folder / f"{run_id}{SUFFIX}"
        self._file: int | None = None
        self._whole = True
        """Whether it ends where a line does."""

    def append(self, line: bytes) -> bool:
        """Write down a line of JSON: the values of a statement but its first, the run. False if that cannot be done."""
        if not self._whole:
            return False
        try:
            if self._file is None:
                self._file = os.open(self._path, _FLAGS, 0o666)
        except OSError:
            return False
        try:
            self._whole = os.write(self._file, line) == len(line)
        except OSError:
            self._whole = False
        return self._whole

    def clear(self) -> None:
        """All that is in it has been committed."""
        if self._file is None:
            return
        try:
            os.ftruncate(self._file, 0)
            self._whole = True
        except OSError:
            # What is committed later must not be overwritten with what was before it.
            self.remove()

    def remove(self) -> None:
        """Nothing more is going to be written."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            os.close(self._file)
        self._file = None
        with contextlib.suppress(OSError):
            self._path.unlink()
            self._whole = True


def take_in(execute: Callable[..., sqlite3.Cursor], folder: Path) -> None:
    """Commit what runs that are no more had written down since their last commits.

    :raises sqlite3.Error: if that cannot be done; nothing is lost then.
    """
    for path in folder.glob(f"*{SUFFIX}"):
        execute("BEGIN IMMEDIATE")
        found = execute("SELECT number, beat, ended, host, pid, identity FROM run WHERE id = ?", [path.stem]).fetchone()
        if found is not None:
            number, beat, ended, *owner = found
            if ended is None and not Owner(*owner).is_gone(beat):
                execute("ROLLBACK")
                continue
            # The row of a run that said that it ended is whole.
            for values in _entries(path) if ended is None else ():
                with contextlib.suppress(*_WRONG_VALUES):
                    execute(_STATEMENTS[len(values) + 1], (number, *values))
        execute("COMMIT")
        with contextlib.suppress(OSError):
            path.unlink()


def _entries(path: Path) -> Iterator[Sequence[object]]:
    """The values of its lines, but for one that was broken off."""
    lines: Iterable[bytes] = ()
    with contextlib.suppress(OSError):
        lines = path.read_bytes().splitlines()
    for line in lines:
        with contextlib.suppress(ValueError):
            values = json.loads(line)
            if isinstance(values, list) and len(values) + 1 in _STATEMENTS:
                yield values
