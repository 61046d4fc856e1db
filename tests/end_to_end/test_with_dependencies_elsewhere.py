"""``--epic-with-deps`` looks through files that nobody named: what it finds there, and what is none of its business."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]
WITH = "--epic-with-deps"
NO_MODULE = "*No module named 'no_such_module'"
BROKEN = "import no_such_module\ndef test_up(): pass\n"


def story(identifier: str, *dependencies: str) -> str:
    return f"stories: [{{id: '{identifier}', run: exit 0, dependencies: {list(dependencies)}}}]"


def dependent(on: object) -> str:
    return f"import pytest\n@pytest.mark.depends(on={on!r})\ndef test_it(): pass\n"


def ran(result: pytest.RunResult) -> list[str]:
    return [line.partition(" PASSED")[0] for line in result.outlines if " PASSED" in line]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tests/test_broken.py", BROKEN),
        ("broken/conftest.py", "raise ValueError"),
        ("tests/test_skipped.py", "import pytest\npytest.skip('not here', allow_module_level=True)"),
        ("tests/test_mark.py", "import pytest\n@pytest.mark.depends('up')\ndef test_wrong(): pass"),
        ("tests/test_ring.py", "import pytest\n@pytest.mark.depends(on='test_a')\ndef test_a(): pass"),
        ("epic_broken.yaml", "stories: 3"),
        ("epic_lost.yaml", story("1", "epic_nowhere.yaml::1")),
        ("epic_ring.yaml", "stories: [{id: a, dependencies: [b]}, {id: b, dependencies: [a]}]"),
    ],
)
def test_what_is_wrong_with_files_that_nobody_needs_is_not_told(
    both_ways: BothWays, project: Project, name: str, text: str
) -> None:
    project.write(name, text)
    project.write("broken/test_in.py", "def test_in(): pass")
    project.write("tests/test_db.py", "def test_up(): pass")
    project.epic(story("8", "tests/test_db.py::test_up"))
    result = both_ways(WITH, "epic_shop.yaml::8")
    assert result.ret == 0
    counts = result.parseoutcomes()
    assert counts.pop("passed") == 2
    assert set(counts) <= {"deselected"}


@pytest.mark.parametrize(
    ("selected", "dependency", "name", "text", "told"),
    [
        ("epic_shop.yaml::8", "tests/test_db.py::test_up", "tests/test_db.py", BROKEN, NO_MODULE),
        ("test_it.py::test_it", "tests/test_db.py::test_up", "tests/test_db.py", BROKEN, NO_MODULE),
        ("test_it.py::test_it", "by_name", "tests/test_db.py", BROKEN, NO_MODULE),
        ("epic_shop.yaml::8", "epic_user.yaml::2", "epic_user.yaml", "stories: 3", "epic_user.yaml:1: *"),
        ("test_it.py::test_it", "epic_user.yaml::2", "epic_user.yaml", "stories: 3", "epic_user.yaml:1: *"),
        (
            "test_it.py::test_it",
            "epic_user.yaml::2",
            "epic_user.yaml",
            story("2", "nine"),
            "*:1: story 2 depends on nine, *",
        ),
    ],
)
def test_what_is_wrong_with_files_that_are_needed_is_told_once(
    both_ways: BothWays, project: Project, selected: str, dependency: str, name: str, text: str, told: str
) -> None:
    project.write("test_it.py", dependent(dependency))
    project.epic(story("8", dependency) if "::" in dependency else story("8"))
    project.write(name, text)
    project.write("tests/test_free.py", "def test_free(): pass")
    result = both_ways(WITH, selected)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([told])
    assert result.stdout.str().count(f"ERROR collecting {name}") == 1


def test_a_named_file_that_is_broken_is_told_once(both_ways: BothWays, project: Project) -> None:
    project.write("tests/test_db.py", BROKEN)
    result = both_ways(WITH, "tests/test_db.py")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert result.stdout.str().count("ERROR collecting") == 1
    result.assert_outcomes(errors=1)


@pytest.mark.parametrize("folder", [".plans", "build"])
def test_epics_where_pytest_does_not_look_by_itself_are_brought_if_stories_name_them(
    both_ways: BothWays, project: Project, folder: str
) -> None:
    project.epic(story("8", "epic_user.yaml::2"), f"{folder}/epic_shop.yaml")
    project.epic(story("2", "t"), f"{folder}/epic_user.yaml")
    project.epic(story("t", f"{folder}/checks.py::test_up"), f"{folder}/epic_third.yml")
    project.write(f"{folder}/checks.py", "def test_up(): pass\ndef test_other(): pass")
    project.write("tests/test_a.py", "def test_a(): pass")
    result = both_ways("-v", WITH, f"{folder}/epic_shop.yaml::8")
    assert result.ret == 0
    names = [
        f"{folder}/{name}"
        for name in ("checks.py::test_up", "epic_third.yml::t", "epic_user.yaml::2", "epic_shop.yaml::8")
    ]
    assert ran(result) == names


def test_files_outside_of_the_test_paths_are_brought_if_stories_name_them(
    both_ways: BothWays, project: Project
) -> None:
    project.epic(story("8", "e2e/test_db.py::test_up", "tests/test_a.py::test_a"), "plans/epic_shop.yaml")
    project.write("e2e/test_db.py", "def test_up(): pass")
    project.write("e2e/test_broken.py", BROKEN)
    project.write("tests/test_a.py", "def test_a(): pass")
    result = both_ways("-v", "-o", "testpaths=tests", WITH, "plans/epic_shop.yaml")
    assert sorted(ran(result)) == ["e2e/test_db.py::test_up", "plans/epic_shop.yaml::8", "tests/test_a.py::test_a"]


def test_arguments_run_in_their_order_and_what_is_brought_before_what_needs_it(project: Project) -> None:
    project.write("test_a.py", "def test_1(): pass\ndef test_2(): pass")
    project.write("test_b.py", dependent("test_c.py::test_4"))
    project.write("test_c.py", "def test_3(): pass\ndef test_4(): pass")
    result = project.run("-v", WITH, "test_b.py::test_it", "test_a.py::test_2", "test_a.py::test_1")
    assert ran(result) == ["test_c.py::test_4", "test_b.py::test_it", "test_a.py::test_2", "test_a.py::test_1"]
    result.assert_outcomes(passed=4, deselected=1)


def test_what_is_brought_stands_where_it_was_collected(project: Project) -> None:
    project.write("test_a.py", """
        import pytest
        def test_1(): pass
        def test_2(): pass
        @pytest.mark.depends(on="test_5")
        def test_3(): pass
        @pytest.mark.depends(on=["test_1", "test_2"])
        def test_4(): pass
        def test_5(): pass
    """)  # fmt: skip
    result = project.run("-v", WITH, "-k", "test_3 or test_4")
    assert [name[-1] for name in ran(result)] == list("12534")


@pytest.mark.parametrize(
    ("argument", "names"),
    [
        ("TestX", ["TestX::test_1", "TestX::TestIn::test_2"]),
        ("TestX::TestIn", ["TestX::TestIn::test_2"]),
        ("test_n", ["test_n[a::b]", "test_n[a[c]]"]),
        ("test_n[a::b]", ["test_n[a::b]"]),
        ("test_n[a[c]]", ["test_n[a[c]]"]),
    ],
)
def test_an_argument_may_name_a_class_a_test_or_one_of_its_parameters(
    project: Project, argument: str, names: list[str]
) -> None:
    project.write("test_x.py", """
        import pytest
        class TestX:
            def test_1(self): pass
            class TestIn:
                def test_2(self): pass
        class TestXY:
            def test_1(self): pass
        @pytest.mark.parametrize("n", ["a::b", "a[c]"])
        def test_n(n): pass
        def test_no(): pass
    """)  # fmt: skip
    assert ran(project.run("-v", WITH, f"test_x.py::{argument}")) == [f"test_x.py::{name}" for name in names]


def test_what_deselect_takes_out_is_back_if_it_is_needed(both_ways: BothWays, project: Project) -> None:
    project.write("test_x.py", dependent("test_up") + "def test_up(): pass\ndef test_other(): pass\n")
    result = both_ways(WITH, "--deselect=test_x.py::test_up", "--deselect=test_x.py::test_other")
    result.assert_outcomes(passed=2, deselected=1)
    result.stdout.fnmatch_lines(["collected 3 items / 1 deselected / 2 selected"])


def test_plugins_are_told_of_what_is_left_out_once(project: Project) -> None:
    project.write("conftest.py", """
        def pytest_deselected(items):
            with open("left-out", "a") as file:
                for item in items:
                    print(item.name, file=file)
    """)  # fmt: skip
    project.write("test_x.py", dependent("test_up") + "def test_up(): pass\ndef test_other(): pass\n")
    project.write("test_y.py", "def test_far(): pass")
    project.run(WITH, "-k", "test_it", "test_x.py", "-p", "no:terminal")
    assert sorted(project.lines("left-out")) == ["test_far", "test_other", "test_up"]


def test_the_command_line_beats_the_ini_file(project: Project) -> None:
    project.write("test_x.py", dependent("test_up") + "def test_up(): pass\n")
    project.run("-o", "epic_with_deps=true", "--no-epic-with-deps", "-k", "test_it").assert_outcomes(
        skipped=1, deselected=1
    )


def test_without_stories_a_selection_is_what_it_is(both_ways: BothWays, project: Project) -> None:
    project.write("test_x.py", "def test_a(): pass\ndef test_b(): pass")
    both_ways(WITH, "test_x.py::test_b").assert_outcomes(passed=1, deselected=1)
    both_ways(WITH, "-k", "test_b").assert_outcomes(passed=1, deselected=1)
    both_ways(WITH).assert_outcomes(passed=2)


def test_it_works_in_workers(project: Project) -> None:
    project.epic("stories: [{id: 1, run: exit 0}, {id: 2, run: exit 0, dependencies: [1]}, {id: 3, run: exit 0}]")
    result = project.run_process(WITH, "-n2", "--dist=loadfile", "-v", "epic_shop.yaml::2", plugins=("xdist",))
    result.assert_outcomes(passed=2)
