"""Epics as tests: stories are pytest items, run in waves, with bounded concurrency."""

from __future__ import annotations

from .actions.base import StoryContext

__all__ = ["StoryContext"]
__version__ = "0.1.0"
