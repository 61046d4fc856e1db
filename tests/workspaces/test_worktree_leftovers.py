"""Worktrees end: removed when all is well, kept when not, and what a killed run has left is swept by the next."""

from __future__ import annotations

import asyncio
import shutil
import stat
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from worktree_project import Books, Checkout, claim, wait, write, writing

from pytest_tapps_waves.errors import ActionFailed, WorkspaceError
from pytest_tapps_waves.workspaces import worktree
from pytest_tapps_waves.workspaces.base import Made
from pytest_tapps_waves.workspaces.git import Answer, Git


class Killed(BaseException):
    """Stands for SIGKILL."""


def failing(root: Path) -> None:
    write(root, "half.txt")
    raise ActionFailed("exit status 1", "run: false")


def kept(checkout: Checkout, doing: Callable[[Path], None] = failing) -> Path:
    """A story that failed in an earlier run, and where it is kept."""
    run = checkout.begin()
    with pytest.raises(ActionFailed):
        run.one(claim(1), doing)
    (path,) = checkout.worktrees()
    assert run.said["8.1"] == f"kept: {path} (branch epic/8/8.1)"
    assert run.worktrees.told() == [f"8.1 is {run.said['8.1']}"]
    return Path(path)


def test_a_story_that_passed_leaves_nothing_but_its_work(checkout: Checkout) -> None:
    run = checkout.begin()
    run.one(claim(1), writing(a_txt="1"))
    assert run.said == {"8.1": ""}
    assert checkout.worktrees() == []
    assert checkout.branches() == ["epics/8", "main"]
    assert checkout.books.made == {}


def test_a_story_that_failed_is_kept_with_what_it_did_on_its_branch(checkout: Checkout) -> None:
    path = kept(checkout)
    assert (path / "half.txt").exists()
    assert checkout.git("status", "--porcelain", at=path) == ""
    assert checkout.git("log", "-1", "--format=%s", "epic/8/8.1") == "unfinished: 8.1: Story 8.1"
    assert checkout.files("epic/8/8.1") == ["README.md", "half.txt"]
    assert [*checkout.books.made] == [str(path)]


def test_a_story_that_failed_without_a_change_is_kept_as_it_began(checkout: Checkout) -> None:
    def doing(root: Path) -> None:
        raise ActionFailed("exit status 1", "run: false")

    kept(checkout, doing)
    assert checkout.git("rev-parse", "epic/8/8.1") == checkout.git("rev-parse", "main")


def test_what_is_kept_survives_a_git_that_was_killed_in_the_story(checkout: Checkout) -> None:
    def doing(root: Path) -> None:
        Path(checkout.git("rev-parse", "--absolute-git-dir", at=root), "index.lock").touch()
        failing(root)

    kept(checkout, doing)
    assert checkout.files("epic/8/8.1") == ["README.md", "half.txt"]


def test_a_branch_of_the_users_that_a_story_went_to_is_not_committed_upon(checkout: Checkout) -> None:
    tip = checkout.git("rev-parse", "main")

    def doing(root: Path) -> None:
        checkout.git("switch", "--quiet", "--ignore-other-worktrees", "main", at=root)
        failing(root)

    run = checkout.begin()
    with pytest.raises(ActionFailed):
        run.one(claim(1), doing)
    assert run.said["8.1"].endswith("(branch epic/8/8.1), with its HEAD elsewhere")
    assert checkout.git("rev-parse", "main") == tip


def test_what_was_kept_is_removed_when_its_story_runs_anew(checkout: Checkout) -> None:
    kept(checkout)
    run = checkout.again(resume=True)
    run.one(claim(1), writing(a_txt="1"))
    assert checkout.worktrees() == []
    assert checkout.branches() == ["epics/8", "main"]
    assert checkout.books.made == {}


def test_what_was_kept_stays_while_its_story_does_not_run_anew(checkout: Checkout) -> None:
    path = kept(checkout)
    checkout.again(resume=True).one(claim(2), writing(a_txt="1"))
    assert checkout.worktrees() == [str(path)]
    assert checkout.branches() == ["epic/8/8.1", "epics/8", "main"]


@pytest.mark.parametrize("how", ["a new file", "a commit", "a commit elsewhere", "a removed folder"])
def test_what_somebody_has_gone_on_with_is_set_aside(checkout: Checkout, how: str) -> None:
    path = kept(checkout)
    checkout.git("branch", "epic/8/8.1.kept1")
    if how == "a new file":
        write(path, "mine.txt")
    elif how == "a commit":
        checkout.git("commit", "--quiet", "--allow-empty", "-m", "mine", at=path)
    elif how == "a commit elsewhere":
        mine = checkout.git("commit-tree", "main^{tree}", "-p", "epic/8/8.1", "-m", "mine")
        checkout.git("update-ref", "refs/heads/epic/8/8.1", mine)
    else:
        shutil.rmtree(path)
    tip = checkout.git("rev-parse", "epic/8/8.1")
    run = checkout.again(resume=True)
    run.one(claim(1), writing(a_txt="1"))
    assert checkout.git("rev-parse", "epic/8/8.1.kept2") == tip
    where = "" if how == "a removed folder" else f", in {path}"
    aside = f"epic/8/8.1 has been worked on since it was kept: it is set aside as epic/8/8.1.kept2{where}"
    assert aside in run.worktrees.told()
    assert checkout.books.made == {}
    assert path.exists() == bool(where)


def test_what_somebody_has_taken_by_another_name_is_theirs(checkout: Checkout) -> None:
    path = kept(checkout)
    checkout.git("branch", "-m", "epic/8/8.1", "mine")
    checkout.again(resume=True).one(claim(1), writing(a_txt="1"))
    assert checkout.worktrees() == [str(path)]
    assert checkout.branches() == ["epics/8", "main", "mine"]
    assert checkout.books.made == {}


def test_what_a_killed_run_has_left_is_swept_and_nothing_else(checkout: Checkout, tmp_path: Path) -> None:
    checkout.git("worktree", "add", "--quiet", "-b", "epic/9/9.1", str(tmp_path / "mine"))
    gone = checkout.git("worktree", "add", "--quiet", "-b", "epic/9/9.2", str(tmp_path / "on a stick"))
    (tmp_path / "on a stick").rename(tmp_path / "unplugged")
    assert gone == ""
    checkout.git("branch", "epic/8/8.7")
    workspace = checkout.begin().begun(claim(1))
    write(workspace.root, "half.txt")
    run = checkout.again(killed=True)
    assert run.worktrees.told() == ["removed what a killed run had left: epic/8/8.1"]
    assert checkout.books.made == {}
    assert not workspace.root.exists()
    assert checkout.branches() == ["epic/8/8.7", "epic/9/9.1", "epic/9/9.2", "main"]
    assert checkout.worktrees() == sorted([str(tmp_path / "mine"), str(tmp_path / "on a stick")])
    run.one(claim(1), writing(a_txt="1"))


def test_what_a_killed_run_had_made_in_another_repository_is_left_to_that(checkout: Checkout) -> None:
    other = Made("epic.yaml::1", str(checkout.folder / "x" / "y"), "main", "/another/.git")
    checkout.books.making(other)
    checkout.begin()
    assert checkout.books.left() == [other]


def test_a_branch_that_lost_its_worktree_is_swept_unless_it_holds_what_nothing_else_does(checkout: Checkout) -> None:
    workspace = checkout.begin().begun(claim(1))
    checkout.git("worktree", "remove", "--force", str(workspace.root))
    mine = checkout.git("commit-tree", "main^{tree}", "-p", "main", "-m", "mine")
    checkout.git("update-ref", "refs/heads/epic/8/8.1", mine)
    run = checkout.again(killed=True)
    assert run.worktrees.told() == [
        "branch epic/8/8.1 has lost its worktree, and holds what no other does: it is left as it is"
    ]
    assert checkout.git("rev-parse", "epic/8/8.1") == mine
    assert checkout.books.made == {}


def test_what_was_kept_by_a_run_that_was_killed_later_is_set_aside_if_somebody_has_gone_on_with_it(
    checkout: Checkout,
) -> None:
    path = kept(checkout)
    write(path, "mine.txt")
    run = checkout.again(killed=True)
    run.one(claim(1), writing(a_txt="1"))
    assert run.worktrees.told()[1:] == [
        f"epic/8/8.1 has been worked on since it was kept: it is set aside as epic/8/8.1.kept1, in {path}"
    ]
    assert (path / "mine.txt").exists()


def test_folders_that_may_not_be_written_to_are_removed(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    remove = shutil.rmtree

    def as_if_not_root(path: Path) -> None:
        for folder in (path, *(inner for inner in path.rglob("*") if inner.is_dir())):
            if not folder.stat().st_mode & stat.S_IWUSR:
                raise PermissionError(str(folder))
        remove(path)

    def doing(root: Path) -> None:
        write(root, ".gitignore", "cache\n")
        write(root, "cache/deep/module.txt")
        for folder in ("cache/deep", "cache", "."):
            (root / folder).chmod(0o555)

    monkeypatch.setattr("shutil.rmtree", as_if_not_root)
    run = checkout.begin()
    run.one(claim(1), doing)
    assert run.said == {"8.1": ""}
    assert checkout.worktrees() == []


def test_what_cannot_be_removed_is_told_and_tried_again_by_the_next_run(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = checkout.begin()
    path = run.begun(claim(1)).root

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError("in use")

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", refuse)
        (path / ".git").unlink()
        again = checkout.again(killed=True)
        assert again.worktrees.told() == [
            f"what a killed run has left is still there: {path} cannot be removed: in use"
        ]
        assert [*checkout.books.made] == [str(path)]
    checkout.again(killed=True)
    assert checkout.worktrees() == []
    assert checkout.branches() == ["main"]


class Deadly:
    """Kills the run before the nth command of git that changes something, which is after the one before."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, books: Books) -> None:
        self.count = 0
        run = Git._ask
        changing = {"worktree", "reset", "add", "write-tree", "commit-tree", "update-ref", "branch", "symbolic-ref"}

        def watched(git: Git, *arguments: str, given: bytes = b"") -> Answer:
            if changing.isdisjoint(arguments) or "list" in arguments:
                return run(git, *arguments, given=given)
            self.count += 1
            if self.count >= at:
                books.fail = Killed()
                raise books.fail
            return run(git, *arguments, given=given)

        monkeypatch.setattr(Git, "_ask", watched)


@pytest.mark.parametrize("passes", [True, False], ids=["passed", "failed"])
@pytest.mark.parametrize("at", range(1, 12))
def test_a_run_that_is_killed_at_any_step_is_mended_by_the_next(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, at: int, passes: bool
) -> None:
    checkout.begin().one(claim(1), writing(a_txt="1"))
    run = checkout.again(resume=True)
    with monkeypatch.context() as patch:
        deadly = Deadly(patch, at, checkout.books)
        try:
            run.one(claim(2), writing(b_txt="1") if passes else failing)
        except (Killed, ActionFailed):
            checkout.books.fail = Killed()
    assert deadly.count
    left_to_users = {*checkout.books.left_to_users}
    mended = checkout.again(resume=True, killed=True)
    assert {*checkout.worktrees()} == left_to_users
    mended.one(claim(2), writing(b_txt="2"))
    assert checkout.worktrees() == []
    assert checkout.branches() == ["epics/8", "main"]
    assert checkout.books.made == {}
    assert checkout.show("b.txt") == "2"
    checkout.git("fsck", "--strict")


def test_a_run_that_is_killed_as_its_ledger_is_told_is_mended_by_the_next(checkout: Checkout) -> None:
    run = checkout.begin()
    checkout.books.fail = Killed()
    with pytest.raises(Killed):
        run.one(claim(1), writing(a_txt="1"))
    assert checkout.books.made
    assert checkout.worktrees() == [], "nothing is made before it is written down"
    again = checkout.again(killed=True)
    assert again.worktrees.told() == [], "there was nothing to be removed"
    workspace = again.begun(claim(1))
    checkout.books.fail = Killed()
    with pytest.raises(Killed):
        wait(workspace.leave(keep=False))
    assert checkout.books.made
    again = checkout.again(killed=True)
    assert checkout.books.made == {}
    assert again.worktrees.told() == []


def test_a_git_that_was_killed_as_it_began_a_worktree_leaves_nothing(checkout: Checkout) -> None:
    run = checkout.begin()
    path = run.begun(claim(1)).root
    administration = checkout.root / ".git" / "worktrees" / path.name
    shutil.rmtree(path)
    for file in administration.iterdir():
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink()
    write(administration, "locked", "initializing")
    checkout.again(killed=True)
    assert not administration.exists()
    assert checkout.branches() == ["main"]


def test_a_worktree_that_is_locked_is_removed(checkout: Checkout) -> None:
    path = checkout.begin().begun(claim(1)).root
    checkout.git("worktree", "lock", str(path))
    checkout.again(killed=True)
    assert checkout.worktrees() == []


def test_a_worktree_that_cannot_be_filled_is_removed(checkout: Checkout) -> None:
    checkout.write(".gitattributes", "*.txt filter=broken\n")
    checkout.write("a.txt")
    checkout.commit("a filter")
    checkout.git("config", "filter.broken.clean", "cat")
    checkout.git("config", "filter.broken.smudge", "false")
    checkout.git("config", "filter.broken.required", "true")
    run = checkout.begin()
    with pytest.raises(ActionFailed, match=r"^git reset failed: .*smudge filter broken failed"):
        run.begun(claim(1))
    assert checkout.worktrees() == []
    assert checkout.branches() == ["main"]
    assert checkout.books.made == {}


class Held:
    """A step that waits until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        step = getattr(worktree.Worktrees, name)

        def held(owner: worktree.Worktrees, *arguments: object) -> object:
            result = step(owner, *arguments)
            self.reached.set()
            assert self.go.wait(30)
            return result

        monkeypatch.setattr(worktree.Worktrees, name, held)

    async def cancel(self, task: asyncio.Task[object]) -> None:
        """Cancel a task at this step, twice, and see that it does not end before the step has."""
        await asyncio.to_thread(self.reached.wait, 30)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        self.go.set()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_a_story_cancelled_as_its_worktree_is_made_leaves_none(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = checkout.begin()
    held = Held(monkeypatch, "_make")

    async def cancelled() -> None:
        await held.cancel(asyncio.ensure_future(run.worktrees.enter(claim(1), 1)))

    wait(cancelled())
    assert checkout.worktrees() == []
    assert checkout.branches() == ["main"]
    assert checkout.books.made == {}


def test_a_story_cancelled_as_it_lands_has_landed_as_a_whole(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = checkout.begin()
    held = Held(monkeypatch, "_land")

    async def cancelled() -> None:
        workspace = await run.worktrees.enter(claim(1), 1)
        write(workspace.root, "a.txt")
        await held.cancel(asyncio.ensure_future(workspace.land()))
        await workspace.leave(keep=False)

    wait(cancelled())
    assert checkout.log() == ["8.1: Story 8.1"]
    assert checkout.worktrees() == []


def test_a_story_that_removed_its_worktree_fails(checkout: Checkout) -> None:
    run = checkout.begin()
    with pytest.raises(ActionFailed, match=r"is no worktree any more: it, or the \.git in it, was removed or replaced"):
        run.one(claim(1), shutil.rmtree)
    checkout.again().one(claim(1), writing(a_txt="1"))
    assert checkout.worktrees() == []
    assert checkout.branches() == ["epic/8/8.1.kept1", "epics/8", "main"]


def test_sweeping_asks_git_alone_about_folders_that_are_not_ours(checkout: Checkout, tmp_path: Path) -> None:
    mine = write(tmp_path, "mine/a.txt")
    checkout.books.making(Made("epic.yaml::1", str(mine.parent), "epic/8/8.1", str(checkout.root / ".git")))
    told = checkout.begin().worktrees.told()
    assert mine.exists()
    assert len(told) == 1
    assert told[0].startswith(f"what a killed run has left is still there: {mine.parent} cannot be removed: ")


@pytest.mark.parametrize("what", ["repository", "worktree"])
@pytest.mark.parametrize("how", ["link", ".git", "nothing", "setting"])
def test_work_elsewhere_is_never_a_fallback(checkout: Checkout, tmp_path: Path, what: str, how: str) -> None:
    """A story that makes its worktree look like a tree of the user's, or that removes what makes it one."""
    elsewhere = checkout.root
    if what == "worktree":
        elsewhere = tmp_path / "linked"
        checkout.git("worktree", "add", "--quiet", "--detach", str(elsewhere))
    if how == "nothing":
        checkout.git("init", "--quiet", str(tmp_path))
    own = Path(checkout.git("rev-parse", "--absolute-git-dir", at=elsewhere))
    before = (own / "index").read_bytes()

    def doing(root: Path) -> None:
        if how == "link":
            shutil.rmtree(root)
            root.symlink_to(elsewhere)
            return
        if how == "setting":
            checkout.git("config", "extensions.worktreeConfig", "true", at=root)
            checkout.git("config", "--worktree", "core.worktree", str(elsewhere), at=root)
            return
        (root / ".git").unlink()
        if how == ".git":
            write(root, ".git", f"gitdir: {own}\n")
        write(root, "a.txt")

    run = checkout.begin()
    with pytest.raises(ActionFailed, match="is no worktree any more"):
        run.one(claim(1), doing)
    again = checkout.again(killed=True)
    again.one(claim(1), writing(b_txt="1"))
    assert checkout.show("b.txt") == "1"
    # What it is cannot be known any more, so it is left to the user, as it was said to be.
    assert any("it is set aside as epic/8/8.1.kept1" in line for line in again.worktrees.told())
    assert (own / "index").read_bytes() == before
    assert checkout.git("status", "--porcelain", at=elsewhere) == ""
    assert (elsewhere / "README.md").exists()


def test_a_worktree_that_cannot_be_removed_is_said_to_be_left_over(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError("in use")

    run = checkout.begin()
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", refuse)
        run.one(claim(1), writing(a_txt="1"))
    (path,) = checkout.worktrees()
    assert run.said == {"8.1": f"left over: {path} cannot be removed: in use"}
    assert checkout.log() == ["8.1: Story 8.1"]
    assert [*checkout.books.made] == [path]


def test_errors_of_git_are_one_line(checkout: Checkout) -> None:
    git = Git.found(checkout.root)
    with pytest.raises(WorkspaceError) as caught:
        git.run("rev-parse", "--verify", "no\nsuch")
    assert str(caught.value) == f"git rev-parse failed: fatal: Needed a single revision (in {checkout.root})"


def test_of_what_git_says_as_it_fails_the_reason_is_shown() -> None:
    assert Answer(1, b"", b"warning: a\nhint: b\nerror: c\nfatal: d\n").reason == "error: c; fatal: d"
    assert Answer(1, b"", b"a\nb\n").reason == "a; b"
    assert Answer(3, b"", b"").reason == "exit status 3"


def test_stories_of_one_repository_take_turns(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """What worktrees share is changed by one of them at a time."""
    run = checkout.begin()
    trees = run.worktrees._trees
    busy = threading.Lock()
    for name in ("make", "remove"):
        step = getattr(trees, name)

        def alone(step: Callable[..., object], *arguments: object) -> object:
            assert busy.acquire(blocking=False), "two at once"
            try:
                return step(*arguments)
            finally:
                busy.release()

        monkeypatch.setattr(trees, name, partial(alone, step))

    async def at_once() -> None:
        await asyncio.gather(*[run.story(claim(number), writing(a_txt="1")) for number in range(1, 7)])

    wait(at_once())
