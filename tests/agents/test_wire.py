"""Lines on an agent's pipes become messages, or text, or an end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from acp.connection import Connection

from pytest_tapps_waves.actions.agents.wire import LONGEST_LINE, MOST_WAITING, Wire


class Taken:
    """What came of bytes that an agent printed."""

    def __init__(self, *pieces: bytes) -> None:
        self.texts: list[bytes] = []
        self.messages: list[dict[str, Any]] = []
        self.wire = Wire(self.texts.append)
        self.ended = False

        async def scene() -> None:
            for piece in pieces:
                self.wire.take(piece)
            self.ended = self.wire._ended
            self.wire.end()
            self.wire.on_notification = lambda method, params: self.messages.append({"method": method})
            while (message := await self.wire.receive()) is not None:
                self.messages.append(message)

        asyncio.run(scene())


def test_a_line_is_a_message_wherever_it_is_cut() -> None:
    data = b'{"jsonrpc":"2.0","id":0,"result":{"a":"\xc3\xa9"}}\r\n\n{"jsonrpc":"2.0","method":"m","params":{}}\n'
    whole = Taken(data)
    assert [message.get("method") for message in whole.messages] == [None, "m"]
    assert Taken(*(bytes([byte]) for byte in data)).messages == whole.messages
    assert whole.texts == []
    assert not whole.ended


@pytest.mark.parametrize(
    "line",
    [
        b"Welcome!",
        b"{",
        b"17",
        b'"text"',
        b"null",
        b"[]",
        b'[{"jsonrpc":"2.0","method":"m"}]',
        b"{}",
        b'{"level":"info","id":3}',
        b'{"jsonrpc":"2.0","method":5}',
        b'{"jsonrpc":"2.0","result":{}}',
        b'{"jsonrpc":"2.0","id":[],"result":{}}',
        b'{"jsonrpc":"2.0","id":0,"error":"no"}',
        b'{"method":"\xff"}',
        b'{"a":' * 100_000,
        b'{"id":0,"result":' + b"9" * 10_000 + b"}",
    ],
    ids=lambda line: repr(line[:40]),
)
def test_what_is_no_message_is_text(line: bytes) -> None:
    taken = Taken(line + b'\n{"method":"m"}\n')
    assert taken.texts == [line]
    assert [message["method"] for message in taken.messages] == ["m"]
    assert not taken.ended


def test_what_is_told_is_heard_in_order_between_text_and_answers() -> None:
    heard: list[object] = []

    async def scene() -> None:
        wire = Wire(lambda line: heard.append(line.decode()))
        wire.on_notification = lambda method, params: heard.append({method: params})
        wire.take(b'{"method":"a","params":5}\n1\n{"id":0,"result":2}\n{"method":"b"}\n3\n4\n{"method":"c"}\n')
        connection = Connection(lambda method, params, is_notification: asyncio.sleep(0), wire)
        wire.connect(Unread())  # type: ignore[arg-type]  # a process that does not answer
        heard.append(await connection.send_request("x"))
        wire.take(b"5\n")
        await connection.close()

    asyncio.run(asyncio.wait_for(scene(), 60))
    assert heard == [{"a": 5}, "1", {"b": None}, "3", "4", {"c": None}, 2, "5"]


class Unread:
    def feed(self, data: bytes) -> bool:
        return True


def test_the_end_comes_after_the_last_line_even_if_that_has_none() -> None:
    taken = Taken(b'{"method":"a"}\n{"meth', b'od":"b"}', b"", b'{"method":"c"}\n')
    assert [message["method"] for message in taken.messages] == ["a", "b"]
    assert taken.ended
    assert taken.wire.fault == ""


def test_a_line_without_end_is_not_kept_for_ever() -> None:
    taken = Taken(b'{"method":"a"}\n', *[b"x" * 2**20] * (LONGEST_LINE // 2**20 + 1), b"x")
    assert taken.messages == [{"method": "a"}]
    assert taken.ended
    assert taken.wire.fault == "it printed a line of more than 16 MiB"
    assert not taken.wire._line


def test_one_that_talks_without_being_asked_is_not_kept_for_ever() -> None:
    line = b'{"method":"' + b"m" * 2**20 + b'"}\n'
    text = b"t" * 2**20 + b"\n"
    taken = Taken(*[line, text] * (MOST_WAITING // 2**21 + 1))
    assert taken.ended
    assert taken.wire.fault == "it talks faster than anybody can listen"
    assert len(taken.messages) + len(taken.texts) <= MOST_WAITING // 2**20


def test_an_error_that_answers_nothing_in_particular_ends_it() -> None:
    line = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}\n'
    taken = Taken(line, b'{"method":"a"}\n')
    assert taken.ended
    assert taken.messages == []
    assert taken.wire.fault == 'it answered with an error: {"code": -32700, "message": "Parse error"}'
