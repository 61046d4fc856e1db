"""The places that runs have made outside of rootdir, as the journal knows them."""

from __future__ import annotations

from collections.abc import Sequence

from ..workspaces.base import Made
from .journal import Journal
from .statements import Execute
from .store import storable

_COLUMNS = "made.node, made.path, made.branch, made.repository"


class Places:
    """A ledger of workspaces that outlives the run, and whatever ends it."""

    def __init__(self, journal: Journal, host: str) -> None:
        """:param host: the one whose file system holds them; those of others are left alone."""
        self._journal = journal
        self._host = host

    def making(self, made: Made) -> None:
        def work(execute: Execute, run: int) -> None:
            execute("INSERT OR REPLACE INTO made VALUES (?, ?, ?, ?, ?, 0)", (run, *map(storable, made)))

        self._journal.ask(work)

    def keeping(self, made: Made) -> None:
        self._journal.ask(
            lambda execute, run: execute("UPDATE made SET kept = 1 WHERE path = ?", [storable(made.path)])
        )

    def gone(self, made: Made) -> None:
        self._journal.ask(lambda execute, run: execute("DELETE FROM made WHERE path = ?", [storable(made.path)]))

    def left(self) -> Sequence[Made]:
        return self._of_ended_runs(kept=False)

    def kept(self) -> Sequence[Made]:
        return self._of_ended_runs(kept=True)

    def _of_ended_runs(self, *, kept: bool) -> Sequence[Made]:
        def work(execute: Execute, run: int) -> list[Made]:
            found = execute(
                f"SELECT {_COLUMNS} FROM made JOIN run ON run.number = made.run "
                "WHERE kept = ? AND run.host = ? AND run.ended IS NOT NULL ORDER BY path",
                [kept, self._host],
            )
            return [Made(*row) for row in found]

        return self._journal.ask(work) or []
