"""Runs without one of the plugins that pytest loads by itself, or without pytest-asyncio."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from _pytest.config import default_plugins, essential_plugins
from project import Project

BothWays = Callable[..., pytest.RunResult]

EPIC = """
    epic: {title: Shop}
    stories:
      - {id: "1", run: "echo up"}
      - {id: "2", call: "work:two", dependencies: ["1"]}
      - {id: "3", run: "exit 1", dependencies: ["1"]}
      - {id: "4", run: "true", dependencies: ["3"]}
"""
TESTS = """
    import pytest

    @pytest.mark.depends(on="epic_shop.yaml::2")
    def test_after(): print("after")

    {mark}
    async def test_async(): print("async")
"""
# Without Python's collector there are no tests, and without the terminal's reporter no outcomes to read.
NEEDED = {*essential_plugins, "python", "terminal"}


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("work.py", "async def two(): print('two')")
    project.epic(EPIC)
    return project


@pytest.mark.parametrize("name", [name for name in default_plugins if name not in NEEDED])
def test_what_runs_without_one_of_pytests_own_comes_out_the_same(both_ways: BothWays, shop: Project, name: str) -> None:
    shop.write("test_x.py", TESTS.format(mark="@pytest.mark.asyncio"))
    result = both_ways("-p", f"no:{name}")
    result.assert_outcomes(passed=4, failed=1, skipped=1)
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("options", [(), ("--epic-parallel=3",)], ids=["one by one", "three at once"])
def test_without_pytest_asyncio_only_its_tests_fail(shop: Project, options: tuple[str, ...]) -> None:
    shop.write("test_x.py", TESTS.format(mark=""))
    result = shop.pytester.runpytest_inprocess("-p", "pytest_tapps_waves.plugin", *options)
    result.assert_outcomes(passed=3, failed=2, skipped=1)
    result.stdout.fnmatch_lines(["*async def functions are not natively supported*", "FAILED test_x.py::test_async *"])


def test_a_run_without_a_terminal_reporter_has_its_exit_status(both_ways: BothWays, shop: Project) -> None:
    result = both_ways("-p", "no:terminal")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
