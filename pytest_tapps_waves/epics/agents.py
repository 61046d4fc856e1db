"""What an epic file says of agents: who does a story, once it and its epic are put together, and for how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias, get_args

from .spec import NOTHING

Runner: TypeAlias = Literal["acp", "command"]
"""``acp``: it speaks the Agent Client Protocol; ``command``: it is given a prompt once, and prints its answer."""
ToolKind: TypeAlias = Literal[
    "read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode", "other"
]
"""Those of the Agent Client Protocol: https://agentclientprotocol.com/protocol/tool-calls. What an agent gives another
kind, or none, is ``other``."""
TOOL_KINDS: tuple[str, ...] = get_args(ToolKind)
DEFAULT_RUNNER: Runner = "acp"
DEFAULT_ALLOW: tuple[ToolKind, ...] = ("read", "search", "think", "edit")
"""What a story's work consists of; not what reaches beyond its folder, nor what cannot be undone."""
DEFAULT_ITERATIONS = 3
PROMPT = "{prompt}"
"""What stands for the prompt in the words of a command."""


class AgentSpec(NamedTuple):
    """Who carries a story out, and how. ``None`` is what is not said here: then the epic's own agent is asked."""

    command: list[str] | None = None
    """The words that start it."""
    runner: str | None = None
    """``acp``: it speaks the Agent Client Protocol; ``command``: it is given a prompt once, and prints its answer."""
    prompt: str | None = None
    """What it is told, instead of the story's own texts."""
    allow: list[str] | None = None
    """The kinds of tools that it may use without being refused."""
    max_iterations: int | None = None
    """How often it is told in all what to do: once, and again after each failed check."""
    env: Mapping[str, str] = NOTHING


class Budget(NamedTuple):
    """What the agents of an epic may use up in one run, all together; ``None`` is without end."""

    tokens: int | None = None
    cost: float | None = None
    """In the currency in which the agents reckon."""


def put_together(own: AgentSpec | None, of_epic: AgentSpec | None) -> AgentSpec:
    """The agent of a story: key by key what it says itself, else what its epic says; variables of both."""
    own, of_epic = own or AgentSpec(), of_epic or AgentSpec()
    said = {name: value for name, value in own._asdict().items() if value is not None}
    return of_epic._replace(**{**said, "env": {**of_epic.env, **own.env}})


def effective(own: AgentSpec | None, of_epic: AgentSpec | None, command: list[str] | None = None) -> AgentSpec:
    """The same with the defaults for what neither says. There is none for the command.

    :param command: takes the place of what both say of it.
    """
    agent = put_together(own, of_epic)
    return agent._replace(
        command=command or agent.command,
        runner=agent.runner or DEFAULT_RUNNER,
        allow=list(DEFAULT_ALLOW) if agent.allow is None else agent.allow,
        max_iterations=agent.max_iterations or DEFAULT_ITERATIONS,
    )


def lacks_prompt(agent: AgentSpec) -> bool:
    """Whether it is given its prompt as a word of its command, and has none for it."""
    return agent.runner == "command" and agent.command is not None and not any(PROMPT in word for word in agent.command)
