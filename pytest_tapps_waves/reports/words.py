"""Numbers in words."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 story``, ``2 stories``, ``3 waves``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {plural or noun + 's'}"


def stories(number: int) -> str:
    return counted(number, "story", "stories")


_AGES = ((86400.0, "day"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def ago(seconds: float) -> str:
    """``3 h ago``, ``2 days ago``; ``just now`` for less than a second, and for a clock that was turned back."""
    for size, unit in _AGES:
        if seconds >= size:
            number = int(seconds / size)
            return f"{counted(number, unit) if unit == 'day' else f'{number} {unit}'} ago"
    return "just now"


def seconds(number: float) -> str:
    """``0.04 s``, ``1.5 s``, ``4 min 20 s``, ``2 h 5 min``."""
    if number < 59.95:
        return f"{number:.2f} s" if number < 0.995 else f"{number:.1f} s"
    minutes, rest = divmod(round(number), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
