"""The files that are present, to name one that two globs have in common."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_NOT_LOOKED_INTO = frozenset({".git", ".hg", ".svn", ".venv", "venv", ".tox", ".nox", "node_modules", "__pycache__"})
_MOST_FILES = 200_000


class PresentFiles:
    """The files below rootdir, listed once, when they are first asked for."""

    def __init__(self, rootdir: Path) -> None:
        self._rootdir = rootdir
        self._matching = cache(self._match)
        self._list = cache(self._walk)
        self.is_directory = cache(self._is_directory)
        """Whether a path, relative to rootdir, is a directory. Looked up once: all that asks is told the same."""

    def _is_directory(self, path: str) -> bool:
        # Path.is_dir would raise for a name that is too long.
        return os.path.isdir(self._rootdir / path)  # noqa: PTH112

    def in_common(self, one: str, other: str) -> str | None:
        """The first file that both gitignore-style globs match, if any is there."""
        return min(self._matching(one) & self._matching(other), default=None)

    def _match(self, glob: str) -> frozenset[str]:
        from ..epics.gitignore import git_ignore

        return frozenset(git_ignore(glob).match_files(self._list()))

    def _walk(self) -> list[str]:
        found: list[str] = []
        for folder, folders, files in os.walk(self._rootdir):
            folders[:] = sorted(name for name in folders if name not in _NOT_LOOKED_INTO)
            base = Path(folder).relative_to(self._rootdir).as_posix()
            found.extend(name if base == "." else f"{base}/{name}" for name in files)
            if len(found) > _MOST_FILES:
                break
        return found
