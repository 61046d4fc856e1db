"""Whether an agent may use a tool: it asks, and is answered by the tool's kind.

This holds back agents that ask. One that does not ask, or is set up to allow itself everything, does as it likes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

OPTION_KINDS = ("allow_once", "allow_always", "reject_once", "reject_always")
"""The protocol's."""

UNKNOWN = "other"
"""The kind of a tool that was given none."""


class Option(Protocol):
    """One of the answers that an agent offers."""

    @property
    def option_id(self) -> str: ...

    @property
    def kind(self) -> str: ...


def refusal(kind: str, allow: Collection[str]) -> str:
    """Why a tool of this kind must not be used; empty if it may."""
    return "" if kind in allow else f"since {kind} is not in allow"


def chosen(options: Iterable[Option], *, allowed: bool) -> str | None:
    """The id of the option that says so, for this once if there is one, else for ever; None if no option says so."""
    by_kind = {option.kind: option.option_id for option in options}
    word = "allow" if allowed else "reject"
    return by_kind.get(f"{word}_once", by_kind.get(f"{word}_always"))
