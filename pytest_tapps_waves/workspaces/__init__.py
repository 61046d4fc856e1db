"""Where a story's action works. A new kind is a file here and a line in ``WORKSPACES``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from .none import in_place

WORKSPACES: Mapping[str, Callable[[Path, str], Path]] = {"none": in_place}
"""By the name that users give: from rootdir and the story's ``cwd`` to the directory where it works."""

__all__ = ["WORKSPACES", "in_place"]
