"""Fixtures that all tests share."""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from async_project import INI
from project import Project
from worktree_project import Checkout

import pytest_tapps_waves

pytest_plugins = ["pytester"]

OF_EXTRAS = ("executors.dask_", "actions.agents.speaking")
"""What imports packages that only an extra installs."""


def _import_all() -> None:
    """Import all of our modules now.

    After a run in this process pytester forgets the modules that were first imported in it. The next run would read
    them again, which is a third of what it costs; and a second PyYAML does not get on with the C parser of the first.
    """
    prefix = f"{pytest_tapps_waves.__name__}."
    for module in pkgutil.walk_packages(pytest_tapps_waves.__path__, prefix):
        name = module.name.removeprefix(prefix)
        if name != "__main__" and not name.startswith(OF_EXTRAS):
            importlib.import_module(module.name)


def pytest_configure() -> None:
    _import_all()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As of what a shell starts in the background: the runs that tests interrupt would ignore Ctrl-C too.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    project = Project(pytester, monkeypatch)
    yield project
    project.end_what_was_started()


# Set by tests/suites/across_workers.py.
WAYS = {
    "": {"one by one": (), "three at once": ("--epic-parallel=3",)},
    "workers": {"workers": ("-n2",), "workers, two at once each": ("-n2", "--epic-parallel=2")},
}[os.environ.get("EPIC_TESTS_RUN_IN", "")]


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def both_ways(request: pytest.FixtureRequest, project: Project) -> Callable[..., pytest.RunResult]:
    """Runs the project sequentially and, in another test, concurrently: what it promises must hold either way."""
    options: tuple[str, ...] = request.param

    def run(*args: str) -> pytest.RunResult:
        if "-n2" in options:
            return project.run_process(*options, *args, plugins=("xdist.plugin",))
        return project.run(*options, *args)

    return run


@pytest.fixture
def tests(project: Project) -> Project:
    """A project whose async tests may all run at once."""
    project.write("pytest.ini", INI)
    return project


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A repository of a user's, with one commit."""
    return Checkout(tmp_path, monkeypatch)


@pytest.fixture
def databases_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes the journals that a test opened: from Python 3.13 on one that is forgotten is a warning."""
    from pytest_tapps_waves.journal.store import Store

    opened: list[Store] = []
    init = Store.__init__

    def noted(store: Store, folder: Path, *args: Any) -> None:
        init(store, folder, *args)
        opened.append(store)

    monkeypatch.setattr(Store, "__init__", noted)
    yield
    for store in opened:
        store.close()
