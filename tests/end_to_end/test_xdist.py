"""pytest-xdist with a distribution that somebody has chosen: a whole file to a worker, or a clear word."""

from __future__ import annotations

import pytest
from project import Project

XDIST = ("xdist.plugin",)

TWO = """
    stories:
      - {id: "1", run: "echo $PYTEST_XDIST_WORKER >> WORKERS; echo 1 >> ORDER"}
      - {id: "3", run: "echo 3 >> ORDER", dependencies: ["2"]}
      - {id: "2", run: "echo 2 >> ORDER", dependencies: ["1"]}
      - {id: "4", run: "exit 1"}
      - {id: "5", run: "true", dependencies: ["4"]}
"""


def epics(project: Project) -> None:
    for name in ("a", "b"):
        project.epic(TWO.replace("ORDER", f"order_{name}"), f"epic_{name}.yaml")


def test_any_other_distribution_is_one_clear_usage_error(project: Project) -> None:
    epics(project)
    result = project.run_process("-n2", "--dist=load", plugins=XDIST)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stdout.str() + result.stderr.str()
    assert told.count("leave --dist out, or use --dist=loadfile") == 1
    assert "Traceback" not in told
    assert "INTERNALERROR" not in told
    assert not project.lines("order_a")


@pytest.mark.parametrize("dist", ["load", "worksteal", "loadgroup", "loadscope", "each"])
def test_no_other_distribution_runs_a_story(project: Project, dist: str) -> None:
    epics(project)
    result = project.run_process("-n2", f"--dist={dist}", plugins=XDIST)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert not project.lines("order_a")


@pytest.mark.parametrize("options", [(), ("--epic-parallel=3",)])
def test_a_run_without_stories_is_none_of_our_business(project: Project, options: tuple[str, ...]) -> None:
    project.write("test_plain.py", "def test_one(): pass\ndef test_two(): pass\n")
    project.run_process("-n2", *options, plugins=XDIST).assert_outcomes(passed=2)


def test_a_run_that_selects_no_story_is_none_of_our_business(project: Project) -> None:
    epics(project)
    project.write("test_plain.py", "def test_one(): pass\n")
    project.run_process("-n2", "test_plain.py", plugins=XDIST).assert_outcomes(passed=1)


def test_loadfile_runs_each_epic_in_order_in_one_worker(project: Project) -> None:
    epics(project)
    project.write("test_plain.py", "def test_one(): pass\n")
    result = project.run_process("-n2", "--dist=loadfile", "-rs", plugins=XDIST)
    result.assert_outcomes(passed=7, failed=2, skipped=2)
    assert project.lines("order_a") == ["1", "2", "3"]
    assert project.lines("order_b") == ["1", "2", "3"]
    assert "5 depends on 4, which failed" in result.stdout.str()


def test_loadfile_shows_a_failure_as_a_plain_run_does(project: Project) -> None:
    epics(project)
    result = project.run_process("-n2", "--dist=loadfile", plugins=XDIST)
    result.stdout.fnmatch_lines(["epic_a.yaml:6: story 4", "exit status 1*", "  run: exit 1"])
    result.stdout.fnmatch_lines(["FAILED epic_?.yaml::4 - *", "FAILED epic_?.yaml::4 - *"])
    assert "Traceback" not in result.stdout.str()


def test_checks_are_reported_from_workers(project: Project) -> None:
    check = 'acceptance_criteria: [{description: it holds, run: "true"}, {description: it does not, run: "exit 4"}]'
    project.epic(f"stories: [{{id: '1', {check}}}]")
    result = project.run_process("-n2", "--dist=loadfile", plugins=XDIST)
    result.stdout.fnmatch_lines(["*story 1, check failed: it does not", "exit status 4*"])
    result.stdout.fnmatch_lines(["SUBFAILED[[]it does not] epic_shop.yaml::1 - *"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_the_breaker_is_reported_from_a_worker(project: Project) -> None:
    stories = ", ".join(f"{{id: '{number}', run: exit 1}}" for number in range(5))
    project.epic(f"{{epic: {{circuit_breaker: 2}}, stories: [{stories}]}}")
    result = project.run_process("-n2", "--dist=loadfile", plugins=XDIST)
    result.assert_outcomes(failed=3, skipped=3)
    result.stdout.fnmatch_lines(["FAILED epic_shop.yaml::circuit-breaker*"])


def test_a_dependency_on_another_file_is_a_one_line_error_of_collection(project: Project) -> None:
    project.epic('stories: [{id: "1", run: "true"}]', "epic_a.yaml")
    project.epic('stories:\n  - {id: "2", run: "true"}\n  - {id: "3", run: "true", dependencies: ["1"]}', "epic_b.yaml")
    result = project.run_process("-n2", "--dist=loadfile", plugins=XDIST)
    told = result.stdout.str() + result.stderr.str()
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.INTERNAL_ERROR)
    assert "epic_b.yaml:3: story 3 depends on epic_a.yaml::1 of another file" in told
    assert "Traceback" not in told
    assert "INTERNALERROR" not in told


def test_a_file_that_asks_for_asyncio_is_a_one_line_error_of_collection(project: Project) -> None:
    project.epic('epic: {parallel_strategy: asyncio}\nstories: [{id: "1", run: "true"}]')
    result = project.run_process("-n2", "--dist=loadfile", plugins=XDIST)
    told = result.stdout.str() + result.stderr.str()
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.INTERNAL_ERROR)
    assert "epic_shop.yaml:1: pytest-xdist workers run one story at a time" in told
    assert "Traceback" not in told
    assert "INTERNALERROR" not in told


def test_two_ways_to_be_parallel_are_a_usage_error(project: Project) -> None:
    epics(project)
    result = project.run_process("-n2", "--dist=loadfile", "--epic-parallel=3", plugins=XDIST)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stdout.str() + result.stderr.str()
    assert "-n and --epic-parallel do not go together" in told
    assert "INTERNALERROR" not in told
    assert not project.lines("order_a")


def test_loaded_but_not_used_it_changes_nothing(project: Project) -> None:
    epics(project)
    project.run_process("-n0", "--epic-parallel=3", plugins=XDIST).assert_outcomes(passed=6, failed=2, skipped=2)


def test_workers_pass_over_what_is_done(project: Project) -> None:
    epics(project)
    result = project.run_process("-n2", "--dist=loadfile", plugins=XDIST)
    result.assert_outcomes(passed=6, failed=2, skipped=2)
    result = project.run_process("-n2", "--dist=loadfile", "--epic-resume", "-rs", plugins=XDIST)
    result.assert_outcomes(failed=2, skipped=8)
    result.stdout.fnmatch_lines(["SKIPPED * done in run *"])
    assert project.lines("order_a") == ["1", "2", "3"]


def test_what_workers_have_to_say_of_the_journal_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2-hunter3")
    project.epic("""
        epic: {circuit_breaker: 1, secrets: [TOKEN]}
        stories: [{id: a, run: exit 1}, {id: b, run: 'true', dependencies: [a]}]
    """)
    project.run()
    project.write(".pytest_cache/d/epics/journal.db", "this is no database")
    options = ("-n2", "--dist=loadfile", "--override-ini=junit_suite_name=hunter2-hunter3")
    result = project.run_process(*options, plugins=XDIST)
    result.stdout.fnmatch_lines(
        [
            "*= epics =*",
            "warning: *journal.db is damaged; it was set aside as journal.db.old1, and a new one was begun",
            "to go on where it stopped: pytest * --override-ini=junit_suite_name=[*][*][*] --epic-resume",
        ]
    )
    assert "hunter2" not in result.stdout.str()


def test_workers_of_a_run_that_came_to_its_end_have_nothing_to_say(project: Project) -> None:
    epics(project)
    result = project.run_process("-n2", "--dist=loadfile", plugins=XDIST)
    result.stdout.no_fnmatch_line("to go on where it stopped*")
