"""What is wrong with the journal is said, and the run goes on."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]
STORIES = "stories: [{id: one, run: echo one >> log}, {id: two, run: echo two >> log, dependencies: [one]}]"


def journal_of(project: Project) -> Path:
    return project.path / ".pytest_cache/d/epics/journal.db"


@pytest.fixture
def ran_before(both_ways: BothWays, project: Project) -> Path:
    """A project that has run; the journal of that."""
    project.epic(STORIES)
    both_ways().assert_outcomes(passed=2)
    return journal_of(project)


def test_the_journal_is_whole_after_a_run(ran_before: Path) -> None:
    reader = sqlite3.connect(ran_before)
    assert reader.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    columns = "node, number, outcome, reason, exit_status, upstream != ''"
    assert reader.execute(f"SELECT {columns} FROM attempt ORDER BY node").fetchall() == [
        ("epic_shop.yaml::one", 1, "passed", "", None, 0),
        ("epic_shop.yaml::two", 1, "passed", "", None, 1),
    ]
    assert reader.execute("SELECT count(*) FROM run WHERE ended >= started").fetchone() == (1,)
    assert reader.execute("SELECT count(*) FROM process").fetchone() == (0,)
    reader.close()


def test_a_damaged_journal_is_set_aside_and_all_runs_again(
    both_ways: BothWays, project: Project, ran_before: Path
) -> None:
    ran_before.write_bytes(b"this is no database")
    result = both_ways("--epic-resume")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["warning: *journal.db is damaged; it was set aside as journal.db.old1*"])
    both_ways("--epic-resume").assert_outcomes(skipped=2)


def test_a_newer_journal_is_set_aside(both_ways: BothWays, project: Project, ran_before: Path) -> None:
    newer = sqlite3.connect(ran_before)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    result = both_ways()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["warning: *journal.db is of version 99, from a later pytest-tapps-waves; it was set aside*"]
    )


def test_the_status_of_a_damaged_journal_says_so(project: Project, both_ways: BothWays, ran_before: Path) -> None:
    ran_before.write_bytes(b"this is no database")
    result = project.run("--epic-status")
    result.stdout.re_match_lines([r"  one +1 +not run.*"])
    result.stdout.fnmatch_lines(["warning: *journal.db is damaged; it was set aside*"])


@pytest.fixture
def read_only(project: Project) -> Iterator[Path]:
    """A rootdir that nobody may write to, not even root."""
    folder = project.path / "read_only"
    folder.mkdir()
    mounts = sys.platform == "linux" and os.geteuid() == 0
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(folder)]
    if mounts and subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("root may write to all folders, and must not mount one here")
    project.write("read_only/pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    project.epic("stories: [{id: one, run: 'true'}]", name="read_only/epic_shop.yaml")
    if mounts:
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    else:
        folder.chmod(0o555)
    yield folder
    if mounts:
        subprocess.run(["umount", folder], check=True)
    else:
        folder.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_a_rootdir_that_is_read_only_is_run_without_a_journal(both_ways: BothWays, read_only: Path) -> None:
    options = (f"--rootdir={read_only}", "-c", str(read_only / "pytest.ini"), str(read_only))
    theirs = ("-W", "ignore::pytest.PytestCacheWarning")
    result = both_ways(*options, *theirs)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["warning: this run is in no journal, so it cannot be resumed: *"])
    refused = both_ways(*options, *theirs, "--epic-resume")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: --epic-resume cannot know what is done: *"])


def test_a_cache_that_cannot_be_made_is_said_and_the_run_goes_on(both_ways: BothWays, project: Project) -> None:
    project.write(
        "pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\ncache_dir = in_the_way/cache\n"
    )
    project.write("in_the_way", "")
    project.epic(STORIES)
    theirs = ("-W", "ignore::pytest.PytestCacheWarning")
    result = both_ways(*theirs)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["warning: this run is in no journal, so it cannot be resumed: pytest's cache *"])
    refused = both_ways("--epic-resume", *theirs)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: --epic-resume cannot know what is done: pytest's cache *"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_disk_that_is_full_is_said_and_the_run_goes_on(project: Project) -> None:
    stories = "\n".join(f"  - {{id: s{number}, call: 'tasks:nothing', title: {'x' * 50}}}" for number in range(300))
    project.epic(f"stories:\n{stories}")
    project.write("tasks.py", "def nothing(): pass")
    # A full disk as one process sees it: no file may grow beyond this, and the signal that says so is ignored.
    project.write(
        "conftest.py",
        """
        import resource, signal
        def pytest_sessionstart():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        """,
    )
    for options in ([], ["--epic-parallel=3"]):
        result = project.run_process(*options, "-p", "no:lastfailed", "--cache-clear")
        result.assert_outcomes(passed=300)
        result.stdout.re_match_lines([r"warning: [\d,]+ attempts are not in .*journal\.db: (disk I/O error|.*full)"])


def test_a_story_that_another_run_is_at_is_left_to_it(both_ways: BothWays, project: Project) -> None:
    project.write(
        "tasks.py",
        """
        import os, sqlite3, subprocess, sys, time
        from contextlib import closing

        def is_known(story):
            with closing(sqlite3.connect(".pytest_cache/d/epics/journal.db")) as journal:
                found = journal.execute("SELECT outcome FROM attempt WHERE node = ?", ["epic_shop.yaml::" + story])
                return found.fetchall() == [("passed",)]

        def resume_beside():
            with open("log", "a") as file:
                file.write("one\\n")
            if "BESIDE" not in os.environ:
                # What ends in quick succession is committed together, a moment later.
                until = time.monotonic() + 30
                while not is_known("zero") and time.monotonic() < until:
                    time.sleep(0.01)
                plugins = ["-p", "pytest_asyncio.plugin", "-p", "pytest_tapps_waves.plugin"]
                words = [sys.executable, "-m", "pytest", *plugins, "--epic-resume", "-rs"]
                with open("beside", "w") as file:
                    subprocess.run(words, env={**os.environ, "BESIDE": "1"}, stdout=file)
        """,
    )
    project.epic("""
        stories:
          - {id: zero, run: 'true'}
          - {id: one, call: 'tasks:resume_beside', dependencies: [zero]}
          - {id: two, run: echo two >> log, dependencies: [one]}
    """)
    both_ways().assert_outcomes(passed=3)
    beside = (project.path / "beside").read_text()
    assert "done in run" in beside
    assert "is being run by run" in beside
    assert f"process {os.getpid()}" in beside
    assert "two depends on one, which was skipped" in beside
    assert project.lines("log") == ["one", "two"]
    project.run("--epic-status").stdout.re_match_lines([r"  one +2 +passed +1 .*", r"  two +3 +passed +1 .*"])
