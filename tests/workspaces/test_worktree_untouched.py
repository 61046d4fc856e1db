"""The user's branch, index, files, hooks and settings are what they were, whatever stories do."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from worktree_project import RUN, Books, Checkout, Run, claim, write, writing

from pytest_tapps_waves.errors import ActionFailed
from pytest_tapps_waves.workspaces.worktree import Worktrees


def state(checkout: Checkout) -> dict[str, tuple[str, int]]:
    """The contents and times of all that is the user's."""
    git = checkout.root / ".git"
    files = [path for path in checkout.root.rglob("*") if path.is_file() and git not in path.parents]
    files += [git / "index", git / "HEAD", git / "config"]
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files} | {
        "main": (checkout.git("rev-parse", "main"), 0)
    }


def test_the_users_branch_index_and_files_are_never_touched(checkout: Checkout) -> None:
    checkout.write(".gitignore", "*.log\n")
    checkout.commit("ignore")
    for path in ("a.log", "scratch/notes.txt"):
        checkout.write(path)
    # An index that git would like to refresh: the file is as it was, and looks as if it was not.
    os.utime(checkout.root / "README.md", (1, 1))
    before = state(checkout)
    run = checkout.begin()
    run.one(claim(1), writing(README_md="changed\n", b_txt="1"))
    with pytest.raises(ActionFailed):
        run.one(claim(2, "/nothing"), lambda root: (root / "README.md").unlink())
    again = checkout.again(resume=True)
    again.one(claim(2), writing(c_txt="1"))
    checkout.again(resume=True, killed=True)
    assert state(checkout) == before


def test_the_users_hooks_do_not_run(checkout: Checkout, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    hooks = checkout.root / ".git" / "hooks"
    for name in (
        "pre-commit",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "reference-transaction",
        "post-index-change",
    ):
        hook = write(hooks, name, f"#!/bin/sh\necho {name} >> {shlex.quote(str(ran))}\nexit 1\n")
        hook.chmod(0o755)
    run = checkout.begin()
    run.one(claim(1), writing(a_txt="1"))
    with pytest.raises(ActionFailed):
        run.one(claim(2, "/nothing"), writing(b_txt="1"))
    assert not ran.exists()


def test_variables_that_lead_git_elsewhere_lead_nowhere(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where pytest is run by a hook of another repository."""
    other = tmp_path / "other"
    checkout.git("init", "--quiet", str(other))
    for name, value in {"DIR": ".git", "WORK_TREE": "", "INDEX_FILE": ".git/index", "PREFIX": ""}.items():
        monkeypatch.setenv(f"GIT_{name}", str(other / value) if value else str(other))
    worktrees = Worktrees(checkout.root, checkout.books, RUN, checkout.folder)
    worktrees.prepare({"epic_shop.yaml": "8"}, resume=False)
    run = Run(worktrees)

    def doing(root: Path) -> None:
        without = workspace.without
        environment = {name: text for name, text in os.environ.items() if name not in without}
        write(root, "a.txt")
        subprocess.run(["git", "add", "--all"], cwd=root, env=environment, check=True)
        subprocess.run(["git", "commit", "--quiet", "-m", "mine"], cwd=root, env=environment, check=True)

    workspace = run.begun(claim(2))
    run.one(claim(1), doing)
    for name in ("DIR", "WORK_TREE", "INDEX_FILE", "PREFIX"):
        monkeypatch.delenv(f"GIT_{name}")
    assert checkout.files() == ["README.md", "a.txt"]
    assert checkout.git("rev-list", "--all", at=other) == ""
    assert not (other / ".git" / "index").exists()


def test_settings_by_the_environment_are_left_to_stories(checkout: Checkout) -> None:
    without = checkout.begin().begun(claim(1)).without
    assert {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} <= without
    assert "GIT_CONFIG_COUNT" not in without


def test_somebody_without_a_name_can_have_work_put_together(checkout: Checkout) -> None:
    checkout.git("config", "--unset", "user.name")
    checkout.git("config", "--unset", "user.email")
    checkout.git("config", "user.useConfigOnly", "true")
    checkout.begin().one(claim(1), writing(a_txt="1"))
    who = checkout.git("log", "-1", "--format=%an <%ae> %cn <%ce>", "epics/8")
    assert who == "pytest-tapps-waves <epics@localhost> pytest-tapps-waves <epics@localhost>"


def test_the_users_name_is_on_the_work(checkout: Checkout) -> None:
    checkout.begin().one(claim(1), writing(a_txt="1"))
    assert checkout.git("log", "-1", "--format=%an <%ae>", "epics/8") == "A User <user@example.org>"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("core.autocrlf", "true"),
        ("core.autocrlf", "input"),
        ("core.fsmonitor", "true"),
        ("status.showUntrackedFiles", "no"),
        ("commit.gpgSign", "true"),
        ("core.quotePath", "true"),
        ("diff.renames", "copies"),
        ("worktree.guessRemote", "true"),
        ("i18n.commitEncoding", "latin-1"),
    ],
)
def test_settings_of_the_users_do_not_matter(checkout: Checkout, name: str, value: str) -> None:
    checkout.write("ünïcode.txt", "a\nb\n")
    checkout.commit("more")
    checkout.git("config", name, value)
    checkout.git("config", "core.safecrlf", "true")
    run = checkout.begin()
    story = claim(1, title="Straße")
    run.one(story, lambda root: (root / "crlf.txt").write_bytes(b"one\r\ntwo\n"))
    assert checkout.git("log", "-1", "--encoding=UTF-8", "--format=%s", "epics/8") == "8.1: Straße"
    assert "crlf.txt" in checkout.files()


def test_a_linked_worktree_can_be_rootdir(checkout: Checkout, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    checkout.git("worktree", "add", "--quiet", "-b", "feature", str(linked))
    checkout.git("commit", "--quiet", "--allow-empty", "-m", "of the feature", at=linked)
    run = checkout.begin(rootdir=linked)
    run.one(claim(1), writing(a_txt="1"))
    assert checkout.log() == ["of the feature", "8.1: Story 8.1"]
    assert checkout.git("status", "--porcelain", at=linked) == ""


def test_a_subfolder_can_be_rootdir(checkout: Checkout) -> None:
    checkout.write("sub/tests/a.txt")
    checkout.commit("a subfolder")
    (checkout.root / "sub" / "work").mkdir()
    run = checkout.begin(rootdir=checkout.root / "sub")
    workspace = run.begun(claim(1, cwd="tests"))
    assert (workspace.root.name, workspace.cwd) == ("sub", workspace.root / "tests")
    empty = run.begun(claim(2, cwd="work"))
    assert empty.cwd.is_dir(), "git tracks no empty folders, and the story works in one"
    assert not run.begun(claim(3, cwd="nowhere")).cwd.exists()


def test_a_rootdir_that_holds_nothing_tracked_is_there_all_the_same(checkout: Checkout) -> None:
    (checkout.root / "sub").mkdir()
    run = checkout.begin(rootdir=checkout.root / "sub")
    assert run.begun(claim(1)).root.is_dir()
    assert run.begun(claim(2, cwd="nowhere")).root.is_dir()


def test_a_link_does_not_lead_back_into_the_users_tree(checkout: Checkout) -> None:
    checkout.write("sub/a.txt")
    (checkout.root / "here").symlink_to(checkout.root / "sub")
    checkout.commit("a link")
    with pytest.raises(ActionFailed, match="here leads out of rootdir by a link"):
        checkout.begin().begun(claim(1, cwd="here"))
    assert checkout.worktrees() == []
    run = checkout.begin(rootdir=checkout.root / "sub")

    def doing(root: Path) -> None:
        (root / "a.txt").unlink()
        root.rmdir()
        root.symlink_to(checkout.root / "sub")

    run.one(claim(1), doing)
    with pytest.raises(ActionFailed, match="sub leads out of rootdir by a link"):
        run.begun(claim(2))


def test_worktrees_are_in_the_users_cache_by_default(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = checkout.root.parent / "cache"
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name, appauthor: cache / name)
    worktrees = Worktrees(checkout.root, Books(), RUN)
    worktrees.prepare({"epic_shop.yaml": "8"}, resume=False)
    root = Run(worktrees).begun(claim(1)).root
    assert root.is_relative_to(cache / "pytest-tapps-waves" / "worktrees")
    assert len(str(root.relative_to(cache))) < 100


def test_a_story_that_goes_back_behind_where_it_began_fails(checkout: Checkout) -> None:
    checkout.write("second.txt")
    checkout.commit("second")
    run = checkout.begin()
    with pytest.raises(ActionFailed, match=r"^its HEAD \(epic/8/8\.1\) does not stem from where it began"):
        run.one(claim(1), lambda root: checkout.git("reset", "--quiet", "--hard", "HEAD~1", at=root))
    assert checkout.branches() == ["epic/8/8.1", "main"]


def test_a_repository_that_a_story_made_fails_it(checkout: Checkout) -> None:
    def doing(root: Path) -> None:
        checkout.git("clone", "--quiet", str(checkout.root), str(root / "vendor" / "other"))

    with pytest.raises(ActionFailed, match=r"^it made a repository within its worktree.*: vendor/other: isolation"):
        checkout.begin().one(claim(1), doing)


def test_an_unfinished_merge_fails_its_story(checkout: Checkout) -> None:
    def doing(root: Path) -> None:
        checkout.git("switch", "--quiet", "-c", "side", at=root)
        for name, start in (("side", "side"), ("epic/8/8.1", "epic/8/8.1")):
            checkout.git("switch", "--quiet", start, at=root)
            write(root, "README.md", f"{name}\n")
            checkout.git("commit", "--quiet", "--all", "-m", name, at=root)
        with pytest.raises(AssertionError):
            checkout.git("merge", "side", at=root)

    with pytest.raises(ActionFailed, match=r"^it left a merge unfinished: README\.md: "):
        checkout.begin().one(claim(1), doing)
