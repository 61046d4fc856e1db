"""``run``: a command, by the shell or directly."""

from __future__ import annotations

import shlex

from ..errors import ActionFailed
from .base import Job
from .output import Output


class Command:
    """A command that works if its exit status is 0. Its input is empty."""

    def __init__(self, command: str | list[str]) -> None:
        self._command = command

    def describe(self) -> str:
        words = self._command if isinstance(self._command, str) else shlex.join(self._command)
        return f"run: {words.strip()}"

    async def perform(self, job: Job, output: Output) -> None:
        # Imported where it is needed: psutil takes its time, and many runs have no commands.
        from .processes import status_words
        from .starting import started

        tree = await started(self._command, self.describe(), job, output)
        status = await tree.wait(job.grace)
        if status:
            raise ActionFailed(status_words(status), self.describe(), exit_status=status)
