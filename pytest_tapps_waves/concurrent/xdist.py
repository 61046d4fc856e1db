"""pytest-xdist, where stories that run across its workers need more of it than its hooks give.

Both sides have a line of their own beside its events and commands: what the other side does not know, pytest-xdist
refuses in the controller and passes over in a worker, so each listens first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

# Tested with pytest-xdist 3.8, pytest 9.1, 9.2: the choices of `--dist`, which is `no` until its own
# `pytest_cmdline_main`; `process_from_remote` and `sendcommand` of WorkerController; `channel`, `sendevent`,
# `item_index` and `session` of WorkerInteractor, and the commands `runtests`, `steal` and `shutdown` that it takes and
# the events `runtest_protocol_complete` and `unscheduled` that it sends; `shouldstop` and `handle_crashitem` of
# DSession, which is registered as "dsession". Noticed by tests/test_private_api.py.

WAVES = "waves"
"""What ``--dist`` is where workers run stories as the plan of the controller says."""
DISTRIBUTION = "epic_distribution"
"""Where a worker finds how items are handed out."""
_LINE = "epics"
_IS_GIVEN = pytest.StashKey[bool]()


class DistOption:
    """Lets ``--dist`` take one more word, once pytest-xdist is loaded."""

    def __init__(self, parser: pytest.Parser) -> None:
        self._parser = parser

    def pytest_plugin_registered(self, plugin: object) -> None:
        """Called for each plugin, for those too that were there before this one."""
        if getattr(plugin, "__name__", "") == "xdist.plugin":
            for option in self._parser.getgroup("xdist").options:
                if "--dist" in option.names():
                    option.attrs()["choices"].append(WAVES)


def note_distribution(config: pytest.Config) -> None:
    """Note whether somebody has chosen a distribution. Called before pytest-xdist reads ``-n`` as ``--dist=load``."""
    config.stash[_IS_GIVEN] = config.getoption("dist", "no") != "no" or bool(config.getoption("distload", False))


def use_no_workers(config: pytest.Config) -> None:
    """Leave out all workers, as ``-n 0`` does. Called before pytest-xdist reads its options."""
    if hasattr(config.option, "numprocesses"):
        config.option.numprocesses = 0


def is_xdist_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def is_across_workers(config: Any) -> bool:
    """Whether stories run across workers, as the plan of the controller says. To be asked from configuration on."""
    if is_xdist_worker(config):
        return bool(config.workerinput.get(DISTRIBUTION) == WAVES)
    chosen = config.getoption("dist", "no")
    return bool(chosen == WAVES or (chosen == "load" and not config.stash.get(_IS_GIVEN, True)))


def worker_of(config: pytest.Config) -> Any | None:
    """pytest-xdist's plugin in a worker, which sends reports to the controller, and takes only those of its items."""
    plugins = config.pluginmanager.get_plugins() if is_xdist_worker(config) else ()
    return next((plugin for plugin in plugins if type(plugin).__name__ == "WorkerInteractor"), None)


def send_report(worker: Any, report: pytest.TestReport) -> None:
    """Send the controller a report of what is no item."""
    data = worker.config.hook.pytest_report_to_serializable(config=worker.config, report=report)
    data |= {"item_index": worker.item_index, "worker_id": worker.workerid, "testrun_uid": worker.testrunuid}
    worker.sendevent("testreport", data=data)


def listen_to_worker(node: Any, hear: Callable[[Any, str, Mapping[str, Any]], None]) -> None:
    """Let the controller hear what a worker says. Called before the worker starts.

    :param hear: called with the node, a word, and what belongs to it; in another thread, but before the next event of
        that worker.
    """
    hand_on = node.process_from_remote

    def process(event: Any) -> None:
        if isinstance(event, tuple) and event[0] == _LINE:
            hear(node, event[1]["word"], event[1]["told"])
        else:
            hand_on(event)

    node.process_from_remote = process


def say_to_worker(node: Any, word: str, **told: Any) -> None:
    """Say something to a worker; one that has ended hears nothing."""
    try:
        node.sendcommand(_LINE, word=word, told=told)
    except OSError:
        # Its end is an event of its own.
        return


def say_refused(config: pytest.Config, why: str) -> None:
    """Let the controller end a run that a worker cannot prepare; pytest-xdist would take it for one that crashed."""
    worker = worker_of(config)
    if worker is not None and is_across_workers(config):
        Line(worker).say("refused", why=why)


def stop_run(config: pytest.Config, why: str) -> None:
    """Let pytest-xdist end the run, as after ``--maxfail``: it counts only the failures that workers report."""
    session: Any = config.pluginmanager.get_plugin("dsession")
    session.shouldstop = session.shouldstop or why


def report_crash(config: pytest.Config, node: Any, node_id: str) -> None:
    """Report one more item that ran in a worker when it crashed: pytest-xdist reports the first."""
    config.pluginmanager.get_plugin("dsession").handle_crashitem(node_id, node)  # type: ignore[union-attr]


class Line:
    """A worker's side."""

    def __init__(self, worker: Any) -> None:
        """:param worker: as of :func:`worker_of`."""
        self._worker = worker

    def say(self, word: str, **told: Any) -> None:
        """Say something to the controller."""
        self._worker.sendevent(_LINE, word=word, told=told)

    def hear(self, hear: Callable[[str, Mapping[str, Any]], None]) -> None:
        """Take all commands from now on, in place of pytest-xdist's worker.

        :param hear: called in another thread with ``runtests`` and ``steal`` and their ``indices``, with ``shutdown``
            when the run is over, or with a word that the controller said.
        """

        def handle(command: Any) -> None:
            if command is self:
                hear("shutdown", {})
                return
            name, told = command
            hear(*((told["word"], told["told"]) if name == _LINE else (name, told)))

        self._worker.channel.setcallback(handle, endmarker=self)

    def reports_of(self, index: int) -> None:
        """The reports that come now are those of this item."""
        self._worker.item_index = index

    def completed(self, index: int, seconds: float) -> None:
        """An item has ended."""
        self._worker.sendevent("runtest_protocol_complete", item_index=index, duration=seconds)

    def given_back(self, indices: list[int]) -> None:
        """The answer to ``steal``: all that were asked for, or nothing."""
        self._worker.sendevent("unscheduled", indices=indices)
