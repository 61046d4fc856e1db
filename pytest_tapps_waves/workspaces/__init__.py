"""Where a story's action works. A new kind is a file here, a line in ``ISOLATIONS``, and one in :mod:`..isolation`."""

from __future__ import annotations

from .base import Claim, Landed, Ledger, Made, Workspace, Workspaces
from .none import in_place

ISOLATIONS = ("none", "worktree")
"""The names that users give."""

__all__ = ["ISOLATIONS", "Claim", "Landed", "Ledger", "Made", "Workspace", "Workspaces", "in_place"]
