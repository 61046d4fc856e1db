"""How long stories are thought to take: as measured, else as guessed by their authors, else as long as a usual one."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from typing import NamedTuple


class Estimates(NamedTuple):
    """What is thought of each story of a run, and where it comes from."""

    durations: Mapping[str, float]
    """By key, of all stories. In seconds if ``measured``, else only their proportions mean anything."""
    measured: int = 0
    """How many have been measured."""
    guessed: Mapping[str, int] = {}
    """How many are taken from guesses, by what is guessed."""
    unknown: int = 0
    """How many are taken to last as long as a usual one."""
    usual: float = 1.0
    """The median of what was measured; 1 if nothing was."""


def estimated(
    keys: Collection[str],
    measured: Mapping[str, float],
    guesses: Mapping[str, Mapping[str, float]],
    idle: Container[str] = (),
) -> Estimates:
    """Put together what is known of each story.

    Guesses of one kind are scaled by the stories that have been measured too (the median of the proportions), and if
    there is none, so that the median guess is a usual duration.

    :param measured: seconds, of some of the stories.
    :param guesses: hours, points or what else, more than 0; by kind and by key. The first kind that has a story counts.
    :param idle: the stories that have nothing to run. Once others are measured, they take no time, and are not counted.
    """
    known = [measured[key] for key in keys if key in measured]
    usual = median(known) if known else 1.0
    scales = {kind: _scale(numbers, measured, usual) for kind, numbers in guesses.items() if numbers}
    durations: dict[str, float] = {}
    guessed: dict[str, int] = {}
    unknown = 0
    for key in keys:
        kind = next((kind for kind in scales if key in guesses[kind]), None)
        if key in measured:
            durations[key] = measured[key]
        elif kind is not None:
            durations[key] = guesses[kind][key] * scales[kind]
            guessed[kind] = guessed.get(kind, 0) + 1
        elif known and key in idle:
            durations[key] = 0.0
        else:
            durations[key] = usual
            unknown += 1
    return Estimates(durations, len(known), guessed, unknown, usual)


def _scale(numbers: Mapping[str, float], measured: Mapping[str, float], usual: float) -> float:
    both = [measured[key] / number for key, number in numbers.items() if key in measured]
    return median(both) if both else usual / median(list(numbers.values()))


def median(numbers: Sequence[float]) -> float:
    """Of one number or more. (The module ``statistics`` takes longer to import than all that is counted here.)"""
    in_order = sorted(numbers)
    middle = len(in_order) // 2
    return in_order[middle] if len(in_order) % 2 else (in_order[middle - 1] + in_order[middle]) / 2
