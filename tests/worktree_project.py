"""A real repository, with stories that work in worktrees of it, and a ledger that is kept in memory."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pytest_tapps_waves.core.model import OnConflict
from pytest_tapps_waves.workspaces.base import Claim, Landed, Made, Workspace
from pytest_tapps_waves.workspaces.git import OLDEST
from pytest_tapps_waves.workspaces.worktree import Worktrees

EPIC = "epic_shop.yaml"
RUN = "0123456789abcdef"
LATER = "fedcba9876543210"

_T = TypeVar("_T")
Doing = Callable[[Path], object]


class Books:
    """A ledger. Of what it was told ``made`` holds what is not gone; ``fail`` makes it fail as if pytest was killed."""

    def __init__(self) -> None:
        self.made: dict[str, Made] = {}
        self.left_to_users: set[str] = set()
        self.fail: BaseException | None = None
        self.killed = True
        """Whether the run before was killed, so that what it had not left to users is left over."""

    def making(self, made: Made) -> None:
        self.made[made.path] = made
        if self.fail is not None:
            raise self.fail

    def keeping(self, made: Made) -> None:
        if self.fail is not None:
            raise self.fail
        self.left_to_users.add(made.path)

    def gone(self, made: Made) -> None:
        if self.fail is not None:
            raise self.fail
        self.made.pop(made.path, None)

    def left(self) -> Sequence[Made]:
        return [made for path, made in self.made.items() if self.killed and path not in self.left_to_users]

    def kept(self) -> Sequence[Made]:
        return [made for path, made in self.made.items() if path in self.left_to_users]


class Run:
    """One run of stories."""

    def __init__(self, worktrees: Worktrees) -> None:
        self.worktrees = worktrees
        self.said: dict[str, str] = {}
        """What was said as a story's worktree was left, by its id."""

    async def story(self, claim: Claim, doing: Doing, attempt: int = 1) -> Landed:
        workspace = await self.worktrees.enter(claim, attempt)
        try:
            doing(workspace.root)
            landed = await workspace.land()
        except BaseException:
            self.said[claim.id] = await workspace.leave(keep=True)
            raise
        self.said[claim.id] = await workspace.leave(keep=False)
        return landed

    def one(self, claim: Claim, doing: Doing, attempt: int = 1) -> Landed:
        return wait(self.story(claim, doing, attempt))

    def begun(self, claim: Claim, attempt: int = 1) -> Workspace:
        return wait(self.worktrees.enter(claim, attempt))


class Checkout:
    """What a user has: a repository in ``repo``, and a folder for worktrees beside it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = folder / "repo"
        self.folder = folder / "worktrees"
        self.books = Books()
        home = folder / "home"
        home.mkdir()
        _need_git()
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            monkeypatch.delenv(name)
        for name, value in {
            "HOME": str(home),
            "USERPROFILE": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }.items():
            monkeypatch.setenv(name, value)
        self.root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "A User")
        self.git("config", "user.email", "user@example.org")
        self.write("README.md", "one\ntwo\nthree\n")
        self.commit("begin")

    def git(self, *arguments: str, at: Path | None = None) -> str:
        done = subprocess.run(["git", *arguments], cwd=at or self.root, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return os.fsdecode(done.stdout).removesuffix("\n")

    def write(self, path: str, text: str = "text\n") -> Path:
        return write(self.root, path, text)

    def commit(self, subject: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def begin(
        self,
        epics: Mapping[str, str] | None = None,
        *,
        resume: bool = False,
        run: str = RUN,
        rootdir: Path | None = None,
        epic_files: Sequence[Path] = (),
    ) -> Run:
        """A run that is prepared."""
        worktrees = Worktrees(rootdir or self.root, self.books, run, self.folder, epic_files)
        worktrees.prepare({EPIC: "8"} if epics is None else epics, resume=resume)
        return Run(worktrees)

    def again(self, *, resume: bool = False, killed: bool = False) -> Run:
        """The run after."""
        self.books.killed = killed
        self.books.fail = None
        return self.begin(resume=resume, run=LATER)

    def log(self, branch: str = "epics/8") -> list[str]:
        """The subjects of what has landed, oldest first."""
        return self.git("log", "--first-parent", "--reverse", "--format=%s", f"main..{branch}").splitlines()

    def show(self, path: str, branch: str = "epics/8") -> str:
        return self.git("show", f"{branch}:{path}")

    def files(self, branch: str = "epics/8") -> list[str]:
        return self.git("ls-tree", "-r", "--name-only", branch).splitlines()

    def branches(self) -> list[str]:
        return self.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").splitlines()

    def worktrees(self) -> list[str]:
        """The folders that git knows of, and those that are there, but for the user's own."""
        known = self.git("worktree", "list", "--porcelain").splitlines()
        paths = {line.removeprefix("worktree ") for line in known if line.startswith("worktree ")}
        there = {str(path) for path in self.folder.glob("*/*")}
        return sorted((paths - {str(self.root)}) | there)


def write(root: Path, path: str, text: str = "text\n") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")
    return file


def writing(**texts: str) -> Doing:
    """A story that writes files: their names, with ``_`` for the dot, and their texts."""
    return lambda root: [write(root, name.replace("_", "."), text) for name, text in texts.items()]


def adding(path: str) -> Doing:
    """A story that writes one file."""
    return lambda root: write(root, path)


def claim(
    number: int | str,
    *files: str,
    place: int | None = None,
    title: str = "",
    epic: str = EPIC,
    epic_id: str = "8",
    cwd: str = ".",
    on_conflict: OnConflict = OnConflict.FAIL,
    upstream: frozenset[str] = frozenset(),
) -> Claim:
    story = f"{epic_id}.{number}" if isinstance(number, int) else number
    at = place if place is not None else number if isinstance(number, int) else 1
    return Claim(
        f"{epic}::{story}", story, title or f"Story {story}", epic, epic_id, cwd, files, on_conflict, at, upstream
    )


def wait(work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(work)


def _need_git() -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not on PATH")
    version = re.search(r"(\d+)\.(\d+)", subprocess.run(["git", "--version"], capture_output=True, text=True).stdout)
    if version is None or (int(version[1]), int(version[2])) < OLDEST:
        pytest.skip(f"git is older than {OLDEST}")
