"""A run's part of the journal: nothing is lost, two runs do not take one another's stories, and trouble is said."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_tapps_waves.actions.sweeping import identity_of, is_alive
from pytest_tapps_waves.errors import JournalError
from pytest_tapps_waves.journal import Journal, Row, Store
from pytest_tapps_waves.journal.history import read_history
from pytest_tapps_waves.journal.owners import LOST_SECONDS, Owner, this_process
from pytest_tapps_waves.journal.past import LOST, RUNNING

pytestmark = pytest.mark.usefixtures("databases_are_closed", "each_by_itself")

Begin = Callable[..., Journal]
NOBODY = "no process was ever this"


def row(node: str = "e::1", outcome: str = "passed", number: int = 1, **more: object) -> Row:
    values = Row(node, number, "run:1", "", outcome, "", 1000.0, 0.5, None)
    return values._replace(**more)  # type: ignore[arg-type]


@pytest.fixture
def each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits each end, however soon after another one; tests/journal/test_tail.py has them in groups."""
    monkeypatch.setattr("pytest_tapps_waves.journal.journal._GROUP_SECONDS", 0.0)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Begins a run on one database, with another id each time."""
    begun: list[Journal] = []
    numbers = itertools.count(1)

    def make(owner: Owner | None = None, days: int = 30) -> Journal:
        journal = Journal(Store(tmp_path), owner or this_process(), f"run{next(numbers)}", "", days)
        begun.append(journal)
        return journal

    yield make
    for journal in begun:
        journal.close()


def outcomes(folder: Path) -> list[tuple[str, int, str]]:
    reader = sqlite3.connect(folder / "journal.db")
    try:
        return reader.execute("SELECT node, number, outcome FROM attempt ORDER BY place").fetchall()
    finally:
        reader.close()


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_an_end_is_on_disk_when_put_returns(begin: Begin, tmp_path: Path) -> None:
    begin().put(row())
    assert outcomes(tmp_path) == [("e::1", 1, "passed")]


def test_what_may_wait_is_on_disk_within_a_moment_without_another_call(begin: Begin, tmp_path: Path) -> None:
    begin().put_soon(row(outcome=RUNNING))
    assert until(lambda: outcomes(tmp_path) == [("e::1", 1, RUNNING)])


def test_what_waits_is_written_before_what_does_not(begin: Begin, tmp_path: Path) -> None:
    journal = begin()
    journal.put_soon(row("e::1", RUNNING))
    journal.put(row("e::2"))
    assert outcomes(tmp_path) == [("e::1", 1, RUNNING), ("e::2", 1, "passed")]


def test_an_attempt_is_one_row_from_its_start_to_its_end(begin: Begin, tmp_path: Path) -> None:
    journal = begin()
    journal.claim(row(outcome=RUNNING))
    journal.put(row(outcome="passed"))
    journal.put(row(outcome="failed", reason="its teardown failed"))
    assert outcomes(tmp_path) == [("e::1", 1, "failed")]


def test_closing_writes_what_waits(begin: Begin, tmp_path: Path) -> None:
    journal = begin()
    journal.put_soon(row())
    journal.close()
    assert outcomes(tmp_path) == [("e::1", 1, "passed")]


def test_the_latest_attempt_is_the_last_that_began_whatever_the_clock_says(begin: Begin) -> None:
    begin().put(row(outcome="failed", started=9_000.0))
    later = begin()
    later.put(row(outcome="passed", started=10.0))
    latest = begin().latest("e::1")
    assert latest is not None
    assert (latest.outcome, latest.run_id) == ("passed", "run2")


@pytest.mark.parametrize("was_killed", [False, True])
def test_a_clock_that_is_turned_back_does_not_make_the_last_attempt_an_earlier_one(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, was_killed: bool
) -> None:
    first = begin(Owner(this_process().host, os.getpid(), NOBODY))
    first.put(row(outcome="failed"))
    if not was_killed:
        first.close()
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now - 3600 * 10**9)
    second = begin()
    second.put(row(outcome="passed"))
    latest = second.latest("e::1")
    assert latest is not None
    assert latest.outcome == "passed"


def test_a_decision_is_no_attempt(begin: Begin, tmp_path: Path) -> None:
    journal = begin()
    journal.put(row())
    other = begin()
    other.put(row(outcome="skipped", number=0))
    latest = other.latest("e::1")
    assert latest is not None
    assert latest.outcome == "passed"
    history = read_history(Store(tmp_path))["e::1"]
    assert (history.latest.outcome, history.attempt and history.attempt.outcome) == ("skipped", "passed")


def test_a_story_that_another_run_is_at_cannot_be_claimed(begin: Begin) -> None:
    first, second = begin(), begin()
    assert first.claim(row(outcome=RUNNING)) is None
    holder = second.claim(row(outcome=RUNNING))
    assert holder is not None
    assert (holder.run_id, holder.owner.pid) == ("run1", os.getpid())
    first.put(row())
    assert second.claim(row(outcome=RUNNING)) is None


def test_a_story_of_a_run_whose_process_is_gone_can_be_claimed(begin: Begin, tmp_path: Path) -> None:
    dead = begin(Owner(this_process().host, os.getpid(), NOBODY))
    dead.claim(row(outcome=RUNNING))
    dead.process("e::1", os.getpid())
    second = begin()
    assert second.dead == ["run1"]
    assert second.left == [(os.getpid(), identity_of(os.getpid()))]
    assert outcomes(tmp_path) == [("e::1", 1, LOST)]
    assert second.claim(row(outcome=RUNNING)) is None


def test_a_run_on_another_host_holds_its_stories_as_long_as_it_is_heard_of(begin: Begin, tmp_path: Path) -> None:
    elsewhere = begin(Owner("elsewhere", 1, NOBODY))
    elsewhere.claim(row(outcome=RUNNING))
    assert begin().claim(row(outcome=RUNNING)) is not None
    writer = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    writer.execute("UPDATE run SET beat = beat - ? WHERE id = 'run1'", [LOST_SECONDS + 1])
    writer.close()
    third = begin()
    assert third.claim(row(outcome=RUNNING)) is None
    assert third.dead == [], "its processes are not on this host"


def test_old_runs_are_forgotten_and_the_rest_is_kept(begin: Begin, tmp_path: Path) -> None:
    for name in ("e::old", "e::new"):
        journal = begin()
        journal.put(row(name))
        journal.close()
    writer = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    writer.execute("UPDATE run SET started = started - 31 * 86400 WHERE id = 'run1'")
    writer.close()
    begin()
    assert outcomes(tmp_path) == [("e::new", 1, "passed")]


@pytest.mark.parametrize(("days", "left"), [(0, 2), (30, 2), (29, 1)])
def test_runs_are_as_old_as_the_days_allow(begin: Begin, tmp_path: Path, days: int, left: int) -> None:
    for name in ("e::old", "e::new"):
        journal = begin()
        journal.put(row(name))
        journal.close()
    writer = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    writer.execute("UPDATE run SET started = started - 29.5 * 86400 WHERE id = 'run1'")
    writer.close()
    begin(days=days)
    assert len(outcomes(tmp_path)) == left


def test_a_clock_that_jumps_ahead_makes_nothing_old(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = begin()
    journal.put(row())
    journal.close()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3650 * 86400)
    begin()
    assert outcomes(tmp_path) == [("e::1", 1, "passed")]


def test_a_database_that_turns_out_to_be_damaged_is_begun_anew_and_what_is_written_is_kept(
    begin: Begin, tmp_path: Path
) -> None:
    journal = begin()
    journal.put(row("e::1"))
    # All pages but the first, whose header tells that it is a database; and nothing may be read from memory.
    journal._store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journal._store.connection.execute("PRAGMA cache_size = 0")
    path = tmp_path / "journal.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    journal._store.connection.execute("PRAGMA shrink_memory")
    journal.put(row("e::2"))
    assert outcomes(tmp_path) == [("e::2", 1, "passed")]
    assert any("is damaged; it was set aside as journal.db.old1" in note for note in journal.notes)
    assert (tmp_path / "journal.db.old1").exists()


def test_what_cannot_be_written_now_is_written_later(begin: Begin, tmp_path: Path) -> None:
    journal = begin()
    journal._store.connection.execute("PRAGMA max_page_count = 1")
    for number in range(2000):
        journal.put(row(f"e::{number}", reason="x" * 100))
    missing = 2000 - len(outcomes(tmp_path))
    assert missing
    assert journal.notes == [
        f"warning: {missing:,} attempts are not in {tmp_path / 'journal.db'}: database or disk is full"
    ]
    journal._store.connection.execute("PRAGMA max_page_count = 1000000")
    journal.close()
    assert len(outcomes(tmp_path)) == 2000
    assert journal.notes == []


def test_a_run_that_cannot_be_written_down_at_all_is_an_error(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.connection.execute("PRAGMA query_only = 1")
    with pytest.raises(JournalError, match=r"journal\.db: attempt to write a readonly database"):
        Journal(store, this_process(), "run1", "", 30)


def test_a_process_is_known_by_more_than_its_pid() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        identity = identity_of(child.pid)
        assert is_alive(child.pid, identity)
        assert not is_alive(child.pid, NOBODY)
        assert identity != identity_of(os.getpid())
    finally:
        child.communicate(b"\n")
    assert not is_alive(child.pid, identity)
    assert not is_alive(child.pid, "")
