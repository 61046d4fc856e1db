"""An epic's integration branch: where it starts, and the work of its stories upon it, in the order of the plan.

The branch is a chain of commits, one for each story that has landed in this run. A story that lands after one that
comes later in the plan is put before it, and what follows is merged anew; so the chain, and the tree at its end, do not
depend on who was done first. A story begins from what comes before it in the plan, as far as that has landed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import ActionFailed, WorkspaceError
from .base import Claim
from .git import Git
from .merging import Conflict, hunks, merge
from .names import RUN, STORY, message
from .repository import Repository, clash, enumerated

ACTION = "isolation: worktree"
"""What has failed, in the words of the file."""

_MUST_NOT_EXIST = ""
"""What the branch holds before it is there, as ``update-ref`` has it."""


class Start(NamedTuple):
    """Where a chain begins."""

    commit: str
    held: str | None
    """What the branch holds, if there is one."""
    stories: frozenset[str] = frozenset()
    """The node ids of those whose work is on it already, and not in HEAD."""


class Upstream(NamedTuple):
    """The work of another epic, that a story builds upon."""

    branch: str
    commit: str


class Begin(NamedTuple):
    """Where a story begins."""

    commit: str
    seen: frozenset[str]
    """The node ids of its epic's stories whose work is in it."""
    upstream: tuple[Upstream, ...]


class Work(NamedTuple):
    """What a story did."""

    claim: Claim
    begin: Begin
    commit: str
    """All of it as one commit upon that where it began."""
    head: str | None
    """The last of the commits that it made itself, if it made any."""
    files: frozenset[str]
    """Of the repository."""
    message: str

    @property
    def order(self) -> tuple[int, str]:
        return self.claim.place, self.claim.node


def start_of(repository: Repository, branch: str, head: str, run: str, *, resume: bool) -> Start:
    """Where an epic's chain begins: at HEAD, or on a resumed run where the last one ended.

    :raises WorkspaceError: if there is work on the branch that must not be lost.
    """
    git = repository.git
    ref = f"refs/heads/{branch}"
    _check_free(repository, branch)
    tip = git.commit_of(ref)
    if tip is None or git.contains(head, tip):
        return Start(head, tip)
    ours = bool(git.run("log", "-1", f"--format=%(trailers:key={RUN},valueonly)", tip).line.strip())
    merged = merge(git, head, tip) if ours else None
    if merged == git.tree_of(head):
        # It was taken by a squash or a rebase: there is nothing on it that HEAD does not have.
        return Start(head, tip)
    if not resume:
        raise WorkspaceError(
            f"{branch} holds work of an earlier run that HEAD does not have: take it (git merge {branch}),"
            f" go on with it (--epic-resume), or delete it (git branch -D {branch})"
        )
    if not ours:
        raise WorkspaceError(
            f"{branch} ends with a commit that no run made here, so it is not gone on with: take it (git merge"
            f" {branch}), or rename it (git branch -m {branch} <name>)"
        )
    landed = git.run("log", "--first-parent", f"--format=%(trailers:key={STORY},valueonly)", f"{head}..{tip}").out
    stories = frozenset(filter(None, os.fsdecode(landed).split("\n")))
    if git.contains(tip, head):
        return Start(tip, tip, stories)
    # The same merge the other way round, so that its first parent is the chain.
    merged = merge(git, tip, head)
    if isinstance(merged, Conflict):
        raise WorkspaceError(
            f"what is committed since {branch} was begun conflicts with it: {repository.listed(merged.paths)};"
            f" merge it yourself (git merge {branch})"
        )
    return Start(git.commit(merged, [tip, head], message(f"Merge {head[:12]} into {branch}", run)), tip, stories)


def _check_free(repository: Repository, branch: str) -> None:
    """See that there are no branches in the way of this one, and that nobody works on it."""
    epic = branch.removeprefix("epics/")
    above = ("epic", "epics", f"epic/{epic}")
    # A pattern names a branch, or all that are below it.
    listed = repository.git.run("for-each-ref", "--format=%(refname)%00", *[f"refs/heads/{name}" for name in above])
    names = {part.strip("\n").removeprefix("refs/heads/") for part in listed.parts}
    for name in sorted(names):
        if name in above or name.startswith(f"{branch}/"):
            raise WorkspaceError(
                f"the branch {name} is in the way of {branch} and epic/{epic}/...: rename it"
                f" (git branch -m {name} <name>)"
            )
    check_not_checked_out(repository, branch)


def check_not_checked_out(repository: Repository, branch: str) -> None:
    """:raises WorkspaceError: if somebody works on the branch: what lands would be undone by the next commit there."""
    if where := repository.checked_out().get(f"refs/heads/{branch}"):
        raise WorkspaceError(f"{branch} is checked out in {where}, so nothing can be merged into it: switch away there")


class Chain:
    """One epic's work. Not to be used by two threads at once."""

    def __init__(self, repository: Repository, branch: str, start: Start, run: str) -> None:
        self.branch = branch
        self._repository = repository
        self._git: Git = repository.git
        self._held = start.held
        self._earlier = start.stories
        self._run = run
        self._commits = [start.commit]
        """Where it starts, and then after each work."""
        self.works: list[Work] = []

    @property
    def stories(self) -> frozenset[str]:
        """The node ids of those whose work is on the branch, and is not in HEAD."""
        return self._earlier.union(work.claim.node for work in self.works)

    def upstream(self, place: int) -> Upstream:
        """What there is of it for a story of another epic, which comes at this place."""
        return Upstream(self.branch, self._commits[self._index((place, ""))])

    def begin(self, claim: Claim, upstream: Sequence[Upstream]) -> Begin:
        """Where a story begins. What it needs of other epics is merged; that is part of the chain once it lands.

        :raises ActionFailed: if these conflict with one another.
        """
        index = self._index((claim.place, claim.node))
        commit = self._with_upstream(self._commits[index], upstream, claim)
        return Begin(commit, frozenset(work.claim.node for work in self.works[:index]), tuple(upstream))

    def put(self, work: Work) -> None:
        """Make a story's work part of the branch.

        :raises ActionFailed: if it conflicts with what others did.
        :raises WorkspaceError: if the branch is not what it was, or somebody works on it.
        """
        check_not_checked_out(self._repository, self.branch)
        index = self._index(work.order)
        works = [*self.works[:index], work, *self.works[index:]]
        commits = self._commits[: index + 1]
        for place in range(index, len(works)):
            commits.append(self._merged(commits, works[place], work, works[:place]))
        self._check_cases(commits[-1])
        self._move(commits[-1], work)
        self.works, self._commits = works, commits

    def _index(self, order: tuple[int, str]) -> int:
        return sum(work.order < order for work in self.works)

    def _merged(self, commits: Sequence[str], work: Work, landing: Work, before: Sequence[Work]) -> str:
        """The commit of one work upon the last of ``commits``.

        :param landing: the one that all this is done for.
        """
        git, base = self._git, work.begin.commit
        tip = self._with_upstream(commits[-1], work.begin.upstream, landing.claim)
        if tip == base:
            tree = git.tree_of(work.commit)
        else:
            # Where it began is not always what the two last had in common, and `--merge-base` is newer than what is
            # promised: then a commit that says so stands for the chain.
            ours = tip if base in commits else git.commit(git.tree_of(tip), [base], "ours")
            merged = merge(git, ours, work.commit)
            if isinstance(merged, Conflict):
                raise self._conflict(merged, ours, work, landing, before)
            tree = merged
        return git.commit(tree, [tip, work.head] if work.head else [tip], work.message)

    def _with_upstream(self, tip: str, upstream: Sequence[Upstream], claim: Claim) -> str:
        for branch, commit in upstream:
            if self._git.contains(tip, commit):
                continue
            merged = merge(self._git, tip, commit)
            if isinstance(merged, Conflict):
                names = {tip: self.branch, commit: branch}
                raise ActionFailed(
                    f"merge conflict of {branch} with {self.branch}: {self._repository.listed(merged.paths)}",
                    ACTION,
                    hunks(self._git, merged, names),
                )
            first = f"Merge {branch}, which {claim.id} builds upon"
            tip = self._git.commit(merged, [tip, commit], message(first, self._run))
        return tip

    def _conflict(
        self, conflict: Conflict, ours: str, work: Work, landing: Work, before: Sequence[Work]
    ) -> ActionFailed:
        """Who is in it: the work that was put before another that had landed, or those that landed in the meantime."""
        if work is landing:
            paths = set(conflict.paths)
            others = [other for other in before if other.claim.node not in work.begin.seen]
            ids = [other.claim.id for other in others if other.files & paths] or [other.claim.id for other in others]
            with_whom, side = enumerated(ids) or self.branch, work.claim.id
            names = {ours: with_whom, work.commit: side}
        else:
            with_whom = work.claim.id
            names = {ours: landing.claim.id, work.commit: with_whom}
        listed = self._repository.listed(conflict.paths)
        return ActionFailed(f"merge conflict with {with_whom}: {listed}", ACTION, hunks(self._git, conflict, names))

    def _check_cases(self, commit: str) -> None:
        if not self._repository.ignores_case:
            return
        pair = clash(self._git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit).parts)
        if pair:
            raise ActionFailed(f"paths that differ by case alone: {self._repository.listed(pair)}", ACTION)

    def _move(self, commit: str, work: Work) -> None:
        ref = f"refs/heads/{self.branch}"
        why = f"epics: {work.claim.id} has landed"
        moved = self._git.ask("update-ref", "--create-reflog", "-m", why, ref, commit, self._held or _MUST_NOT_EXIST)
        if moved.status:
            now = self._git.commit_of(ref)
            if now == self._held:
                raise self._git.failure(moved, "update-ref")
            raise WorkspaceError(
                f"{self.branch} has been {'moved' if now else 'deleted'} by somebody else during the run, so nothing"
                f" can be merged into it: it was at {self._held or 'no commit'}, and is at {now or 'none'}"
            )
        self._held = commit
