"""Text of others, so that a terminal shows it and does not obey it.

What a command prints, and what an epic file says, may come from somebody who wants to write to the clipboard, set the
title or hide a line. Every control character is shown as Python writes it (``\\x1b]52;c;…``), and so are the signs that
change the direction of a line. Colours are left out: they are all that honest programs use of these, and mean nothing
in a report. A carriage return becomes the end of a line: what a progress bar wrote over is shown too.
"""

from __future__ import annotations

import codecs
import re

_COLOUR = r"\x1b\[[0-9;:]{0,32}m"
_DEAD = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
_SIGNS = re.compile(rf"({_COLOUR})|\r\n?|{_DEAD}")
_UNFINISHED = re.compile(r"(?:\r|\x1b(?:\[[0-9;:]{0,32})?)\Z")
_NO_COLOUR = "\x1b[0m"


def inert(text: str) -> str:
    """The text without anything but signs to be seen, tabs and ends of lines."""
    return _SIGNS.sub(_without_colour, text)


def one_line(text: str) -> str:
    """The same of text that has to stay in one line: its ends of lines are shown as ``\\n``."""
    return inert(text).replace("\n", "\\n")


class LiveText:
    """A stream made inert piece by piece: what begins in one piece may end in the next."""

    def __init__(self, *, colours: bool) -> None:
        """:param colours: whether colours are kept, each within its piece, since the next one may be of another."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._shown = _with_colour if colours else _without_colour

    def feed(self, data: bytes) -> str:
        """What can be shown by now.

        :param data: the next piece; an empty one is the end.
        """
        text = self._held + self._decoder.decode(data, final=not data)
        unfinished = _UNFINISHED.search(text, max(0, len(text) - 40)) if data else None
        self._held = unfinished.group() if unfinished else ""
        text = _SIGNS.sub(self._shown, text[: len(text) - len(self._held)])
        # Whatever is written next, by pytest or by another story, is not to be red too, or hidden.
        return text + _NO_COLOUR if text.rfind("\x1b[") > text.rfind(_NO_COLOUR) else text


def _without_colour(found: re.Match[str]) -> str:
    sign = found.group()
    if found[1] is not None:
        return ""
    return "\n" if sign[0] == "\r" else ascii(sign)[1:-1]


def _with_colour(found: re.Match[str]) -> str:
    return found[1] if found[1] is not None else _without_colour(found)
