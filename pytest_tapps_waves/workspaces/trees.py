"""Worktrees and their branches: made, removed, kept for users to find, and found again by later runs."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from ..errors import ActionFailed, EpicError, WorkspaceError
from ..inert import one_line
from .base import Made
from .git import Git
from .integration import ACTION
from .repository import Repository
from .work import changed, check_kinds, tree_in, work_in

_LEFT = "refs/worktree/epic-left"
"""Of a worktree, and gone with it: the commit at which we left it to the user."""


class Trees:
    """Those of one repository, in one folder. Not to be used by two threads at once, except for :meth:`fill`,
    :meth:`keep` and :meth:`clear`, which work in one worktree."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        """:param folder: absolute, without links. Nothing outside of it is ever removed, but by git itself."""
        self._repository = repository
        self._git: Git = repository.git
        self.folder = folder

    def made(self, node: str, branch: str, name: str) -> Made:
        """What is going to be made."""
        return Made(node, str(self.folder / name), branch, str(self._repository.common))

    def make(self, made: Made, commit: str) -> None:
        """Make a worktree and its branch, with nothing in it yet.

        :raises WorkspaceError: if git cannot.
        """
        arguments = ("--quiet", "--no-checkout", "--no-track", "-b", made.branch, made.path, commit)
        self._git.run("worktree", "add", *arguments)

    def fill(self, made: Made) -> None:
        """Check out what its branch holds.

        :raises WorkspaceError: if git cannot.
        """
        work_in(Path(made.path), self._repository).run("reset", "--quiet", "--hard", "--no-recurse-submodules")

    def clear(self, made: Made) -> None:
        """Remove what is in a worktree, which may take long; the rest is :meth:`remove`'s.

        Not by git, which stops at a folder that may not be written to, and at a worktree that is not whole.

        :raises WorkspaceError: if something of it is left.
        """
        path = Path(made.path)
        if path.parent == self.folder and _there(path):
            try:
                _remove_all(path)
            except OSError as error:
                raise WorkspaceError(f"{one_line(str(path))} cannot be removed: {error}") from None

    def remove(self, made: Made) -> None:
        """Remove a worktree and its branch, with all that is there. What is not there is no mistake.

        :raises WorkspaceError: if something of it is left.
        """
        self._remove_folder(made)
        if self._holds(made.branch):
            self._git.run("update-ref", "-d", _ref(made.branch))

    def _remove_folder(self, made: Made) -> None:
        self.clear(made)
        path = Path(made.path)
        said = self._git.ask("worktree", "remove", "--force", "--force", made.path)
        if _there(path):
            raise WorkspaceError(f"{one_line(str(path))} cannot be removed: {said.reason}")
        administration = self._repository.common / "worktrees" / path.name
        if administration.is_dir() and not (administration / "gitdir").exists():
            # Git was killed as it had just begun to make it, and knows nothing of it itself.
            shutil.rmtree(administration, ignore_errors=True)
        with suppress(OSError):
            # Not empty while there are others.
            self.folder.rmdir()

    def keep(self, made: Made, message: str, copied: Collection[str]) -> str:
        """Leave a worktree to the user, and answer with where it is, in words.

        What is there is committed onto its branch, so that it is not lost with the worktree.

        :param copied: paths that were copied in, which no branch is to hold.
        """
        words = f"kept: {one_line(made.path)} (branch {made.branch})"
        try:
            git = work_in(Path(made.path), self._repository)
            # The story may have switched to another branch, and that may be the user's.
            if git.ask("symbolic-ref", "--quiet", "HEAD").line != _ref(made.branch):
                return f"{words}, with its HEAD elsewhere"
            head, tree = git.run("rev-parse", "--verify", "HEAD").line, tree_in(git)
            if modes := changed(git, head, tree):
                check_kinds(self._repository, modes, copied)
                commit = git.commit(tree, [head], message)
                git.run("update-ref", "-m", "epics: unfinished", _ref(made.branch), commit, head)
                head = commit
            git.run("update-ref", _LEFT, head)
        except (EpicError, OSError) as error:
            return f"{words}, not committed: {error}"
        return words

    def sweep(self, made: Made) -> tuple[bool, str]:
        """Remove what a killed run had made: whether there was something to remove, and a note on what is left alone.

        :raises WorkspaceError: if it cannot be removed.
        """
        path = Path(made.path)
        if self._is_known(path) or _there(path):
            if self._left(made) is not None and not self._is_untouched(made):
                # That run had left it to the user before it was killed, and somebody has gone on with it.
                return False, self.set_aside(made)
            self.remove(made)
            return True, ""
        if self._holds(made.branch):
            if self._holds_what_nothing_else_does(made.branch):
                note = f"branch {made.branch} has lost its worktree, and holds what no other does: it is left as it is"
                return False, note
            self.remove(made)
            return True, ""
        self._remove_folder(made)
        return False, ""

    def give_up(self, made: Made) -> str:
        """See to what an earlier run has kept, now that its story runs anew: a note if it is set aside.

        :raises WorkspaceError: if it cannot be removed.
        """
        if self._is_untouched(made):
            self.remove(made)
            return ""
        return self.set_aside(made)

    def set_aside(self, made: Made) -> str:
        """Give a branch another name, so that its story can have a new one; a note on where it is."""
        if not _there(Path(made.path)):
            # Git still takes the branch for one that is checked out.
            self._remove_folder(made)
        if not self._holds(made.branch):
            return ""
        number = 1
        while self._holds(name := f"{made.branch}.kept{number}"):
            number += 1
        self._git.run("branch", "-m", made.branch, name)
        where = f", in {one_line(made.path)}" if _there(Path(made.path)) else ""
        return f"{made.branch} has been worked on since it was kept: it is set aside as {name}{where}"

    def check_free(self, branch: str) -> None:
        """:raises ActionFailed: if there is such a branch already."""
        if self._holds(branch):
            raise ActionFailed(
                f"the branch {branch} exists already and no run here made it: rename it (git branch -m {branch} <name>)"
                " or delete it",
                ACTION,
            )

    def _holds(self, branch: str) -> bool:
        return self._git.commit_of(_ref(branch)) is not None

    def _is_known(self, path: Path) -> bool:
        return any(Path(other) == path for other in self._repository.worktrees())

    def _left(self, made: Made) -> str | None:
        """The commit at which it was left to the user, if it was."""
        try:
            return work_in(Path(made.path), self._repository).commit_of(_LEFT)
        except WorkspaceError:
            return None

    def _is_untouched(self, made: Made) -> bool:
        """Whether it is as it was left to the user. What cannot be known is not."""
        left = self._left(made)
        if left is None or self._git.commit_of(_ref(made.branch)) != left:
            return False
        git = self._git.at(Path(made.path))
        if git.ask("symbolic-ref", "--quiet", "HEAD").line != _ref(made.branch):
            return False
        return not git.run("status", "--porcelain=v1", "-z", "--untracked-files=normal").out

    def _holds_what_nothing_else_does(self, branch: str) -> bool:
        others = (f"--exclude={branch}", "--branches", "--remotes", "--tags", "HEAD")
        return bool(self._git.run("rev-list", "--max-count=1", _ref(branch), "--not", *others).line)


def _ref(branch: str) -> str:
    return f"refs/heads/{branch}"


def _there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _remove_all(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    with suppress(OSError):
        shutil.rmtree(path)
        return
    # What may not be written to, such as a cache of modules: folders where there are modes, files on Windows.
    path.chmod(stat.S_IRWXU)
    for folder, below, files in os.walk(path):
        for name in [*below, *(files if os.name == "nt" else ())]:
            inner = Path(folder, name)
            if not inner.is_symlink():
                inner.chmod(stat.S_IRWXU)
    shutil.rmtree(path)
