"""A process of a story: in its folder, with its variables, and waited for if the system is short of something."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping

from ..errors import ActionFailed
from .base import Job
from .limits import Shortage, with_room
from .output import Output
from .processes import ProcessTree

_WINDOWS_TOO_LONG = 206
"""ERROR_FILENAME_EXCED_RANGE, which Windows says of a command line too."""


async def started(
    command: str | list[str],
    action: str,
    job: Job,
    output: Output,
    *,
    env: Mapping[str, str] | None = None,
    write: Callable[[str, bytes], None] | None = None,
    with_input: bool = False,
    too_long: str = "",
) -> ProcessTree:
    """A running process; to be waited for, or ended.

    :param action: as it stands in the epic file.
    :param env: instead of the story's own.
    :param write: takes what it prints instead of ``output``.
    :param too_long: what to say if the words are longer than the system takes them, instead of its own message.
    :raises ActionFailed: if it cannot be started.
    """
    context = job.context
    if not context.cwd.is_dir():
        raise ActionFailed(f"cannot start, since {context.cwd} is not a directory", action)

    async def start() -> ProcessTree:
        job.before_process()
        return await ProcessTree.start(
            command,
            cwd=context.cwd,
            env=context.env if env is None else env,
            write=output.write if write is None else write,
            grace=job.grace,
            on_start=job.on_process,
            with_input=with_input,
        )

    def waits(what: str) -> None:
        output.write("stderr", f"waits for others to end: {what}\n".encode())

    try:
        return await with_room(start, ProcessTree.any_runs, waits)
    except (OSError, ValueError, Shortage) as error:
        words = too_long if too_long and _is_too_long(error) else str(error)
        raise ActionFailed(f"cannot start: {words}", action) from None


def _is_too_long(error: Exception) -> bool:
    return isinstance(error, OSError) and (
        error.errno == errno.E2BIG or getattr(error, "winerror", 0) == _WINDOWS_TOO_LONG
    )
