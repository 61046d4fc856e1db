"""What tests of agents share: a story for one, the scripted agent, and what came of it."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from pytest_tapps_waves.actions.agents import AgentAction
from pytest_tapps_waves.actions.agents.brief import Brief, Conversation
from pytest_tapps_waves.actions.base import Job, PriorWork, StoryContext, Work
from pytest_tapps_waves.actions.output import Output
from pytest_tapps_waves.epics.agents import DEFAULT_ALLOW, DEFAULT_ITERATIONS, AgentSpec

ACP_AGENT = Path(__file__).parent / "agents" / "acp_agent.py"
"""The scripted agent; its docstring says what it can do."""

COMMAND = [sys.executable, str(ACP_AGENT)]

PATIENCE = 60.0
"""Seconds after which a scene that has not ended fails its test."""


def spec(command: Sequence[str] = COMMAND, runner: str = "acp", **other: Any) -> AgentSpec:
    """An agent as it holds for a story: all that has a default is said."""
    return AgentSpec(
        **{
            "command": list(command),
            "runner": runner,
            "allow": list(DEFAULT_ALLOW),
            "max_iterations": DEFAULT_ITERATIONS,
            **other,
        }
    )


@dataclass
class Scene:
    """One conversation in a folder, and what is known of it afterwards."""

    folder: Path
    script: dict[str, Any] = field(default_factory=dict)
    agent: AgentSpec = field(default_factory=spec)
    variables: dict[str, str] = field(default_factory=dict)
    prior: Sequence[PriorWork] = ()
    grace: float = 20.0
    output: Output = field(default_factory=Output)
    work: Work = field(default_factory=Work)
    started: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)

    @property
    def log_file(self) -> Path:
        return self.folder / "agent.log"

    def action(self) -> AgentAction:
        return AgentAction(Brief("8.1", "Create the schema", "Make it.", ["It is there"], [], self.agent))

    def job(self) -> Job:
        script = json.dumps({"log": str(self.log_file), **self.script})
        variables = {"ACP_AGENT": script, **self.variables}
        log = logging.getLogger("epic.shop")
        context = StoryContext("8.1", "Create the schema", "shop", self.folder, variables, 60.0, 1, log)

        def began(pid: int) -> None:
            assert len(self.started) == len(self.pids) + 1
            self.pids.append(pid)

        return Job(context, self.folder, self.grace, began, lambda: self.started.append("process"), lambda: self.prior)

    async def play(self, *turns: str, body: Callable[[Conversation], Awaitable[None]] | None = None) -> None:
        """Begin, and revise with each of these findings; or do ``body`` instead. What fails is raised."""
        async with asyncio.timeout(PATIENCE):
            async with self.action().converse(self.job(), self.output, self.work) as conversation:
                if body is not None:
                    await body(conversation)
                    return
                await conversation.begin()
                for findings in turns:
                    await conversation.revise(findings)

    def run(self, *turns: str) -> Scene:
        asyncio.run(self.play(*turns))
        return self

    async def cancelled_when(self, event: Callable[[], bool], body: Callable[[Conversation], Awaitable[None]]) -> None:
        """Cancel the conversation once something has happened, and wait until it has ended."""
        task = asyncio.ensure_future(self.play(body=body))
        try:
            await until(lambda: event() or task.done())
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=PATIENCE)
        assert task.cancelled(), task
        for _ in range(5):
            # What it left behind on the loop comes to its end, and would complain.
            await asyncio.sleep(0)

    @property
    def log(self) -> list[dict[str, Any]]:
        """What the agent says happened to it."""
        if not self.log_file.exists():
            return []
        return [json.loads(line) for line in self.log_file.read_text(encoding="utf-8").splitlines()]

    def logged(self, what: str) -> list[Any]:
        return [event[what] for event in self.log if what in event]

    def pid_in(self, name: str) -> int:
        return int((self.folder / name).read_text(encoding="utf-8"))

    @property
    def said(self) -> str:
        return self.output.text("stdout")


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.01)
