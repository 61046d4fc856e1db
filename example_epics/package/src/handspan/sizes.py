"""Sizes: "1.5 KiB" and 1536 bytes."""

import re

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")


def parse(text: str) -> int:
    """Bytes of a size such as `512 B` or `1.5 GiB`, rounded to a whole byte."""
    match = SIZE.fullmatch(text)
    if match is None or match[2] not in UNITS:
        raise ValueError(f"not a size: {text!r} (units: {', '.join(UNITS)})")
    return round(float(match[1]) * (1 << 10 * UNITS.index(match[2])))


def text(size: int) -> str:
    """One decimal at most, in the largest unit that leaves a number of at least one."""
    if size < 0:
        raise ValueError("a size is not negative")
    power = min(max(size.bit_length() - 1, 0) // 10, len(UNITS) - 1)
    number = f"{size / 1024**power:.1f}".removesuffix(".0")
    if number == "1024" and power + 1 < len(UNITS):
        number, power = "1", power + 1
    return f"{number} {UNITS[power]}"
