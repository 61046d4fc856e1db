"""Actions run on the workers of a Dask cluster. The graph, its waves, the breaker and the journal stay with the run.

Dask does not end a task that has begun, runs the task of a lost worker again, and knows nothing of its children; what
that takes is in :mod:`.workplace`, on the worker, and in :class:`.dask_nodes.Gate`, on the scheduler.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import sys
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ..actions.base import Action, Job
from ..actions.call import THREADS
from ..actions.output import Output
from ..errors import ActionFailed, ExecutorError
from .base import Surroundings
from .parcels import Outcome, packed

if TYPE_CHECKING:
    from .dask_cluster import Away, Cluster

_ANSWERS = 5.0
"""Seconds, besides the grace of a story, that a worker may take to say that it has ended it."""


class DaskExecutor:
    """Sends each action to whichever worker is free."""

    def __init__(self, cluster: Cluster, surroundings: Surroundings) -> None:
        """:param cluster: open."""
        self._cluster = cluster
        self._surroundings = surroundings
        self._stayed: dict[str, None] = {}

    @classmethod
    def opened(cls, surroundings: Surroundings) -> DaskExecutor:
        """Connect to the scheduler, or start a cluster.

        :raises ExecutorError: if that cannot be.
        """
        cluster = _imported()(surroundings)
        cluster.open()
        return cls(cluster, surroundings)

    async def run(self, action: Action, job: Job, output: Output) -> None:
        if job.here:
            self._stayed[job.context.id] = None
            await action.perform(job, output)
            return
        outcome = await self._away(action, job, output)
        if outcome.cancelled:
            raise ActionFailed("worker lost: it was closed", action.describe())
        outcome.raise_error(output)

    async def _away(self, action: Action, job: Job, output: Output) -> Outcome:
        from .dask_cluster import Lost, NotOffered

        story = self._cluster.send(packed(action, job, self._surroundings), job.resources)
        try:
            with job.waiting():
                await asyncio.wait(_awaited(story.begun, story.ended), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(_awaited(story.ended))
            outcome: Outcome = pickle.loads(story.ended.result())
            return outcome
        except asyncio.CancelledError:
            await self._take_back(story, job, output)
            raise
        except Lost as error:
            raise ActionFailed(f"worker lost: {error}", action.describe()) from None
        except NotOffered as error:
            raise ActionFailed(
                f"no worker has the resources {error}; start one with `dask worker --resources {error}`",
                action.describe(),
            ) from None
        except ExecutorError:
            raise
        except Exception as error:
            # What Dask says of a task that never came to our own code.
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            raise ActionFailed(f"it could not be carried out by a worker ({what})", action.describe()) from None

    async def _take_back(self, story: Away, job: Job, output: Output) -> None:
        """Have it ended, and wait until it has, for some time; cancelled meanwhile, have it ended at once."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + job.grace + _ANSWERS
        self._cluster.take_back(story)
        while not story.ended.done() and loop.time() < deadline:
            try:
                await asyncio.wait(_awaited(story.ended), timeout=deadline - loop.time())
            except asyncio.CancelledError:
                self._cluster.take_back(story)
        if not story.ended.done():
            self._cluster.give_up(story)
        elif story.ended.exception() is None:
            outcome: Outcome = pickle.loads(story.ended.result())
            outcome.replay(output)

    def told(self) -> list[str]:
        if not self._stayed:
            return []
        return [f"carried out here, and not on a worker, since they are isolated here: {', '.join(self._stayed)}"]

    def close(self) -> None:
        self._cluster.close()
        THREADS.close()


def _awaited(*futures: Future[Any]) -> list[asyncio.Future[Any]]:
    """The ends of these as futures of this loop. They may be forgotten: what is waited for goes on."""
    loop = asyncio.get_running_loop()
    made: list[asyncio.Future[Any]] = [loop.create_future() for _ in futures]
    for future, awaited in zip(futures, made, strict=True):
        future.add_done_callback(partial(_tell, loop, awaited))
    return made


def _tell(loop: asyncio.AbstractEventLoop, awaited: asyncio.Future[Any], future: Future[Any]) -> None:
    def settle() -> None:
        if not awaited.done():
            awaited.set_result(None)

    # The loop may be closed: then the story was given up long ago.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)


def _imported() -> type[Cluster]:
    """The class that needs Dask.

    :raises ExecutorError: if that is not installed.
    """
    first = "distributed" not in sys.modules
    try:
        from .dask_cluster import Cluster
    except ModuleNotFoundError as error:
        if error.name not in ("dask", "distributed"):
            raise
        raise ExecutorError(
            f"--epic-executor=dask needs {error.name}: pip install 'pytest-tapps-waves[dask]'"
        ) from None
    if first:
        _unheard()
    return Cluster


def _unheard() -> None:
    """Take back the handlers with which Dask writes to what was ``sys.stderr`` at its import: a capture of pytest."""
    for name in ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application", "bokeh"):
        logger = logging.getLogger(name)
        for handler in logger.handlers[:]:
            if type(handler) is logging.StreamHandler:
                logger.removeHandler(handler)
                logger.addHandler(logging.NullHandler())
