"""What an epic file may say of agents, and what holds if it does not."""

from __future__ import annotations

RUNNERS = ("acp", "command")
"""``acp``: it speaks the Agent Client Protocol; ``command``: it is given a prompt once, and prints its answer."""

TOOL_KINDS = ("read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode", "other")
"""The protocol's. What an agent gives another kind, or none, is ``other``."""

DEFAULT_RUNNER = "acp"

DEFAULT_ALLOW = ("read", "search", "think", "edit")
"""What a story's work consists of; not what reaches beyond its folder, nor what cannot be undone."""

DEFAULT_ITERATIONS = 3
