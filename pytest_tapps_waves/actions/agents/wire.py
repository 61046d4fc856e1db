"""Messages of JSON-RPC, one a line, over the pipes of an agent's process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from ..processes import ProcessTree

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes of one message: whole files stand in what agents tell of their edits."""
MOST_WAITING = 64 * 1024 * 1024
"""Bytes of messages and text that may wait to be taken; only one that talks without being asked has more."""
_SMALLEST = 500
"""Bytes that even the smallest of them takes up."""


class Wire:
    """What :class:`acp.connection.Connection` takes for its transport.

    It lets through only what that can take without a complaint of its own: those go to the log of the whole process.
    """

    def __init__(self, on_text: Callable[[bytes], None]) -> None:
        """:param on_text: is given each line that is no message: many programs greet their users, or warn them."""
        self._on_text = on_text
        self.on_notification: Callable[[str, Any], None] = lambda method, params: None
        """Is told what the agent says without waiting for an answer: method and parameters. Set it to listen.

        In order, between the text around it, and before the answers that follow it. It must not raise.
        """
        self._taken: asyncio.Queue[tuple[int, dict[str, Any] | bytes | None]] = asyncio.Queue()
        """Messages, lines of text and the end, in order, with their sizes."""
        self._waiting = 0
        self._line = bytearray()
        self._process: ProcessTree | None = None
        self._ended = False
        self.fault = ""
        """What the agent did that ended it, where that was more than to end."""

    def connect(self, process: ProcessTree) -> None:
        """Messages go to this process."""
        self._process = process

    def take(self, data: bytes) -> None:
        """Bytes that the agent printed; none at its output's end."""
        if self._ended:
            return
        self._line += data
        if not data:
            self.end()
        elif b"\n" in data:
            *lines, self._line = self._line.split(b"\n")
            for line in lines:
                self._take_line(bytes(line).strip())
        elif len(self._line) > LONGEST_LINE:
            self.fail(f"it printed a line of more than {LONGEST_LINE // 2**20} MiB")

    def end(self) -> None:
        """Nothing more comes: whoever waits for an answer is woken."""
        if not self._ended:
            self._take_line(bytes(self._line).strip())
            self._ended = True
            self._line.clear()
            self._taken.put_nowait((0, None))

    def fail(self, fault: str) -> None:
        """End it, since the agent has done what it must not."""
        if not self._ended:
            self.fault = fault
            self._line.clear()
            self.end()

    async def receive(self) -> dict[str, Any] | None:
        while True:
            size, item = await self._taken.get()
            self._waiting -= size
            if isinstance(item, bytes):
                self._on_text(item)
            elif item is not None and "method" in item and "id" not in item:
                # Acp would look at it in a task, and so maybe after what follows.
                self.on_notification(item["method"], item.get("params"))
            else:
                return item

    async def send(self, message: dict[str, Any]) -> None:
        """Without waiting: an agent that reads nothing more is found out by its end, or by what waits for it."""
        assert self._process is not None
        try:
            self._process.feed(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        except BufferError as error:
            self.fail(f"it does not read what it is told: {error}")

    async def close(self) -> None:
        """Nobody receives any more: what is left of the text is shown."""
        self.end()
        while not self._taken.empty():
            _, item = self._taken.get_nowait()
            if isinstance(item, bytes):
                self._on_text(item)

    def _take_line(self, line: bytes) -> None:
        if not line or self._ended:
            return
        message = _message(line)
        size = len(line) + _SMALLEST
        self._waiting += size
        if self._waiting > MOST_WAITING:
            self.fail("it talks faster than anybody can listen")
        elif message is None:
            self._taken.put_nowait((size, line))
        elif "method" not in message and message["id"] is None:
            # An answer to what it could not read: nobody knows to which of our messages.
            self.fail(f"it answered with an error: {_short(message.get('error'))}")
        else:
            self._taken.put_nowait((size, message))


def _message(line: bytes) -> dict[str, Any] | None:
    """The message that a line holds, if it is one."""
    try:
        # As text: given bytes, json guesses at other encodings.
        found = json.loads(line.decode("utf-8")) if line.startswith(b"{") else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    if "method" in found:
        return found if isinstance(found["method"], str) else None
    if isinstance(found.get("id", ()), int | str | None) and isinstance(found.get("error"), dict | None):
        return found if found.keys() & {"jsonrpc", "result", "error"} else None
    return None


def _short(value: object) -> str:
    return json.dumps(value)[:500]
