"""What a plan asks of a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WaveStarted:
    """A wave has begun."""

    number: int
    """Counted from 1."""
    stories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaveFinished:
    """All stories of a wave have ended."""

    number: int
    stories: tuple[str, ...]


class Policy(Protocol):
    """A schedule. It opens each story once; a story also waits for its own dependencies and for a slot."""

    def poll(self) -> tuple[Sequence[str], Sequence[WaveStarted | WaveFinished]]:
        """The stories that may start from now on, and what became of the waves. Called first and after each end."""
        ...

    def settled(self, key: str) -> None:
        """A story has ended, or is not going to be run."""
        ...

    def rank(self, key: str) -> int:
        """Of the stories that may start, the one of the lowest rank does."""
        ...
