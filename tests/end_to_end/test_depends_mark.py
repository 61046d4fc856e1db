"""What ``@pytest.mark.depends`` means: names, what they stand for, what becomes of a test. As in pytest-depends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

NOTES_CALLS = """
    def pytest_runtest_call(item):
        with open("ran", "a") as file:
            print(item.nodeid, file=file)
"""
ALL_THERE = ["b/test_there.py::test_top", "b/test_there.py::TestT::test_deep"]


@pytest.mark.parametrize(
    ("mark", "wrong"),
    [
        ("('test_up')", "takes `on=` and `name=`, not 'test_up'"),
        ("('a', 'b', on='test_up')", "takes `on=` and `name=`, not 'a', 'b'"),
        ("(needs='test_up')", "takes `on=` and `name=`, not needs="),
        ("(on=3)", "takes a string or a list of strings as on, not 3"),
        ("(on=['test_up', None])", "takes a string or a list of strings as on, not ['test_up', None]"),
        ("(name=b'up')", "takes a string or a list of strings as name, not b'up'"),
    ],
)
def test_a_wrong_mark_is_one_line_of_the_file(project: Project, mark: str, wrong: str) -> None:
    project.write("test_x.py", f"""
        import pytest

        def test_up(): pass

        @pytest.mark.depends{mark}
        def test_dep(): pass
    """)  # fmt: skip
    result = project.run()
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [f"test_x.py:6: test_dep: @pytest.mark.depends {wrong}".replace("[", "[[]"), "=* short test summary info *="],
        consecutive=True,
    )


def test_all_wrong_marks_are_told_at_once_and_other_files_are_left_alone(project: Project) -> None:
    project.write("test_a.py", "def test_fine(): pass")
    project.write("test_x.py", """
        import pytest
        @pytest.mark.depends("a")
        def test_one(): pass
        @pytest.mark.depends(after="a")
        def test_two(): pass
    """)  # fmt: skip
    result = project.run("--continue-on-collection-errors")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["test_x.py:3: test_one: *", "test_x.py:5: test_two: *"], consecutive=True)


@pytest.mark.parametrize("mark", ["'test_up'", "on='test_wrong'"], ids=["a wrong mark", "a cycle"])
def test_nothing_of_a_file_with_a_mistake_runs_and_all_else_does(
    both_ways: BothWays, project: Project, mark: str
) -> None:
    project.write("conftest.py", NOTES_CALLS)
    project.epic("""
        epic: {title: Shop}
        stories:
          - {id: "1", run: "true"}
          - {id: "2", run: "true", dependencies: ["test_x.py::test_up"]}
    """)
    project.write("test_x.py", f"""
        import pytest

        def test_up(): pass

        @pytest.mark.depends(on="test_up")
        def test_right(): pass

        @pytest.mark.asyncio
        async def test_async(): pass

        @pytest.mark.depends({mark})
        def test_wrong(): pass
    """)  # fmt: skip
    result = both_ways("--continue-on-collection-errors", "-rs")
    result.assert_outcomes(passed=1, skipped=1, errors=1)
    result.stdout.fnmatch_lines(["SKIPPED * 2 depends on test_x.py::test_up, which is not part of this run*"])
    assert (project.path / "ran").read_text().split() == ["epic_shop.yaml::1"]


def test_marks_of_function_class_module_and_parameter_add_up(both_ways: BothWays, project: Project) -> None:
    project.write("conftest.py", NOTES_CALLS)
    project.write("test_a.py", """
        import pytest
        pytestmark = pytest.mark.depends(on="test_z.py::test_module", name="any")

        @pytest.mark.depends(on=["test_z.py::test_class"])
        class TestDep:
            @pytest.mark.depends(on="test_z.py::test_upper")
            @pytest.mark.depends(on=("test_z.py::test_lower",), name="dep")
            @pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.depends(on="test_z.py::test_param")), 2])
            def test_dep(self, n): pass
    """)  # fmt: skip
    project.write("test_z.py", """
        import pytest
        @pytest.mark.depends(on=["any", "dep"])
        def test_last(): pass
        def test_lower(): pass
        def test_upper(): pass
        def test_class(): pass
        def test_module(): pass
        def test_param(): pass
    """)  # fmt: skip
    result = both_ways("--list-processed-dependencies")
    result.assert_outcomes(passed=8)
    common = [f"    test_z.py::test_{word}" for word in ("class", "lower", "module")]
    result.stdout.fnmatch_lines(
        [
            "Dependencies:",
            "  test_a.py::TestDep::test_dep[[]1] depends on",
            *common,
            "    test_z.py::test_param",
            "    test_z.py::test_upper",
            "  test_a.py::TestDep::test_dep[[]2] depends on",
            *common,
            "    test_z.py::test_upper",
            "  test_z.py::test_last depends on",
            "    test_a.py::TestDep::test_dep[[]1]",
            "    test_a.py::TestDep::test_dep[[]2]",
        ],
        consecutive=True,
    )
    assert project.lines("ran")[-1] == "test_z.py::test_last"


@pytest.mark.parametrize(
    ("on", "first"),
    [
        ("a/test_here.py::TestNext::test_own", ["a/test_here.py::TestNext::test_own"]),
        ("test_own", ["a/test_here.py::TestHere::test_own"]),
        ("test_both", ["a/test_here.py::TestHere::test_both"]),
        ("test_bare", ["a/test_here.py::test_bare"]),
        ("TestNext::test_own", ["a/test_here.py::TestNext::test_own"]),
        ("TestNext", ["a/test_here.py::TestNext::test_own"]),
        ("test_n", ["a/test_here.py::test_n[1]", "a/test_here.py::test_n[22]"]),
        ("test_n[22]", ["a/test_here.py::test_n[22]"]),
        ("custom", ["a/test_here.py::test_bare"]),
        ("shared", [*ALL_THERE, "a/test_here.py::test_bare"]),
        ("test_beside.py", ["a/test_beside.py::test_one"]),
        ("test_beside.py::test_one", ["a/test_beside.py::test_one"]),
        ("a/test_beside.py::test_one", ["a/test_beside.py::test_one"]),
        ("b/test_there.py", ALL_THERE),
        # A file comes forward whole.
        ("b/test_there.py::TestT", ALL_THERE),
        (["test_bare", "b/test_there.py::test_top"], [*ALL_THERE, "a/test_here.py::test_bare"]),
        ("test_ow*", ["a/test_here.py::TestHere::test_own"]),
        ("test_bar?", ["a/test_here.py::test_bare"]),
        ("TestN*::*", ["a/test_here.py::TestNext::test_own"]),
        ("test_bes*.py::*", ["a/test_beside.py::test_one"]),
        ("b/*", ALL_THERE),
        ("sha*", [*ALL_THERE, "a/test_here.py::test_bare"]),
    ],
    ids=str,
)
def test_what_a_name_stands_for_runs_first_and_all_else_stays_in_place(
    project: Project, on: str | list[str], first: list[str]
) -> None:
    project.write("conftest.py", NOTES_CALLS)
    project.write("a/test_here.py", f"""
        import pytest
        class TestHere:
            @pytest.mark.depends(on={on!r})
            def test_dep(self): pass
            def test_own(self): pass
            def test_both(self): pass
        class TestNext:
            def test_own(self): pass
        def test_both(): pass
        @pytest.mark.depends(name=["custom", "shared"])
        def test_bare(): pass
        @pytest.mark.parametrize("n", [1, 22])
        def test_n(n): pass
    """)  # fmt: skip
    project.write("a/test_beside.py", "def test_one(): pass")
    project.write("b/test_there.py", """
        import pytest
        @pytest.mark.depends(name="shared")
        def test_top(): pass
        class TestT:
            def test_deep(self): pass
    """)  # fmt: skip
    project.run("a/test_here.py", "a/test_beside.py", "b").assert_outcomes(passed=11)
    in_file_order = [
        "a/test_here.py::TestHere::test_own",
        "a/test_here.py::TestHere::test_both",
        "a/test_here.py::TestNext::test_own",
        "a/test_here.py::test_both",
        "a/test_here.py::test_bare",
        "a/test_here.py::test_n[1]",
        "a/test_here.py::test_n[22]",
        "a/test_beside.py::test_one",
        "b/test_there.py::test_top",
        "b/test_there.py::TestT::test_deep",
    ]
    rest = [key for key in in_file_order if key not in first]
    assert project.lines("ran") == [*first, "a/test_here.py::TestHere::test_dep", *rest]


@pytest.mark.parametrize("on", ["test_top", "TestT::test_deep", "there.py::test_top", "test_there", "test_to*"])
def test_a_bare_name_reaches_no_other_file(project: Project, on: str) -> None:
    project.write("a/test_here.py", f"import pytest\n@pytest.mark.depends(on={on!r})\ndef test_dep(): pass")
    project.write("b/test_there.py", "def test_top(): pass\nclass TestT:\n    def test_deep(self): pass")
    result = project.run("-rs")
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines([f"SKIPPED *a/test_here.py::test_dep depends on {on}, which was not found"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def test_up(): assert False", "which failed"),
        ("def test_up(broken): pass", "which failed"),
        ("def test_up(breaks_later): pass", "which failed"),
        ("def test_up(): pytest.skip('no')", "which was skipped"),
        ("@pytest.mark.skip\ndef test_up(): pass", "which was skipped"),
        ("@pytest.mark.xfail\ndef test_up(): assert False", "which was skipped"),
        ("@pytest.mark.xfail(run=False)\ndef test_up(): assert False", "which was skipped"),
        ("@pytest.mark.xfail(strict=True)\ndef test_up(): pass", "which failed"),
        ("@pytest.mark.depends(on='nothing')\ndef test_up(): pass", "which was skipped"),
    ],
)
def test_only_a_test_that_passed_whole_has_passed(both_ways: BothWays, project: Project, body: str, words: str) -> None:
    project.write("conftest.py", """
        import pytest
        @pytest.fixture
        def broken(): raise OSError
        @pytest.fixture
        def breaks_later():
            yield
            raise OSError
    """)  # fmt: skip
    dependent = "@pytest.mark.depends(on='test_up')\ndef test_dep(): pathlib.Path('ran').touch()"
    project.write("test_x.py", f"import pathlib, pytest\n{body}\n{dependent}\n")
    result = both_ways("-rs")
    result.stdout.fnmatch_lines([f"SKIPPED *test_x.py::test_dep depends on test_x.py::test_up, {words}"])
    assert not (project.path / "ran").exists()


def test_a_test_that_passes_against_its_xfail_has_passed(both_ways: BothWays, project: Project) -> None:
    project.write("test_x.py", """
        import pytest
        @pytest.mark.depends(on="test_up")
        def test_dep(): pass
        @pytest.mark.xfail
        def test_up(): pass
    """)  # fmt: skip
    both_ways().assert_outcomes(passed=1, xpassed=1)


def test_every_instance_that_a_name_stands_for_is_needed(both_ways: BothWays, project: Project) -> None:
    project.write("test_x.py", """
        import pytest
        @pytest.mark.parametrize("n", [1, 2])
        def test_n(n): assert n == 1
        @pytest.mark.depends(on="test_n[1]")
        def test_one(): pass
        @pytest.mark.depends(on="test_n")
        def test_all(): pass
        @pytest.mark.depends(on="test_all")
        def test_further(): pass
    """)  # fmt: skip
    result = both_ways("-rs")
    result.assert_outcomes(passed=2, failed=1, skipped=2)
    result.stdout.fnmatch_lines_random([
        "SKIPPED *test_x.py::test_all depends on test_x.py::test_n[[]2], which failed",
        "SKIPPED *test_x.py::test_further depends on test_x.py::test_all, which was skipped",
    ])  # fmt: skip


def test_all_that_was_not_found_is_named(both_ways: BothWays, project: Project) -> None:
    project.write("test_x.py", """
        import pytest
        def test_up(): pass
        @pytest.mark.depends(on=["Z::z", "test_up", "test_gone.py::test_a", "n*"])
        def test_dep(): pass
    """)  # fmt: skip
    result = both_ways("-rs")
    result.assert_outcomes(passed=1, skipped=1)
    missing = "Z::z, test_gone.py::test_a, n[*]"
    result.stdout.fnmatch_lines([f"SKIPPED *test_x.py::test_dep depends on {missing}, which was not found"])
