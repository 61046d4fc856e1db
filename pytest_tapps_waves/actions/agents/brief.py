"""What an agent is to do, and how one talks to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ...epics.agents import AgentSpec


@dataclass(frozen=True, slots=True)
class Brief:
    """A story, as its agent is told of it."""

    id: str
    title: str
    description: str
    criteria: Sequence[str]
    """What is to hold in the end, whether or not it is checked."""
    files_affected: Sequence[str]
    """Globs of the files that it may change."""
    agent: AgentSpec
    """As it holds for this story: all that has a default is said."""


class Conversation(Protocol):
    """With one agent about one story, over as many turns as its checks need."""

    async def begin(self) -> None:
        """Tell it what to do, and wait until it has answered.

        :raises ActionFailed: if it does not come to an answer.
        """
        ...

    async def revise(self, findings: str) -> None:
        """Tell it what the checks found, and wait until it has answered; it knows what came before.

        :raises ActionFailed: if it does not come to an answer.
        """
        ...
