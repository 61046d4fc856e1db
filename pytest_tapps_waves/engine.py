"""Drives a plan on asyncio: a task for each story, started, awaited and cancelled as the plan says. Knows no pytest."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from .core.model import State
from .core.plan import Cancel, Effect, Plan, Settled
from .deadlines import extend_deadlines

Perform = Callable[[str, Settled | None], Awaitable[tuple[State, str]]]
"""Carries a story out, or only reports it as the verdict says, and answers with its final state and the reason.
Cancelled, it cleans up and answers all the same."""

HURRY = 0.05
"""Seconds from one cancellation to the next of what is to end at once: two that come together count as one."""


class Engine:
    """Runs the stories of one plan that has begun."""

    def __init__(
        self,
        plan: Plan,
        perform: Perform,
        on_effect: Callable[[Effect], None],
        alone: Callable[[str], bool] = lambda key: False,
        beside: Callable[[str], bool] = lambda key: False,
    ) -> None:
        """
        :param on_effect: is told of every decision of the plan, in order, on the loop's thread.
        :param alone: tells which stories need the thread for themselves; :meth:`until_alone` hands them out.
        :param beside: tells which stories must have ended before one of those begins.
        """
        self._plan = plan
        self._perform = perform
        self._on_effect = on_effect
        self._changed = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._entered: set[str] = set()
        self._cancelling: dict[str, str] = {}
        self._failure: BaseException | None = None
        self._is_alone = alone
        self._is_beside = beside
        self._beside: set[str] = set()
        self._alone: deque[tuple[str, Settled | None]] = deque()
        self._alone_running = False
        self._alone_wanted = asyncio.Event()
        self._stood_still = 0.0
        self._began: float | None = None
        self._ended = 0.0
        self.durations: dict[str, float] = {}
        """How long each story took that was run, in seconds."""

    async def run(self) -> None:
        """Return when every story has ended, or the plan was stopped and all that ran has ended.

        Cancelled, it stops the plan and waits for what runs. An exception that ``perform`` or ``on_effect`` lets out
        stops the plan too, and is raised once everything has ended.
        """
        async with asyncio.TaskGroup() as group:
            try:
                while True:
                    self._decide(group)
                    busy = self._tasks or self._alone or self._alone_running
                    if self._plan.done and not busy:
                        break
                    if not busy and not self._plan.waits:
                        raise RuntimeError("stories are left, but none can start: this is a bug of the plan")
                    self._changed.clear()
                    await self._changed.wait()
            except asyncio.CancelledError:
                self.stop("interrupted")
                raise
        if self._failure is not None:
            raise self._failure

    async def until_alone(self, run: asyncio.Task[None]) -> tuple[str, Settled | None] | None:
        """Let the loop turn until a story wants the thread for itself, or everything has ended.

        Whoever calls this carries out, or only reports, the story that it answers with, outside of the loop, says
        :meth:`ended_alone`, and calls this again. Meanwhile the processes of other stories go on.

        :param run: the task of :meth:`run`.
        """
        # Before any timer of the loop is looked at.
        extend_deadlines(self._stood_still)
        self._stood_still = 0.0
        while not run.done() and not (self._alone and not self._beside):
            self._alone_wanted.clear()
            waiter = asyncio.ensure_future(self._alone_wanted.wait())
            try:
                await asyncio.wait({run, waiter}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiter.cancel()
        if not self._alone:
            return None
        self._alone_running = True
        return self._alone.popleft()

    def ended_alone(self, key: str, verdict: Settled | None, state: State, reason: str, seconds: float = 0.0) -> None:
        """The story that :meth:`until_alone` handed out has ended, after ``seconds`` in which the loop stood still."""
        self._alone_running = False
        self._stood_still += seconds
        if verdict is None:
            self._note_time(key, time.monotonic() - seconds)
            self._plan.end(key, state, reason)
        self._changed.set()

    @property
    def took(self) -> float:
        """Seconds from when the first story began to when the last one ended."""
        return self._ended - self._began if self._began is not None else 0.0

    def decide(self) -> None:
        """The plan has been told something from elsewhere."""
        self._changed.set()

    def stop(self, reason: str) -> None:
        """Start nothing more, and cancel what runs."""
        self._plan.stop(reason)
        self._changed.set()

    def hurry(self) -> None:
        """Cancel what runs again, until it has ended: it is to wait for nothing more."""
        left = [task for key, task in self._tasks.items() if key in self._entered]
        for task in left:
            task.cancel()
        if left:
            asyncio.get_running_loop().call_later(HURRY, self.hurry)

    def cancel_reason(self, key: str) -> str:
        """Why a story that found itself cancelled was cancelled."""
        return self._cancelling.get(key) or f"cancelled: {self._plan.stopped or 'interrupted'}"

    def _decide(self, group: asyncio.TaskGroup) -> None:
        effects = self._plan.effects()
        while effects:
            for effect in effects:
                try:
                    self._on_effect(effect)
                except BaseException as failure:
                    # The other decisions hold: stories get their reports, and what runs is cancelled.
                    self._fail(failure)
                if isinstance(effect, Settled) and self._is_alone(effect.key):
                    self._want_alone(effect.key, effect)
                elif isinstance(effect, Settled):
                    self._tasks[effect.key] = group.create_task(self._report(effect))
                elif isinstance(effect, Cancel):
                    self._cancel(effect)
            effects = self._plan.effects()
        # A story that runs alone may turn the loop, but nothing may begin beside it.
        for key in self._plan.next() if not self._alone_running else ():
            if self._is_alone(key):
                self._want_alone(key, None)
            else:
                self._tasks[key] = group.create_task(self._run(key))
                if self._is_beside(key):
                    self._beside.add(key)

    def _want_alone(self, key: str, verdict: Settled | None) -> None:
        self._alone.append((key, verdict))
        self._alone_wanted.set()

    def _cancel(self, effect: Cancel) -> None:
        if (effect.key, None) in self._alone:
            self._alone.remove((effect.key, None))
            self._plan.end(effect.key, State.NOT_STARTED)
            return
        self._cancelling[effect.key] = effect.reason
        task = self._tasks.get(effect.key)
        # A task that is cancelled before its first step never takes one, and its story would have no report.
        if task is not None and effect.key in self._entered:
            task.cancel()

    async def _run(self, key: str) -> None:
        self._entered.add(key)
        began = time.monotonic()
        state, reason = State.CANCELLED, self.cancel_reason(key)
        try:
            verdict = Settled(key, State.CANCELLED, self._cancelling[key]) if key in self._cancelling else None
            state, reason = await self._perform(key, verdict)
        except asyncio.CancelledError:
            raise
        except BaseException as failure:
            self._fail(failure)
        finally:
            self._note_time(key, began)
            self._plan.end(key, state, reason)
            self._forget(key)

    async def _report(self, verdict: Settled) -> None:
        try:
            await self._perform(verdict.key, verdict)
        except asyncio.CancelledError:
            raise
        except BaseException as failure:
            self._fail(failure)
        finally:
            self._forget(verdict.key)

    def _fail(self, failure: BaseException) -> None:
        if self._failure is None:
            self._failure = failure
        self.stop(f"{type(failure).__name__}: {failure}")

    def _note_time(self, key: str, began: float) -> None:
        self._began = began if self._began is None else min(self._began, began)
        self._ended = time.monotonic()
        self.durations[key] = self._ended - began

    def _forget(self, key: str) -> None:
        self._beside.discard(key)
        self._tasks.pop(key, None)
        self._entered.discard(key)
        if self._alone:
            self._alone_wanted.set()
        self._changed.set()
