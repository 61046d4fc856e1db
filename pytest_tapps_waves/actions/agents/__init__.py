"""``agent``: an AI agent that carries a story out, as the checks judge.

``prompt`` and ``permissions`` are pure. ``wire``, ``speaking`` and ``session`` are the Agent Client Protocol: the lines
on an agent's pipes, what is said in them, and an agent's life. ``one_shot`` is for programs that take a prompt and
print an answer. ``diary`` is what is told of either.
"""

from __future__ import annotations

from .action import AgentAction, available

__all__ = ["AgentAction", "available"]
