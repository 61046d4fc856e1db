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
        from .limits import Shortage, with_room
        from .processes import ProcessTree, status_words

        context = job.context
        if not context.cwd.is_dir():
            raise ActionFailed(f"cannot start, since {context.cwd} is not a directory", self.describe())

        async def start() -> ProcessTree:
            job.before_process()
            return await ProcessTree.start(
                self._command,
                cwd=context.cwd,
                env=context.env,
                write=output.write,
                grace=job.grace,
                on_start=job.on_process,
            )

        def waits(what: str) -> None:
            output.write("stderr", f"waits for others to end: {what}\n".encode())

        try:
            tree = await with_room(start, ProcessTree.any_runs, waits)
        except (OSError, ValueError, Shortage) as error:
            raise ActionFailed(f"cannot start: {error}", self.describe()) from None
        status = await tree.wait(job.grace)
        if status:
            raise ActionFailed(status_words(status), self.describe(), exit_status=status)
