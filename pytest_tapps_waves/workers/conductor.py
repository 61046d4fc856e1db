"""The controller of a run across workers: it keeps the plan, reports what nobody runs, and writes the journal."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from ..concurrent.xdist import stop_run
from ..core.graph import numbers_of
from ..core.model import State
from ..core.plan import Cancel, Effect, Plan, Settled, Tripped
from ..core.policies import POLICIES
from ..core.policies.base import Terms, WaveFinished, WaveStarted
from ..distribution import NOTES, arguments_of
from ..reports.breaker import report_tripped
from ..reports.terminal import header, resume_line, write_summary
from ..settings import Settings
from ..showing import begin_to_show
from .bookkeeping import Bookkeeping
from .facts import understood
from .reports import report_settled
from .scheduling import cancel_in, release_in

if TYPE_CHECKING:
    from .crew import Crew


_BRIEF = 0.02
"""Seconds. Behind a story that takes no longer the next one may wait in its worker: there and back to the controller it
is half a millisecond, in which the worker would have nothing to do."""


class Conductor:
    """The plugin object of the controller of a run of which stories run across workers.

    The scheduling asks it what to send, and tells it what has become of that.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        crew: Crew,
        collection: Sequence[str],
        workers: int,
        feed: Callable[[], None],
    ) -> None:
        """
        :param collection: all items, as workers have collected them.
        :param workers: how many there are.
        :param feed: to be called when the plan has let go something of which no worker has told.
        """
        self._config = config
        self._settings = settings
        self._crew = crew
        self._collection = collection
        self._feed = feed
        facts = self._facts = understood(config, crew.plan, workers)
        found = facts.found
        self.at_once = found.limit // workers
        """How many stories a worker runs at most."""
        # These have rules for what must not begin any more; what waits begins before we hear of a failure before it.
        has_rules = found.epics or config.getoption("maxfail") or config.getoption("stepwise", False)
        self._sends_ahead = facts.one_by_one and not has_rules
        self._index_of = {key: index for index, key in enumerate(collection) if key in found.graph.stories}
        self._wave_of = numbers_of(found.waves)
        self._ready: deque[str] = deque()
        self._sent_to: dict[str, Any] = {}
        self._crashed: set[str] = set()
        self._cancelling: dict[str, str] = {}
        self._tripped = False
        self._left_in = Counter(story.epic for story in found.graph.stories.values())
        self._held_by: dict[str, set[Any]] = {}
        self._books = Bookkeeping(config, settings, facts, crew.run_id, crew.written)
        self._plan = Plan(
            found.graph,
            POLICIES[found.schedule](found.graph, found.waves, Terms(facts.durations, found.turns, found.conflicts)),
            rules={path: epic.rules for path, epic in found.epics.items()},
            conflicts=found.conflicts,
            limit=found.limit + (workers if self._sends_ahead else 0),
            dependency_rules=settings.dependency_rules,
        )

    @property
    def done(self) -> bool:
        """Whether no more stories are going to run."""
        return self._plan.done

    def begin(self) -> None:
        """Begin the run: some stories are settled by the plan alone."""
        self._say_header()
        begin_to_show(self._config, self._settings, self._facts.found, self._plan, ())
        self._plan.begin()
        self._carry_out()

    def is_story(self, index: int) -> bool:
        return self._collection[index] in self._index_of

    def next(self) -> int | None:
        """The story to send to some worker now, if there is one."""
        self._stop_if_wanted()
        while True:
            if not self._ready:
                self._ready.extend(self._plan.next())
            if not self._ready:
                return None
            key = self._ready.popleft()
            decided = self._books.begin(key)
            if decided is None:
                return self._index_of[key]
            self._report(decided)
            self._end(key, decided.state, decided.reason)

    def is_brief(self, index: int) -> bool:
        """Whether another story may be sent to wait behind this one."""
        return self._sends_ahead and self._facts.durations[self._collection[index]] <= _BRIEF

    def sent(self, index: int, node: Any) -> None:
        """A story was sent to this worker."""
        key = self._collection[index]
        self._sent_to[key] = node
        if not self._facts.places[key].of_epic:
            self._held_by.setdefault(self._facts.found.graph.stories[key].epic, set()).add(node)

    def again(self, index: int) -> None:
        """A story that was sent to a worker, which has not begun it or has crashed, has to be sent to another one."""
        key = self._collection[index]
        self._crashed.discard(key)
        self._sent_to.pop(key, None)
        if self._plan.stopped or key in self._cancelling:
            self._not_begun(key)
        else:
            self._ready.appendleft(key)

    def ended(self, index: int, end: tuple[State, str]) -> None:
        """A story has ended."""
        key = self._collection[index]
        self._sent_to.pop(key, None)
        self._books.write()
        state, reason = end
        if state is State.NOT_STARTED:
            # Its worker had not begun it when it was cancelled.
            self._not_begun(key)
        else:
            self._books.settled(key, state, reason)
            self._end(key, state, reason)

    def crashed(self, index: int) -> None:
        """A story ran in a worker that crashed; a report of that follows."""
        key = self._collection[index]
        self._sent_to.pop(key, None)
        self._crashed.add(key)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        """Called for each report of each item; what is to be in the journal by then has been said."""
        self._books.write()
        result = yield
        # pytest-xdist's own, of an item whose worker has ended; not if a plugin lets it run again.
        if str(report.when) == "???" and report.failed and report.nodeid in self._crashed:
            self._crashed.discard(report.nodeid)
            self._books.settled(report.nodeid, State.FAILED, str(report.longrepr))
            self._end(report.nodeid, State.FAILED)
            self._feed()
        self._stop_if_wanted()
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Called when the run is over, however it ended."""
        self._books.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Called after the failures have been shown."""
        found = self._facts.found
        notes = [*self._books.told(), *self._worker_notes()]
        was_stopped = self._plan.stopped or self._tripped or not self._plan.done
        if self._books.resumable and was_stopped:
            notes.append(resume_line(arguments_of(self._config)))
        self._plan.stop("the run was stopped")
        write_summary(terminalreporter, self._plan, found.conflicts, ("", ""), notes, found.mask)

    def _stop_if_wanted(self) -> None:
        stop = self._session.shouldfail or self._session.shouldstop
        if stop and not self._plan.stopped:
            self._plan.stop(str(stop))
            self._carry_out()
            stop_run(self._config, str(stop))

    @property
    def _session(self) -> pytest.Session:
        session: pytest.Session = self._config.pluginmanager.get_plugin("session")  # type: ignore[assignment]
        return session

    def _worker_notes(self) -> list[str]:
        notes = self._config.pluginmanager.get_plugin(NOTES)
        told: list[str] = notes.take() if notes is not None else []
        return told

    def _end(self, key: str, state: State, reason: str = "") -> None:
        self._plan.end(key, state, reason)
        self._is_over(key)
        self._carry_out()

    def _is_over(self, key: str) -> None:
        """Let workers tear down what stories of a file share, after the last of them."""
        file = self._facts.found.graph.stories[key].epic
        self._left_in[file] -= 1
        if not self._left_in[file]:
            for node in self._held_by.pop(file, ()):
                release_in(node, file)

    def _carry_out(self) -> None:
        """Do what the plan has decided."""
        while effects := self._plan.effects():
            for effect in effects:
                self._on_effect(effect)

    def _on_effect(self, effect: Effect) -> None:
        hook, config = self._config.hook, self._config
        if isinstance(effect, Settled):
            self._report(effect)
            self._is_over(effect.key)
        elif isinstance(effect, Cancel):
            self._cancel(effect)
        elif isinstance(effect, Tripped):
            self._tripped = True
            hook.pytest_epic_breaker_tripped(config=config, epic=effect.epic, stories=effect.stories)
            report_tripped(self._session, self._plan, effect)
        elif isinstance(effect, WaveStarted):
            hook.pytest_epic_wave_started(config=config, number=effect.number, stories=effect.stories)
        elif isinstance(effect, WaveFinished):
            hook.pytest_epic_wave_finished(config=config, number=effect.number, stories=effect.stories)

    def _cancel(self, effect: Cancel) -> None:
        key = effect.key
        self._cancelling[key] = effect.reason
        if (node := self._sent_to.get(key)) is not None:
            cancel_in(node, self._index_of[key], effect.reason)
        elif key in self._ready:
            # It was let go, but there is no worker for it.
            self._ready.remove(key)
            self._not_begun(key)

    def _not_begun(self, key: str) -> None:
        """A story that was let go has been cancelled before it began. What the run's end left has no report."""
        reason = self._cancelling.get(key, "")
        if not self._plan.stopped:
            self._report(Settled(key, State.CANCELLED, reason))
        self._end(key, State.NOT_STARTED if self._plan.stopped else State.CANCELLED, reason)

    def _report(self, settled: Settled) -> None:
        found, place = self._facts.found, self._facts.places[settled.key]
        story = found.graph.stories[settled.key]
        properties: list[tuple[str, object]] = [("wave", self._wave_of[settled.key])]
        if place.of_epic:
            epic_id = self._facts.epic_ids[story.epic]
            properties = [("epic", epic_id), ("story", story.id), *properties, ("attempts", 0)]
        self._books.settled(settled.key, settled.state, settled.reason)
        report_settled(self._config, settled, story, place.location, properties, of_epic=place.of_epic)

    def _say_header(self) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self._config.get_verbosity() >= 0:
            found = self._facts.found
            line = header(
                found.graph,
                found.waves,
                len(found.epics),
                limit=found.limit,
                concurrent=True,
                schedule=found.schedule,
            )
            reporter.write_line(line)
