"""What the journal knows of the work of stories, and of places outside of rootdir."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_tapps_waves.journal import Journal, Store
from pytest_tapps_waves.journal.owners import Owner, this_process
from pytest_tapps_waves.journal.places import Places
from pytest_tapps_waves.journal.works import Done, done_by, put_done
from pytest_tapps_waves.workspaces.base import Made

pytestmark = pytest.mark.usefixtures("databases_are_closed")

Begin = Callable[..., Journal]
HOST = this_process().host
DEAD = Owner(HOST, 2**22 + 1, "no process was ever this")


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    begun: list[Journal] = []
    numbers = itertools.count(1)

    def make(owner: Owner | None = None, days: int = 30) -> Journal:
        journal = Journal(Store(tmp_path), owner or this_process(), f"run{next(numbers)}", "", days)
        begun.append(journal)
        return journal

    yield make
    for journal in begun:
        journal.close()


def made(name: str) -> Made:
    return Made(f"e::{name}", f"/trees/{name}", f"epic/e/{name}", "/repo/.git")


def test_the_latest_work_of_a_story_counts_in_whatever_run_it_was(begin: Begin) -> None:
    first = begin()
    put_done(first, "e::1", Done("first", ["a.txt"]))
    put_done(first, "e::2", Done("two", []))
    first.close()
    second = begin()
    put_done(second, "e::1", Done("again", ["b.txt", "ä\n.txt"]))
    put_done(second, "e::1", Done("last", ["b.txt", "ä\n.txt"]))
    assert done_by(second, ["e::1", "e::2", "e::3"]) == {
        "e::1": Done("last", ["b.txt", "ä\n.txt"]),
        "e::2": Done("two", []),
    }


def test_text_that_is_no_text_is_kept_as_far_as_it_can_be(begin: Begin) -> None:
    journal = begin()
    put_done(journal, "e::1", Done("half \udcff", ["\udcff"]))
    assert done_by(journal, ["e::1"])["e::1"].summary == "half \\udcff"


def test_a_summary_of_any_length_is_kept_bounded(begin: Begin) -> None:
    journal = begin()
    put_done(journal, "e::1", Done("x" * 10**6, [str(number) for number in range(5000)]))
    done = done_by(journal, ["e::1"])["e::1"]
    assert len(done.summary) == 4000
    assert len(done.files) == 1000


def test_what_a_killed_run_made_is_left_and_what_it_kept_is_kept(begin: Begin) -> None:
    killed = Places(begin(DEAD), HOST)
    for name in "abc":
        killed.making(made(name))
    killed.keeping(made("b"))
    killed.gone(made("c"))
    places = Places(begin(), HOST)
    assert places.left() == [made("a")]
    assert places.kept() == [made("b")]


def test_what_a_run_that_goes_on_has_made_is_nobody_elses(begin: Begin) -> None:
    Places(begin(), HOST).making(made("a"))
    places = Places(begin(), HOST)
    assert places.left() == []
    assert places.kept() == []


def test_what_another_host_made_is_left_alone(begin: Begin) -> None:
    run = begin(Owner("elsewhere", 1, "x"))
    elsewhere = Places(run, "elsewhere")
    elsewhere.making(made("a"))
    elsewhere.keeping(made("a"))
    run.close()
    assert Places(begin(), HOST).kept() == []


def test_a_place_that_is_made_again_belongs_to_who_made_it_last(begin: Begin) -> None:
    first = begin()
    Places(first, HOST).making(made("a"))
    Places(first, HOST).keeping(made("a"))
    first.close()
    second = begin()
    Places(second, HOST).making(made("a"))
    assert Places(begin(), HOST).kept() == []


def test_a_run_is_not_forgotten_as_long_as_something_stands_that_it_made(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_000_000_000.0]
    monkeypatch.setattr("pytest_tapps_waves.journal.journal.time.time", lambda: clock[0])
    old = begin()
    Places(old, HOST).making(made("a"))
    Places(old, HOST).keeping(made("a"))
    old.close()
    for _ in range(2):
        clock[0] += 40 * 86400
        begin().close()
    last = begin()
    assert Places(last, HOST).kept() == [made("a")]
    runs = last.ask(lambda execute, run: execute("SELECT count(*) FROM run").fetchone()[0])
    assert runs == 3
