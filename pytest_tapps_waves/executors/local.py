"""Actions run in this process and its children."""

from __future__ import annotations

from typing import Protocol

from ..actions.base import Action, Job
from ..actions.call import THREADS
from ..actions.output import Output


class Executor(Protocol):
    """Carries out actions, several at once."""

    async def run(self, action: Action, job: Job, output: Output) -> None:
        """Carry out one action. Cancelled, it leaves nothing of it running.

        :raises ActionFailed: if the action did not do its work.
        """
        ...

    def close(self) -> None:
        """Called once, after the last action has ended."""
        ...


class LocalExecutor:
    """The default."""

    async def run(self, action: Action, job: Job, output: Output) -> None:
        await action.perform(job, output)

    def close(self) -> None:
        THREADS.close()
