"""How tests marked with ``depends`` run: verdicts before fixtures, order, selection, cycles, and other plugins."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

NOTES_CALLS = """
    def pytest_runtest_call(item):
        with open("ran", "a") as file:
            print(item.name, file=file)
"""
CHAIN = """
    import pytest
    def test_free(): pass
    @pytest.mark.depends(on="test_mid")
    def test_low(): pass
    @pytest.mark.depends(on="test_top")
    def test_mid(): pass
    def test_between(): pass
    def test_top(): pass
    def test_end(): pass
"""
CHAIN_ORDER = ["test_free", "test_top", "test_mid", "test_low", "test_between", "test_end"]
VERDICTS = """
    import pathlib, pytest

    @pytest.fixture
    def noted(): pathlib.Path("set-up").touch()

    def test_up(): assert False
    @pytest.mark.depends(on="test_up")
    def test_failed(noted): pathlib.Path("failed-ran").touch()
    @pytest.mark.depends(on="test_gone")
    def test_missing(noted): pathlib.Path("missing-ran").touch()
"""


@pytest.mark.parametrize("by_ini", [False, True], ids=["cli", "ini"])
@pytest.mark.parametrize("kind", ["failed", "missing"])
@pytest.mark.parametrize(
    ("action", "outcomes"),
    [
        ("run", {"failed": 1, "passed": 1, "skipped": 1}),
        ("skip", {"failed": 1, "skipped": 2}),
        ("fail", {"failed": 2, "skipped": 1}),
    ],
)
def test_each_action_does_what_it_says_to_its_kind_alone(
    both_ways: BothWays, project: Project, kind: str, action: str, outcomes: dict[str, int], by_ini: bool
) -> None:
    if by_ini:
        ini = project.path / "pytest.ini"
        ini.write_text(ini.read_text() + f"{kind}_dependency_action = {action}\n")
    project.write("test_x.py", VERDICTS)
    result = both_ways("-rfs", *([] if by_ini else [f"--{kind}-dependency-action={action}"]))
    result.assert_outcomes(**outcomes)
    assert [path.name for path in project.path.glob("*-ran")] == ([f"{kind}-ran"] if action == "run" else [])
    assert (project.path / "set-up").exists() == (action == "run")


def test_the_command_line_beats_the_ini_file(both_ways: BothWays, project: Project) -> None:
    ini = project.path / "pytest.ini"
    ini.write_text(ini.read_text() + "failed_dependency_action = fail\nmissing_dependency_action = fail\n")
    project.write("test_x.py", VERDICTS)
    both_ways("--failed-dependency-action=run", "--missing-dependency-action=skip").assert_outcomes(
        passed=1, failed=1, skipped=1
    )


def test_a_wrong_action_is_a_usage_error(project: Project) -> None:
    project.write("test_x.py", VERDICTS)
    result = project.run("--failed-dependency-action=explode")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--failed-dependency-action: must be one of run, skip, fail; not 'explode'"])


def test_what_fails_for_its_dependency_fails_in_the_call_and_in_one_line(both_ways: BothWays, project: Project) -> None:
    project.write("conftest.py", """
        def pytest_runtest_logreport(report):
            if "test_failed" in report.nodeid:
                with open("phases", "a") as file:
                    print(report.when + "-" + report.outcome, file=file)
    """)  # fmt: skip
    project.write("test_x.py", VERDICTS)
    result = both_ways("--failed-dependency-action=fail", "--missing-dependency-action=fail")
    result.assert_outcomes(failed=3)
    assert project.lines("phases") == ["setup-passed", "call-failed", "teardown-passed"]
    for name, why in (("failed", "test_x.py::test_up, which failed"), ("missing", "test_gone, which was not found")):
        line = f"test_x.py::test_{name} depends on {why}"
        result.stdout.fnmatch_lines([f"__* test_{name} *__", line, "[_=]*"], consecutive=True)
    assert not (project.path / "set-up").exists()


def test_file_order_is_changed_only_where_it_must_be(project: Project) -> None:
    project.write("conftest.py", NOTES_CALLS)
    project.write("test_x.py", CHAIN)
    result = project.run()
    result.assert_outcomes(passed=6)
    assert project.lines("ran") == CHAIN_ORDER
    result.stdout.fnmatch_lines(["epics: 3 stories, 3 waves, one at a time"])


def test_an_unmarked_test_joins_the_graph_only_if_it_is_depended_on(project: Project) -> None:
    project.write("conftest.py", NOTES_CALLS)
    project.write("test_x.py", CHAIN)
    result = project.run("--epic-parallel=3")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["epics: 3 stories, 3 waves, 3 at once, waves schedule"])
    assert project.lines("ran") == ["test_free", "test_between", "test_end", "test_top", "test_mid", "test_low"]


def test_a_run_without_dependencies_is_left_as_it_is(both_ways: BothWays, project: Project) -> None:
    project.write("conftest.py", NOTES_CALLS)
    project.write("test_x.py", """
        import pytest
        def test_b(): pass
        @pytest.mark.depends(name="named")
        def test_a(): pass
        def test_c(): assert False
    """)  # fmt: skip
    result = both_ways()
    result.assert_outcomes(passed=2, failed=1)
    assert project.lines("ran") == ["test_b", "test_a", "test_c"]
    result.stdout.no_fnmatch_line("*epics*")


@pytest.mark.parametrize(
    ("marks", "path"),
    [
        ({"a": "test_b", "b": "test_c", "c": "test_a"}, "a -> b -> c -> a"),
        ({"a": "test_c", "b": "test_b", "c": "test_d"}, "b -> b"),
        ({"a": "test_x.py", "b": "nothing", "c": "nothing"}, "a -> a"),
        ({"a": "nothing", "b": "test_[cd]", "c": "test_[ab]"}, "b -> c -> b"),
    ],
)
def test_a_cycle_is_one_line_with_its_path(
    both_ways: BothWays, project: Project, marks: dict[str, str], path: str
) -> None:
    marked = "".join(f"@pytest.mark.depends(on={on!r})\ndef test_{name}(): pass\n" for name, on in marks.items())
    project.write("test_x.py", f"import pytest\n{marked}def test_d(): pass\n")
    project.write("test_y.py", "def test_other(): pass")
    result = both_ways("--continue-on-collection-errors")
    result.assert_outcomes(passed=1, errors=1)
    keys = " -> ".join(f"test_x.py::test_{name}" for name in path.split(" -> "))
    line = 2 + 2 * list(marks).index(path[0])
    result.stdout.fnmatch_lines([f"test_x.py:{line}: a cycle: {keys}, each depends on the next; break it somewhere"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


def test_dependency_names_are_listed_and_node_ids_if_asked_for(project: Project) -> None:
    project.write("test_x.py", """
        import pytest
        class TestC:
            @pytest.mark.parametrize("n", [2, 1])
            @pytest.mark.depends(name="own")
            def test_n(self, n): pass
        @pytest.mark.depends(name=["solo"])
        def test_a(): pass
    """)  # fmt: skip
    both = ["    test_x.py::TestC::test_n[[]1]", "    test_x.py::TestC::test_n[[]2]"]
    result = project.run("--list-dependency-names")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "Available dependency names:",
            "  own ->",
            *both,
            "  solo -> test_x.py::test_a",
            "  test_x.py ->",
            *both,
            "    test_x.py::test_a",
            "  test_x.py::TestC ->",
            *both,
            "  test_x.py::TestC::test_n ->",
            *both,
            "collected 3 items",
        ],
        consecutive=True,
    )
    verbose = project.run("--list-dependency-names", "-vv", "--collect-only")
    verbose.stdout.fnmatch_lines(["  test_x.py::TestC::test_n[[]1]", "  test_x.py::TestC::test_n[[]2]"])
    verbose.stdout.fnmatch_lines(["  test_x.py::test_a"])


def test_processed_dependencies_are_listed_with_what_is_missing(project: Project) -> None:
    project.write("test_x.py", CHAIN + "    @pytest.mark.depends(on=['zz', 'test_top'])\n    def test_a(): pass\n")
    result = project.run("--list-processed-dependencies", "--collect-only")
    result.stdout.fnmatch_lines(
        [
            "Dependencies:",
            "  test_x.py::test_a depends on",
            "    test_x.py::test_top",
            "    zz (MISSING)",
            "  test_x.py::test_low depends on",
            "    test_x.py::test_mid",
            "  test_x.py::test_mid depends on",
            "    test_x.py::test_top",
            "collected 7 items",
        ],
        consecutive=True,
    )


@pytest.mark.parametrize("option", [["-k", "not test_mid"], ["-m", "not slow"], ["--deselect=test_x.py::test_mid"]])
def test_a_deselected_dependency_is_missing(both_ways: BothWays, project: Project, option: list[str]) -> None:
    ini = project.path / "pytest.ini"
    ini.write_text(ini.read_text() + "markers = slow\n")
    project.write("test_x.py", CHAIN.replace("    def test_mid", "    @pytest.mark.slow\n    def test_mid"))
    result = both_ways(*option, "-rs")
    result.assert_outcomes(passed=4, skipped=1, deselected=1)
    result.stdout.fnmatch_lines(
        ["SKIPPED *test_x.py::test_low depends on test_x.py::test_mid, which is not part of this run (*"]
    )
    run = both_ways(*option, "--missing-dependency-action=run")
    run.assert_outcomes(passed=5, deselected=1)


def test_order_holds_across_a_deselected_test(both_ways: BothWays, project: Project) -> None:
    project.write("conftest.py", NOTES_CALLS)
    project.write("test_x.py", CHAIN)
    both_ways("-k", "low or top", "--missing-dependency-action=run").assert_outcomes(passed=2, deselected=4)
    assert project.lines("ran") == ["test_top", "test_low"]


def test_a_node_id_alone_leaves_its_dependency_out(both_ways: BothWays, project: Project) -> None:
    project.write("test_x.py", CHAIN)
    result = both_ways("test_x.py::test_mid", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED *test_x.py::test_mid depends on *test_top, which was not found"])
