"""Where a story's action works. A new kind is a file here, a line in ``ISOLATIONS``, and one in :mod:`..isolation`."""

from __future__ import annotations

ISOLATIONS = ("none", "worktree")
"""The names that users give."""
