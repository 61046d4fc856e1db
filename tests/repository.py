"""A project that is a git repository, whose stories work in worktrees of their own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from project import Project

WITHOUT_GIT = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")


class Repository:
    """A project with one commit, and git's own settings those of nobody."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project = project
        self.path = project.path
        self.trees = project.path.parent / f"{project.path.name}-trees"
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for name in [name for name in os.environ if name.startswith("GIT_") and "CONFIG" not in name]:
            monkeypatch.delenv(name)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Somebody")
        self.git("config", "user.email", "somebody@example.com")
        project.write(
            "pytest.ini",
            f"[pytest]\nasyncio_default_fixture_loop_scope = function\nepic_worktrees = {self.trees}\n",
        )
        project.write(".gitignore", "__pycache__/\n.pytest_cache/\n*.pid\n")
        project.write("base.txt", "base\n")
        self.commit()

    def git(self, *words: str) -> str:
        """What a command of git prints."""
        done = subprocess.run(
            ["git", *words], cwd=self.path, check=True, capture_output=True, text=True, encoding="utf-8"
        )
        return done.stdout

    def commit(self) -> None:
        """Commit all there is."""
        self.git("add", "-A")
        self.git("commit", "-qm", "As it was before")

    def epic(self, text: str, name: str = "epic_shop.yaml") -> None:
        """Write an epic file, and commit it."""
        self.project.epic(text, name)
        self.commit()

    def on_branch(self, name: str, branch: str = "epics/shop") -> str:
        """A file as it is on a branch."""
        return self.git("show", f"{branch}:{name}")

    def files_on(self, branch: str = "epics/shop") -> list[str]:
        """All files of a branch but those that were there before."""
        before = self.git("ls-tree", "-r", "--name-only", "main").split()
        return [name for name in self.git("ls-tree", "-r", "--name-only", branch).split() if name not in before]

    def branches(self) -> list[str]:
        """All branches."""
        return self.git("branch", "--format=%(refname:short)").split()

    def worktrees(self) -> list[str]:
        """All worktrees but the main one."""
        lines = self.git("worktree", "list", "--porcelain").splitlines()
        return [line.removeprefix("worktree ") for line in lines if line.startswith("worktree ")][1:]

    def state(self) -> dict[str, str]:
        """Digests of all that belongs to the user: the files, the index, HEAD and where it leads."""
        files = [path for path in self.path.rglob("*") if path.is_file() and not self._is_nobodys(path)]
        digests = {
            str(path.relative_to(self.path)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in [*files, self.path / ".git/index", self.path / ".git/HEAD"]
        }
        return {**digests, "main": self.git("rev-parse", "main")}

    def _is_nobodys(self, path: Path) -> bool:
        parts = path.relative_to(self.path).parts
        return parts[0] in (".git", ".pytest_cache") or "__pycache__" in parts or path.suffix == ".pid"
