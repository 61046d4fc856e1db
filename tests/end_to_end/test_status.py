"""``--epic-status`` tells what became of each story, and runs nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

SHOP = """
    epic: {title: Shop, circuit_breaker: 0}
    stories:
      - {id: schema, title: Create it, run: echo ran >> log}
      - {id: load, run: exit 3, dependencies: [schema], retries: 1}
      - {id: index, run: echo ran >> log, dependencies: [load]}
      - {id: notes, description: nothing to run}
"""


def ran(project: Project) -> bool:
    found = (project.path / "log").exists()
    (project.path / "log").unlink(missing_ok=True)
    return found


@pytest.fixture(autouse=True)
def no_pauses(project: Project) -> None:
    project.write("conftest.py", "import pytest_tapps_waves.attempts as a\na.pause_before = lambda attempt: 0.0")


def test_nothing_is_known_before_the_first_run(project: Project) -> None:
    project.epic(SHOP)
    result = project.run("--epic-status")
    assert result.ret == pytest.ExitCode.OK
    assert not ran(project)
    result.stdout.re_match_lines(
        [
            r"epic_shop.yaml: Shop: 4 stories, 1 done$",
            r"  story +wave +state +attempts +last +when +why$",
            r"  schema +1 +not run +- +- +-$",
            r"  load +2 +not run +- +- +-$",
            r"  index +3 +not run +- +- +-$",
            r"  notes +1 +documented +- +- +-$",
        ],
        consecutive=True,
    )


def test_after_a_run_each_story_has_its_line(both_ways: BothWays, project: Project) -> None:
    project.epic(SHOP)
    both_ways()
    assert ran(project)
    result = project.run("--epic-status")
    assert not ran(project)
    result.stdout.re_match_lines(
        [
            r"epic_shop.yaml: Shop: 4 stories, 2 done$",
            r"  story +wave +state +attempts +last +when +why$",
            r"  schema +1 +passed +1 +\d\.\d\d s +(just now|\d+ s ago)$",
            r"  load +2 +failed +2 +\d\.\d\d s +(just now|\d+ s ago) +exit status 3: run: exit 3$",
            r"  index +3 +skipped +- +- +(just now|\d+ s ago) +index depends on load, which failed$",
            r"  notes +1 +documented +- +- +-$",
        ],
        consecutive=True,
    )


def test_a_story_that_would_run_again_says_why(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: one, run: 'true'}, {id: two, run: 'true', dependencies: [one]}]")
    both_ways()
    project.epic("stories: [{id: one, run: 'true #'}, {id: two, run: 'true', dependencies: [one]}]")
    project.run("--epic-status").stdout.re_match_lines(
        [r"epic_shop.yaml: 2 stories, 0 done", r"  one .* run changed since$", r"  two .* one will run again$"]
    )
    project.run("epic_shop.yaml::one")
    project.run("--epic-status").stdout.re_match_lines(
        [
            r"epic_shop.yaml: 2 stories, 1 done",
            r"  one +1 +passed +1 .*(ago|just now)$",
            r"  two .*it depends on has run again since$",
        ]
    )


def test_what_it_calls_done_is_what_a_resume_passes_over(both_ways: BothWays, project: Project) -> None:
    project.epic(SHOP)
    both_ways()
    document = json.loads(project.run("--epic-status=json").stdout.str())
    done = {story["id"] for story in document["epics"][0]["stories"] if story["is_done"]}
    result = both_ways("--epic-resume", "-v")
    assert done == {"schema", "notes"}
    result.stdout.re_match_lines_random(
        [r"epic_shop.yaml::schema SKIPPED \(done in .*", r"epic_shop.yaml::notes SKIPPED.*"]
    )
    result.assert_outcomes(failed=1, skipped=3)


def test_json_stands_alone_on_stdout_and_says_the_same(both_ways: BothWays, project: Project) -> None:
    before = datetime.now(UTC)
    project.epic(SHOP)
    both_ways()
    document = json.loads(project.run("--epic-status=json").stdout.str())
    assert document["version"] == 1
    (epic,) = document["epics"]
    assert (epic["path"], epic["title"]) == ("epic_shop.yaml", "Shop")
    schema, load, index, notes = epic["stories"]
    assert (schema["node"], schema["id"], schema["title"]) == ("epic_shop.yaml::schema", "schema", "Create it")
    assert [story["wave"] for story in epic["stories"]] == [1, 2, 3, 1]
    assert [story["state"] for story in epic["stories"]] == ["passed", "failed", "skipped", "documented"]
    assert [story["attempts"] for story in epic["stories"]] == [1, 2, 0, 0]
    assert (load["exit_status"], load["reason"]) == (3, "exit status 3: run: exit 3")
    assert len(schema["run"]) == 32
    assert load["run"] == schema["run"]
    assert before <= datetime.fromisoformat(load["ended"]) <= datetime.now(UTC)
    assert load["duration"] >= 0
    assert index["duration"] is None
    assert notes["ended"] is None


def test_python_stories_are_listed_by_their_files(both_ways: BothWays, project: Project) -> None:
    project.write(
        "test_db.py",
        """
        import pytest
        def test_up(): pass
        @pytest.mark.depends(on="test_up")
        def test_down(): assert False
        """,
    )
    both_ways()
    project.run("--epic-status").stdout.re_match_lines(
        [
            r"test_db.py: 2 stories, 1 done",
            r"  story .*",
            r"  test_db.py::test_up +1 +passed +1 .*",
            r"  test_db.py::test_down +2 +failed +1 .*assert False.*",
        ],
        consecutive=True,
    )


def test_a_project_without_stories_says_so(project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass")
    project.run("--epic-status").stdout.fnmatch_lines(["no stories"])


def test_an_unknown_format_is_refused_by_name(project: Project) -> None:
    result = project.run("--epic-status=yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--epic-status*must be one of text, json; not 'yaml'*"])


def test_a_story_of_a_run_that_was_killed_is_lost(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: one, run: 'true'}]")
    both_ways()
    journal = sqlite3.connect(project.path / ".pytest_cache/d/epics/journal.db", isolation_level=None)
    journal.execute("UPDATE run SET ended = NULL, pid = 1, identity = 'nobody'")
    journal.execute("UPDATE attempt SET outcome = 'running'")
    journal.close()
    project.run("--epic-status").stdout.re_match_lines([r"  one +1 +lost +1 .*"])
    both_ways("--epic-resume").assert_outcomes(passed=1)


def test_a_story_that_ended_the_run_is_cancelled(both_ways: BothWays, project: Project) -> None:
    project.write("tasks.py", "import pytest\ndef stops(): pytest.exit('enough')")
    project.epic("stories: [{id: one, call: 'tasks:stops'}]")
    both_ways()
    project.run("--epic-status").stdout.re_match_lines([r"  one +1 +cancelled +1 .*interrupted"])


def test_a_critical_failure_leaves_what_it_cancelled_as_cancelled(project: Project) -> None:
    project.write(
        "tasks.py",
        """
        import asyncio
        began = asyncio.Event()
        async def waits():
            began.set()
            await asyncio.Event().wait()
        async def breaks():
            await began.wait()
            raise ValueError
        """,
    )
    project.epic("""
        stories:
          - {id: long, call: 'tasks:waits'}
          - {id: main, call: 'tasks:breaks', critical: true}
          - {id: later, call: 'tasks:waits', dependencies: [long]}
    """)
    project.run("--epic-parallel=2").assert_outcomes(failed=1, skipped=2)
    project.run("--epic-status").stdout.re_match_lines(
        [
            r"  long +1 +cancelled +1 .*critical story main failed",
            r"  main +1 +failed +1 .*ValueError.*",
            r"  later +2 +skipped +- .*critical story main failed",
        ]
    )
