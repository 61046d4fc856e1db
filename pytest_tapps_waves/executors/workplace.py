"""A process that carries out stories for a run that is elsewhere. Knows no engine: whoever has one calls it from there.

Stories run on one loop, in a thread of its own, as they do at home; whoever hands one in waits for it in a thread.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import logging
import os
import pickle
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..actions.base import Action, Job
from ..actions.call import LET_THROUGH
from ..actions.guard import Guard
from ..actions.guardian import COOKIE
from ..actions.output import CURRENT_OUTPUT
from ..actions.routed import RoutedText
from ..actions.sweeping import sweep
from ..errors import ActionFailed
from .collected import Collected
from .parcels import Outcome, Parcel, sendable

if TYPE_CHECKING:
    from ..actions.secrets import Masker

_LOOK = 0.1
"""Seconds from one look to the next whether a story is still wanted."""

_PACKAGE = __name__.partition(".")[0]


class Workplace:
    """The stories of this process."""

    def __init__(self) -> None:
        self._id = uuid.uuid4().hex
        """What all processes of stories carry here in ``EPIC_RUN``, with a number for each story: the run has several
        such places, and the end of one is not that of the others."""
        self._numbers = itertools.count(1)
        self._guard = Guard(self._id)
        self._entered: dict[str, Story] = {}
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._paths = _Paths()

    @contextmanager
    def story(self, key: str, run: str) -> Iterator[Story]:
        """A story that is about to be carried out here. From now on it can be cancelled.

        :param key: like no other anywhere.
        :param run: the id of its run.
        """
        with self._lock:
            story = self._entered[key] = Story(self, run, f"{self._id}.{next(self._numbers)}")
        try:
            yield story
        finally:
            with self._lock:
                del self._entered[key]

    def cancel(self, key: str) -> bool:
        """End a story, and with it its processes: by and by, and at once if it is said again. Tells whether it is here.

        Called by any thread, and waits for nothing.
        """
        with self._lock:
            story = self._entered.get(key)
        if story is not None:
            story.cancel()
        return story is not None

    def rest(self) -> None:
        """A run has ended: keep nothing that only stories need, if there are none."""
        with self._lock:
            if not self._entered:
                self._guard.close(0.0)
                self._guard = Guard(self._id)
                os.environ.pop(COOKIE, None)

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, turning."""
        with self._lock:
            if self._loop is None or not self._loop.is_running():
                self._loop = asyncio.new_event_loop()
                began = threading.Event()
                self._loop.call_soon(began.set)
                threading.Thread(target=self._loop.run_forever, name="epic-stories", daemon=True).start()
                began.wait()
            return self._loop

    def guard(self) -> str:
        """See to it that what is started from now on ends with this process. Answers with why it will not, if so."""
        # Functions start processes of their own, of which nobody tells us.
        os.environ[COOKIE] = self._id
        with self._lock:
            self._guard.begin()
            return self._guard.trouble

    def arrange(self, run: str, paths: Sequence[str]) -> None:
        """Have functions found where the run has them.

        :raises ActionFailed: if another run is at work here, with other places.
        """
        with self._lock:
            others = any(story.run != run for story in self._entered.values())
            self._paths.enter(run, paths, others=others)


class Story:
    """One story of a workplace."""

    def __init__(self, workplace: Workplace, run: str, cookie: str) -> None:
        self.run = run
        self._workplace = workplace
        self._cookie = cookie
        self._task: asyncio.Task[Outcome] | None = None
        self._cancelled = False
        self._starts_processes = False

    def cancel(self) -> None:
        self._cancelled = True
        if self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)

    def carry_out(self, data: bytes, where: str, is_wanted: Callable[[], bool]) -> bytes:
        """Do what a parcel says, and answer with an outcome, both pickled. Blocks until nothing of it is running.

        :param where: what this process is called, for people.
        :param is_wanted: asked now and then; once it says no, the story is cancelled.
        """
        parcel: Parcel = pickle.loads(data)
        words, masker = "the story", _masker(parcel)
        output = Collected(where, masker)
        try:
            self._workplace.arrange(self.run, parcel.paths)
            action: Action = pickle.loads(parcel.action)
            words = action.describe()
            if not parcel.rootdir.is_dir():
                raise ActionFailed(f"{where} has no {parcel.rootdir}: workers need rootdir at the same path", words)
            if trouble := self._workplace.guard():
                output.write("stderr", f"{trouble}\n".encode())
            _settle_in(parcel)
            doing = self._perform(action, parcel, output, masker, is_wanted)
            outcome = asyncio.run_coroutine_threadsafe(doing, self._workplace.loop()).result()
        except Exception as error:
            outcome = Outcome(output.pieces(), sendable(error, words, parcel.knows, masker))
        if self._starts_processes:
            # The next story of the run may be carried out anywhere, so there is nobody whom these could serve.
            sweep([self._cookie], 0.0)
        return pickle.dumps(outcome)

    async def _perform(
        self,
        action: Action,
        parcel: Parcel,
        output: Collected,
        masker: Masker | None,
        is_wanted: Callable[[], bool],
    ) -> Outcome:
        task = self._task = asyncio.current_task()
        assert task is not None
        watching = asyncio.create_task(_watch(task, is_wanted))
        error, cancelled = None, False
        try:
            if self._cancelled:
                task.cancel()
            with output.receiving():
                await action.perform(self._job(parcel), output)
        except asyncio.CancelledError:
            cancelled = True
        except BaseException as raised:
            # Whatever it is, it is for the run to see; out of a task some of these would end the loop.
            error = sendable(raised, action.describe(), parcel.knows, masker)
        finally:
            watching.cancel()
        return Outcome(output.pieces(), error, cancelled)

    def _job(self, parcel: Parcel) -> Job:
        context = parcel.context
        context = replace(context, variables={**context.variables, COOKIE: self._cookie})
        return Job(context, parcel.rootdir, parcel.grace, before_process=self._before_process)

    def _before_process(self) -> None:
        self._starts_processes = True


class _Paths:
    """The part of ``sys.path`` that belongs to a run."""

    def __init__(self) -> None:
        self._run = ""
        self._entered: tuple[str, ...] = ()

    def enter(self, run: str, paths: Sequence[str], *, others: bool) -> None:
        if run == self._run:
            return
        if others and tuple(paths) != self._entered:
            where = self._entered[0] if self._entered else "elsewhere"
            raise ActionFailed(f"the worker is at work for another run, in {where}; try again later", "it was not run")
        if not others:
            _forget_modules((*paths, *self._entered))
        sys.path[:] = [*paths, *(path for path in sys.path if path not in (*paths, *self._entered))]
        importlib.invalidate_caches()
        self._run, self._entered = run, tuple(paths)


def _forget_modules(paths: Sequence[str]) -> None:
    """Have modules of the project imported anew: this process outlives runs, and files change between them."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or name.startswith(("__", _PACKAGE)) or Path(file).is_relative_to(sys.prefix):
            continue
        if any(Path(file).is_relative_to(path) for path in paths):
            del sys.modules[name]


def _masker(parcel: Parcel) -> Masker | None:
    """What masks the values that variables have here: those that the run knows of are masked there."""
    if not parcel.secrets:
        return None
    from ..actions.secrets import Masker

    return Masker(os.environ[name] for name in parcel.secrets if name in os.environ)


class _HandlerOfStories(logging.Handler):
    """Hands each record to the story that made it; others go where they would go without this handler."""

    def emit(self, record: logging.LogRecord) -> None:
        output = CURRENT_OUTPUT.get()
        if isinstance(output, Collected):
            output.log(record)
        elif logging.lastResort is not None and logging.getLogger().handlers == [self]:
            logging.lastResort.handle(record)


_HANDLER = _HandlerOfStories()


def _settle_in(parcel: Parcel) -> None:
    """Have what functions print and log go to their stories, as it does at home."""
    LET_THROUGH.extend(kind for kind in parcel.lets_through if kind not in LET_THROUGH)
    root = logging.getLogger()
    if _HANDLER not in root.handlers:
        root.addHandler(_HANDLER)
    if parcel.log_level < root.level:
        root.setLevel(parcel.log_level)
    for name in ("stdout", "stderr"):
        if not isinstance(getattr(sys, name), RoutedText):
            setattr(sys, name, RoutedText(name, getattr(sys, name)))


async def _watch(task: asyncio.Task[Outcome], is_wanted: Callable[[], bool]) -> None:
    # Nobody tells: engines take back what has not begun, and leave alone what has.
    while is_wanted():  # noqa: ASYNC110
        await asyncio.sleep(_LOOK)
    task.cancel()


WORKPLACE = Workplace()
"""That of this process."""
