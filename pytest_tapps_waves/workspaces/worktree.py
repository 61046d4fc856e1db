"""A git worktree for each story: made from its epic's integration branch, and merged into it when the story has passed.

The user's branch, index and files are never touched, and there is no fallback into them: what cannot be isolated fails.
:mod:`.git` runs the command; :mod:`.repository` says whether stories can work like this here; :mod:`.integration` puts
their work together, by the merges of :mod:`.merging`; :mod:`.trees` makes and removes worktrees; :mod:`.work` takes
what a story did, and holds it against what it had declared; :mod:`.included` copies ignored files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..errors import ActionFailed, WorkspaceError
from ..inert import one_line
from .base import Claim, Landed, Ledger, Made, Workspace
from .included import copy, included
from .integration import ACTION, Begin, Chain, Work, start_of
from .names import Branches, folder_name, integration_branch, message, story_branch, subject
from .none import in_place
from .repository import Repository, enumerated
from .trees import Trees
from .whole import to_the_end
from .work import changed, check_kinds, head_of, lost, tree_in, undeclared, work_in

_T = TypeVar("_T")


class Worktrees:
    """The worktrees of one run. See :class:`~pytest_tapps_waves.workspaces.base.Workspaces`."""

    def __init__(
        self, rootdir: Path, ledger: Ledger, run: str, folder: Path | None = None, epic_files: Collection[Path] = ()
    ) -> None:
        """
        :param ledger: asked and told on the thread of the loop only.
        :param run: the id of this run.
        :param folder: where worktrees are; by default in the user's folder for caches.
        :param epic_files: the files of the run's epics. They are read from the user's tree, so they may be changed or
            new there.
        """
        self._rootdir = rootdir
        self._ledger = ledger
        self._run = run
        self._folder = folder
        self._epic_files = tuple(epic_files)
        self._lock = threading.Lock()
        """Held by whoever changes what worktrees share: git's own locks do not wait."""
        self._chains: dict[str, Chain] = {}
        self._names = Branches({})
        self._notes: list[str] = []
        self._kept: list[str] = []

    def prepare(self, epics: Mapping[str, str], *, resume: bool) -> None:
        self._repository = Repository.around(self._rootdir)
        self._repository.check()
        untracked = self._repository.untracked(self._epic_files)
        self._trees = Trees(self._repository, self._place_for_worktrees())
        self._without = self._repository.git.variables()
        self._epics = dict(epics)
        head = self._repository.git.run("rev-parse", "--verify", "HEAD").line
        for epic, branch in self._branches(epics).items():
            start = start_of(self._repository, branch, head, self._run, resume=resume)
            self._chains[epic] = Chain(self._repository, branch, start, self._run)
        self._sweep()
        self._copied = included(self._repository.git)
        if untracked:
            self._notes.append(f"stories do not see what git does not track: {self._repository.listed(untracked)}")

    async def enter(self, claim: Claim, attempt: int) -> Workspace:
        branch = story_branch(claim.epic_id, claim.id)
        made = self._trees.made(claim.node, branch, folder_name(claim, attempt, self._run))
        if self._repository.ignores_case and (twin := self._names.twin(branch)):
            raise ActionFailed(f"the branches {twin} and {branch} differ by case alone: give it another id", ACTION)
        with _as_failure():
            await self._make_way(made)
            self._ledger.making(made)
            try:
                return await to_the_end(partial(self._make, claim, made))
            except BaseException:
                # Nobody got it. If it cannot be removed, a later run tries again.
                with contextlib.suppress(WorkspaceError):
                    await self._remove(made)
                raise

    def told(self) -> list[str]:
        lines = []
        for epic, chain in self._chains.items():
            if stories := chain.stories:
                count = f"{len(stories)} stories" if len(stories) > 1 else "1 story"
                of = f"the work of {count} of epic {one_line(self._epics[epic])}"
                lines.append(f"{of} is on branch {chain.branch}: git merge {chain.branch}")
        return [*lines, *self._kept, *self._notes]

    # The life of one worktree, for Worktree below.

    async def land(self, tree: Worktree) -> Landed:
        with _as_failure():
            return await to_the_end(partial(self._land, tree))

    async def leave(self, tree: Worktree, *, keep: bool) -> str:
        claim, made = tree.claim, tree.made
        if keep:
            text = message(f"unfinished: {subject(claim)}", self._run, claim.node)
            try:
                words = await to_the_end(partial(self._trees.keep, made, text, self._copied))
            finally:
                # Cancelled too: that comes after it has been done.
                self._ledger.keeping(made)
            self._kept.append(f"{one_line(claim.id)} is {words}")
            return words
        try:
            await self._remove(made)
        except WorkspaceError as error:
            # It stays in the ledger, so a later run tries again.
            return f"left over: {error}"
        return ""

    def _place_for_worktrees(self) -> Path:
        if self._folder is not None:
            base = (self._rootdir / self._folder).resolve()
        else:
            # Imported late: runs without isolation do not need it.
            from platformdirs import user_cache_path

            base = (user_cache_path("pytest-tapps-waves", appauthor=False) / "worktrees").resolve()
        if base.is_relative_to(self._repository.top.resolve()):
            raise WorkspaceError(
                f"isolation: worktree needs a folder outside of the working tree, and {base} is in it: set the ini"
                " option epic_worktrees to another"
            )
        digest = hashlib.sha256(os.fsencode(self._repository.common)).hexdigest()[:12]
        return base / digest

    def _branches(self, epics: Mapping[str, str]) -> dict[str, str]:
        """The integration branches of epics. No two are one."""
        found: dict[str, str] = {}
        owners: dict[str, str] = {}
        for epic, epic_id in epics.items():
            branch = integration_branch(epic_id)
            twin = self._names.twin(branch) if self._repository.ignores_case else None
            other = owners.get(twin or branch)
            if other is not None:
                raise WorkspaceError(
                    f"isolation: worktree needs epics whose ids can be told apart, and {one_line(epic)} and"
                    f" {one_line(other)} would share the branch {branch}: give one of them another id"
                )
            owners[branch] = epic
            found[epic] = branch
        return found

    def _sweep(self) -> None:
        swept = []
        for made in self._ledger.left():
            if made.repository != str(self._repository.common):
                continue
            try:
                removed, note = self._trees.sweep(made)
            except WorkspaceError as error:
                self._notes.append(f"what a killed run has left is still there: {error}")
                continue
            self._ledger.gone(made)
            self._notes += [note] if note else []
            swept += [made.branch] if removed else []
        if swept:
            self._notes.append(f"removed what a killed run had left: {enumerated(swept)}")

    async def _make_way(self, made: Made) -> None:
        """See that the branch of a story is free."""
        here = str(self._repository.common)
        for old in [old for old in self._ledger.kept() if (old.branch, old.repository) == (made.branch, here)]:
            note = await self._alone(partial(self._trees.give_up, old))
            self._ledger.gone(old)
            self._notes += [note] if note else []
        await self._alone(partial(self._trees.check_free, made.branch))

    def _make(self, claim: Claim, made: Made) -> Worktree:
        with self._lock:
            others = [self._chains[epic] for epic in sorted(claim.upstream) if epic in self._chains]
            upstream = [chain.upstream(claim.place) for chain in others]
            begin = self._chains[claim.epic].begin(claim, upstream)
            self._trees.make(made, begin.commit)
        self._trees.fill(made)
        path = Path(made.path)
        copy(self._copied, self._repository.top, path)
        # A link there would lead back into the user's tree. An empty folder that git does not track is made.
        root = in_place(path, self._repository.below or ".")
        root.mkdir(parents=True, exist_ok=True)
        cwd = in_place(root, claim.cwd)
        if (self._rootdir / claim.cwd).is_dir():
            cwd.mkdir(parents=True, exist_ok=True)
        return Worktree(self, claim, made, begin, root, cwd, self._without)

    def _land(self, tree: Worktree) -> Landed:
        claim, begin = tree.claim, tree.begin
        git = work_in(Path(tree.made.path), self._repository)
        head = head_of(git, begin.commit)
        content = tree_in(git)
        modes = changed(git, begin.commit, content)
        check_kinds(self._repository, modes, self._copied)
        notes = (*undeclared(self._repository, claim, modes), *lost(self._repository, git, claim, modes, self._copied))
        if not modes:
            return Landed((), notes)
        text = message(subject(claim), self._run, claim.node)
        commit = git.commit(content, [begin.commit], text)
        with self._lock:
            self._chains[claim.epic].put(Work(claim, begin, commit, head, frozenset(modes), text))
        return Landed(tuple(sorted(map(self._repository.shown, modes))), notes)

    async def _remove(self, made: Made) -> None:
        removed = False

        def remove() -> None:
            nonlocal removed
            self._trees.remove(made)
            removed = True

        await to_the_end(partial(self._trees.clear, made))
        try:
            await self._alone(remove)
        finally:
            if removed:
                self._ledger.gone(made)

    async def _alone(self, function: Callable[[], _T]) -> _T:
        def locked() -> _T:
            with self._lock:
                return function()

        return await to_the_end(locked)


class Worktree:
    """The worktree of one attempt. See :class:`~pytest_tapps_waves.workspaces.base.Workspace`."""

    def __init__(
        self, owner: Worktrees, claim: Claim, made: Made, begin: Begin, root: Path, cwd: Path, without: frozenset[str]
    ) -> None:
        self._owner = owner
        self.claim = claim
        self.made = made
        self.begin = begin
        self.root = root
        self.cwd = cwd
        self.without = without

    async def land(self) -> Landed:
        return await self._owner.land(self)

    async def leave(self, *, keep: bool) -> str:
        return await self._owner.leave(self, keep=keep)


@contextlib.contextmanager
def _as_failure() -> Iterator[None]:
    """What keeps one story from its isolation is that story's failure."""
    try:
        yield
    except (WorkspaceError, OSError) as error:
        raise ActionFailed(one_line(str(error)), ACTION) from None
