"""What happens to a run while it writes to its journal: an interrupt, damage, text that SQLite does not take."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_tapps_waves.errors import JournalError
from pytest_tapps_waves.journal import Journal, Row, Store
from pytest_tapps_waves.journal import journal as journal_module
from pytest_tapps_waves.journal import store as store_module
from pytest_tapps_waves.journal.owners import this_process
from pytest_tapps_waves.journal.past import RUNNING

pytestmark = pytest.mark.usefixtures("databases_are_closed")


def begun(folder: Path, arguments: str = "") -> Journal:
    return Journal(Store(folder), this_process(), uuid.uuid4().hex, arguments, 30)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = begun(tmp_path)
    yield journal
    journal.close()


def row(node: str, outcome: str = "passed", reason: str = "") -> Row:
    return Row(node, 1, "run:1", "", outcome, reason, 1000.0, 0.5, None)


def kept(folder: Path, what: str = "node FROM attempt") -> list[Any]:
    reader = sqlite3.connect(folder / "journal.db")
    try:
        return [found for (found,) in reader.execute(f"SELECT {what}")]
    finally:
        reader.close()


class _Interrupted:
    """A connection in which Ctrl-C comes right after a transaction has begun."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        cursor = self._connection.execute(statement, *values)
        if statement.startswith("BEGIN"):
            raise KeyboardInterrupt
        return cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_an_interrupt_in_the_midst_of_writing_takes_nothing_along(tmp_path: Path, journal: Journal) -> None:
    store = journal._store
    connection = store.connection
    store.connection = _Interrupted(connection)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        journal.claim(row("e::1", RUNNING))
    store.connection = connection
    journal.put(row("e::2"))
    journal.close()
    assert kept(tmp_path) == ["e::2"]
    assert kept(tmp_path, "count(ended) FROM run") == [1]
    assert journal.notes == []


def test_damage_that_only_shows_when_a_run_is_written_down_is_set_aside(tmp_path: Path) -> None:
    for _ in range(60):
        begun(tmp_path, "x" * 400).close()
    path = tmp_path / "journal.db"
    data = path.read_bytes()
    # The pages that were read to see whether it is our database are left as they are.
    path.write_bytes(data[: 4096 * 8] + b"\xff" * (len(data) - 4096 * 8))
    journal = begun(tmp_path)
    journal.put(row("e::1"))
    journal.close()
    assert kept(tmp_path) == ["e::1"]
    assert len(journal.notes) == 1
    assert "is damaged; it was set aside as journal.db.old1" in journal.notes[0]


def test_damage_that_cannot_be_set_aside_is_said_and_the_run_goes_on(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(path: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", cannot)
    journal._store.connection.execute("DROP TABLE attempt")
    journal.put(row("e::1"))
    journal.close()
    assert any("1 attempt is not in" in note for note in journal.notes)
    with pytest.raises(JournalError, match="it is damaged, and cannot be set aside: Permission denied"):
        begun(tmp_path)


def test_halves_of_pairs_are_kept_as_escapes(tmp_path: Path) -> None:
    journal = begun(tmp_path, "test_\udcff.py")
    journal.claim(row("test_\udcff.py::test_it", RUNNING))
    journal.process("test_\udcff.py::test_it", 1)
    journal.put(row("test_\udcff.py::test_it", "failed", "assert 'ä' == '\udcff'"))
    past = journal.latest("test_\udcff.py::test_it")
    assert past is not None
    assert (past.outcome, past.reason) == ("failed", "assert 'ä' == '\\udcff'")
    journal.close()
    assert kept(tmp_path, "arguments FROM run") == ["test_\\udcff.py"]


def test_a_journal_that_is_removed_meanwhile_is_said(tmp_path: Path, journal: Journal) -> None:
    for path in tmp_path.iterdir():
        path.unlink()
    journal.put(row("e::1"))
    journal.close()
    what = "was removed, or set aside by another run, while this one went on; it says nothing of this one"
    assert journal.notes == [f"warning: {tmp_path / 'journal.db'} {what}"]


def test_somebody_who_holds_the_database_for_long_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.05)
    monkeypatch.setattr(journal_module, "_RETRY_SECONDS", 0.0)
    journal = begun(tmp_path)
    waits = journal._store.connection.execute
    holder = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    journal.put(row("e::1"))
    assert waits("PRAGMA busy_timeout").fetchone() == (0,)
    holder.close()
    journal.put(row("e::2"))
    assert waits("PRAGMA busy_timeout").fetchone() == (50,)
    journal.close()
    assert kept(tmp_path) == ["e::1", "e::2"]
