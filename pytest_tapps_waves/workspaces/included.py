"""Ignored files that stories need all the same: those that ``.worktreeinclude`` names are copied into worktrees."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from ..errors import WorkspaceError
from ..inert import one_line
from .git import Git

NAME = ".worktreeinclude"
"""At the root of the repository, in the format of ``.gitignore``."""


def included(git: Git) -> frozenset[str]:
    """The files that it names and that git ignores, with slashes; folders' files one by one.

    :param git: at the root of the user's working tree.
    """
    if not (git.folder / NAME).is_file():
        return frozenset()
    named = git.run("ls-files", "--others", "--ignored", "-z", f"--exclude-from={NAME}").parts
    ignored = git.run("ls-files", "--others", "--ignored", "-z", "--exclude-standard").parts
    # A repository within this one is listed as a folder, and is no file to copy.
    return frozenset(path for path in {*named}.intersection(ignored) if not path.endswith("/"))


def copy(paths: Collection[str], source: Path, target: Path) -> None:
    """Copy files, with their modes and times; links stay links. What the target has already is left as it is.

    :raises WorkspaceError: if one cannot be copied, or if a link would lead it out of ``target``.
    """
    root = target.resolve()
    for path in sorted(paths):
        copied = target / path
        if not copied.parent.resolve().is_relative_to(root):
            raise WorkspaceError(
                f"{one_line(path)}, which {NAME} names, would be copied through a link out of {target}"
            )
        if copied.is_symlink() or copied.exists():
            continue
        try:
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / path, copied, follow_symlinks=False)
        except OSError as error:
            raise WorkspaceError(f"{one_line(path)}, which {NAME} names, cannot be copied: {error}") from None
