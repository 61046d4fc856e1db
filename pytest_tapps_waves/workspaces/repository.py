"""The user's repository: what it is, and whether stories can work in worktrees of it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from ..errors import WorkspaceError
from ..inert import one_line
from .git import NEEDS, Answer, Git
from .names import folded

_NOBODY = {
    f"GIT_{role}_{part}": text
    for role in ("AUTHOR", "COMMITTER")
    for part, text in (("NAME", "pytest-tapps-waves"), ("EMAIL", "epics@localhost"))
}
"""Who commits where git knows of nobody."""

SHOWN = 5
SUBMODULE = "160000"


class Repository(NamedTuple):
    git: Git
    """At the root of the user's working tree."""
    top: Path
    """That root."""
    common: Path
    """The git directory that all its worktrees share."""
    below: str
    """Where rootdir is in it, with slashes; empty if it is that root."""
    ignores_case: bool

    @classmethod
    def around(cls, rootdir: Path) -> Repository:
        """The one that rootdir is in.

        :raises WorkspaceError: if it is in none that has a working tree.
        """
        git = Git.found(rootdir)
        kind = git.ask("rev-parse", "--is-bare-repository", "--is-inside-work-tree")
        if kind.status:
            raise _no_repository(kind, git)
        if kind.line.split() != ["false", "true"]:
            raise WorkspaceError(f"{NEEDS} a repository with a working tree, and {rootdir} is in a bare one")
        top = Path(git.run("rev-parse", "--show-toplevel").line)
        found = cls(
            git.at(top),
            top,
            Path(git.run("rev-parse", "--path-format=absolute", "--git-common-dir").line),
            git.run("rev-parse", "--show-prefix").line.rstrip("/"),
            git.ask("config", "--type=bool", "core.ignoreCase").line == "true",
        )
        known = all(git.ask("var", f"GIT_{role}_IDENT").status == 0 for role in ("AUTHOR", "COMMITTER"))
        return found if known else found._replace(git=found.git.with_variables(_NOBODY))

    def shown(self, path: str) -> str:
        """A path of the repository, relative to rootdir. What no text can hold of it is escaped."""
        relative = posixpath.relpath(path, self.below) + "/" * path.endswith("/") if self.below else path
        return os.fsencode(relative).decode("utf-8", "backslashreplace")

    def listed(self, paths: Iterable[str]) -> str:
        """Paths of the repository in a line, the first of many."""
        return enumerated([self.shown(path) for path in sorted(paths)])

    def check(self) -> None:
        """See whether there is something that stories in worktrees would not have, or would harm.

        :raises WorkspaceError: if there is.
        """
        if self.git.commit_of("HEAD") is None:
            raise WorkspaceError(f"{NEEDS} a commit to start from, and {self.top} has none yet: commit something")
        entries = [part.partition("\t") for part in self.git.run("ls-files", "-s", "-z").parts]
        if modules := {path for mode, _, path in entries if mode.startswith(SUBMODULE)}:
            raise WorkspaceError(
                f"{NEEDS} a repository without submodules, and there are some: {self.listed(modules)};"
                " set isolation: none"
            )
        if self.ignores_case and (pair := clash({path for _, _, path in entries})):
            raise WorkspaceError(
                f"{NEEDS} paths that differ by more than case where the file system ignores it: {self.listed(pair)};"
                " rename one of them"
            )
        if self.git.ask("config", "--type=bool", "core.sparseCheckout").line == "true":
            raise WorkspaceError(f"{NEEDS} a whole checkout, and this one is sparse: run `git sparse-checkout disable`")
        self._check_large_files()

    def _check_large_files(self) -> None:
        large = self.git.run("ls-files", "-z", "--", ":(attr:filter=lfs)").parts
        if not large:
            return
        configured = any(self.git.ask("config", f"filter.lfs.{name}").status == 0 for name in ("process", "smudge"))
        if not configured or self.git.ask("lfs", "version").status:
            raise WorkspaceError(
                f"{NEEDS} Git LFS for {self.listed(large)}: without it stories would find pointers for files;"
                " install it and run `git lfs install`"
            )

    def untracked(self, excused: Collection[Path]) -> list[str]:
        """What is neither tracked nor ignored: files, and folders with a slash at the end.

        :param excused: files that may have been changed, or be new: they are not read in worktrees.
        :raises WorkspaceError: if tracked files have changes that are not committed.
        """
        spared = {path.resolve() for path in excused}
        changed: list[str] = []
        new: list[str] = []
        parts = iter(self.git.run("status", "--porcelain=v1", "-z", "--untracked-files=normal").parts)
        for part in parts:
            code, path = part[:2], part[3:]
            if "R" in code or "C" in code:
                next(parts)
            if (self.top / path).resolve() not in spared:
                (new if code == "??" else changed).append(path)
        if changed:
            raise WorkspaceError(
                f"{NEEDS} a clean working tree, since stories start from what is committed:"
                f" {self.listed(changed)} changed; commit or stash that"
            )
        return new

    def checked_out(self) -> dict[str, str]:
        """The worktrees that have a branch, by the full names of their branches."""
        return {branch: path for path, branch in self.worktrees().items() if branch}

    def worktrees(self) -> dict[str, str]:
        """The branches of all worktrees by their paths, as full names; empty if its HEAD is on none."""
        found: dict[str, str] = {}
        path = ""
        for part in self.git.run("worktree", "list", "--porcelain", "-z").parts:
            key, _, value = part.partition(" ")
            if key == "worktree":
                path = value
                found[path] = ""
            elif key == "branch":
                found[path] = value
        return found


def _no_repository(answer: Answer, git: Git) -> WorkspaceError:
    if b"dubious ownership" in answer.err:
        said = " ".join(answer.err.decode("utf-8", "replace").split())
        return WorkspaceError(f"{NEEDS} a repository that git trusts: {one_line(said)}")
    if b"not a git repository" in answer.err:
        return WorkspaceError(
            f"{NEEDS} a git repository, and {git.folder} is in none: run `git init` and commit, or set isolation: none"
        )
    return git.failure(answer, "rev-parse")


def clash(paths: Iterable[str]) -> tuple[str, str] | None:
    """Two paths that are one to a file system which does not tell cases apart."""
    seen: dict[str, str] = {}
    for path in sorted(paths):
        other = seen.setdefault(folded(path), path)
        if other != path:
            return other, path
    return None


def enumerated(words: list[str], longest: int = SHOWN) -> str:
    """Words in a line: ``a, b and 3 more``."""
    text = ", ".join(one_line(word) for word in words[:longest])
    return f"{text} and {len(words) - longest} more" if len(words) > longest else text
