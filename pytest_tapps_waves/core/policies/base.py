"""What a plan asks of a schedule, and what a schedule may go by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from ..conflicts import Conflict


class WaveStarted(NamedTuple):
    """A wave has begun."""

    number: int
    """Counted from 1."""
    stories: tuple[str, ...]


class WaveFinished(NamedTuple):
    """All stories of a wave have ended."""

    number: int
    stories: tuple[str, ...]


class Turn(NamedTuple):
    """The stories of one wave that affect files by the same pattern. All of them may go at once."""

    wave: int
    """Counted from 0."""
    stories: Sequence[str]


class Turns(NamedTuple):
    """The turns that wait for another or are waited for, in the order of their waves, and known by their numbers."""

    turns: Sequence[Turn] = ()
    after: Sequence[Sequence[int]] = ()
    """For each turn, those that wait until it is over: until its stories have ended, and so on before it."""
    of: Mapping[str, Sequence[int]] = {}
    """The turns of a story. It waits for all of them."""


class Terms(NamedTuple):
    """What a schedule may go by besides the graph and its waves."""

    durations: Mapping[str, float] = {}
    """How long stories are thought to take, in whatever unit; one that is not there takes 1."""
    turns: Callable[[], Turns] = Turns
    """Who has to wait for a file; called by schedules that have no barriers."""
    conflicts: Sequence[Conflict] = ()

    def duration(self, key: str) -> float:
        return self.durations.get(key, 1.0)


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


def ranks(weights: Mapping[str, float], position: Mapping[str, int]) -> Mapping[str, int]:
    """Ranks by weight, the heaviest first; of equal ones the first in file order.

    :param position: of all stories, in that order.
    """
    # A sort is stable, also in reverse.
    in_order = sorted(position, key=weights.__getitem__, reverse=True)
    return dict(zip(in_order, range(len(in_order)), strict=True))
