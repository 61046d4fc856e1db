"""What a story prints: bounded in memory, the whole of it in a file once it is more than that."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO

HEAD = 32 * 1024
TAIL = 32 * 1024
_LINES = 8 * 1024
"""How much of both streams together is kept for :meth:`Output.last_lines`."""


CURRENT_OUTPUT: ContextVar[Output | None] = ContextVar("CURRENT_OUTPUT", default=None)
"""Where prints and log records of the running code go. Tasks and the threads of ``call`` inherit it."""


class Stream:
    """One stream: its first and its last bytes, and how much came between them."""

    def __init__(self, spool: Callable[[], BinaryIO | None]) -> None:
        """:param spool: opens the file for the whole of it; asked once, and only if it does not fit in memory."""
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0
        self._open_spool = spool
        self._spool: BinaryIO | None = None
        self._spooling = False
        self._trouble = ""

    def write(self, data: bytes) -> None:
        self._total += len(data)
        room = HEAD - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
            if not data:
                return
        if not self._spooling and len(self._tail) + len(data) > TAIL:
            self._start_spooling()
        self._tail += data
        if self._spool is not None:
            self._append(data)
        if len(self._tail) > 2 * TAIL:
            del self._tail[:-TAIL]

    def text(self) -> str:
        cut = self._total - len(self._head) - min(len(self._tail), TAIL)
        head = self._head.decode("utf-8", "replace")
        if not cut:
            return (self._head + self._tail).decode("utf-8", "replace")
        where = f"the whole of it: {self._spool.name}" if self._spool else self._trouble
        return f"{head}\n[... {cut:,} bytes cut; {where} ...]\n{self._tail[-TAIL:].decode('utf-8', 'replace')}"

    def close(self) -> None:
        if self._spool is not None:
            try:
                self._spool.close()
            except OSError as error:
                self._give_up(error)

    def _start_spooling(self) -> None:
        self._spooling = True
        try:
            self._spool = self._open_spool()
        except OSError as error:
            self._trouble = f"it could not be kept whole: {error}"
        if self._spool is None:
            self._trouble = self._trouble or "it is not kept whole, since there is no cache directory"
        else:
            self._append(bytes(self._head + self._tail))

    def _append(self, data: bytes) -> None:
        assert self._spool is not None
        try:
            self._spool.write(data)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """A full disk must not end the story: what is in memory still tells most of it."""
        self._trouble = f"it could not be kept whole: {error}"
        self._spool = None


class Output:
    """What one attempt prints to its streams. Written to by threads too."""

    def __init__(
        self,
        spool_file: Callable[[], Path | None] = lambda: None,
        echo: Callable[[str, bytes], None] | None = None,
    ) -> None:
        """
        :param spool_file: asked where the whole of a stream goes, with the stream's name put before the suffix.
        :param echo: is given each piece as it comes, with the stream's name.
        """
        self._spool_file = spool_file
        self._echo = echo
        self._lock = threading.Lock()
        self._recent = bytearray()
        self._streams: dict[str, Stream] = {}

    def write(self, name: str, data: bytes) -> None:
        """:param name: ``stdout``, ``stderr`` or ``log``."""
        with self._lock:
            stream = self._streams.get(name)
            if stream is None:
                stream = self._streams[name] = Stream(lambda: self._spool(name))
            stream.write(data)
            self._recent += data[-_LINES:]
            if len(self._recent) > 2 * _LINES:
                del self._recent[:-_LINES]
        if self._echo is not None:
            self._echo(name, data)

    def text(self, name: str) -> str:
        """What was written to a stream; where much was, without its middle."""
        stream = self._streams.get(name)
        return stream.text() if stream else ""

    def texts(self) -> list[tuple[str, str]]:
        """Each stream that was written to, with its text: stdout, stderr, log."""
        return [(name, self._streams[name].text()) for name in ("stdout", "stderr", "log") if name in self._streams]

    def last_lines(self, most: int = 15) -> list[str]:
        """The last lines of all streams, in the order in which they came."""
        lines = self._recent.decode("utf-8", "replace").rstrip().splitlines()
        return lines[-most:]

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """Make this the current output."""
        token = CURRENT_OUTPUT.set(self)
        try:
            yield
        finally:
            CURRENT_OUTPUT.reset(token)

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close()

    def _spool(self, name: str) -> BinaryIO | None:
        file = self._spool_file()
        if file is None:
            return None
        path = file.with_name(f"{file.name}.{name}.log")
        path.parent.mkdir(parents=True, exist_ok=True)
        # Another run may be writing to a file of this name: leave it that file.
        path.unlink(missing_ok=True)
        return path.open("xb", buffering=0)


def file_name(node_id: str) -> str:
    """A node id as a file name that every system takes."""
    return re.sub(r"[^\w.-]+", "_", node_id)[-150:]
