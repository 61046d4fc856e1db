"""The text of an epic file, and its lines as an editor shows them."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from itertools import accumulate

import yaml

from .wording import short
from .yaml_scalars import YamlError

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 100
MAX_DIRECTIVES = 100

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_DIRECTIVE = re.compile("(?:^|[\n\r\x85\u2028\u2029])%")
_SHOWN_BREAKS = frozenset({"\r\n", "\n", "\r"})
_UNUSUAL_BREAKS = "\r\x85\u2028\u2029"


class Text:
    """What stands in a file, once it has been decoded."""

    value: str
    lines: Sequence[int]
    """For each of YAML's lines, counted from 0, the line that editors show, counted from 1.

    YAML also ends a line at three signs that editors take for text, NEL, LS and PS; and it ends in a line of its own.
    """
    last: int
    """The last line that holds something."""

    def __init__(self, value: str) -> None:
        self.value = value
        if any(sign in value for sign in _UNUSUAL_BREAKS):
            breaks = (found[0] in _SHOWN_BREAKS for found in _BREAK.finditer(value))
            shown = array("L", accumulate(breaks, initial=1))
            shown.append(shown[-1] + 1)
            self.lines = shown
        else:
            self.lines = range(1, value.count("\n") + 3)
        self.last = max(1, self.lines[-2] - value.endswith(("\n", "\r")))

    def refusal(self, error: yaml.MarkedYAMLError | yaml.reader.ReaderError) -> YamlError:
        """What PyYAML says of the text, with its line."""
        if isinstance(error, yaml.reader.ReaderError):
            # libyaml counts bytes; what may not stand there is where it first occurs.
            code = error.character if isinstance(error.character, int) else ord(error.character)
            before = _BREAK.findall(self.value, 0, max(0, self.value.find(chr(code))))
            message = f"not valid YAML: the character #x{code:04x} may not stand in it"
            return YamlError(self.lines[len(before)], message)
        mark = error.problem_mark or error.context_mark
        # What is missing at the end is missed after the last line.
        line = min(self.lines[mark.line], self.last) if mark else 1
        if error.problem == "exceeded maximum nesting depth":  # libyaml's own limit, found before ours
            return YamlError(line, f"nested more than {MAX_DEPTH} deep")
        said = ", ".join(short(part, 200) for part in (error.problem, error.context) if part)
        return YamlError(line, f"not valid YAML: {said}")


def decode(data: bytes) -> Text:
    """The text of a file.

    :raises YamlError: if it is none, or more than is read.
    """
    if len(data) > MAX_BYTES:
        raise YamlError(1, f"the file has {len(data):,} bytes, more than {MAX_BYTES:,}; split the epic")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") and data[2:4] != b"\0\0" else "utf-8"
    try:
        text = Text(data.decode(encoding).removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        before = Text(data[: error.start].decode(encoding, "ignore"))
        raise YamlError(before.lines[-2], f"not {encoding} text; save the file as UTF-8") from None
    # libyaml compares each directive with all that came before.
    if text.value.count("%") > MAX_DIRECTIVES and len(_DIRECTIVE.findall(text.value)) > MAX_DIRECTIVES:
        raise YamlError(1, f"more than {MAX_DIRECTIVES} lines begin with %, as YAML directives do; an epic needs none")
    return text
