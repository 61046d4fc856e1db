"""Tests that are sent to a worker while it still runs another one, which is known to be brief."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from project import Project
from workers_project import XDIST

TESTS = """
    import os
    import pathlib
    import time
    import pytest

    def note(name):
        with open("ORDER", "a") as file:
            file.write(f"{name}-{os.environ['PYTEST_XDIST_WORKER']} ")

    def wait_for(name):
        while not pathlib.Path(name).exists():
            time.sleep(0.005)

    def test_first():
        note("first")
        if pathlib.Path("SECOND_RUN").exists():
            FIRST

    def test_second():
        note("second")

    def test_third():
        note("third")
        pathlib.Path("THIRD").touch()

    @pytest.mark.depends(on=["test_first", "test_second", "test_third"])
    def test_last():
        note("last")
"""
COUNT = 4
JOURNAL = ".pytest_cache/d/epics/journal.db"


def _run(project: Project, *options: str, **outcomes: int) -> list[str]:
    """In which order tests ran, and where."""
    (project.path / "ORDER").unlink(missing_ok=True)
    (project.path / "THIRD").unlink(missing_ok=True)
    project.run_process(*options, "--timeout=60", plugins=(*XDIST, "pytest_timeout")).assert_outcomes(**outcomes)
    return project.lines("ORDER")


def _known(project: Project, first: str) -> None:
    """A project of brief tests, all of which have been run once; the first is going to do something else."""
    project.write("test_it.py", TESTS.replace("FIRST", first))
    _run(project, "-n1", passed=COUNT)
    with closing(sqlite3.connect(project.path / JOURNAL, isolation_level=None)) as journal:
        # However long they took here.
        assert journal.execute("UPDATE attempt SET duration = 0.001").rowcount == COUNT
    (project.path / "SECOND_RUN").touch()


def _journal(project: Project) -> dict[str, tuple[float, float]]:
    """When tests of the last run began, and how long they took, in seconds."""
    with closing(sqlite3.connect(project.path / JOURNAL)) as journal:
        rows = journal.execute(
            "SELECT node, started, duration FROM attempt WHERE run = (SELECT max(number) FROM run)"
        ).fetchall()
    return {node.rpartition("_")[2]: (started, duration) for node, started, duration in rows}


def _sends(project: Project, *options: str) -> list[str]:
    """What the controller did with the first test and the one after it, in order."""
    project.write(
        "conftest.py",
        """
        import os
        from xdist.workermanage import WorkerController

        def note(what):
            with open("SENDS", "a") as file:
                file.write(f"{what} ")

        def pytest_runtest_logreport(report):
            if "PYTEST_XDIST_WORKER" not in os.environ and report.when == "teardown" and "first" in report.nodeid:
                note("ended")

        def noted(node, indices, send=WorkerController.send_runtest_some):
            note("sent")
            send(node, indices)

        WorkerController.send_runtest_some = noted
        """,
    )
    project.run_process(*options, plugins=XDIST)
    return project.lines("SENDS")[:3]


def test_one_is_sent_before_the_one_before_it_has_ended(project: Project) -> None:
    _known(project, "pass")
    assert _sends(project, "-n1") == ["sent", "sent", "ended"]


@pytest.mark.parametrize("options", [("--maxfail=2",), ("--stepwise",), ("--epic-parallel=1",)])
def test_none_is_where_something_may_keep_it_from_beginning(project: Project, options: tuple[str, ...]) -> None:
    _known(project, "pass")
    assert _sends(project, "-n1", *options) == ["sent", "ended", "sent"]


def test_none_is_where_an_epic_has_rules_for_that(project: Project) -> None:
    _known(project, "pass")
    project.epic("stories: [{id: last, title: Only words, dependencies: ['test_it.py::test_last']}]")
    assert _sends(project, "-n1") == ["sent", "ended", "sent"]


def test_one_that_waits_behind_one_that_takes_longer_than_ever_is_taken_over(project: Project) -> None:
    _known(project, "wait_for('THIRD')")
    order = _run(project, "-n2", passed=COUNT)
    where = dict(entry.split("-") for entry in order)
    assert set(where) == {"first", "second", "third", "last"}
    assert where["third"] == where["second"] != where["first"]
    assert order[-1].startswith("last")


def test_the_time_for_which_one_waited_is_no_part_of_its_duration(project: Project) -> None:
    _known(project, "pass")
    assert _sends(project, "-n1") == ["sent", "sent", "ended"]
    journal = _journal(project)
    first_began, first_took = journal["first"]
    assert journal["second"][0] >= first_began + first_took


def test_a_worker_that_dies_before_the_next_one_is_sent_to_it_loses_only_its_own(project: Project) -> None:
    _known(project, "os._exit(3)")
    project.write(
        "conftest.py",
        """
        import os
        from xdist.workermanage import WorkerController

        send = WorkerController.send_runtest_some

        def once_it_has_died(node, indices):
            if node.gateway.id == "gw0" and hasattr(node, "sent"):
                try:
                    node.channel.waitclose(30)
                except (EOFError, node.channel.RemoteError):
                    pass
            node.sent = True
            send(node, indices)

        if "PYTEST_XDIST_WORKER" not in os.environ:
            WorkerController.send_runtest_some = once_it_has_died
        """,
    )
    assert _run(project, "-n1", failed=1, passed=2, skipped=1) == ["first-gw0", "second-gw1", "third-gw1"]


def test_all_that_waited_in_a_worker_that_dies_run_elsewhere(project: Project) -> None:
    _known(project, "os._exit(3)")
    order = _run(project, "-n1", failed=1, passed=2, skipped=1)
    assert order == ["first-gw0", "second-gw1", "third-gw1"]
