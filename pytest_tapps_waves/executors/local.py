"""Actions run in this process and its children."""

from __future__ import annotations

from ..actions.base import Action, Job
from ..actions.call import THREADS
from ..actions.output import Output


class LocalExecutor:
    """The default."""

    async def run(self, action: Action, job: Job, output: Output) -> None:
        await action.perform(job, output)

    def close(self) -> None:
        THREADS.close()
