"""What a story prints in another process: bounded, in order, and ready to be sent home."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..actions.output import HEAD, TAIL, Output

if TYPE_CHECKING:
    from ..actions.secrets import MaskedStream, Masker

Piece = tuple[str, bytes] | dict[str, Any]
"""Some bytes of a stream, or a log record as :func:`logging.makeLogRecord` takes it."""

_ROOM = 256
"""Bytes that stay free for the words that say how much was cut, so that it all fits in memory at home."""
_RECORDS = 250
"""So many log records are kept, and the same number of the last ones."""
_LONGEST_MESSAGE = 4 * 1024
_PLAIN = (str, int, float, bool, type(None))


class Collected(Output):
    """Keeps the first and the last of each stream, and the order of it all. Written to by threads too."""

    def __init__(self, where: str, masker: Masker | None = None) -> None:
        """
        :param where: of what process, for the words that say what was cut.
        :param masker: takes out the secrets that this process has.
        """
        super().__init__(limit=0)
        self._where = where
        self._masker = masker
        self._masked: dict[str, MaskedStream] = {}
        self._numbers = itertools.count()
        self._last_name = ""
        self._pieces: list[tuple[int, str, bytearray]] = []
        """The first bytes of all streams, each with its place."""
        self._room: dict[str, int] = {}
        self._tails: dict[str, _Tail] = {}
        self._records: list[tuple[int, dict[str, Any]]] = []
        self._last_records: deque[tuple[int, dict[str, Any]]] = deque(maxlen=_RECORDS)
        self._all_records = 0

    def write(self, name: str, data: bytes) -> None:
        with self._lock:
            if self._masker is not None:
                data = self._masked.setdefault(name, self._masker.stream()).write(data)
            self._keep(name, data)

    def _keep(self, name: str, data: bytes) -> None:
        with self._lock:
            goes_on, self._last_name = self._last_name == name, name
            room = self._room.get(name, HEAD)
            if first := data[:room]:
                self._room[name] = room - len(first)
                if goes_on and self._pieces:
                    self._pieces[-1][2].extend(first)
                else:
                    self._pieces.append((next(self._numbers), name, bytearray(first)))
            if rest := data[room:]:
                if name not in self._tails:
                    self._tails[name], goes_on = _Tail(TAIL - _ROOM), False
                self._tails[name].write(rest, self._numbers, goes_on=goes_on)

    def log(self, record: logging.LogRecord) -> None:
        """Take a log record."""
        made = _plain(record, self._masker)
        with self._lock:
            self._last_name = ""
            self._all_records += 1
            kept = self._records if len(self._records) < _RECORDS else self._last_records
            kept.append((next(self._numbers), made))

    def pieces(self) -> list[Piece]:
        """All that is kept, in the order in which it came; where something was cut, words that say how much."""
        with self._lock:
            for name, stream in self._masked.items():
                self._keep(name, stream.rest())
            placed: list[tuple[int, Piece]] = [(place, (name, bytes(data))) for place, name, data in self._pieces]
            placed += self._records
            for name, tail in self._tails.items():
                for number, (place, data) in enumerate(tail.pieces):
                    words = self._cut(f"{tail.cut:,} bytes") if tail.cut and not number else b""
                    placed.append((place, (name, words + bytes(data))))
            if (cut := self._all_records - len(self._records) - len(self._last_records)) > 0:
                placed.append((self._last_records[0][0], ("log", self._cut(f"{cut:,} log records"))))
            placed += self._last_records
        return [piece for _, piece in sorted(placed, key=lambda entry: entry[0])]

    def _cut(self, what: str) -> bytes:
        return f"\n[... {what} cut on {self._where} ...]\n".encode()


class _Tail:
    """The last bytes of a stream."""

    def __init__(self, most: int) -> None:
        self.pieces: deque[tuple[int, bytearray]] = deque()
        self.cut = 0
        self._most = most
        self._size = 0

    def write(self, data: bytes, numbers: itertools.count[int], *, goes_on: bool) -> None:
        """:param goes_on: whether nothing came between this and the piece before."""
        if goes_on and self.pieces:
            self.pieces[-1][1].extend(data)
        else:
            self.pieces.append((next(numbers), bytearray(data)))
        self._size += len(data)
        while self._size > self._most:
            oldest = self.pieces[0][1]
            surplus = min(self._size - self._most, len(oldest))
            del oldest[:surplus]
            self._size -= surplus
            self.cut += surplus
            if not oldest:
                self.pieces.popleft()


def replayed(pieces: Sequence[Piece], output: Output) -> None:
    """Print and log here what was printed and logged elsewhere. ``output`` has to be the current one."""
    for piece in pieces:
        if isinstance(piece, tuple):
            output.write(*piece)
            continue
        record = logging.makeLogRecord(piece)
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)


def _plain(record: logging.LogRecord, masker: Masker | None) -> dict[str, Any]:
    """A record without what may not travel: its arguments become its message, its exception the words of it."""
    made = {name: value for name, value in vars(record).items() if isinstance(value, _PLAIN)}
    message = record.getMessage()
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]} [...]"
    made["msg"], made["args"], made["exc_info"] = message, None, None
    if record.exc_info and not record.exc_text:
        made["exc_text"] = logging.Formatter().formatException(record.exc_info)
    if masker is not None:
        made = {name: masker.text(value) if isinstance(value, str) else value for name, value in made.items()}
    return made
