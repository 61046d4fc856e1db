"""The words of messages: what stands in a file, shown in a line that can be read."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

UNSHOWN = "unshown"
"""The type of errors that do not show what was given."""

_WORDS = {
    "missing": "is missing",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "extra_forbidden": "is not a key that goes here",
}


def short(text: str, longest: int = 60) -> str:
    """What fits into a line: a file of 5 MiB may be one word, and be told in each of its mistakes."""
    return text if len(text) <= longest else text[: longest - 3] + "..."


def said(details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "literal_error":
        words = f"must be {context['expected']}".replace("'", "")
    elif kind == "greater_than_equal":
        words = f"must be {context['ge']:g} or more"
    elif kind == "greater_than":
        words = f"must be more than {context['gt']:g}"
    elif kind == "less_than_equal":
        words = f"must be {context['le']:g} or less"
    else:
        words = _WORDS.get(kind) or details["msg"]
    return words if kind in ("missing", UNSHOWN) else f"{words}, not {shown(details['input'])}"


def one_line(message: str) -> str:
    """Keys, ids and tags of a file may hold anything."""
    if message.isprintable():
        return message
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in message)


def shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "empty"
    if isinstance(value, int) and value.bit_length() > 1000:
        return "a number of more than 300 digits"
    if isinstance(value, str):
        value = value[:60]
    return short(str(value).lower() if isinstance(value, bool) else repr(value))


def near(key: str, known: tuple[str, ...], alike: float) -> str | None:
    """A known key that ``key`` was probably meant to be.

    :param alike: from 0 to 1, how much they must have in common.
    """
    return _near(key, known, alike) if len(key) <= 40 else None


@lru_cache(maxsize=4096)
def _near(key: str, known: tuple[str, ...], alike: float) -> str | None:
    folded = key.casefold().replace("-", "_").replace(" ", "_")
    if folded in known:
        return folded
    # Short keys are near to too much: `id2`, `ran`.
    return next(iter(get_close_matches(folded, [key for key in known if len(key) > 3], n=1, cutoff=alike)), None)
