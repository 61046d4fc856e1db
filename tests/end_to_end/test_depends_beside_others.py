"""Dependencies among Python tests beside what else reorders, repeats or selects tests."""

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
    import pathlib, pytest
    def test_free(): pass
    @pytest.mark.depends(on="test_mid")
    def test_low(): assert not pathlib.Path("low-fails").exists()
    @pytest.mark.depends(on="test_top")
    def test_mid(): pass
    def test_between(): pass
    def test_top(): assert not pathlib.Path("top-fails").exists()
    def test_end(): pass
"""
IN_ORDER = ["test_top", "test_mid", "test_low"]


@pytest.fixture
def chain(project: Project) -> Project:
    project.write("conftest.py", NOTES_CALLS)
    project.write("test_x.py", CHAIN)
    return project


def ran(project: Project) -> list[str]:
    """What has run since this was last asked."""
    names = project.lines("ran")
    (project.path / "ran").unlink(missing_ok=True)
    return names


def test_last_failed_runs_the_failed_dependent_alone(both_ways: BothWays, chain: Project) -> None:
    chain.write("low-fails", "")
    both_ways().assert_outcomes(passed=5, failed=1)
    ran(chain)
    both_ways("--lf").assert_outcomes(failed=1)
    assert ran(chain) == ["test_low"]
    (chain.path / "low-fails").unlink()
    both_ways("--lf").assert_outcomes(passed=1)
    assert ran(chain) == ["test_low"]


def test_last_failed_keeps_the_order_of_what_failed(both_ways: BothWays, project: Project) -> None:
    project.write("conftest.py", NOTES_CALLS)
    project.write("test_x.py", CHAIN.replace('on="test_mid"', 'on="test_top"'))
    project.write("low-fails", "")
    project.write("top-fails", "")
    both_ways("--failed-dependency-action=run").assert_outcomes(passed=4, failed=2)
    ran(project)
    result = both_ways("--lf", "-rs")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED *test_low depends on test_x.py::test_top, which failed"])
    assert ran(project) == ["test_top"]


def test_last_failed_keeps_the_order_across_what_passed(both_ways: BothWays, chain: Project) -> None:
    chain.write("low-fails", "")
    chain.write("top-fails", "")
    both_ways("--failed-dependency-action=run").assert_outcomes(passed=4, failed=2)
    ran(chain)
    # With the file as an argument: else pytest collects nothing of it but what failed.
    both_ways("--lf", "test_x.py").assert_outcomes(failed=1, skipped=1, deselected=4)
    assert ran(chain) == ["test_top"]


def test_failed_first_keeps_dependencies_before_what_failed(both_ways: BothWays, chain: Project) -> None:
    chain.write("low-fails", "")
    both_ways().assert_outcomes(passed=5, failed=1)
    ran(chain)
    both_ways("--ff").assert_outcomes(passed=5, failed=1)
    names = ran(chain)
    assert [name for name in names if name in IN_ORDER] == IN_ORDER
    assert sorted(names) == sorted([*IN_ORDER, "test_free", "test_between", "test_end"])


def test_failed_first_still_puts_first_what_failed(chain: Project) -> None:
    chain.write("low-fails", "")
    chain.run().assert_outcomes(passed=5, failed=1)
    ran(chain)
    chain.run("--ff")
    assert ran(chain) == [*IN_ORDER, "test_free", "test_between", "test_end"]


def test_new_first_keeps_dependencies_before_new_tests(both_ways: BothWays, chain: Project) -> None:
    both_ways().assert_outcomes(passed=6)
    chain.write("test_new.py", """
        import pytest
        @pytest.mark.depends(on="test_x.py::test_low")
        def test_new(): pass
    """)  # fmt: skip
    ran(chain)
    both_ways("--nf").assert_outcomes(passed=7)
    assert [name for name in ran(chain) if name in [*IN_ORDER, "test_new"]] == [*IN_ORDER, "test_new"]


def test_randomly_shuffles_all_but_what_must_be_in_order(both_ways: BothWays, chain: Project) -> None:
    orders = set()
    for seed in range(6):
        both_ways("-p", "pytest_randomly", f"--randomly-seed={seed}").assert_outcomes(passed=6)
        names = ran(chain)
        assert [name for name in names if name in IN_ORDER] == IN_ORDER
        orders.add(tuple(names))
    assert len(orders) > 1


def test_randomly_keeps_an_order_across_files(both_ways: BothWays, chain: Project) -> None:
    for number in range(5):
        on = f"test_{number + 1}.py::test_{number + 1}" if number < 4 else "test_x.py::test_low"
        chain.write(f"test_{number}.py", f"""
            import pytest
            @pytest.mark.depends(on="{on}")
            def test_{number}(): pass
        """)  # fmt: skip
    for seed in range(3):
        both_ways("-p", "pytest_randomly", f"--randomly-seed={seed}").assert_outcomes(passed=11)
        chained = [name for name in ran(chain) if name not in ("test_free", "test_between", "test_end")]
        assert chained == [*IN_ORDER, "test_4", "test_3", "test_2", "test_1", "test_0"]


def test_a_test_that_passes_when_run_again_has_passed(both_ways: BothWays, chain: Project) -> None:
    chain.write("test_flaky.py", """
        import pathlib, pytest
        @pytest.mark.depends(on="test_flaky")
        def test_after(): pass
        def test_flaky():
            seen = pathlib.Path("seen")
            tries = len(seen.read_text()) if seen.exists() else 0
            seen.write_text("x" * (tries + 1))
            assert tries == 2
    """)  # fmt: skip
    result = both_ways("-p", "pytest_rerunfailures", "--reruns=2")
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines(["*8 passed, 2 rerun*"])
    names = ran(chain)
    assert [name for name in names if name in ("test_flaky", "test_after")] == [*["test_flaky"] * 3, "test_after"]
    assert [name for name in names if name in IN_ORDER] == IN_ORDER


def test_a_test_that_never_passes_when_run_again_has_failed(both_ways: BothWays, chain: Project) -> None:
    chain.write("top-fails", "")
    result = both_ways("-p", "pytest_rerunfailures", "--reruns=1", "-rs")
    result.assert_outcomes(passed=3, failed=1, skipped=2)
    assert ran(chain).count("test_top") == 2
    result.stdout.fnmatch_lines(["SKIPPED *test_mid depends on test_x.py::test_top, which failed"])


def test_stopping_at_the_first_failure_runs_nothing_that_depends_on_it(both_ways: BothWays, chain: Project) -> None:
    chain.write("top-fails", "")
    result = both_ways("-x")
    result.assert_outcomes(failed=1, passed=len(ran(chain)) - 1)
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])


def test_tests_run_by_a_parameter_of_a_wider_fixture_keep_their_order(both_ways: BothWays, project: Project) -> None:
    project.write("conftest.py", NOTES_CALLS)
    project.write("test_x.py", """
        import pytest
        @pytest.fixture(scope="module", params=["p", "q"])
        def wide(request): return request.param
        @pytest.mark.depends(on="test_up")
        def test_dep(wide): pass
        def test_up(wide): pass
    """)  # fmt: skip
    both_ways().assert_outcomes(passed=4)
    names = ran(project)
    assert sorted(names[:2]) == ["test_up[p]", "test_up[q]"]
    assert sorted(names[2:]) == ["test_dep[p]", "test_dep[q]"]


def test_unittest_and_package_tests_may_depend_and_be_depended_on(both_ways: BothWays, project: Project) -> None:
    project.write("conftest.py", NOTES_CALLS)
    project.write("pack/__init__.py", "")
    project.write("pack/test_case.py", """
        import unittest, pytest
        class TestCase(unittest.TestCase):
            @pytest.mark.depends(on=["test_b", "test_y.py::test_c"])
            def test_a(self): pass
            def test_b(self): pass
    """)  # fmt: skip
    project.write("pack/test_y.py", "def test_c(): pass")
    both_ways().assert_outcomes(passed=3)
    names = ran(project)
    assert sorted(names) == ["test_a", "test_b", "test_c"]
    assert names[-1] == "test_a"
