"""An agent that speaks the Agent Client Protocol: started for a story, talked to, and ended with all it started."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from ...errors import ActionFailed
from ...inert import one_line
from ..base import Job, Work
from ..output import Output
from ..processes import ProcessTree, status_words
from ..starting import started
from .brief import Brief
from .diary import Diary
from .prompt import first_prompt
from .wire import Wire

if TYPE_CHECKING:
    from .speaking import Speaker

_LEAVES = 2.0
"""Seconds that an agent may take to end by itself, once its input has ended."""
_STOPS = 0.5
"""The same for its turn that is cancelled, and for the agent after that: the time of the story is up."""
_TELLS = 1.0
"""Seconds between the end of its output and its own, within which the one explains the other."""


@asynccontextmanager
async def conversation(brief: Brief, action: str, job: Job, output: Output, work: Work) -> AsyncIterator[Session]:
    """Start the agent and begin a session; in the end, leave nothing of it running.

    :raises ActionFailed: if it cannot be started, or no session comes about.
    """
    diary = Diary(output, work)
    wire = Wire(diary.printed)

    def write(stream: str, data: bytes) -> None:
        if stream == "stdout":
            wire.take(data)
        else:
            output.write(stream, data)

    agent = brief.agent
    assert agent.command is not None
    env = {**job.context.env, **agent.env}
    tree = await started(agent.command, action, job, output, env=env, write=write, with_input=True)
    wire.connect(tree)
    session = Session(tree, wire, diary, brief, action, job)
    try:
        await session.open()
        yield session
    except asyncio.CancelledError:
        session.hurry()
        raise
    finally:
        try:
            await session.leave()
        finally:
            diary.close()


class Session:
    """A conversation over the protocol. All its turns are of one session, so the agent remembers."""

    def __init__(self, tree: ProcessTree, wire: Wire, diary: Diary, brief: Brief, action: str, job: Job) -> None:
        self._tree = tree
        self._wire = wire
        self._diary = diary
        self._brief = brief
        self._action = action
        self._job = job
        self._patience = _LEAVES
        self._speaker: Speaker | None = None
        self._ending = asyncio.ensure_future(tree.wait(job.grace))
        self._ending.add_done_callback(lambda _: wire.end())

    async def open(self) -> None:
        """:raises ActionFailed: if the agent does not come to be ready."""
        # It takes most of a second, as the agent itself does, and other stories are not to stand still meanwhile.
        try:
            speaking = await asyncio.to_thread(importlib.import_module, f"{__package__}.speaking")
        except Exception as error:  # it makes its classes while it is imported, with whatever pydantic there is
            what = one_line(f"{type(error).__name__}: {error}")
            raise ActionFailed(f"agent-client-protocol cannot be imported: {what}", self._action) from None
        assert self._brief.agent.allow is not None
        self._speaker = speaking.Speaker(self._wire, self._diary, self._brief.agent.allow, self._action)
        await self._answered(self._speaker.open(self._job.context.cwd))

    async def begin(self) -> None:
        await self._turn(first_prompt(self._brief, self._job.prior_work()))

    async def revise(self, findings: str) -> None:
        await self._turn(findings)

    def hurry(self) -> None:
        """The time of the story is up."""
        self._patience = min(self._patience, _STOPS)

    async def leave(self) -> None:
        """Let it end, and end what does not."""
        self._tree.close_input()
        cancelled = False
        try:
            async with asyncio.timeout(self._patience):
                await self._tree.exited()
        except TimeoutError:
            self._ending.cancel()
        except asyncio.CancelledError:
            cancelled = True
            self._ending.cancel()
        while not self._ending.done():
            try:
                await asyncio.wait({self._ending})
            except asyncio.CancelledError:
                # Once more: then it is not asked any longer, but made to end.
                cancelled = True
                self._ending.cancel()
        if self._speaker is not None:
            await self._speaker.close()
        await self._wire.close()
        if cancelled:
            raise asyncio.CancelledError
        if not self._ending.cancelled():
            self._ending.result()

    async def _turn(self, text: str) -> None:
        assert self._speaker is not None
        self._diary.turn()
        await self._answered(self._speaker.prompt(text))

    async def _answered(self, asking: Any) -> None:
        """Wait for an answer; cancelled meanwhile, ask the agent to stop.

        :raises ActionFailed: if there will be none.
        """
        asked = asyncio.ensure_future(asking)
        try:
            await asyncio.wait({asked})
        except asyncio.CancelledError:
            self._patience = 0.0
            try:
                await self._take_back(asked)
            finally:
                _forget(asked)
            raise
        try:
            asked.result()
        except ConnectionError:
            raise await self._why_silent() from None

    async def _take_back(self, asked: asyncio.Future[Any]) -> None:
        assert self._speaker is not None
        with suppress(ConnectionError):
            if await self._speaker.cancel() and (await asyncio.wait({asked}, timeout=_STOPS))[0]:
                self._patience = _STOPS

    async def _why_silent(self) -> ActionFailed:
        if self._wire.fault:
            return ActionFailed(self._wire.fault, self._action)
        try:
            async with asyncio.timeout(_TELLS):
                status = await self._tree.exited()
        except TimeoutError:
            return ActionFailed("it closed its output before it had answered", self._action)
        return ActionFailed(f"it ended before it had answered: {status_words(status)}", self._action, "", status)


def _forget(asked: asyncio.Future[Any]) -> None:
    """Nobody waits for this any more, nor wants to hear of its failure."""
    asked.cancel()
    asked.add_done_callback(lambda future: future.cancelled() or future.exception())
