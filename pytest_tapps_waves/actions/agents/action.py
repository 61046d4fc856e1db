"""The action ``agent``, and whether one can be started at all."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ActionFailed
from ..base import Job, Work
from ..output import Output

if TYPE_CHECKING:
    from ...epics.agents import AgentSpec
    from .brief import Brief, Conversation

_MISSING = (
    "runner: acp needs the package agent-client-protocol, which is not installed: "
    "pip install 'pytest-tapps-waves[agents]'"
)


class AgentAction:
    """A story done by an agent."""

    def __init__(self, brief: Brief) -> None:
        self.brief = brief

    @property
    def iterations(self) -> int:
        """How often it is told in all what to do: once, and again after each failed check."""
        assert self.brief.agent.max_iterations is not None
        return self.brief.agent.max_iterations

    def describe(self) -> str:
        assert self.brief.agent.command is not None
        return f"agent: {shlex.join(self.brief.agent.command)}"

    async def perform(self, job: Job, output: Output) -> None:
        """One turn, whose work is told in the output only."""
        async with self.converse(job, output, Work()) as conversation:
            await conversation.begin()

    def converse(self, job: Job, output: Output, work: Work) -> AbstractAsyncContextManager[Conversation]:
        """Talk to the agent; within this it runs, and nothing of it after.

        Entered, it raises ActionFailed if the agent cannot be started, or is not ready to work.

        :param work: told what it does as it does it; of this conversation only. Nothing in it is masked.
        """
        if self.brief.agent.runner == "command":
            from .one_shot import OneShot

            return nullcontext(OneShot(self.brief, self.describe(), job, output, work))
        if not _has_acp():
            raise ActionFailed(_MISSING, self.describe())
        from .session import conversation

        return conversation(self.brief, self.describe(), job, output, work)


def available(agent: AgentSpec, path: str) -> str:
    """Why an agent cannot be started, in one line; empty if nothing is known that speaks against it.

    :param path: the ``PATH`` that its process is given.
    """
    assert agent.command
    program = agent.command[0]
    # One that is named from the folder of the story may be made by another story.
    if not _is_relative_path(program) and shutil.which(program, path=path) is None:
        where = "" if Path(program).is_absolute() else " on PATH"
        return f"agent: there is no program {program!r}{where}: install the agent, or correct its command"
    return "" if agent.runner == "command" or _has_acp() else f"agent: {_MISSING}"


def _is_relative_path(program: str) -> bool:
    return Path(program).name != program and not Path(program).is_absolute()


def _has_acp() -> bool:
    """Without importing it, which takes its time."""
    return importlib.util.find_spec("acp") is not None
