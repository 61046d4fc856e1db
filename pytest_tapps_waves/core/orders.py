"""A plan that is made elsewhere: what is ordered is started, and nothing follows here from how it ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from .graph import Graph
from .model import State
from .plan import Plan
from .policies.base import WaveFinished, WaveStarted


class _NoSchedule:
    """Opens nothing: it is ordered."""

    def poll(self) -> tuple[Sequence[str], Sequence[WaveStarted | WaveFinished]]:
        return (), ()

    def settled(self, key: str) -> None:
        return

    def rank(self, key: str) -> int:
        return 0


class Orders(Plan):
    """The part of a plan that one process carries out, as it is told story by story.

    It may be told of keys that are no stories of the graph, too: items that nothing depends on.
    """

    def __init__(self, graph: Graph, on_end: Callable[[str, State, str], None]) -> None:
        """:param on_end: is told of each key that has ended, with its state and the reason."""
        super().__init__(graph, _NoSchedule())
        self._ordered: deque[str] = deque()
        self._on_end = on_end
        self.cancelling: dict[str, str] = {}
        """Why those that were to be cancelled were."""
        self.waits = True

    @property
    def done(self) -> bool:
        return not (self.waits or self._ordered or self.running)

    def begin(self) -> None:
        """Nothing is decided here."""

    def order(self, keys: Iterable[str]) -> None:
        """Start these as soon as may be."""
        if not self.stopped:
            self._ordered.extend(keys)

    def cancel(self, key: str, reason: str) -> None:
        """Cancel one that was ordered, if it has not ended by now."""
        if key in self._ordered:
            self._ordered.remove(key)
            self._on_end(key, State.NOT_STARTED, "")
        elif key in self.running:
            self.cancelling[key] = reason
            self._cancel([key], reason)

    def close(self) -> None:
        """No more orders will come."""
        self.waits = False

    def next(self) -> list[str]:
        starting = list(self._ordered)
        self._ordered.clear()
        for key in starting:
            self.start(key)
        return starting

    def start(self, key: str) -> None:
        self.states[key] = State.RUNNING
        self.running.add(key)

    def end(self, key: str, state: State, reason: str = "") -> None:
        self.running.discard(key)
        if state is State.SKIPPED and key in self.cancelling and reason == self.cancelling[key]:
            state = State.CANCELLED
        self.states[key] = state
        if reason:
            self.reasons[key] = reason
        self._on_end(key, state, reason)

    def stop(self, reason: str) -> None:
        """Start nothing more, cancel what runs."""
        if self.stopped:
            return
        self.stopped = reason
        self.waits = False
        self._ordered.clear()
        self._cancel(sorted(self.running), f"cancelled: {reason}")
