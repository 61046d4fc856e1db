"""The run: the only place where the parts are put together."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from .collect.assembly import assemble
from .collect.files import PresentFiles
from .collect.items import LIBRARY, RUNTIME, StoryItem
from .collect.library import Library
from .concurrent.portal import OwnLoop, Portal, SharedLoop
from .core.conflicts import Conflict, find_conflicts
from .core.graph import Graph, Waves
from .core.plan import Effect, Plan, Tripped
from .core.policies import POLICIES
from .core.policies.base import WaveFinished, WaveStarted
from .distribution import check_distribution, is_xdist_worker, worker_problems
from .errors import Problem, WavesError
from .executors import EXECUTORS, Executor
from .loops import AllAtOnce, OneByOne, on_signal, run_alone
from .options import EpicSettings, Settings
from .reports import PLANS
from .reports.breaker import report_tripped
from .reports.terminal import header, write_summary
from .runtime import StoryRuntime


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is known of the run before it begins."""

    graph: Graph
    waves: Waves
    conflicts: Sequence[Conflict]
    epics: Mapping[str, EpicSettings]
    schedule: str
    limit: int
    concurrent: bool
    titles: Mapping[str, str]


class EpicSession:
    """The plugin object of one run. It does nothing in a run without stories."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._prepared: Prepared | None = None
        self._plan: Plan | None = None
        self._runtime: StoryRuntime | None = None
        self._closing = ExitStack()
        self._strays = ("", "")
        config.stash[LIBRARY] = Library(config.rootpath)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Called after collection; what comes after the yield has the last word on the order."""
        tests = [item.nodeid for item in items if not isinstance(item, StoryItem)]
        yield
        if any(isinstance(item, StoryItem) for item in items):
            self._prepare(session, items, tests)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_collectionfinish(self) -> str | None:
        """Called when the terminal has said how many items there are."""
        found = self._prepared
        if found is None or not found.graph.stories or self._config.get_verbosity() < 0:
            return None
        return header(
            found.graph,
            found.waves,
            len(found.epics),
            limit=found.limit,
            concurrent=found.concurrent,
            schedule=found.schedule,
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Called to run all items: stories that run at once are run here, all else by pytest's own loop."""
        found = self._prepared
        if found is None or session.config.option.collectonly:
            return None
        stops = session.testsfailed and not session.config.option.continue_on_collection_errors
        if stops and not is_xdist_worker(session.config):  # a worker runs what it could collect
            return None
        if self._settings.plan_format:
            self._print_plan(found)
            return True
        if found.concurrent:
            self._run_at_once(session, found)
            return True
        self._begin_one_by_one(session, found)
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for each report of each item."""
        if self._runtime is not None and self._plan is not None and report.nodeid in self._plan.states:
            self._runtime.outcomes.add(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Called when the run is over, however it ended."""
        self._closing.close()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Called after the failures have been shown."""
        if self._plan is not None and self._prepared is not None:
            self._plan.stop("the run was stopped")
            write_summary(terminalreporter, self._plan, self._prepared.conflicts, self._strays, self._settings.note)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Called by pytest-xdist's controller when a worker has collected."""
        check_distribution(self._config, self._settings, ids)

    def _prepare(self, session: pytest.Session, items: list[pytest.Item], tests: Sequence[str]) -> None:
        config = self._config
        only_failed = bool(config.getoption("lf", False) and config.cache.get("cache/lastfailed", {}))
        unique = {item.nodeid: item for item in items}
        assembled_of = partial(
            assemble,
            config.stash[LIBRARY],
            config.rootpath,
            collected=tests,
            all_tests_known=not only_failed and not any("::" in argument for argument in config.args),
            unselected_is_done=only_failed,
        )
        assembled = assembled_of(selected=list(unique))
        problems = [*assembled.problems]
        epics = {path: self._settings.for_epic(epic.header) for path, epic in assembled.epics.items()}
        # What contradicts on the command line is refused by the controller.
        if is_xdist_worker(config) and (
            found := worker_problems(assembled, {} if self._settings.cli.parallel else epics)
        ):
            problems += found
            broken = {problem.path for problem in found}
            assembled = assembled_of(selected=[key for key in unique if key.partition("::")[0] not in broken])
            epics = {path: epic for path, epic in epics.items() if path in assembled.epics}
        self._report_problems(session, items, problems)
        headers = [epic.header for epic in assembled.epics.values()]
        graph, schedule = assembled.graph, self._settings.schedule_of(headers)
        waves = self._waves(graph)
        rules = {path: epic.rules for path, epic in epics.items()}
        present = PresentFiles(config.rootpath)
        conflicts = find_conflicts(graph, waves, rules, present.is_directory, present.in_common)
        if conflicts:
            config.hook.pytest_epic_conflicts(config=config, conflicts=conflicts)
        titles = {item.nodeid: item.spec.title for item in items if isinstance(item, StoryItem)}
        concurrent = any(epic.concurrent for epic in epics.values())
        limit = self._settings.limit_of(list(epics.values()))
        self._prepared = Prepared(graph, waves, conflicts, epics, schedule, limit, concurrent, titles)
        items[:] = _ordered(items, graph, waves, concurrent=concurrent)

    def _waves(self, graph: Graph) -> Waves:
        given = self._config.hook.pytest_epic_waves(config=self._config, graph=graph)
        try:
            return graph.waves if given is None else graph.regrouped(given)
        except WavesError as error:
            raise pytest.UsageError(f"the hook pytest_epic_waves gave wrong waves: {error}") from None

    def _report_problems(self, session: pytest.Session, items: list[pytest.Item], problems: Sequence[Problem]) -> None:
        """Report what is wrong between files as errors of their collection, and leave their stories out."""
        by_file: dict[str, list[Problem]] = {}
        for problem in sorted(set(problems)):
            by_file.setdefault(problem.path, []).append(problem)
        for path, found in by_file.items():
            text = "\n".join(map(str, found))
            report = pytest.CollectReport(nodeid=path, outcome="failed", longrepr=text, result=[])
            self._config.hook.pytest_collectreport(report=report)
        items[:] = [item for item in items if not (isinstance(item, StoryItem) and item.epic.path in by_file)]
        session.items = items

    def _begin(self, session: pytest.Session, found: Prepared, portal: Portal) -> tuple[Plan, StoryRuntime]:
        config = self._config
        plan = Plan(
            found.graph,
            POLICIES[found.schedule](found.graph, found.waves),
            rules={path: epic.rules for path, epic in found.epics.items()},
            conflicts=found.conflicts,
            limit=found.limit,
            dependency_rules=self._settings.dependency_rules,
        )
        executor = self._find_executor()
        self._closing.callback(executor.close)
        if str(config.rootpath) not in sys.path:
            # `call` targets are imported from rootdir.
            sys.path.insert(0, str(config.rootpath))
        runtime = StoryRuntime(config, plan, found.epics, executor, portal, _logs(config), concurrent=found.concurrent)
        config.stash[RUNTIME] = runtime
        self._plan, self._runtime = plan, runtime
        plan.begin()
        return plan, runtime

    def _find_executor(self) -> Executor:
        name = self._settings.executor
        found: Executor | None = self._config.hook.pytest_epic_executor(config=self._config, name=name)
        if found is not None:
            return found
        if name not in EXECUTORS:
            known = ", ".join(EXECUTORS)
            raise pytest.UsageError(f"there is no executor {name!r}; known are {known}, and what a hook of yours knows")
        return EXECUTORS[name]()

    def _begin_one_by_one(self, session: pytest.Session, found: Prepared) -> None:
        portal = OwnLoop()
        self._closing.callback(portal.close)
        plan, runtime = self._begin(session, found, portal)
        on_effect = partial(self._on_effect, session)
        for effect in plan.effects():
            on_effect(effect)
        self._config.pluginmanager.register(OneByOne(self._config, plan, runtime, on_effect), "epics-one-by-one")
        # Named by what pytest says of them: a KeyboardInterrupt, and an interrupted session.
        self._closing.enter_context(on_signal(signal.SIGINT, lambda: portal.interrupt(KeyboardInterrupt())))
        self._closing.enter_context(on_signal(signal.SIGTERM, lambda: portal.interrupt(session.Interrupted("SIGTERM"))))

    def _run_at_once(self, session: pytest.Session, found: Prepared) -> None:
        portal = SharedLoop()
        plan, runtime = self._begin(session, found, portal)
        stories = [item for item in session.items if isinstance(item, StoryItem)]
        others = [item for item in session.items if not isinstance(item, StoryItem)]
        if others:
            self._run_others(session, plan, runtime, others)
        loop = AllAtOnce(session, plan, runtime, portal, partial(self._on_effect, session))
        try:
            loop.run(stories)
        finally:
            self._strays = loop.strays

    def _run_others(
        self, session: pytest.Session, plan: Plan, runtime: StoryRuntime, others: Sequence[pytest.Item]
    ) -> None:
        """Python tests, which need the process for themselves, before the stories that may depend on them."""
        beside = OneByOne(self._config, plan, runtime, None)
        self._config.pluginmanager.register(beside, "epics-one-by-one")
        try:
            with on_signal(signal.SIGTERM, partial(_interrupt, session)):
                run_alone(session, others)
        finally:
            self._config.pluginmanager.unregister(beside)

    def _on_effect(self, session: pytest.Session, effect: Effect) -> None:
        hook, config = self._config.hook, self._config
        if isinstance(effect, WaveStarted | WaveFinished):
            if self._prepared is not None and self._prepared.concurrent:
                started = isinstance(effect, WaveStarted)
                call = hook.pytest_epic_wave_started if started else hook.pytest_epic_wave_finished
                call(config=config, number=effect.number, stories=effect.stories)
        elif isinstance(effect, Tripped):
            assert self._plan is not None
            hook.pytest_epic_breaker_tripped(config=config, epic=effect.epic, stories=effect.stories)
            report_tripped(session, self._plan, effect)

    def _print_plan(self, found: Prepared) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        lines = PLANS[self._settings.plan_format or "text"](found.graph, found.waves, found.conflicts, found.titles)
        for line in lines:
            if reporter is not None:
                reporter.write_line(line)


def _interrupt(session: pytest.Session) -> NoReturn:
    raise session.Interrupted("SIGTERM")


def _logs(config: pytest.Config) -> Path:
    """Where output goes that is too long for memory."""
    if config.pluginmanager.has_plugin("cacheprovider"):
        return config.cache.mkdir("epics")
    return Path(tempfile.gettempdir(), f"pytest-epics-{os.getpid()}")


def _ordered(items: Sequence[pytest.Item], graph: Graph, waves: Waves, *, concurrent: bool) -> list[pytest.Item]:
    """The items in the order in which they run, each once."""
    unique = {item.nodeid: item for item in items}
    if concurrent:
        stories = [unique[key] for wave in waves for key in wave if isinstance(unique[key], StoryItem)]
        return [*(item for item in unique.values() if not isinstance(item, StoryItem)), *stories]
    order = iter(graph.order())
    placed: dict[str, pytest.Item] = {}
    for key, item in unique.items():
        while key in graph.stories and key not in placed:
            following = next(order)
            placed[following] = unique[following]
        placed.setdefault(key, item)
    return list(placed.values())
