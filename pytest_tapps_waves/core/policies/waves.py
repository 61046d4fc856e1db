"""Waves with a barrier: a wave starts when every story of the one before has ended."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Graph, Waves
from .base import Terms, WaveFinished, WaveStarted, ranks


class WavesPolicy:
    """Opens one wave after the other; in each the longest first. A wave with nothing left to run is passed over."""

    def __init__(self, graph: Graph, waves: Waves, terms: Terms) -> None:
        self._ranks = ranks({key: terms.duration(key) for key in graph.stories}, graph.position)
        self._waves = waves
        self._wave_of = {key: number for number, wave in enumerate(waves) for key in wave}
        self._left = [len(wave) for wave in waves]
        self._current = -1
        self._running = False

    def poll(self) -> tuple[Sequence[str], Sequence[WaveStarted | WaveFinished]]:
        effects: list[WaveStarted | WaveFinished] = []
        if self._running and self._left[self._current]:
            return (), effects
        if self._running:
            effects.append(WaveFinished(self._current + 1, self._waves[self._current]))
            self._running = False
        while self._current + 1 < len(self._waves):
            self._current += 1
            if self._left[self._current]:
                self._running = True
                effects.append(WaveStarted(self._current + 1, self._waves[self._current]))
                return self._waves[self._current], effects
        return (), effects

    def settled(self, key: str) -> None:
        self._left[self._wave_of[key]] -= 1

    def rank(self, key: str) -> int:
        return self._ranks[key]
