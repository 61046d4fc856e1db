"""A Dask cluster as a run sees it: stories are sent, taken back, and waited for, from whatever loop.

Dask's client and, without a scheduler of the user's, the cluster itself are turned by a thread with a loop of its own:
the loop of the run stands still while tests run alone, or while nobody waits.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import logging
import math
import threading
import warnings
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any

import dask.config
from distributed import Client, KilledWorker, LocalCluster
from distributed.utils import silence_logging_cmgr
from distributed.versions import VersionMismatchWarning

from ..errors import ExecutorError
from . import dask_nodes
from .base import Surroundings
from .dask_versions import OURS, differing_versions

_CONNECTS = 10.0
"""Seconds that a scheduler may take to answer."""
_WORKERS = 30.0
"""Seconds that a cluster may take to have its first worker."""
_ENDS = 10.0
"""Seconds that the end of the connection, or of the cluster, may take."""
_OWN = {
    # A daemon of multiprocessing may have no children of that kind, and functions of stories may want some.
    "distributed.worker.daemon": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""The configuration of a cluster that is started for the run: nobody looks at its pages."""


class Lost(Exception):
    """A worker was lost, with the story that it had begun."""


class NotOffered(Exception):
    """No worker has the resources that a story needs."""


class Away:
    """A story that was sent to the cluster."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.worker = ""
        """Where it has begun; empty as long as it waits for a worker."""
        self.begun: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.ended: concurrent.futures.Future[bytes] = concurrent.futures.Future()
        """The outcome, pickled; or :class:`Lost`, :class:`NotOffered`, or ``ExecutorError``."""
        self.task: Any = None
        """Dask's future; of the thread."""


class Cluster:
    """One that is there for a run, or that the run starts for itself and ends."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._address = surroundings.scheduler or ""
        self._away: dict[str, Away] = {}
        self._count = 0
        self._gone = ""
        self._ready: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._loop = asyncio.SelectorEventLoop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._turn, name="epic-dask", daemon=True)
        self._client: Any = None
        self._background: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Connect, and see whether stories can be carried out there.

        :raises ExecutorError: if they cannot.
        """
        # Without it, the end of the interpreter would wait for workers that wait for their end.
        atexit.register(self.close)
        self._thread.start()
        try:
            self._ready.result()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection, and a cluster that was started for the run."""
        atexit.unregister(self.close)
        if self._thread.is_alive():
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join(_ENDS)

    def send(self, data: bytes, resources: Mapping[str, float]) -> Away:
        """Have a parcel carried out.

        :raises ExecutorError: if the scheduler is gone.
        """
        if self._gone:
            raise ExecutorError(self._gone)
        self._count += 1
        story = Away(f"epic-story-{self._surroundings.run}-{self._count}")
        self._away[story.key] = story
        self._start(self._carried_out(story, data, resources))
        return story

    def take_back(self, story: Away) -> None:
        """Have a story ended, and have it ended at once if this is called again. Its end is told as ever."""
        self._start(self._taken_back(story))

    def give_up(self, story: Away) -> None:
        """Wait no more for a worker that does not answer."""
        if story.task is not None:
            self._start(story.task.cancel())

    def _start(self, coroutine: Any) -> None:
        def start() -> None:
            task = self._loop.create_task(coroutine)
            self._background.add(task)
            task.add_done_callback(self._background.discard)

        try:
            self._loop.call_soon_threadsafe(start)
        except RuntimeError:
            coroutine.close()
            raise ExecutorError(self._gone or f"the connection to {self._address} is closed") from None

    # What follows runs in the thread.

    def _turn(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve())
            except BaseException as error:
                if not self._ready.done():
                    self._ready.set_exception(error)

    async def _serve(self) -> None:
        async with AsyncExitStack() as stack:
            stack.enter_context(silence_logging_cmgr(logging.CRITICAL + 1))
            if not self._address:
                await self._start_cluster(stack)
            await self._connect(stack)
            self._ready.set_result(None)
            await self._closing.wait()
            if not self._gone:
                await _for_a_while(self._client.run(dask_nodes.rest, on_error="ignore"))

    async def _start_cluster(self, stack: AsyncExitStack) -> None:
        at_once = self._surroundings.at_once
        workers = min(at_once, self._surroundings.cores)
        stack.enter_context(dask.config.set(_OWN))
        cluster = LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=workers,
            threads_per_worker=math.ceil(at_once / workers),
            host="127.0.0.1",
            dashboard_address=None,
            # Else it would take the port of a dashboard that another cluster has.
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            memory_limit=0,
            silence_logs=logging.CRITICAL,
            asynchronous=True,
        )
        stack.push_async_callback(lambda: _for_a_while(cluster.close()))
        try:
            await cluster
        except (OSError, RuntimeError) as error:
            raise ExecutorError(f"no Dask cluster can be started here: {error}") from None
        self._address = cluster.scheduler_address

    async def _connect(self, stack: AsyncExitStack) -> None:
        client: Any = Client(  # type: ignore[no-untyped-call]
            self._address, asynchronous=True, set_as_default=False, timeout=_CONNECTS, name=OURS
        )
        # With an error it is quick about it, and does not wait for a scheduler that is gone.
        stack.push_async_callback(
            lambda: _for_a_while(client.__aexit__(ExecutorError if self._gone else None, None, None))
        )
        self._client = client
        with warnings.catch_warnings():
            # We look ourselves, and say it in one line.
            warnings.simplefilter("ignore", VersionMismatchWarning)
            try:
                await client
            except (OSError, ValueError, ImportError) as error:
                raise ExecutorError(
                    f"there is no Dask scheduler at {self._address} ({_line(error)}); start one with `dask scheduler`, "
                    "or leave out --epic-dask-scheduler"
                ) from None
        await self._look_at_workers()
        client.subscribe_topic(dask_nodes.TOPIC, self._heard)
        try:
            await client.register_plugin(dask_nodes.Gate(self._surroundings.run, client.id))
        except Exception as error:
            raise ExecutorError(
                f"the Dask scheduler at {self._address} does not let stories begin once only: it takes no plugin "
                f"({_line(error)})"
            ) from None

    async def _look_at_workers(self) -> None:
        client, rootdir = self._client, self._surroundings.rootdir
        try:
            await client.wait_for_workers(1, timeout=_WORKERS)
        except TimeoutError:
            raise ExecutorError(
                f"the Dask scheduler at {self._address} has no workers; start some with `dask worker {self._address}`"
            ) from None
        found = await client.get_versions(packages=[OURS])
        if differing := differing_versions(found):
            raise ExecutorError(f"versions differ: {differing}; install the same on both")
        if self._surroundings.scheduler is None:
            await client.run(dask_nodes.be_quiet)
        for worker, trouble in (await client.run(dask_nodes.trouble_with, str(rootdir), on_error="return")).items():
            if trouble:
                raise ExecutorError(f"the worker {worker} {trouble}: workers need rootdir at the same path")

    def _heard(self, event: tuple[float, Mapping[str, str]]) -> None:
        """The scheduler tells that a story has begun, of whatever run."""
        story = self._away.get(event[1]["key"])
        if story is not None:
            story.worker = event[1]["worker"]
            if not story.begun.done():
                story.begun.set_result(None)

    async def _carried_out(self, story: Away, data: bytes, resources: Mapping[str, float]) -> None:
        try:
            story.ended.set_result(await self._result(story, data, resources))
        except BaseException as error:
            story.ended.set_exception(error)
        finally:
            del self._away[story.key]
            if story.task is not None:
                story.task.release()

    async def _result(self, story: Away, data: bytes, resources: Mapping[str, float]) -> bytes:
        client = self._client
        try:
            if resources:
                await self._look_for(resources)
            story.task = client.submit(
                *(dask_nodes.perform, story.key, self._surroundings.run, data),
                key=story.key,
                pure=False,
                retries=0,
                resources=dict(resources) or None,
            )
            before, outcome = await story.task
        except KilledWorker as error:
            raise Lost(error.last_worker.address) from None
        except (concurrent.futures.CancelledError, OSError, RuntimeError) as error:
            if client.status != "running":
                self._gone = f"the Dask scheduler at {self._address} is gone"
                raise ExecutorError(self._gone) from None
            raise Lost(_line(error)) from None
        if before:
            raise Lost(before)
        data_back: bytes = outcome
        return data_back

    async def _look_for(self, resources: Mapping[str, float]) -> None:
        offered = await self._client.run_on_scheduler(dask_nodes.offers)
        if offered and not any(
            all(worker.get(name, 0) >= amount for name, amount in resources.items()) for worker in offered
        ):
            raise NotOffered(told(resources))

    async def _taken_back(self, story: Away) -> None:
        with suppress(OSError):
            if story.worker:
                await self._client.run(dask_nodes.cancel, story.key, workers=[story.worker], on_error="ignore")
            elif story.task is not None:
                await story.task.cancel()


async def _for_a_while(closing: Any) -> None:
    """Wait for an end that may not come: of a scheduler that is gone, or that goes just now, in whatever words."""
    with suppress(Exception):
        async with asyncio.timeout(_ENDS / 2):
            await closing


def told(resources: Mapping[str, float]) -> str:
    """Resources as they are given to ``dask worker --resources``: ``gpu=1,memory=4e+09``."""
    return ",".join(f"{name}={amount:g}" for name, amount in sorted(resources.items()))


def _line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
