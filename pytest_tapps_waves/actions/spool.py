"""The file that holds the whole of what a stream was given, once that is too much for memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

DEFAULT_LIMIT = 100 * 1024 * 1024
"""How many bytes of a stream are kept in its file."""

_SUFFIX = ".log"
_KEPT = 7 * 24 * 3600.0
"""Seconds after which such a file is of no use any more."""


class Spool:
    """The bytes as they came, up to a limit. Whatever keeps it from holding them is told, and ends nothing."""

    def __init__(self, find: Callable[[], Path | None], stream: str, limit: int) -> None:
        """
        :param find: names the file, to which the stream is added; None if there is no place for one.
        :param limit: in bytes.
        """
        self._limit = limit
        self._kept = 0
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._trouble = ""
        if not limit:
            self._trouble = "it is not kept whole, since epic_output_limit is 0"
            return
        try:
            place = find()
            if place is None:
                self._trouble = "it is not kept whole, since there is no cache directory"
                return
            self._path = place.with_name(f"{place.name}.{stream}{_SUFFIX}")
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Another run may be writing to a file of this name: leave it that file.
            self._path.unlink(missing_ok=True)
            self._file = self._path.open("xb", buffering=0)
        except OSError as error:
            self._give_up(error)

    def write(self, data: bytes | bytearray) -> None:
        if self._file is None:
            return
        room = self._limit - self._kept
        rest = memoryview(data)[:room]
        try:
            # The last bytes that a full disk takes are fewer than it was given.
            while rest:
                written = self._file.write(rest)
                self._kept += written
                rest = rest[written:]
        except OSError as error:
            self._give_up(error)
        if len(data) > room and not self._trouble:
            self._trouble = f"it is longer than epic_output_limit; its first {self._kept:,} bytes: {self._path}"
            self.close()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self._give_up(error)

    def told(self) -> str:
        """Where the whole of it is, or why that is nowhere."""
        return self._trouble or f"the whole of it: {self._path}"

    def _give_up(self, error: OSError) -> None:
        """A full disk must not end the story: what is in memory still tells most of it."""
        self._trouble = f"it could not be kept whole: {error}"
        file, self._file = self._file, None
        if file is not None:
            # What comes next needs the room: pytest's own cache, and what stories write.
            with suppress(OSError):
                file.truncate(0)
            with suppress(OSError):
                file.close()


def remove_old(folder: Path) -> None:
    """Remove files that runs of more than a week ago have left."""
    oldest = time.time() - _KEPT
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            # One that another run has just removed, or that Windows does not let go, is somebody else's.
            with suppress(OSError):
                if entry.name.endswith(_SUFFIX) and entry.stat(follow_symlinks=False).st_mtime < oldest:
                    Path(entry.path).unlink()
