"""What ends in quick succession is committed together, and is as safe meanwhile as if it were committed."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tapps_waves.journal import Journal, Row, Store
from pytest_tapps_waves.journal.history import read_history
from pytest_tapps_waves.journal.owners import Owner, this_process
from pytest_tapps_waves.journal.past import LOST, RUNNING
from pytest_tapps_waves.journal.statements import line_of

pytestmark = pytest.mark.usefixtures("databases_are_closed", "one_group")

GONE = Owner(this_process().host, os.getpid(), "no process was ever this")


def row(node: str, outcome: str = "passed") -> Row:
    return Row(node, 1, "run:1", "", outcome, "", 1000.0, 0.5, None)


@pytest.fixture
def one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first end nothing is committed but by the last call."""
    monkeypatch.setattr("pytest_tapps_waves.journal.journal._GROUP_SECONDS", 3600.0)
    monkeypatch.setattr("pytest_tapps_waves.journal.journal._FLUSH_SECONDS", 3600.0)


def begin(folder: Path, run_id: str, owner: Owner | None = None) -> Journal:
    return Journal(Store(folder), owner or this_process(), run_id, "", 30)


def committed(folder: Path) -> dict[str, str]:
    reader = sqlite3.connect(folder / "journal.db")
    try:
        return dict(reader.execute("SELECT node, outcome FROM attempt").fetchall())
    finally:
        reader.close()


def killed(folder: Path, *nodes: str) -> None:
    """A run that got no further than these stories."""
    journal = begin(folder, "killed", GONE)
    journal.put_soon(row("e::running", RUNNING))
    for node in nodes:
        journal.put(row(node))
    journal._closed.set()
    journal._store.close()


_SECONDS = st.floats(min_value=0, max_value=1e11)


@given(
    st.integers(min_value=0, max_value=2**63 - 1),
    st.builds(
        Row,
        *(st.text(), st.integers(0, 99), st.text(), st.text(), st.text(), st.text(), _SECONDS, _SECONDS),
        st.none() | st.integers(-64, 255),
    ),
)
def test_a_line_is_the_json_of_its_row_to_the_microsecond(place: int, attempt: Row) -> None:
    line = line_of(place, attempt)
    assert line.count(b"\n") == 1
    *values, started, duration, exit_status = json.loads(line)
    assert [*values, exit_status] == [place, *attempt[:-3], attempt.exit_status]
    assert (started, duration) == pytest.approx((attempt.started, attempt.duration), rel=1e-15, abs=1e-6)


def test_what_is_committed_together_soon_is_not_committed_by_the_beat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_tapps_waves.journal.journal._FLUSH_SECONDS", 0.001)
    journal = begin(tmp_path, "run1")
    beats = threading.Semaphore(0)
    wait = journal._closed.wait

    def counted_wait(seconds: float) -> bool:
        beats.release()
        return wait(seconds)

    monkeypatch.setattr(journal._closed, "wait", counted_wait)
    journal.put(row("e::1"))
    journal.put(row("e::2"))
    for _ in range(3):
        assert beats.acquire(timeout=30)
    assert committed(tmp_path) == {"e::1": "passed"}
    journal.close()
    assert committed(tmp_path) == {"e::1": "passed", "e::2": "passed"}


def test_what_is_committed_together_keeps_its_order_while_the_clock_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 10**18)
    journal = begin(tmp_path, "run1")
    for number in (2, 1):
        journal.put_soon(row("e::1", f"attempt {number}")._replace(number=number))
    latest = journal.latest("e::1")
    assert latest is not None
    assert latest.outcome == "attempt 1"
    journal.put_soon(row("e::1", "attempt 3")._replace(number=3))
    latest = journal.latest("e::1")
    assert latest is not None
    assert latest.outcome == "attempt 3"
    journal.close()


def test_ends_in_quick_succession_are_one_commit(tmp_path: Path) -> None:
    journal = begin(tmp_path, "run1")
    for number in range(5):
        journal.put(row(f"e::{number}"))
    assert list(committed(tmp_path)) == ["e::0"]
    journal.close()
    assert len(committed(tmp_path)) == 5


def test_a_run_that_ended_leaves_the_database_alone(tmp_path: Path) -> None:
    journal = begin(tmp_path, "run1")
    journal.put(row("e::1"))
    journal.put(row("e::2"))
    assert (tmp_path / "run1.tail").exists()
    journal.close()
    assert not list(tmp_path.glob("*.tail"))


def test_what_a_killed_run_had_not_committed_is_known_to_the_next_run(tmp_path: Path) -> None:
    killed(tmp_path, "e::1", "e::2", "e::3")
    assert list(committed(tmp_path)) == ["e::1", "e::running"]
    following = begin(tmp_path, "run2")
    assert committed(tmp_path) == {"e::1": "passed", "e::2": "passed", "e::3": "passed", "e::running": LOST}
    assert not (tmp_path / "killed.tail").exists()
    latest = following.latest("e::3")
    assert latest is not None
    assert (latest.run_id, latest.outcome) == ("killed", "passed")
    following.close()


def test_what_a_killed_run_had_not_committed_is_known_to_whoever_only_looks(tmp_path: Path) -> None:
    killed(tmp_path, "e::1", "e::2")
    store = Store(tmp_path)
    assert read_history(store)["e::2"].latest.outcome == "passed"
    assert store.notes == []


def test_who_only_looks_is_told_what_cannot_be_shown(tmp_path: Path) -> None:
    killed(tmp_path, "e::1", "e::2")
    store = Store(tmp_path)
    store.connection.execute("PRAGMA query_only = 1")
    assert list(read_history(store)) == ["e::1", "e::running"]
    assert store.notes == [
        "warning: the last that runs that were killed wrote is not shown: attempt to write a readonly database"
    ]
    assert (tmp_path / "killed.tail").exists()


def test_a_run_that_goes_on_keeps_its_tail(tmp_path: Path) -> None:
    first = begin(tmp_path, "run1")
    first.put(row("e::1"))
    first.put(row("e::2"))
    begin(tmp_path, "run2").close()
    assert list(committed(tmp_path)) == ["e::1"]
    first.close()
    assert set(committed(tmp_path)) == {"e::1", "e::2"}


@pytest.mark.parametrize(
    "garbage", [b'["e::9', b"\xff\xfe\n", b"[]\n[1,2]\n{}\n", b'[null,null,null]\n["x",1e999,[]]\n']
)
def test_lines_that_are_broken_do_no_harm(tmp_path: Path, garbage: bytes) -> None:
    killed(tmp_path, "e::1", "e::2")
    with (tmp_path / "killed.tail").open("ab") as file:
        file.write(garbage)
    begin(tmp_path, "run2").close()
    assert committed(tmp_path) == {"e::1": "passed", "e::2": "passed", "e::running": LOST}


def test_a_tail_of_a_run_that_nobody_knows_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "unknown.tail").write_bytes(b'[1,"e::1",1,"","","passed","",1.0,1.0,null]\n')
    begin(tmp_path, "run1").close()
    assert not (tmp_path / "unknown.tail").exists()
    assert committed(tmp_path) == {}


def test_the_processes_of_a_killed_run_are_known(tmp_path: Path) -> None:
    journal = begin(tmp_path, "killed", GONE)
    journal.put(row("e::1"))
    journal.process("e::2", os.getpid())
    journal._closed.set()
    journal._store.close()
    following = begin(tmp_path, "run2")
    assert following.left == [(os.getpid(), this_process().identity)]
    following.close()


def test_a_disk_that_is_full_in_the_midst_of_a_line_costs_that_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = begin(tmp_path, "run1")
    journal.put(row("e::1"))
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    journal.put(row("e::2"))
    monkeypatch.undo()
    assert set(committed(tmp_path)) == {"e::1", "e::2"}, "what is not in the tail is committed"
    assert (tmp_path / "run1.tail").read_bytes() == b""
    journal.close()


def test_a_file_that_cannot_be_opened_now_may_be_opened_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_descriptor(*arguments: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    journal = begin(tmp_path, "run1")
    journal.put(row("e::1"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", no_descriptor)
        journal.put(row("e::2"))
    assert set(committed(tmp_path)) == {"e::1", "e::2"}
    journal.put(row("e::3"))
    assert (tmp_path / "run1.tail").read_bytes().count(b"\n") == 1
    journal.close()


def test_a_run_that_could_not_commit_all_is_taken_in_by_the_next(tmp_path: Path) -> None:
    journal = begin(tmp_path, "run1", GONE)
    journal.put(row("e::1"))
    journal.put(row("e::2"))
    journal._store.connection.execute("PRAGMA query_only = 1")
    journal.close()
    assert [note for note in journal.notes if "1 attempt is not in" in note]
    begin(tmp_path, "run2").close()
    assert committed(tmp_path) == {"e::1": "passed", "e::2": "passed"}


KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_tapps_waves.journal import Journal, Row, Store, journal
from pytest_tapps_waves.journal.owners import this_process
journal._GROUP_SECONDS = journal._FLUSH_SECONDS = 3600.0
journal = Journal(Store(Path(sys.argv[1])), this_process(), "killed", "", 30)
for number in range(200):
    journal.put(Row(f"e::{number}", 1, "run:1", "", "passed", "", 1000.0, 0.5, None))
    print(number, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_nothing_that_was_told_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    told = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, check=False).stdout
    assert len(told.split()) == 200
    assert len(committed(tmp_path)) < 200
    history = read_history(Store(tmp_path))
    assert {story.latest.outcome for story in history.values()} == {"passed"}
    assert len(history) == 200
