"""The scenarios of pytest-dependency 0.6.1's own test suite, told anew, with its mark said in ours by a shim.

The shim is ``tests/shims/dependency_shim.py``; it is not part of the package. What is left out of that suite:

- ``test_03_runtime``, ``test_03_scope::test_scope_dependsfunc``, and the examples runtime, group-fixture,
  group-fixture2 and or_dependency: the function ``depends(request, ...)``. Ours must be known before the run.
- ``test_04_automark`` with the option on: with ours, what is depended on needs no mark.
- ``test_04_ignore_unknown::test_ignore``: its option ``--ignore-unknown-dependency``. Told with ours.
- ``test_03_skipmsgs``: its message is ``test_c depends on test_b``; ours says which test, and what became of it.
- ``test_01_marker::test_marker``: its ``DependencyManager``.
- The example debugging: two of its tests expect to be skipped because a test on which they depend runs *later*, when
  pytest has grouped them by a parameter. Ours runs that one first, so they pass. The rest of it is told here.
- The example nodeid, which has no dependency, and the scope_* examples, which are those of test_03_scope.

Where ours differ besides:

- When several tests have one name all are needed; there, the one that ran last counts.
- ``scope="class"`` outside of a class is a mistake there and in the shim; ours has no scopes.
"""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest
from dependency_scenarios import HEADER, ONE_FILE
from project import Project

BothWays = Callable[..., pytest.RunResult]

NOTES_OUTCOMES = """
    def pytest_runtest_logreport(report):
        if report.when == "call" or not report.passed:
            outcome = "xfailed" if hasattr(report, "wasxfail") else report.outcome
            with open("outcomes", "a") as file:
                print(f"{report.nodeid}={outcome}", file=file)
"""


def write(project: Project, name: str, text: str) -> None:
    project.write(name, HEADER + dedent(text))


def expected(words: str) -> dict[str, str]:
    groups = (group.split(":", 1) for group in words.split(";"))
    return {name: outcome.strip() for outcome, names in groups for name in names.split()}


def outcomes(project: Project, prefix: str = "") -> dict[str, str]:
    lines = (line.rpartition("=") for line in project.lines("outcomes"))
    return {name.removeprefix(prefix): outcome for name, _, outcome in lines}


@pytest.fixture
def run(both_ways: BothWays, project: Project) -> BothWays:
    project.write("conftest.py", NOTES_OUTCOMES)

    def run_with_shim(*args: str) -> pytest.RunResult:
        return both_ways("-p", "shims.dependency_shim", *args)

    return run_with_shim


@pytest.mark.parametrize("scenario", ONE_FILE)
def test_one_file(run: BothWays, project: Project, scenario: str) -> None:
    text, words = ONE_FILE[scenario]
    write(project, "test_x.py", text)
    run()
    assert outcomes(project, "test_x.py::") == expected(words)


def test_a_test_selected_alone_is_skipped(run: BothWays, project: Project) -> None:
    write(project, "test_x.py", """
        @dep()
        def test_on(): pass
        @dep(depends=["test_on"])
        def test_next(): pass
    """)  # fmt: skip
    run("test_x.py::test_next").assert_outcomes(skipped=1)


def test_an_unknown_dependency_can_be_ignored(run: BothWays, project: Project) -> None:
    write(project, "test_x.py", """
        @dep()
        def test_bad(): assert False
        @dep(depends=["test_bad", "test_gone"])
        def test_next(): pass
        @dep(depends=["test_gone"])
        def test_fine(): pass
    """)  # fmt: skip
    run("--missing-dependency-action=run")
    assert outcomes(project, "test_x.py::") == expected("failed: test_bad; skipped: test_next; passed: test_fine")


def test_the_session_as_the_scope(run: BothWays, project: Project) -> None:
    write(project, "test_1.py", """
        @dep()
        def test_one(): pass
        @dep()
        def test_two(): assert False
        @dep(depends=["test_one"])
        def test_three(): pass
        class TestIt:
            @dep()
            def test_two(self): pass
    """)  # fmt: skip
    write(project, "test_2.py", """
        @dep()
        def test_one(): assert False
        @dep(depends=["test_1.py::test_one", "test_1.py::test_three"], scope="session")
        def test_a(): pass
        @dep(depends=["test_1.py::test_two"], scope="session")
        def test_b(): pass
        @dep(depends=["test_2.py::test_a"], scope="session")
        def test_c(): pass
        @dep(depends=["test_1.py::TestIt::test_two"], scope="session")
        def test_d(): pass
    """)  # fmt: skip
    run()
    assert outcomes(project) == expected(
        "passed: test_1.py::test_one test_1.py::test_three test_1.py::TestIt::test_two;"
        "passed: test_2.py::test_a test_2.py::test_c test_2.py::test_d;"
        "failed: test_1.py::test_two test_2.py::test_one; skipped: test_2.py::test_b"
    )


def test_the_package_as_the_scope(run: BothWays, project: Project) -> None:
    for package in ("a", "b"):
        project.write(f"{package}/__init__.py", "")
    write(project, "a/test_1.py", "@dep()\ndef test_one(): pass\n")
    write(project, "b/test_2.py", "@dep()\ndef test_on(): pass\n@dep()\ndef test_bad(): assert False\n")
    write(project, "b/test_3.py", """
        @dep(depends=["a/test_1.py::test_one"], scope="session")
        def test_a(): pass
        @dep(depends=["a/test_1.py::test_one"], scope="package")
        def test_b(): pass
        @dep(depends=["b/test_2.py::test_on"], scope="package")
        def test_c(): pass
        @dep(depends=["b/test_2.py::test_bad"], scope="package")
        def test_d(): pass
    """)  # fmt: skip
    run()
    wanted = expected("passed: test_a test_c; skipped: test_b test_d")
    assert outcomes(project, "b/test_3.py::").items() >= wanted.items()


@pytest.mark.parametrize(
    ("scope", "found", "unknown"),
    [
        ("module", ["test_f", "TestIt::test_m"], ["test_x.py::test_f", "test_m", "test_x.py::TestIt::test_m"]),
        ("session", ["test_x.py::test_f", "test_x.py::TestIt::test_m"], ["test_f", "test_m", "TestIt::test_m"]),
        ("class", ["test_m"], ["test_f", "TestIt::test_m", "test_x.py::TestIt::test_m"]),
    ],
)
def test_the_name_of_a_test_without_one_is_its_place_in_the_scope(
    run: BothWays, project: Project, scope: str, found: list[str], unknown: list[str]
) -> None:
    write(project, "test_x.py", f"""
        @dep()
        def test_f(): pass
        class TestIt:
            @dep()
            def test_m(self): pass
            @pytest.mark.parametrize("n", [param(n, marks=dep(depends=[n], scope={scope!r})) for n in {found!r}])
            def test_found(self, n): pass
            @pytest.mark.parametrize("n", [param(n, marks=dep(depends=[n], scope={scope!r})) for n in {unknown!r}])
            def test_unknown(self, n): pass
    """)  # fmt: skip
    run().assert_outcomes(passed=2 + len(found), skipped=len(unknown))
    assert all(outcome == "skipped" for key, outcome in outcomes(project).items() if "test_unknown" in key)


@pytest.mark.parametrize("scope", ["session", "module", "class"])
def test_a_test_with_a_name_has_that_alone_in_every_scope(run: BothWays, project: Project, scope: str) -> None:
    write(project, "test_x.py", f"""
        class TestIt:
            @dep(name="given")
            def test_m(self): pass
            @dep(depends=["given"], scope={scope!r})
            def test_by_name(self): pass
            @dep(depends=["test_m"], scope={scope!r})
            def test_by_method(self): pass
            @dep(depends=["TestIt::test_m"], scope={scope!r})
            def test_by_class(self): pass
            @dep(depends=["test_x.py::TestIt::test_m"], scope={scope!r})
            def test_by_file(self): pass
    """)  # fmt: skip
    run().assert_outcomes(passed=2, skipped=3)
    assert outcomes(project, "test_x.py::TestIt::")["test_by_name"] == "passed"


def test_ours_runs_first_what_stands_later(run: BothWays, project: Project) -> None:
    write(project, "test_x.py", """
        @dep(depends=["test_later"])
        def test_next(): pass
        @dep()
        def test_later(): pass
    """)  # fmt: skip
    run()
    assert list(outcomes(project, "test_x.py::").items()) == [("test_later", "passed"), ("test_next", "passed")]
