"""Numbers in words."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 story``, ``2 stories``, ``3 waves``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {plural or noun + 's'}"


def stories(number: int) -> str:
    return counted(number, "story", "stories")
