"""pytest-xdist without more words than ``-n``: stories in dependency order, in whatever worker is free."""

from __future__ import annotations

import re

import pytest
from project import Project
from workers_project import NOTE_REPORTS, XDIST, reports

DIAMONDS = """
    stories:
      - {id: "1", run: "echo 1 >> ORDER"}
      - {id: "4", run: "echo 4 >> ORDER", dependencies: ["2", "3"]}
      - {id: "2", run: "echo 2 >> ORDER", dependencies: ["1"]}
      - {id: "3", run: "echo 3 >> ORDER", dependencies: ["1"]}
      - {id: "text", title: Only words}
      - {id: "5", run: "echo 5 >> ORDER", dependencies: ["text"]}
      - {id: "6", run: "exit 1"}
      - {id: "7", run: "true", dependencies: ["6"]}
      - {id: "8", title: After the one after it, run: "true", dependencies: ["7", "test_sync.py::test_last"]}
"""
TESTS = """
    import pytest

    @pytest.fixture(scope="module")
    def module():
        yield

    @pytest.mark.depends(on=["test_b", "test_c"])
    def test_last(module):
        pass

    @pytest.mark.depends(on="test_a")
    def test_b(module):
        pass

    @pytest.mark.depends(on="test_a", name="c")
    def test_c(module):
        pass

    def test_a(module):
        pass

    @pytest.mark.depends(on="nowhere")
    def test_missing():
        pass

    @pytest.mark.depends(on="epic_a.yaml::6")
    def test_after_story():
        pass

    @pytest.mark.parametrize("number", range(7))
    def test_plain(number):
        pass
"""


@pytest.fixture
def mixed(project: Project) -> Project:
    project.write("conftest.py", NOTE_REPORTS)
    project.epic(DIAMONDS, "epic_a.yaml")
    project.write("test_sync.py", TESTS)
    return project


@pytest.mark.parametrize("workers", ["-n1", "-n2", "-n4"])
def test_reports_are_those_of_one_process(mixed: Project, workers: str) -> None:
    alone = reports(mixed)
    assert len(alone) > 60
    assert reports(mixed, workers) == alone


@pytest.mark.parametrize("options", [("-n2",), ("-n2", "--dist=loadfile")])
def test_a_failure_is_shown_as_in_one_process(project: Project, options: tuple[str, ...]) -> None:
    project.epic("""
        epic: {id: shop, fail_fast: false}
        stories:
          - {id: "1", title: Build it, run: "echo no disk >&2; exit 3"}
          - id: "2"
            run: "exit 0"
            acceptance_criteria: [{description: it is there, run: "test -e IT"}]
    """)

    def shown(*options: str) -> list[str]:
        lines = project.run_process(*options, plugins=XDIST).stdout.str().partition("= FAILURES =")[2].splitlines()
        return sorted(
            re.sub(r"[0-9.]+ ?s\b", "N s", line)
            for line in lines
            if not line.startswith(("=", "_", "[gw", "epic_shop.yaml: "))
        )

    alone = shown()
    assert "FAILED epic_shop.yaml::1 - exit status 3: run: echo no disk >&2; exit 3" in alone
    assert shown(*options) == alone


@pytest.mark.parametrize("options", [(), ("--dist=waves",)])
def test_stories_of_all_files_run_in_dependency_order(mixed: Project, options: tuple[str, ...]) -> None:
    result = mixed.run_process("-n2", *options, plugins=XDIST)
    result.assert_outcomes(passed=16, failed=1, skipped=5)
    order = mixed.lines("ORDER")
    assert sorted(order) == ["1", "2", "3", "4", "5"]
    assert order.index("1") < min(order.index("2"), order.index("3"))
    assert order.index("4") > max(order.index("2"), order.index("3"))
    result.stdout.fnmatch_lines(
        [
            "2 workers [[]22 items[]]",
            "epics: 1 epic, 15 stories, 4 waves, 2 at once, waves schedule",
            "*= epics =*",
            "epic_a.yaml: 5 passed, 1 failed, 2 skipped, 1 without anything to run",
        ]
    )


def test_workers_run_stories_of_one_epic_at_the_same_time(project: Project) -> None:
    # Each waits until the other has begun.
    meet = "touch {0}; while [ ! -e {1} ]; do sleep 0.01; done"
    project.epic(f"""
        stories:
          - {{id: a, run: "{meet.format("A", "B")}", timeout: 60}}
          - {{id: b, run: "{meet.format("B", "A")}", timeout: 60}}
    """)
    project.run_process("-n2", plugins=XDIST).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("header", "options"),
    [
        ("max_parallel_stories: 1", ()),
        ("parallel_strategy: sequential", ()),
        ("title: any", ("--epic-strategy=sequential",)),
    ],
)
def test_an_epic_that_limits_itself_does_so_across_workers(
    project: Project, header: str, options: tuple[str, ...]
) -> None:
    alone = "mkdir LOCK && sleep 0.02 && rmdir LOCK"
    stories = ", ".join(f"{{id: s{number}, run: {alone}}}" for number in range(8))
    project.epic(f"{{epic: {{{header}}}, stories: [{stories}]}}")
    project.run_process("-n3", *options, plugins=XDIST).assert_outcomes(passed=8)


def test_without_stories_pytest_xdist_is_left_alone(project: Project) -> None:
    project.write("test_plain.py", "def test_one(): pass\ndef test_two(): pass\n")
    result = project.run_process("-n2", "-v", plugins=XDIST)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["scheduling tests via LoadScheduling"])
    result.stdout.no_fnmatch_line("epics: *")


def test_dist_waves_without_stories_is_dist_load(project: Project) -> None:
    project.write("test_plain.py", "def test_one(): pass\ndef test_two(): pass\n")
    result = project.run_process("-n2", "-v", "--dist=waves", plugins=XDIST)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["scheduling tests via LoadScheduling"])


def test_a_distribution_in_the_ini_file_is_one_that_was_chosen(project: Project) -> None:
    project.epic("stories: [{id: a, run: 'true'}]")
    project.write("pytest.ini", "[pytest]\naddopts = --dist=load\nasyncio_default_fixture_loop_scope = function\n")
    result = project.run_process("-n2", plugins=XDIST)
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_scheduler_of_somebodys_own_is_refused_in_one_line(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        from xdist.scheduler import LoadScheduling

        class Own(LoadScheduling):
            pass

        def pytest_xdist_make_scheduler(config, log):
            return Own(config, log)
        """,
    )
    project.write("test_plain.py", "def test_one(): pass\n")
    project.run_process("-n2", "test_plain.py", plugins=XDIST).assert_outcomes(passed=1)
    project.epic("stories: [{id: a, run: 'true'}]")
    result = project.run_process("-n2", plugins=XDIST)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stdout.str() + result.stderr.str()
    assert told.count("a pytest_xdist_make_scheduler hook sends items") == 1
    assert "INTERNALERROR" not in told
    assert "Traceback" not in told


def test_what_only_says_what_there_is_needs_no_workers(project: Project) -> None:
    project.epic("stories: [{id: a, run: 'true'}]")
    result = project.run_process("-n2", "--epic-plan", plugins=XDIST)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*wave 1*"])
    result.stdout.no_fnmatch_line("*2 workers*")
