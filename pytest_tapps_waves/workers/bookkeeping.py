"""The journal of a run across workers: they say what is to be written, and the controller writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from ..core.model import State
from ..core.plan import Settled
from ..opening import open_records
from ..records import Records, Tried
from ..settings import Settings
from .facts import Facts

Said = Iterable[tuple[str, Mapping[str, Any]]]


class Bookkeeping:
    """Keeps the journal, if there is one."""

    def __init__(
        self, config: pytest.Config, settings: Settings, facts: Facts, run: str, said: Callable[[], Said]
    ) -> None:
        """
        :param run: the id of the run.
        :param said: answers with what workers have said since it was asked last.
        :raises pytest.UsageError: if the run is to be resumed, and nobody knows what is done.
        """
        self._said = said
        self._trouble: list[str] = []
        self._records = open_records(
            config, settings, facts.found.graph, facts.definitions, run, facts.found.mask, self._trouble
        )

    @property
    def resumable(self) -> bool:
        """Whether the next run will know of this one."""
        return self._records is not None

    def begin(self, key: str) -> Settled | None:
        """A story is about to be sent: note it, or say why it does not have to run."""
        return self._records.begin(key) if self._records is not None else None

    def settled(self, key: str, state: State, reason: str) -> None:
        """A story is final."""
        if self._records is not None:
            self._records.settled(key, state, reason)

    def write(self) -> None:
        """Write down what workers have said."""
        for word, told in self._said():
            if self._records is not None:
                _write(self._records, word, told)

    def close(self) -> None:
        """The run is over."""
        self.write()
        if self._records is not None:
            self._records.close()

    def told(self) -> list[str]:
        """What users should know of it."""
        return [*self._trouble, *(self._records.told() if self._records is not None else ())]


def _write(records: Records, word: str, told: Mapping[str, Any]) -> None:
    key = told["key"]
    if word == "set_up":
        records.set_up(key)
    elif word == "reported":
        records.reported(key, State(told["state"]), told["reason"], [Tried(*tried) for tried in told["tries"]])
    elif word == "process":
        records.process(key, told["pid"])
