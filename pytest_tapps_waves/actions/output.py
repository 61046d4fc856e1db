"""What a story prints: bounded in memory, the whole of it in a file once it is more than that."""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from hashlib import blake2b
from pathlib import Path

from ..inert import inert
from .spool import DEFAULT_LIMIT, Spool

HEAD = 32 * 1024
TAIL = 32 * 1024
_LINES = 8 * 1024
"""How much of all streams together is kept for :meth:`Output.last_lines`."""
_LONGEST_LINE = 500
_LONGEST_NAME = 140
"""Bytes of a node id in the name of a file, of which systems take 255."""


CURRENT_OUTPUT: ContextVar[Output | None] = ContextVar("CURRENT_OUTPUT", default=None)
"""Where prints and log records of the running code go. Tasks and the threads of ``call`` inherit it."""


class Stream:
    """One stream: its first and its last bytes, and how much came between them."""

    def __init__(self, new_spool: Callable[[], Spool]) -> None:
        """:param new_spool: makes the file for the whole of it; called once, and only if it does not fit in memory."""
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0
        self._new_spool = new_spool
        self._spool: Spool | None = None

    def write(self, data: bytes) -> None:
        self._total += len(data)
        room = HEAD - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
            if not data:
                return
        if self._spool is None and len(self._tail) + len(data) > TAIL:
            self._spool = self._new_spool()
            self._spool.write(self._head + self._tail)
        if self._spool is not None:
            self._spool.write(data)
        self._tail += data[-TAIL:]
        if len(self._tail) > 2 * TAIL:
            del self._tail[:-TAIL]

    def text(self) -> str:
        if self._spool is None:
            return (self._head + self._tail).decode("utf-8", "replace")
        # A character of which only a part was kept is cut as a whole.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        head = decoder.decode(self._head)
        tail = _from_a_character(self._tail[-TAIL:])
        cut = self._total - (len(self._head) - len(decoder.getstate()[0])) - len(tail)
        return f"{head}\n[... {cut:,} bytes cut; {self._spool.told()} ...]\n{tail.decode('utf-8', 'replace')}"

    def close(self) -> None:
        if self._spool is not None:
            self._spool.close()


class Output:
    """What one attempt prints to its streams. Written to by threads too."""

    def __init__(
        self,
        spool_file: Callable[[], Path | None] = lambda: None,
        echo: Callable[[str, bytes], None] | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> None:
        """
        :param spool_file: asked where the whole of a stream goes, with the stream's name put before the suffix.
        :param echo: is given each piece as it comes, with the stream's name, and an empty one at the stream's end.
        :param limit: how many bytes of a stream its file holds.
        """
        self._spool_file = spool_file
        self._echo = echo
        self._limit = limit
        self._closed = False
        # The garbage collector may run in the midst of a write, and what it removes may print or log.
        self._lock = threading.RLock()
        self._recent = bytearray()
        self._streams: dict[str, Stream] = {}

    def write(self, name: str, data: bytes) -> None:
        """Take a piece. Once the output is closed it is no more than shown live: nobody reads it any more.

        :param name: ``stdout``, ``stderr`` or ``log``.
        """
        if not data:
            return
        with self._lock:
            if not self._closed:
                self._keep(name, data)
            if self._echo is not None:
                self._echo(name, data)

    def _keep(self, name: str, data: bytes) -> None:
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = Stream(lambda: Spool(self._spool_file, name, self._limit))
        stream.write(data)
        self._recent += data[-_LINES:]
        if len(self._recent) > 2 * _LINES:
            del self._recent[:-_LINES]

    def text(self, name: str) -> str:
        """What was written to a stream, as it came; where much was, without its middle."""
        with self._lock:
            stream = self._streams.get(name)
            return stream.text() if stream else ""

    def texts(self) -> list[tuple[str, str]]:
        """Each stream that was written to, with its text: stdout, stderr, log."""
        return [(name, self.text(name)) for name in ("stdout", "stderr", "log") if name in self._streams]

    def last_lines(self, most: int = 15) -> list[str]:
        """The last lines of all streams, in the order in which they came, to be shown: inert and of bearable length."""
        with self._lock:
            recent = bytes(_from_a_character(self._recent))
        lines = inert(recent.decode("utf-8", "replace")).rstrip().splitlines()
        return [_shortened(line) for line in lines[-most:]]

    def receiving(self) -> AbstractContextManager[None]:
        """Make this the current output."""
        return _Receiving(self)

    def close(self) -> None:
        """Take no more."""
        with self._lock:
            self._closed = True
            for name, stream in self._streams.items():
                stream.close()
                if self._echo is not None:
                    self._echo(name, b"")


class _Receiving(AbstractContextManager[None]):
    """No generator, since each story enters one or two."""

    __slots__ = ("_output", "_token")

    def __init__(self, output: Output) -> None:
        self._output = output

    def __enter__(self) -> None:
        self._token = CURRENT_OUTPUT.set(self._output)

    def __exit__(self, *error: object) -> None:
        CURRENT_OUTPUT.reset(self._token)


def _from_a_character(data: bytearray) -> bytearray:
    """The bytes from the first on with which a character begins."""
    start = 0
    while start < min(3, len(data)) and data[start] & 0b1100_0000 == 0b1000_0000:
        start += 1
    return data[start:]


def _shortened(line: str) -> str:
    if len(line) <= _LONGEST_LINE:
        return line
    half = _LONGEST_LINE // 2
    return f"{line[:half]} [...] {line[-half:]}"


def as_bytes(text: str) -> bytes:
    """Text as it is kept; a name of a file that is no text becomes what it was, other halves of pairs an escape."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


def as_text(text: str) -> str:
    """Text that can be stored and sent everywhere: the same, read back."""
    return as_bytes(text).decode("utf-8", "replace")


def file_name(node_id: str) -> str:
    """A node id as a file name that every system takes, and that no other node has."""
    whole = node_id.encode("utf-8", "surrogatepass")
    end = re.sub(r"[^\w.-]+", "_", node_id).encode("utf-8", "ignore")[-_LONGEST_NAME:].decode("utf-8", "ignore")
    return f"{end}.{blake2b(whole, digest_size=4).hexdigest()}"
