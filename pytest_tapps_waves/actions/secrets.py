"""Secrets: values that stories work with, and that nobody is shown.

What is masked is the value of a variable, with and without the white space around it, each of its lines, and the ways
in which it is commonly written: as in a Python or JSON text, quoted for a shell or a URL, and in base64, in one line
or in several. What is shorter than ``SHORTEST`` is left, since to mask ``no`` or ``1`` would shred everything. A value
that was cut, changed or encoded otherwise is not recognised.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import threading
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import AnyStr, NamedTuple

from ..epics.spec import EpicDefinition, StorySpec
from .output import Output
from .spool import DEFAULT_LIMIT

MARK = "***"
SHORTEST = 4
"""Characters that a value must have, so that it can be masked."""

_BASE64_LINES = (64, 76)
"""The lengths of the lines of PEM (RFC 7468) and of MIME (RFC 2045), which is that of the command ``base64`` too."""


class _Known(NamedTuple):
    """All that is looked for."""

    texts: Sequence[str] = ()
    data: Sequence[bytes] = ()
    by_beginning: Mapping[bytes, Sequence[bytes]] = {}
    """``data`` by its first byte, its first two and so on, up to ``SHORTEST``."""
    longest: int = 0
    """Of ``data``, in bytes."""


class Masker:
    """Puts ``***`` in the place of the values that it knows. Values that overlap are one mark; used by threads too."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        self._known = _Known()
        self.learn(values)

    def learn(self, values: Iterable[str]) -> None:
        """Know these values from now on; those that are too short are left out."""
        if not (fresh := {value for value in values if not is_too_short(value)} - self._values):
            return
        self._values |= fresh
        texts = sorted({form for value in self._values for form in forms(value)})
        data = list(filter(None, map(_encoded, texts)))
        by_beginning: dict[bytes, list[bytes]] = {}
        for form in data:
            for size in range(1, SHORTEST + 1):
                by_beginning.setdefault(form[:size], []).append(form)
        self._known = _Known(texts, data, by_beginning, max(map(len, data), default=0))

    def text(self, text: str) -> str:
        """The text without the values."""
        return _masked(text, self._known.texts, MARK, len(text))[0]

    def data(self, data: bytes) -> bytes:
        """The same for bytes that are complete."""
        stream = self.stream()
        return stream.write(data) + stream.rest()

    def stream(self) -> MaskedStream:
        """What masks bytes that come in pieces."""
        return MaskedStream(lambda: self._known)


class MaskedStream:
    """Masks a stream. An end that may be the beginning of a value is held back until it is clear whether it is one."""

    def __init__(self, known: Callable[[], _Known]) -> None:
        self._known = known
        self._held = b""
        self._covered = 0
        """So many of the held bytes belong to a value for which there has been a mark."""

    def write(self, data: bytes) -> bytes:
        """What can be shown by now."""
        known = self._known()
        data = self._held + data
        return self._shown(known, data, _open_end(known, data))

    def rest(self) -> bytes:
        """What was held back, once nothing more comes."""
        return self._shown(self._known(), self._held, len(self._held))

    def _shown(self, known: _Known, data: bytes, upto: int) -> bytes:
        shown, self._covered = _masked(data, known.data, MARK.encode(), upto, self._covered)
        self._held = data[upto:]
        return shown


class MaskedOutput(Output):
    """The output of a story that has secrets: they are neither kept in memory nor on disk, nor echoed."""

    def __init__(
        self,
        masker: Masker,
        spool_file: Callable[[], Path | None] = lambda: None,
        echo: Callable[[str, bytes], None] | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> None:
        super().__init__(spool_file, echo, limit)
        self._masker = masker
        self._masked: dict[str, MaskedStream] = {}
        # Also around what is handed on: pieces of two threads must not change places after they were looked at.
        self._in_order = threading.RLock()
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._busy = False

    def write(self, name: str, data: bytes) -> None:
        with self._in_order:
            self._waiting.append((name, data))
            # What the garbage collector removes in the midst of a write may print: that comes after it.
            if self._busy:
                return
            self._busy = True
            try:
                while self._waiting:
                    self._hand_on(*self._waiting.popleft())
            finally:
                self._busy = False

    def _hand_on(self, name: str, data: bytes) -> None:
        stream = self._masked.get(name)
        if stream is None:
            stream = self._masked[name] = self._masker.stream()
        if shown := stream.write(data):
            super().write(name, shown)

    def close(self) -> None:
        with self._in_order:
            for name, stream in self._masked.items():
                if rest := stream.rest():
                    super().write(name, rest)
        super().close()


class Secrets:
    """Those of a run."""

    def __init__(self, epics: Iterable[EpicDefinition]) -> None:
        self.of_all = Masker()
        """For what belongs to no story in particular."""
        self._maskers: dict[str, Masker] = {}
        for epic in epics:
            if names := epic.header.secrets:
                # Stories of one epic may well show what another one was given.
                values = [*_values(names, epic.header.env)]
                for story in epic.stories:
                    values += _values(names, story.env)
                self._maskers[epic.path] = Masker(values)
                self.of_all.learn(values)
                self.masker_of(epic)

    def masker_of(self, epic: EpicDefinition) -> Masker | None:
        """What masks the secrets of an epic, as they are by now; None if it has none."""
        masker = self._maskers.get(epic.path)
        if masker is not None:
            values = _values(epic.header.secrets, os.environ)
            masker.learn(values)
            self.of_all.learn(values)
        return masker


def unmaskable(epic: EpicDefinition, story: StorySpec) -> str | None:
    """The name of a secret whose value in this story is too short to be masked."""
    for name in epic.header.secrets:
        value = story.env.get(name, epic.header.env.get(name, os.environ.get(name, "")))
        if value.strip() and is_too_short(value):
            return name
    return None


def is_too_short(value: str) -> bool:
    return len(value.strip()) < SHORTEST


def forms(value: str) -> set[str]:
    """A value in all the ways in which it is looked for."""
    found = set(map(str.strip, value.splitlines()))
    for whole in {value, value.strip()}:
        found |= {
            whole,
            repr(whole)[1:-1],
            json.dumps(whole)[1:-1],
            json.dumps(whole, ensure_ascii=False)[1:-1],
            shlex.quote(whole).removeprefix("'").removesuffix("'"),
            whole.replace("'", "'\\''"),  # as the traces of bash have it
        }
        data = _encoded(whole)
        if data is not None:
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                for encoded in (data, data + b"\n"):  # `echo $TOKEN | base64` encodes a line break, too
                    written = encode(encoded).decode().rstrip("=")
                    found.add(written)
                    for width in _BASE64_LINES:
                        found |= {written[start : start + width] for start in range(0, len(written), width)}
            found |= {urllib.parse.quote(data), urllib.parse.quote(data, safe=""), urllib.parse.quote_plus(data)}
    return {form for form in found if len(form) >= SHORTEST}


def _values(names: Iterable[str], variables: Mapping[str, str]) -> list[str]:
    return [variables[name] for name in names if name in variables]


def _encoded(text: str) -> bytes | None:
    """As processes print it; None for what none can print."""
    with suppress(UnicodeEncodeError):
        return text.encode("utf-8", "surrogateescape")
    return None


def _masked(text: AnyStr, known: Iterable[AnyStr], mark: AnyStr, upto: int, covered: int = 0) -> tuple[AnyStr, int]:
    """A text as far as ``upto``, and how much after that belongs to a value whose mark it holds.

    :param covered: so much at its beginning belongs to a value for which there has been a mark.
    """
    there = [form for form in known if form in text]
    if not there and not covered:
        return text[:upto], 0
    pieces, end = [], covered
    for start, stop in sorted(place for form in there for place in _places(text, form)):
        if start >= upto:
            break
        if start >= end:
            pieces += [text[end:start], mark]
        end = max(end, stop)
    pieces.append(text[end:upto])
    return text[:0].join(pieces), max(0, end - upto)


def _places(text: AnyStr, form: AnyStr) -> Iterator[tuple[int, int]]:
    """Where a form begins and ends, also where it overlaps itself."""
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _open_end(known: _Known, data: bytes) -> int:
    """Where that end of ``data`` begins which may be the beginning of a value."""
    for start in range(max(0, len(data) - known.longest + 1), len(data)):
        likely = known.by_beginning.get(data[start : start + SHORTEST])
        if likely is not None:
            end = data[start:]
            if any(len(form) > len(end) and form.startswith(end) for form in likely):
                return start
    return len(data)
