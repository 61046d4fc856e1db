"""What happens in every run, with stories or without: it is decided whether there are any."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .collect.depends import MARK
from .collect.names import Names, is_epic_file
from .concurrent.xdist import is_xdist_worker, say_refused
from .distribution import NOTES, WorkerNotes, check_distribution, tell_worker
from .epics.pause import collector_paused
from .errors import Problem
from .inert import one_line
from .reports.dependencies import dependency_lines, name_lines
from .settings import Settings

# What only runs with stories need is imported once there are some: others would wait for it at every start.
if TYPE_CHECKING:
    from .collect.depends import ItemNode
    from .collect.items import EpicFile
    from .collect.selection import Selection


class EpicSession:
    """The plugin object of every run."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._has_epics = False
        self._selection: Selection | None = None
        if settings.across_workers and not is_xdist_worker(config):
            from .workers.crew import Crew

            config.pluginmanager.register(Crew(config, settings), "epics-crew")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Called before anything is collected."""
        if self._settings.with_dependencies:
            from .collect.selection import Selection

            self._selection = Selection(self._config)
            self._config.pluginmanager.register(self._selection, "epics-selection")

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> EpicFile | None:
        """Called for each file that pytest looks at."""
        if not is_epic_file(file_path):
            return None
        from .collect.items import EpicFile

        self._has_epics = True
        return EpicFile.from_parent(parent, path=file_path)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Called after collection; what comes after the yield has the last word on the order."""
        if not self._has_stories(items):
            yield
            return
        with collector_paused():
            from .preparation import bring_dependencies, prepare, read_tests
            from .run import EpicRun

        problems: list[Problem] = []
        collected = list(items)
        tests = read_tests(items, problems, async_tests=self._settings.async_tests)
        if self._selection is not None:
            items[:] = self._selection.of(items)
        yield
        if self._selection is not None:
            bring_dependencies(self._config, self._selection, collected, items, tests)
        self._list_names(tests)
        if self._has_epics or self._settings.prints_only or problems or any(test.on or test.joins for test in tests):
            try:
                prepared = prepare(session, self._settings, items, tests, problems)
            except pytest.UsageError as error:
                say_refused(self._config, str(error))
                raise
            self._config.pluginmanager.register(EpicRun(self._config, self._settings, prepared), "epics-run")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Called by pytest-xdist's controller before a worker starts."""
        tell_worker(self._config, node)
        if not self._config.pluginmanager.has_plugin(NOTES):
            self._config.pluginmanager.register(WorkerNotes(), NOTES)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Called by pytest-xdist's controller when a worker has collected."""
        check_distribution(self._config, self._settings, ids)

    def _has_stories(self, items: Sequence[pytest.Item]) -> bool:
        """Whether there may be any, so that it is worth to look closer."""
        listed = ("list_dependency_names", "list_processed_dependencies")
        return (
            self._has_epics
            or self._settings.async_tests
            or self._selection is not None
            or self._settings.prints_only
            or any(map(self._config.getoption, listed))
            or any(item.get_closest_marker(MARK) for item in items)
        )

    def _list_names(self, tests: Sequence[ItemNode]) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        listed = self._config.getoption("list_dependency_names"), self._config.getoption("list_processed_dependencies")
        if reporter is None or not any(listed):
            return
        names = Names((test.key, test.names) for test in tests)
        if self._config.getoption("list_dependency_names"):
            for line in name_lines(names, node_ids_too=self._config.get_verbosity() > 1):
                reporter.write_line(one_line(line))
        if self._config.getoption("list_processed_dependencies"):
            for line in dependency_lines(tests, names):
                reporter.write_line(one_line(line))
