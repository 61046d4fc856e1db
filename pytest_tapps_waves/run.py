"""A run that has stories: the only place where the parts are put together."""

from __future__ import annotations

import signal
import sys
import uuid
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from . import executors
from .collect.items import CARRIES_OUT, RUNTIME, StoryItem
from .collect.library import cache_folder
from .concurrent.async_tests import runner_fixtures
from .concurrent.outcomes import refuse, skipped
from .concurrent.portal import OwnLoop, Portal, SharedLoop, on_signal
from .concurrent.xdist import is_xdist_worker
from .core.model import State
from .core.plan import Effect, Plan, Tripped
from .core.policies import POLICIES
from .core.policies.base import Terms, WaveFinished, WaveStarted
from .distribution import arguments_of, tell_controller
from .opening import definitions_of, mask_reports, open_records
from .preparation import Prepared
from .records import Records
from .reports.terminal import announce_stop, header, resume_line, write_summary
from .runtime import StoryRuntime
from .settings import Settings
from .showing import begin_to_show

# What not every run needs is imported once it does: others would wait for it.
if TYPE_CHECKING:
    from .carrying import Carrier
    from .executors.base import Executor
    from .workers.worker import Worker


class EpicRun:
    """The plugin object of a run that has stories, from the end of collection on."""

    def __init__(self, config: pytest.Config, settings: Settings, prepared: Prepared) -> None:
        self._config = config
        self._settings = settings
        self._prepared = prepared
        self._plan: Plan | None = None
        self._runtime: StoryRuntime | None = None
        self._carrier: Carrier | None = None
        self._records: Records | None = None
        self._has_agents = False
        self._notes = [settings.note] if settings.note else []
        self._closing = ExitStack()
        self._strays = ["", ""]
        self._tripped = False
        self._worker: Worker | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Called before the fixtures of an item are set up: the plan may have decided against it."""
        verdict = self._runtime.verdict(item) if self._runtime is not None else None
        if verdict is None:
            return
        if verdict.state is not State.REFUSED:
            raise skipped(verdict.reason)
        if not isinstance(item, StoryItem):  # a story refuses by itself
            refuse(item, verdict.reason)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called when it is known what runs, before pytest-xdist tells its controller."""
        stories = self._prepared.graph.stories and not self._settings.prints_only
        if stories and is_xdist_worker(self._config) and self._settings.across_workers:
            from .workers.worker import Worker

            self._worker = Worker(session, self._prepared)
            self._config.pluginmanager.register(self._worker, "epics-worker")
            self._worker.report_collection(self._prepared)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_collectionfinish(self) -> str | None:
        """Called when the terminal has said how many items there are."""
        found = self._prepared
        if not found.graph.stories or self._config.get_verbosity() < 0:
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
        if session.config.option.collectonly:
            return None
        stops = session.testsfailed and not session.config.option.continue_on_collection_errors
        if stops and not is_xdist_worker(session.config):  # a worker runs what it could collect
            return None
        if self._settings.prints_only:
            from .printing import print_only

            print_only(session, self._settings, found)
            return True
        if self._worker is not None:
            self._run_for_controller(session, found, self._worker)
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
            self._runtime.reported(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Called when the run is over, however it ended."""
        self._hand_over()
        self._closing.close()
        if is_xdist_worker(self._config) and self._plan is not None:
            tell_controller(self._config, map(self._prepared.mask, self._told(self._plan)))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Called after the failures have been shown."""
        if self._plan is not None:
            notes = self._told(self._plan)
            self._plan.stop("the run was stopped")
            found = self._prepared
            write_summary(terminalreporter, self._plan, found.conflicts, self._strays, notes, found.mask)

    def _told(self, plan: Plan) -> list[str]:
        """What else users should know of the run that is over."""
        notes = [*self._notes, *(self._records.told() if self._records is not None else ())]
        if self._carrier is not None:
            notes += self._carrier.told()
        # The plan of a worker is never done, since it holds what other workers run.
        was_stopped = plan.stopped or self._tripped or not (plan.done or is_xdist_worker(self._config))
        if self._records is not None and was_stopped:
            notes.append(resume_line(arguments_of(self._config)))
        return notes

    def _hand_over(self) -> None:
        """Leave a note of what agents did for whoever goes on."""
        folder = cache_folder(self._config)
        if not self._has_agents or self._plan is None or self._runtime is None or self._records is None or not folder:
            return
        from .reports.handoff import handoff, leave

        found, failures = self._prepared, self._runtime.failures
        where = self._carrier.told_of_places() if self._carrier is not None else []
        done = self._records.done_by(self._plan.states)
        text = handoff(self._plan, found.titles, found.epic_titles, done, failures, where)
        self._notes.append(leave(folder, found.mask(text)))

    def _begin(self, session: pytest.Session, found: Prepared, portal: Portal) -> tuple[Plan, StoryRuntime]:
        config = self._config
        if str(config.rootpath) not in sys.path:
            # `call` targets are imported from rootdir.
            sys.path.insert(0, str(config.rootpath))
        worker = self._worker
        run = worker.run_id if worker is not None else uuid.uuid4().hex
        executor = self._open_executor(session, found, run)
        self._records = self._open_records(session, found, run) if worker is None else None
        book = worker.records if worker is not None else self._records
        plan = worker.orders if worker is not None else self._new_plan(session, found)
        runtime = StoryRuntime(plan, book, found.secrets)
        if found.secrets is not None:
            mask_reports(config, found.secrets)
        if executor is not None:
            from .carrying import Carrier

            places = self._records.places if self._records is not None else None
            self._carrier = Carrier(session, self._settings, found, plan, runtime, executor, portal, book, places, run)
            self._closing.callback(self._carrier.end_processes)
            config.stash[CARRIES_OUT] = self._carrier.carry_out
        config.stash[RUNTIME] = runtime
        self._plan, self._runtime = plan, runtime
        plan.begin()
        begin_to_show(config, self._settings, found, plan, session.items)
        return plan, runtime

    def _open_executor(self, session: pytest.Session, found: Prepared, run: str) -> Executor | None:
        """What carries out the stories of epic files; None if there are none, and nobody has asked for another one."""
        is_asked_for = self._settings.executor != executors.DEFAULT
        if not is_asked_for and not any(isinstance(item, StoryItem) for item in session.items):
            return None
        from .collect.doing import refuse_without_agent
        from .executing import executor_of

        self._has_agents = refuse_without_agent(session.items)
        executor = executor_of(self._config, self._settings, run, found.limit if found.concurrent else 1)
        self._closing.callback(executor.close)
        return executor

    def _new_plan(self, session: pytest.Session, found: Prepared) -> Plan:
        return Plan(
            found.graph,
            POLICIES[found.schedule](found.graph, found.waves, self._terms(session, found)),
            rules={path: epic.rules for path, epic in found.epics.items()},
            conflicts=found.conflicts,
            limit=found.limit,
            dependency_rules=self._settings.dependency_rules,
        )

    def _terms(self, session: pytest.Session, found: Prepared) -> Terms:
        if not found.concurrent:
            # The order is that of pytest's own loop.
            return Terms()
        from .expectation import terms_of

        return terms_of(found, session.items, self._records)

    def _open_records(self, session: pytest.Session, found: Prepared, run: str) -> Records | None:
        definitions = definitions_of(session.items, found.graph)
        records = open_records(self._config, self._settings, found.graph, definitions, run, found.mask, self._notes)
        if records is not None:
            self._closing.callback(records.close)
        return records

    def _run_for_controller(self, session: pytest.Session, found: Prepared, worker: Worker) -> None:
        if found.concurrent:
            self._run_at_once(session, found)
            return
        portal = self._begin_one_by_one(session, found)
        assert self._runtime is not None
        orders = worker.orders
        self._runtime.cancel_reason = lambda key: orders.cancelling.get(key, "cancelled")
        worker.run_one_by_one(lambda key: portal.break_off(lambda: key in orders.running))

    def _begin_one_by_one(self, session: pytest.Session, found: Prepared) -> OwnLoop:
        from .loops.one_by_one import OneByOne, with_lean_hooks

        portal = OwnLoop(partial(announce_stop, self._config))
        self._closing.callback(portal.close)
        plan, runtime = self._begin(session, found, portal)
        on_effect = partial(self._on_effect, session)
        for effect in plan.effects():
            on_effect(effect)
        self._config.pluginmanager.register(OneByOne(self._config, plan, runtime, on_effect), "epics-one-by-one")
        self._closing.enter_context(with_lean_hooks(session))
        # Named by what pytest says of them: a KeyboardInterrupt, and an interrupted session.
        self._closing.enter_context(on_signal(signal.SIGINT, lambda: portal.interrupt(KeyboardInterrupt())))
        self._closing.enter_context(on_signal(signal.SIGTERM, lambda: portal.interrupt(session.Interrupted("SIGTERM"))))
        return portal

    def _run_at_once(self, session: pytest.Session, found: Prepared) -> None:
        from .loops.at_once import AllAtOnce

        portal = SharedLoop()
        plan, runtime = self._begin(session, found, portal)
        self._config.pluginmanager.register(runner_fixtures(), "epics-runners")
        begun = self._worker.take_orders if self._worker is not None else None
        loop = AllAtOnce(session, plan, runtime, portal, partial(self._on_effect, session), found.limit, begun)
        stories = found.graph.stories if begun is None else {item.nodeid for item in session.items}
        try:
            loop.run(
                [item for item in session.items if item.nodeid in stories],
                before=[item for item in session.items if item.nodeid not in stories],
            )
        finally:
            self._strays = loop.strays
            portal.close()
        if begun is not None or len(found.waves) < 2:
            return
        from .prediction import hint

        self._notes += hint(found, session.items, plan, loop.durations, loop.took, self._settings.dependency_rules)

    def _on_effect(self, session: pytest.Session, effect: Effect) -> None:
        hook, config = self._config.hook, self._config
        if isinstance(effect, WaveStarted | WaveFinished):
            if self._prepared.concurrent:
                started = isinstance(effect, WaveStarted)
                call = hook.pytest_epic_wave_started if started else hook.pytest_epic_wave_finished
                call(config=config, number=effect.number, stories=effect.stories)
        elif isinstance(effect, Tripped):
            assert self._plan is not None
            self._tripped = True
            hook.pytest_epic_breaker_tripped(config=config, epic=effect.epic, stories=effect.stories)
            from .reports.breaker import report_tripped

            report_tripped(session, self._plan, effect)
