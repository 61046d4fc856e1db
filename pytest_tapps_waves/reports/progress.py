"""How far a run is, in one line."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import NamedTuple

from ..inert import one_line

_LONGEST_ID = 24
_MOST_RUNNING = 4


class Progress(NamedTuple):
    """A run at one moment."""

    wave: int
    """Of the latest story that was started; 0 where there are no waves to speak of."""
    waves: int
    ended: int
    stories: int
    """All that there are."""
    failed: int
    skipped: int
    running: Sequence[tuple[str, float]]
    """The ids of those that run, and for how many seconds, the oldest first."""
    left: float | None
    """Seconds that it is still going to take, if anything is known of it."""


def progress_line(progress: Progress, width: int) -> str:
    """One line with colours, at most ``width`` columns wide."""
    from rich.console import Console
    from rich.text import Text

    parts = [Text(f"{progress.ended:,}/{progress.stories:,}")]
    if progress.wave:
        parts.insert(0, Text(f"wave {progress.wave}/{progress.waves}", "bold"))
    if progress.failed:
        parts.append(Text(f"{progress.failed:,} failed", "red"))
    if progress.skipped:
        parts.append(Text(f"{progress.skipped:,} skipped", "yellow"))
    if progress.left is not None:
        parts.append(Text(f"about {_rounded(progress.left)} left", "cyan"))
    if progress.running:
        shown = [f"{_short(key)} {_age(age)}" for key, age in progress.running[:_MOST_RUNNING]]
        more = len(progress.running) - len(shown)
        parts.append(Text(", ".join(shown) + (f" +{more:,}" if more else "")))
    line = Text(" | ").join(parts)
    # A line that fills the last column makes some terminals go on in the next one.
    line.truncate(width - 1, overflow="ellipsis")
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=width, highlight=False)
    with console.capture() as captured:
        console.print(line, end="", no_wrap=True, overflow="crop")
    return captured.get()


def _short(identifier: str) -> str:
    text = one_line(identifier)
    return text if len(text) <= _LONGEST_ID else f"...{text[3 - _LONGEST_ID :]}"


def _age(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


def _rounded(seconds: float) -> str:
    """No more precise than a guess is."""
    if seconds < 60:
        return f"{max(1, math.ceil(seconds))} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
