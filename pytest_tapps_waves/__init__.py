"""Epics as tests: stories are pytest items, run in waves, with bounded concurrency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .actions.base import StoryContext

__all__ = ["StoryContext"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Every run of pytest imports this package; only functions of stories need what it gives them."""
    if name == "StoryContext":
        from .actions.base import StoryContext

        return StoryContext
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
