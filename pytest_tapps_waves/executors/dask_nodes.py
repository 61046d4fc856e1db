"""What runs on the nodes of a Dask cluster, and is sent there by name: all of them have this package installed."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from distributed import SchedulerPlugin, get_worker
from distributed.core import Status
from distributed.utils import sync

from .workplace import WORKPLACE

if TYPE_CHECKING:
    from distributed import Scheduler, Worker

TOPIC = "pytest-tapps-waves"
"""Of the events by which the scheduler tells where a story has begun."""

_MANY = 10_000

Answer = tuple[str, bytes]
"""Where a story has begun before, or nothing, and its outcome, pickled."""


class Gate(SchedulerPlugin):
    """On the scheduler: lets each story of a run begin once.

    Dask runs a task again when its worker is lost or retires. For a story that is the run's to decide, and the user's.
    """

    def __init__(self, run: str, client: str) -> None:
        """
        :param run: the id of the run.
        :param client: that of its client; once it is gone, so is this.
        """
        self.name = f"pytest-tapps-waves-{run}"
        self._operation = operation(run)
        self._client = client
        self._begun: dict[str, str] = {}
        self._scheduler: Scheduler | None = None

    async def start(self, scheduler: Scheduler) -> None:
        """Called when it has come to the scheduler."""
        self._scheduler = scheduler
        scheduler.handlers[self._operation] = self.begin

    def begin(self, key: str, worker: str) -> str:
        """Called by a worker that is about to carry out a story; answers with why it may not, if so."""
        assert self._scheduler is not None
        task = self._scheduler.tasks.get(key)
        if task is None:
            return "nobody wants it any more"
        if before := self._begun.get(key):
            return before
        if len(self._begun) >= _MANY:
            self._begun = {key: worker for key, worker in self._begun.items() if key in self._scheduler.tasks}
        self._begun[key] = worker
        # Without its worker it counts as failed at once, rather than after so many tries.
        task.suspicious = self._scheduler.allowed_failures
        self._scheduler.log_event(TOPIC, {"key": key, "worker": worker})
        return ""

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        """Called when a client has gone, however it went."""
        if client == self._client:
            scheduler.handlers.pop(self._operation, None)
            scheduler.remove_plugin(self.name)


def operation(run: str) -> str:
    """What workers ask the gate of a run for."""
    return f"epic_begin_{run}"


def perform(key: str, run: str, data: bytes) -> Answer:
    """The task of a story, in one of a worker's threads.

    :param data: the parcel, pickled.
    """
    worker = get_worker()
    with WORKPLACE.story(key, run) as story:
        begin = getattr(worker.scheduler, operation(run))
        before: str = sync(worker.loop, begin, key=key, worker=worker.address)
        if before:
            return before, b""
        return "", story.carry_out(data, worker.address, lambda: _is_wanted(worker, key))


def _is_wanted(worker: Worker, key: str) -> bool:
    """Whether somebody waits for what a task comes to.

    A running task whose key was released, by its client or by the end of that, is kept as cancelled. A worker that has
    lost its scheduler closes.
    """
    if worker.status in (Status.closing, Status.closed, Status.failed):
        return False
    task = worker.state.tasks.get(key)
    return task is not None and task.state in ("executing", "long-running")


def cancel(key: str) -> bool:
    """Called on a worker beside its tasks; tells whether the story was there."""
    return WORKPLACE.cancel(key)


def rest() -> None:
    """Called on each worker at the end of a run."""
    WORKPLACE.rest()


def trouble_with(rootdir: str) -> str:
    """Called on each worker at the beginning of a run; answers with what is wrong there."""
    return "" if os.path.isdir(rootdir) else f"has no {rootdir}"  # noqa: PTH112 - a path of another machine, as text


def be_quiet() -> None:
    """Called on each worker of a cluster that was started for the run: the terminal is the run's, both ways."""
    # Else Ctrl-C would end the workers before the run has ended its stories.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    if nothing > 2:
        os.close(nothing)
    sys.stdout.flush()


def offers(dask_scheduler: Any) -> list[dict[str, float]]:
    """Called on the scheduler: the resources of each worker."""
    return [dict(worker.resources) for worker in dask_scheduler.workers.values()]
