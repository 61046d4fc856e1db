"""The actions that epic files can hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from .base import Action
from .call import Call
from .command import Command

# Many stories may call one function, and a Call keeps nothing of any.
KINDS: Mapping[str, Callable[[Any], Action]] = {"run": Command, "call": lru_cache(maxsize=4096)(Call)}
"""By the key under which the epic file holds the action; given that key's value."""


def action_of(holder: object) -> Action | None:
    """The action that a story or a check of an epic file defines, if any."""
    for key, make in KINDS.items():
        value = getattr(holder, key)
        if value is not None:
            return make(value)
    return None
