"""``--epic-with-deps``: what is selected brings along what it depends on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

EPIC = """
    stories:
      - {id: "1", run: "exit 0", tags: [base]}
      - {id: "2", run: "exit 0", dependencies: ["1"], title: build}
      - {id: "3", run: "exit 0", dependencies: ["2"], title: ship}
      - {id: "4", run: "exit 0", dependencies: ["tests/test_db.py::test_up"]}
      - {id: "5", run: "exit 0"}
"""

TESTS = """
    import pytest

    @pytest.mark.depends(name="database")
    def test_up(): pass

    @pytest.mark.parametrize("number", range(2))
    @pytest.mark.depends(on="database")
    def test_fill(number): pass

    @pytest.mark.depends(on=["test_fill", "epic_shop.yaml::2"])
    def test_query(): pass

    def test_other(): pass
"""

ELSEWHERE = """
    import pytest

    @pytest.mark.depends(on="database")
    def test_far(): pass
"""

DB = "tests/test_db.py::"
EPICS = "epic_shop.yaml::"


@pytest.fixture(autouse=True)
def files(project: Project) -> None:
    project.write(
        "pytest.ini",
        "[pytest]\nasyncio_default_fixture_loop_scope = function\nmarkers = base\n",
    )
    project.epic(EPIC)
    project.write("tests/test_db.py", TESTS)
    project.write("tests/test_far.py", ELSEWHERE)


def passed(result: pytest.RunResult) -> list[str]:
    """In the order in which they ran."""
    assert result.ret == 0
    return [line.partition(" PASSED")[0] for line in result.stdout.lines if " PASSED" in line]


@pytest.mark.parametrize(
    ("selected", "brought"),
    [
        (["-k", "ship"], [f"{EPICS}1", f"{EPICS}2", f"{EPICS}3"]),
        ([f"{EPICS}3"], [f"{EPICS}1", f"{EPICS}2", f"{EPICS}3"]),
        (["-m", "base"], [f"{EPICS}1"]),
        ([f"{EPICS}4"], [f"{EPICS}4", f"{DB}test_up"]),
        (
            [f"{DB}test_query"],
            [*(f"{EPICS}{n}" for n in "12"), *(f"{DB}test_{n}" for n in ("fill[0]", "fill[1]", "query", "up"))],
        ),
        ([f"{DB}test_fill[1]"], [f"{DB}test_fill[1]", f"{DB}test_up"]),
        ([f"{DB}test_fill"], [f"{DB}test_fill[0]", f"{DB}test_fill[1]", f"{DB}test_up"]),
        (["tests/test_far.py"], [f"{DB}test_up", "tests/test_far.py::test_far"]),
        (["tests", "-k", "far"], [f"{DB}test_up", "tests/test_far.py::test_far"]),
        ([f"{DB}test_other"], [f"{DB}test_other"]),
        ([f"{EPICS}5", f"{EPICS}1"], [f"{EPICS}1", f"{EPICS}5"]),
    ],
)
def test_what_is_selected_brings_its_dependencies(both_ways: BothWays, selected: list[str], brought: list[str]) -> None:
    found = passed(both_ways("-v", "--epic-with-deps", *selected))
    assert sorted(found) == sorted(brought)
    for first, then in [(f"{EPICS}1", f"{EPICS}2"), (f"{DB}test_up", f"{DB}test_fill[1]")]:
        if {first, then} <= set(found):
            assert found.index(first) < found.index(then)


@pytest.mark.parametrize("selected", [["-k", "ship"], [f"{EPICS}3"]])
def test_what_is_left_out_is_counted_once(both_ways: BothWays, selected: list[str]) -> None:
    result = both_ways("--epic-with-deps", *selected)
    result.assert_outcomes(passed=3, deselected=8)
    result.stdout.fnmatch_lines(["collected 11 items / 8 deselected / 3 selected"])


def test_without_the_option_a_dependency_that_is_not_selected_is_missing(both_ways: BothWays) -> None:
    both_ways(f"{EPICS}3").assert_outcomes(skipped=1)


def test_the_ini_option_is_the_default(project: Project) -> None:
    project.run("-o", "epic_with_deps=true", f"{EPICS}3").assert_outcomes(passed=3, deselected=8)


def test_everything_is_selected_without_arguments(both_ways: BothWays) -> None:
    both_ways("--epic-with-deps").assert_outcomes(passed=11)


@pytest.mark.parametrize("argument", [f"{EPICS}9", f"{DB}test_no", f"{DB}test_fil"])
def test_what_is_not_there_is_not_found(project: Project, argument: str) -> None:
    result = project.run("--epic-with-deps", argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: not found: {argument}"])


def test_a_file_that_is_not_there_is_not_found(project: Project) -> None:
    result = project.run("--epic-with-deps", "epic_no.yaml::1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: file or directory not found: *epic_no.yaml"])


def test_packages_are_named_as_files(project: Project) -> None:
    result = project.run("--epic-with-deps", "--pyargs", "tests")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --epic-with-deps and --pyargs do not go together; *"])


def test_what_failed_last_brings_its_dependencies(both_ways: BothWays, project: Project) -> None:
    project.epic(EPIC.replace('"exit 0", dependencies: ["2"]', '"exit 3", dependencies: ["2"]'))
    both_ways().assert_outcomes(passed=10, failed=1)
    project.epic(EPIC)
    found = passed(both_ways("-v", "--epic-with-deps", "--lf"))
    assert found == [f"{EPICS}1", f"{EPICS}2", f"{EPICS}3"]


def test_a_folder_below_reaches_all_of_rootdir(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.path / "tests")
    result = project.run("--epic-with-deps", "test_db.py::test_query")
    result.assert_outcomes(passed=6, deselected=5)


def test_only_the_test_paths_are_looked_through(project: Project) -> None:
    project.write("scratch/test_broken.py", "import no_such_module")
    result = project.run("--epic-with-deps", "-o", "testpaths=tests", f"{DB}test_fill")
    result.assert_outcomes(passed=3, deselected=3)


def test_the_plan_is_of_what_is_brought_along(project: Project) -> None:
    result = project.run("--epic-plan", "--epic-with-deps", f"{EPICS}3")
    result.stdout.fnmatch_lines(["|wave 1: 1 story * wave 3: 1 story *|", "|*  1 * 2 build * 3 ship *|"])


DOCUMENTED = """
    stories:
      - {id: "1", run: "exit 0"}
      - {id: "2", title: notes, dependencies: ["1"]}
      - {id: "3", run: "exit 0", dependencies: ["2"], title: chosen}
      - {id: "4", title: more notes}
      - {id: "5", run: "exit 0", dependencies: ["4"], title: chosen}
"""


def test_a_story_without_anything_to_run_is_not_missed(both_ways: BothWays, project: Project) -> None:
    project.epic(DOCUMENTED)
    both_ways(f"{EPICS}5").assert_outcomes(passed=1)
    result = both_ways(f"{EPICS}3", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*3 depends on 1, which is not part of this run*"])
    both_ways(f"{EPICS}3", f"{EPICS}1").assert_outcomes(passed=2)


def test_a_deselected_story_without_anything_to_run_is_not_missed(both_ways: BothWays, project: Project) -> None:
    project.epic(DOCUMENTED)
    result = both_ways("epic_shop.yaml", "-k", "chosen", "-rs")
    result.assert_outcomes(passed=1, skipped=1, deselected=3)
    result.stdout.fnmatch_lines(["*3 depends on 1, which is not part of this run*"])
    both_ways("epic_shop.yaml", "-k", "not notes").assert_outcomes(passed=3, deselected=2)


def test_failures_travel_through_a_deselected_story_without_anything_to_run(
    both_ways: BothWays, project: Project
) -> None:
    project.epic(DOCUMENTED.replace("exit 0", "exit 1", 1))
    result = both_ways("epic_shop.yaml", "-k", "not notes", "-rs")
    result.assert_outcomes(passed=1, failed=1, skipped=1, deselected=2)
    result.stdout.fnmatch_lines(["*3 depends on 1, which failed"])


def test_a_story_with_an_action_of_a_hook_is_missed(both_ways: BothWays, project: Project) -> None:
    project.write("conftest.py", """
        class Wait:
            def describe(self): return "wait"
            async def perform(self, job, output): pass
        def pytest_epic_action(config, story):
            return Wait() if story.id == "4" else None
    """)  # fmt: skip
    project.epic(DOCUMENTED)
    both_ways(f"{EPICS}5").assert_outcomes(skipped=1)
