"""Whatever text holds, a terminal shows it and does nothing."""

from __future__ import annotations

import re
import unicodedata

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from pytest_tapps_waves.inert import LiveText, inert, one_line

TURNS = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""What changes the direction of a line."""

TRICKS = [
    "\x1b",
    "\x1b[",
    "[",
    "0",
    "31",
    ";",
    "m",
    "\x1b[31m",
    "\x1b[0m",
    "\x9b",
    "\r",
    "\n",
    "\t",
    "\b",
    "\0",
    "é",
    "\u202e",
]

texts = st.lists(st.sampled_from(TRICKS) | st.text(), max_size=30).map("".join)
"""Text that holds more escapes, whole and torn, than chance would give it."""


def acts(text: str) -> list[str]:
    """What of a text a terminal, or the reader of lines, might obey."""
    return [
        sign
        for sign in text
        if (unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") and sign not in "\n\t") or sign in TURNS
    ]


@given(texts)
@settings(max_examples=500)
def test_inert_text_holds_nothing_that_acts(text: str) -> None:
    assert not acts(inert(text))
    assert not acts(one_line(text))
    assert "\n" not in one_line(text)


@given(texts)
def test_inert_text_stays_as_it_is(text: str) -> None:
    assert inert(inert(text)) == inert(text)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="".join(TURNS))))
def test_text_that_does_nothing_is_left_alone(text: str) -> None:
    assert inert(text) == text == one_line(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;ZXZpbA==\x07", r"\x1b]52;c;ZXZpbA==\x07"),
        ("\x1b]8;;http://a\x1b\\link", r"\x1b]8;;http://a\x1b\link"),
        ("\x1b[2J\x1b[H", r"\x1b[2J\x1b[H"),
        ("\x1bPq#0\x1b\\", r"\x1bPq#0\x1b" + "\\"),
        ("\x9b2J", r"\x9b2J"),
        ("\x1b[1;31mred\x1b[m", "red"),
        ("\x1b[38:2::1:2:3mred\x1b[0m", "red"),
        ("\x1b\x1b[0m[2J", r"\x1b[2J"),
        ("abc\b\b\bxyz", r"abc\x08\x08\x08xyz"),
        ("10%\r20%\r\n30%\r", "10%\n20%\n30%\n"),
        ("a\u202eb\u2028c\ud800", r"a\u202eb\u2028c\ud800"),
        ("tab\tand\nline, é, 👩‍👩‍👧", "tab\tand\nline, é, 👩‍👩‍👧"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert inert(text) == shown


def live(pieces: list[bytes], *, colours: bool) -> str:
    text = LiveText(colours=colours)
    return "".join(text.feed(piece) for piece in [*filter(None, pieces), b""])


pieces = st.lists(st.sampled_from([trick.encode() for trick in TRICKS]) | st.binary(max_size=5), max_size=30)


@given(pieces)
@example([b"\x1b[" + b"1;" * 20, b"m"])
@settings(max_examples=500)
def test_however_it_is_cut_into_pieces_it_is_shown_the_same(data: list[bytes]) -> None:
    assert live(data, colours=False) == inert(b"".join(data).decode("utf-8", "replace"))


@given(pieces)
@settings(max_examples=500)
def test_where_colours_pass_nothing_else_does_and_none_goes_on(data: list[bytes]) -> None:
    text = LiveText(colours=True)
    for piece in [*filter(None, data), b""]:
        shown = text.feed(piece)
        assert not acts(re.sub(r"\x1b\[[0-9;:]*m", "", shown))
        colours = re.findall(r"\x1b\[[0-9;:]*m", shown)
        assert not colours or colours[-1] == "\x1b[0m"


def test_colours_and_characters_that_come_in_two_pieces_are_whole() -> None:
    assert live([b"\x1b[3", b"1mr\xc3", b"\xa9d\x1b[", b"0m"], colours=True) == "\x1b[31mr\x1b[0méd\x1b[0m"
    assert live([b"a\r", b"\nb\r", b"c"], colours=True) == "a\nb\nc"
