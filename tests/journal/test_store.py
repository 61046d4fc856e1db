"""The database opens, grows with the schema, and is set aside when it cannot be used."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from pytest_tapps_waves.errors import JournalError
from pytest_tapps_waves.journal import store as store_module
from pytest_tapps_waves.journal.store import FILE_NAME, MIGRATIONS, Store

pytestmark = pytest.mark.usefixtures("databases_are_closed")

RUN = "INSERT INTO run (id, started, beat, host, pid, identity, arguments) VALUES ('r', 1, 1, 'h', 1, 'i', '')"


def runs(store: Store) -> list[str]:
    return [row[0] for row in store.connection.execute("SELECT id FROM run")]


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.connection.execute(RUN)
    store.close()
    assert runs(Store(tmp_path)) == ["r"]


def test_commits_outlive_the_process_and_readers_do_not_wait(tmp_path: Path) -> None:
    execute = Store(tmp_path).connection.execute
    assert execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert execute("PRAGMA synchronous").fetchone() == (1,)


def test_an_older_database_is_brought_up_to_date_with_all_that_it_holds(tmp_path: Path) -> None:
    older = Store(tmp_path)
    older.connection.execute(RUN)
    older.close()
    newer = Store(
        tmp_path, [*MIGRATIONS, "ALTER TABLE run ADD COLUMN host_again TEXT; UPDATE run SET host_again = host"]
    )
    assert newer.connection.execute("SELECT id, host_again FROM run").fetchall() == [("r", "h")]
    assert newer.connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    assert newer.notes == []


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    older = Store(tmp_path)
    older.connection.execute(RUN)
    older.close()
    with pytest.raises(JournalError):
        Store(tmp_path, [*MIGRATIONS, "DELETE FROM run; INSERT INTO run (number) VALUES (1)"])
    assert runs(Store(tmp_path)) == ["r"]


def test_a_newer_database_is_set_aside_whole(tmp_path: Path) -> None:
    newer = Store(tmp_path, [*MIGRATIONS, "CREATE TABLE later (x)"])
    newer.connection.execute(RUN)
    newer.close()
    store = Store(tmp_path)
    assert runs(store) == []
    expected = (
        f"warning: {tmp_path / FILE_NAME} is of version {len(MIGRATIONS) + 1}, from a later pytest-tapps-waves; "
        "it was set aside as journal.db.old1, and a new one was begun"
    )
    assert store.notes == [expected]
    aside = sqlite3.connect(tmp_path / "journal.db.old1")
    assert aside.execute("SELECT id FROM run").fetchall() == [("r",)]
    aside.close()


@pytest.mark.parametrize(
    "damage",
    [
        b"this is no database",
        b"SQLite format 3\0" + b"\xff" * 4096,
    ],
    ids=["text", "header"],
)
def test_a_damaged_database_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(damage)
    store = Store(tmp_path)
    assert runs(store) == []
    assert (tmp_path / "journal.db.old1").read_bytes() == damage
    assert "is damaged; it was set aside as journal.db.old1" in store.notes[0]


def test_a_database_of_somebody_else_is_set_aside(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / FILE_NAME)
    other.execute("CREATE TABLE theirs (x)")
    other.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    other.close()
    assert runs(Store(tmp_path)) == []
    assert (tmp_path / "journal.db.old1").exists()


def test_nothing_that_was_set_aside_is_overwritten(tmp_path: Path) -> None:
    for text in (b"first", b"second"):
        (tmp_path / FILE_NAME).write_bytes(text)
        Store(tmp_path).close()
        for left in tmp_path.glob(f"{FILE_NAME}-*"):
            left.unlink()
    assert (tmp_path / "journal.db.old1").read_bytes() == b"first"
    assert (tmp_path / "journal.db.old2").read_bytes() == b"second"


def test_a_folder_that_is_not_there_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"missing.journal\.db"):
        Store(tmp_path / "missing")


def test_what_another_run_has_just_begun_is_not_set_aside(tmp_path: Path) -> None:
    first, second = Store(tmp_path), Store(tmp_path)
    second.renew()
    second.connection.execute(RUN)
    assert not first.is_in_place
    first.renew()
    assert runs(first) == ["r"]
    assert first.notes == []
    assert second.is_in_place
    assert not (tmp_path / "journal.db.old2").exists()


def test_runs_open_the_database_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.05)
    lock = sqlite3.connect(tmp_path / "journal.lock", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with pytest.raises(JournalError, match="database is locked"):
        Store(tmp_path)
    lock.close()
    assert runs(Store(tmp_path)) == []


def test_a_damaged_database_that_cannot_be_moved_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is no database")
    monkeypatch.setattr(Path, "replace", cannot)
    with pytest.raises(JournalError, match=r"journal\.db: it is damaged, and cannot be set aside: Read-only file"):
        Store(tmp_path)


def cannot(path: Path, target: Path) -> None:
    raise OSError(errno.EROFS, "Read-only file system")
