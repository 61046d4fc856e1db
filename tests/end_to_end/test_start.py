"""What a run of pytest waits for that has no stories."""

from __future__ import annotations

import pytest
from project import Project

NEEDED_BY_STORIES = {"run", "preparation", "engine", "epics.spec", "core.plan", "actions.base", "journal.journal"}
FEW = 30
"""Modules of ours; each takes a third of a millisecond."""


@pytest.fixture
def telling(project: Project) -> Project:
    """A project that tells which modules a run has loaded."""
    project.write(
        "conftest.py",
        """
        import sys

        def pytest_unconfigure():
            with open("loaded", "w") as file:
                print(*sys.modules, sep="\\n", file=file)
        """,
    )
    project.write("test_plain.py", "def test_plain():\n    pass\n")
    return project


def _loaded(project: Project, *options: str) -> tuple[set[str], set[str]]:
    """The modules of this package, and the others."""
    project.run_process(*options).assert_outcomes(passed=1)
    modules = set((project.path / "loaded").read_text(encoding="utf-8").split())
    ours = {name for name in modules if name.startswith("pytest_tapps_waves.")}
    return {name.removeprefix("pytest_tapps_waves.") for name in ours}, modules - ours


def test_a_run_without_stories_loads_little_of_the_plugin(telling: Project) -> None:
    ours, others = _loaded(telling)
    assert not ours & NEEDED_BY_STORIES
    assert len(ours) < FEW
    assert not others & {"sqlite3", "greenlet", "yaml", "pydantic", "psutil"}


def test_a_run_with_stories_loads_no_more_than_its_stories_need(telling: Project) -> None:
    (telling.path / "test_plain.py").unlink()
    telling.epic("epic: {id: shop}\nstories: [{id: '1', run: 'exit 0'}]\n")
    ours, _ = _loaded(telling)
    assert ours >= NEEDED_BY_STORIES
    assert not ours & {"loops.at_once", "reports.plans.view", "reports.status", "workspaces.worktree", "prediction"}
    ours_once_it_is_known, others_once_it_is_known = _loaded(telling)
    assert not ours_once_it_is_known & {"epics.loader", "epics.agents", "actions.agents.brief"}
    assert not others_once_it_is_known & {"yaml", "pydantic"}


def test_tests_alone_load_nothing_of_what_carries_out_stories(telling: Project) -> None:
    (telling.path / "test_plain.py").unlink()
    telling.write("pytest.ini", "[pytest]\nepic_async_tests = true\nasyncio_mode = auto\n")
    telling.write("test_async.py", "async def test_it():\n    pass\n")
    ours, _ = _loaded(telling, "--epic-parallel=2")
    assert ours >= {"run", "preparation", "engine", "core.plan", "journal.journal", "loops.at_once"}
    assert not ours & {
        "carrying",
        "attempts",
        "actions.base",
        "executors.base",
        "workspaces.base",
        "epics.spec",
        "core.globs",
        "prediction",
        "loops.one_by_one",
    }
