"""Drives a plan on asyncio: a task for each story, started, awaited and cancelled as the plan says. Knows no pytest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from .core.model import State
from .core.plan import Cancel, Effect, Plan, Settled

Perform = Callable[[str, Settled | None], Awaitable[tuple[State, str]]]
"""Carries a story out, or only reports it as the verdict says, and answers with its final state and the reason.
Cancelled, it cleans up and answers all the same."""


class Engine:
    """Runs the stories of one plan that has begun."""

    def __init__(self, plan: Plan, perform: Perform, on_effect: Callable[[Effect], None]) -> None:
        """:param on_effect: is told of every decision of the plan, in order, on the loop's thread."""
        self._plan = plan
        self._perform = perform
        self._on_effect = on_effect
        self._changed = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._entered: set[str] = set()
        self._cancelling: dict[str, str] = {}
        self._failure: BaseException | None = None

    async def run(self) -> None:
        """Return when every story has ended, or the plan was stopped and all that ran has ended.

        Cancelled, it stops the plan and waits for what runs. An exception that ``perform`` or ``on_effect`` lets out
        stops the plan too, and is raised once everything has ended.
        """
        async with asyncio.TaskGroup() as group:
            try:
                while True:
                    self._decide(group)
                    if self._plan.done and not self._tasks:
                        break
                    if not self._tasks:
                        raise RuntimeError("stories are left, but none can start: this is a bug of the plan")
                    self._changed.clear()
                    await self._changed.wait()
            except asyncio.CancelledError:
                self.stop("interrupted")
                raise
        if self._failure is not None:
            raise self._failure

    def stop(self, reason: str) -> None:
        """Start nothing more, and cancel what runs."""
        self._plan.stop(reason)
        self._changed.set()

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
                if isinstance(effect, Settled):
                    self._tasks[effect.key] = group.create_task(self._report(effect))
                elif isinstance(effect, Cancel):
                    self._cancel(effect)
            effects = self._plan.effects()
        for key in self._plan.next():
            self._tasks[key] = group.create_task(self._run(key))

    def _cancel(self, effect: Cancel) -> None:
        self._cancelling[effect.key] = effect.reason
        task = self._tasks.get(effect.key)
        # A task that is cancelled before its first step never takes one, and its story would have no report.
        if task is not None and effect.key in self._entered:
            task.cancel()

    async def _run(self, key: str) -> None:
        self._entered.add(key)
        state, reason = State.CANCELLED, self.cancel_reason(key)
        try:
            verdict = Settled(key, State.CANCELLED, self._cancelling[key]) if key in self._cancelling else None
            state, reason = await self._perform(key, verdict)
        except asyncio.CancelledError:
            raise
        except BaseException as failure:
            self._fail(failure)
        finally:
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

    def _forget(self, key: str) -> None:
        self._tasks.pop(key, None)
        self._entered.discard(key)
        self._changed.set()
