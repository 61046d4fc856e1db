"""An agent that is a command: it is given a prompt among its words, and what it prints is its answer."""

from __future__ import annotations

from ...epics.agents import PROMPT
from ...errors import ActionFailed
from ..base import Job, Work
from ..output import Output
from ..processes import status_words
from ..starting import started
from .brief import Brief
from .diary import LONGEST_ANSWER, Diary
from .prompt import first_prompt, prompt_again

_MOST = 4 * LONGEST_ANSWER
"""Bytes of an answer that are kept: a character has four at most."""


class OneShot:
    """A conversation with a command that remembers nothing: each turn is a new process, and is told all of it again."""

    def __init__(self, brief: Brief, action: str, job: Job, output: Output, work: Work) -> None:
        self._brief = brief
        self._action = action
        self._job = job
        self._output = output
        self._work = work
        self._diary = Diary(output, work)
        self._first = ""

    async def begin(self) -> None:
        self._first = first_prompt(self._brief, self._job.prior_work())
        await self._turn(self._first)

    async def revise(self, findings: str) -> None:
        await self._turn(prompt_again(self._first, self._work.answer, findings))

    async def _turn(self, prompt: str) -> None:
        agent = self._brief.agent
        assert agent.command is not None
        if not any(PROMPT in word for word in agent.command):
            raise ActionFailed(f"none of its words holds {PROMPT}, so it would not be told what to do", self._action)
        self._diary.turn()
        printed = bytearray()

        def write(stream: str, data: bytes) -> None:
            if stream != "stdout":
                self._output.write(stream, data)
                return
            self._diary.passed(data)
            printed.extend(data)
            if len(printed) > 2 * _MOST:
                del printed[:-_MOST]

        tree = await started(
            [word.replace(PROMPT, prompt) for word in agent.command],
            self._action,
            self._job,
            self._output,
            env={**self._job.context.env, **agent.env},
            write=write,
            too_long=f"a prompt of {len(prompt):,} characters is too long for a word of a command: shorten the story, "
            "or use an agent that speaks the Agent Client Protocol (runner: acp)",
        )
        try:
            status = await tree.wait(self._job.grace)
        finally:
            self._work.answer = bytes(printed).decode("utf-8", "replace").strip()[-LONGEST_ANSWER:]
        if status:
            raise ActionFailed(status_words(status), self._action, exit_status=status)
