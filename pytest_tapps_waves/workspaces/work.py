"""What a story did in its worktree: taken as a commit, and held against what it had declared."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from ..core.model import OnConflict
from ..epics.gitignore import git_ignore
from ..errors import ActionFailed, WorkspaceError
from ..inert import one_line
from .base import Claim
from .git import Git
from .integration import ACTION
from .repository import SUBMODULE, Repository, enumerated

_MOST = 10
"""Undeclared writes that are named."""


def work_in(folder: Path, repository: Repository) -> Git:
    """Git, at work in a worktree and nowhere else.

    :raises WorkspaceError: if that is none any more. Git would then take the repository around it for the one meant, or
        the user's index for that of the worktree.
    """
    inside = repository.git.at(folder)
    top = inside.ask("rev-parse", "--show-toplevel")
    own = inside.ask("rev-parse", "--absolute-git-dir")
    if (
        top.status
        or own.status
        or folder.is_symlink()
        or Path(top.line).resolve() != folder.resolve()
        or Path(own.line).parent.resolve() != (repository.common / "worktrees").resolve()
        or _worktree_of(Path(own.line)) != folder.resolve()
    ):
        raise WorkspaceError(f"{folder} is no worktree any more: it, or the .git in it, was removed or replaced")
    return inside


def _worktree_of(administration: Path) -> Path:
    """The worktree that a folder of git's was made for. That tells it by the path of its ``.git``, perhaps relative."""
    told = os.fsdecode((administration / "gitdir").read_bytes()).strip()
    return (administration / told).parent.resolve()


def head_of(git: Git, begin: str) -> str | None:
    """The last commit that a story made itself, if it made any.

    :param git: in its worktree.
    :raises ActionFailed: if its HEAD does not stem from where it began.
    """
    head = git.commit_of("HEAD")
    if head is None or not git.contains(head, begin):
        where = git.ask("rev-parse", "--abbrev-ref", "HEAD").line
        raise ActionFailed(
            f"its HEAD ({one_line(where)}) does not stem from where it began ({begin[:12]}): it may commit, but not"
            " reset or switch to what others did",
            ACTION,
        )
    return head if head != begin else None


def tree_in(git: Git) -> str:
    """All that is in a worktree and is not ignored, as a tree.

    :raises ActionFailed: if it is in the middle of a merge.
    """
    # A git of the story's that was killed leaves this, and nobody holds it any more.
    Path(git.run("rev-parse", "--path-format=absolute", "--git-path", "index.lock").line).unlink(missing_ok=True)
    if unmerged := sorted({part.partition("\t")[2] for part in git.run("ls-files", "-u", "-z").parts}):
        raise ActionFailed(f"it left a merge unfinished: {enumerated(unmerged)}", ACTION)
    git.run("add", "--all")
    return git.run("write-tree").line


def changed(git: Git, begin: str, tree: str) -> dict[str, str]:
    """The paths that differ, with their new modes; ``000000`` if they are gone."""
    parts = git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", begin, tree).parts
    return {path: entry.split(" ")[1] for entry, path in zip(parts[::2], parts[1::2], strict=True)}


def check_kinds(repository: Repository, modes: Mapping[str, str], copied: Collection[str]) -> None:
    """See that all of it can be committed.

    :param copied: paths that were copied in, because the user has git ignore them.
    :raises ActionFailed: if not.
    """
    if nested := [path for path, mode in modes.items() if mode == SUBMODULE]:
        raise ActionFailed(
            f"it made a repository within its worktree, which no commit can hold: {repository.listed(nested)}", ACTION
        )
    if private := [path for path, mode in modes.items() if path in copied and int(mode, 8)]:
        raise ActionFailed(
            f"git no longer ignores what .worktreeinclude had copied in: {repository.listed(private)}", ACTION
        )


def undeclared(repository: Repository, claim: Claim, paths: Collection[str]) -> tuple[str, ...]:
    """Notes on the paths that a story wrote without having declared them, if they are to be no more than noted.

    :param paths: of the repository.
    :raises ActionFailed: if they are to be more.
    """
    if not claim.files_affected or claim.on_conflict is OnConflict.OFF:
        return ()
    globs = [git_ignore(glob) for glob in claim.files_affected]
    shown = [repository.shown(path) for path in sorted(paths)]
    others = [path for path in shown if not any(glob.match_file(path) for glob in globs)]
    if not others:
        return ()
    what = f"undeclared write: {enumerated(others, _MOST)}"
    if claim.on_conflict is OnConflict.WARN:
        return (what,)
    declared = "\n".join(["files_affected:", *[f"  {one_line(glob)}" for glob in claim.files_affected]])
    raise ActionFailed(what, ACTION, f"{declared}\nDeclare it, or set conflict_detection: warn for the epic.")


def lost(
    repository: Repository, git: Git, claim: Claim, paths: Collection[str], copied: Collection[str]
) -> tuple[str, ...]:
    """Notes on what a story declared and wrote, and what goes with its worktree, since git ignores it.

    Only of globs that name nothing of its work: beside what is meant there are always caches.

    :param git: in its worktree.
    :param paths: of the repository, that it changed.
    :param copied: paths that were copied in.
    """
    shown = [repository.shown(path) for path in paths]
    idle = [spec for spec in map(git_ignore, claim.files_affected) if not any(map(spec.match_file, shown))]
    if not idle:
        return ()
    ignored = git.run("ls-files", "--others", "--ignored", "--exclude-standard", "-z").parts
    written = sorted(repository.shown(path) for path in ignored if path not in copied)
    gone = [path for path in written if any(spec.match_file(path) for spec in idle)]
    return (f"git ignores what it declared, so it is not part of its work: {enumerated(gone, _MOST)}",) if gone else ()
