"""What became of every story, kept on disk as it happens: for resuming, for ``--epic-status``, and after a crash."""

from __future__ import annotations

from .journal import Journal
from .statements import Row
from .store import Store

__all__ = ["Journal", "Row", "Store"]
