"""Durations: "1h 30m" and 5400 seconds."""

import re

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
PART = re.compile(r"\s*(\d+)\s*([dhms])\s*")


def parse(text: str) -> int:
    """Seconds of a duration such as `1d 2h`, `90m` or `45s`."""
    position, seconds, seen = 0, 0, set()
    while match := PART.match(text, position):
        amount, unit = match.groups()
        if unit in seen:
            raise ValueError(f"{unit!r} is named twice in {text!r}")
        seen.add(unit)
        seconds += int(amount) * UNITS[unit]
        position = match.end()
    if not seen or position != len(text):
        raise ValueError(f"not a duration: {text!r}")
    return seconds


def text(seconds: int) -> str:
    """The shortest exact form, largest unit first."""
    if seconds < 0:
        raise ValueError("a duration is not negative")
    parts = []
    for unit, length in UNITS.items():
        amount, seconds = divmod(seconds, length)
        if amount:
            parts.append(f"{amount}{unit}")
    return " ".join(parts) or "0s"
