"""The two ways through a run: pytest's own loop with a plan beside it, and all at once on one asyncio loop."""

from __future__ import annotations

from .at_once import AllAtOnce
from .one_by_one import OneByOne

__all__ = ["AllAtOnce", "OneByOne"]
