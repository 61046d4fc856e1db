"""The values of an epic file in JSON Schema, for editors: what the validators of :mod:`schema` check, where it can.

A shape may let through what a validator refuses, and never the other way round: an editor must not mark a file that
runs. So what is text for us may look like a number or a boolean to an editor (``id: 8.10``), and patterns name the
signs that are refused, since what ``\\w`` and ``\\s`` match differs between languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Shape = dict[str, Any]

TEXT_TYPES = ["string", "number", "boolean"]
"""What a scalar that is kept as text may look like."""

_BLANK = r"\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028-\u202f\u205f\u2066-\u2069\u3000"
_NO_NUL = r"[^\u0000]"
_IDENTIFIER = (
    r"[^\u0000-\u0040\u005b-\u005e\u0060\u007b-\u007f][^\u0000-\u002f\u003a-\u0040\u005b-\u005e\u0060\u007b-\u007f]*"
)
_NAME = rf"{_IDENTIFIER}(\.{_IDENTIFIER})*"


def _text(pattern: str, **more: Any) -> Shape:
    return {"type": TEXT_TYPES, "pattern": pattern, **more}


def listed(*items: Shape) -> Shape:
    """A list, or one text that stands for a list of it."""
    texts = [item for item in items if item.get("type") == TEXT_TYPES]
    return {"anyOf": [*texts, {"type": "array", "items": items[0] if len(items) == 1 else {"anyOf": list(items)}}]}


def one_or_more(words: Sequence[str]) -> Shape:
    """A list of some of these words, or one of them."""
    return {"anyOf": [{"enum": list(words)}, {"type": "array", "items": {"enum": list(words)}}]}


TEXT: Shape = {"type": TEXT_TYPES}
ID = _text(rf"^[^{_BLANK}\[\]:/\\]+$")
FOLDER = _text(rf"^(?!/|\.\.([/\\]|$)|[A-Za-z]:){_NO_NUL}*$")
GLOB = _text(r"^(?![!#])(?!(.*/)?\.\.(/|$)).*[^/ ]", maxLength=4096)
TAG = _text(rf"^(?!(timeout|depends)$)[^{_BLANK}!-/:-@\[-`{{-~][^{_BLANK}!-,/:-@\[-^`{{-~]*$")
VARIABLE = _text(rf"^[^{_BLANK}=$]+$")
TARGET = _text(f"^{_NAME}:{_NAME}$")
ENVIRONMENT: Shape = {
    "type": "object",
    "propertyNames": {"pattern": r"^[^=\u0000]+$"},
    "additionalProperties": _text(f"^{_NO_NUL}*$"),
}
_PROGRAM = _text(rf"^{_NO_NUL}*[^ \t\r\n\u0000]{_NO_NUL}*$")
COMMAND: Shape = {
    "anyOf": [
        _PROGRAM,
        {"type": "array", "items": [_PROGRAM], "additionalItems": _text(f"^{_NO_NUL}*$"), "minItems": 1},
    ]
}
BOOLEAN: Shape = {
    "anyOf": [
        {"type": "boolean"},
        {"type": "string", "pattern": "^(yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$"},
    ]
}
"""Epics are YAML 1.1, as PyYAML reads it; to editors, which read 1.2, ``yes`` is text."""
CONFLICTS: Shape = {"anyOf": [{"enum": ["fail", "serialize", "warn", "off"]}, *BOOLEAN["anyOf"]]}
OLD_NUMBER: Shape = {
    "type": "string",
    "pattern": (
        r"^[-+]?([0-9][0-9_]*((:[0-5]?[0-9])+|_[0-9_]*)(\.[0-9_]*([eE][-+][0-9]+)?)?|0b_*[01][01_]*|0x_*[0-9a-fA-F][0-9a-fA-F_]*)$"
    ),
    "maxLength": 1000,
}
"""A number that YAML 1.2 takes for text: ``1:30`` is 90, ``1_000`` is 1000."""
RESOURCES: Shape = {
    "type": "object",
    "propertyNames": {"pattern": rf"^[^{_BLANK}=,]+$"},
    "additionalProperties": {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1.7976931348623157e308},
            {"type": "string", "pattern": r"^[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]{1,3}$"},
            OLD_NUMBER,
        ]
    },
}
