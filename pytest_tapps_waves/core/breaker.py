"""The circuit breaker: so many failures in a row, and the epic is stopped."""

from __future__ import annotations


class Breaker:
    """Counts the failures of one epic, in the order in which its stories end."""

    def __init__(self, threshold: int) -> None:
        """:param threshold: opens after so many failures in a row; 0 never opens."""
        self._threshold = threshold
        self._failures: list[str] = []
        self.open = False

    def passed(self) -> None:
        self._failures.clear()

    def failed(self, key: str) -> tuple[str, ...]:
        """Count a failure; the stories that tripped the breaker if this one did, else nothing."""
        self._failures.append(key)
        if self.open or not self._threshold or len(self._failures) < self._threshold:
            return ()
        self.open = True
        return tuple(self._failures)
