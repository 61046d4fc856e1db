"""What worktrees cannot be had for is refused before anything runs, in one line that says what to do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from worktree_project import EPIC, Books, Checkout, claim, writing

from pytest_tapps_waves.errors import ActionFailed, WorkspaceError
from pytest_tapps_waves.workspaces.worktree import Worktrees


def refused(checkout: Checkout, **how: object) -> str:
    with pytest.raises(WorkspaceError) as caught:
        checkout.begin(**how)  # type: ignore[arg-type]  # each of its own kind
    line = str(caught.value)
    assert "\n" not in line
    assert checkout.worktrees() == []
    return line


def fake(checkout: Checkout, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    """Put a command first on PATH."""
    folder = checkout.root.parent / "bin"
    folder.mkdir()
    script = folder / name
    script.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_no_git(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    worktrees = Worktrees(checkout.root, Books(), "1", checkout.folder)
    monkeypatch.setenv("PATH", str(checkout.root))
    with pytest.raises(
        WorkspaceError, match=r"^isolation: worktree needs git 2\.38 or newer, and there is none on PATH$"
    ):
        worktrees.prepare({EPIC: "8"}, resume=False)


@pytest.mark.skipif(sys.platform == "win32", reason="its commands are no scripts")
@pytest.mark.parametrize("version", ["git version 2.37.9", "git version 1.8.3 (Apple Git-1)", "nonsense"])
def test_an_old_git(checkout: Checkout, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    worktrees = Worktrees(checkout.root, Books(), "1", checkout.folder)
    fake(checkout, monkeypatch, "git", f"echo '{version}'")
    with pytest.raises(WorkspaceError) as caught:
        worktrees.prepare({EPIC: "8"}, resume=False)
    program = checkout.root.parent / "bin" / "git"
    assert str(caught.value) == f"isolation: worktree needs git 2.38 or newer, and {program} is {version}"


def test_no_repository(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    line = refused(checkout, rootdir=tmp_path / "plain")
    assert line == (
        f"isolation: worktree needs a git repository, and {tmp_path / 'plain'} is in none: run `git init` and commit,"
        " or set isolation: none"
    )


def test_a_repository_of_somebody_else(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(WorkspaceError) as caught:
        checkout.begin()
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(
        "isolation: worktree needs a repository that git trusts: fatal: detected dubious ownership in"
    )
    assert "git config --global --add safe.directory" in line


def test_settings_of_git_that_come_by_the_environment_hold(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.sparseCheckout")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    assert "sparse" in refused(checkout)


def test_a_bare_repository(checkout: Checkout, tmp_path: Path) -> None:
    checkout.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    line = refused(checkout, rootdir=tmp_path / "bare.git")
    assert line == (
        f"isolation: worktree needs a repository with a working tree, and {tmp_path / 'bare.git'} is in a bare one"
    )


def test_no_commit_yet(checkout: Checkout, tmp_path: Path) -> None:
    checkout.git("init", "--quiet", str(tmp_path / "new"))
    line = refused(checkout, rootdir=tmp_path / "new")
    assert line == (
        f"isolation: worktree needs a commit to start from, and {tmp_path / 'new'} has none yet: commit something"
    )


def test_changes_that_are_not_committed(checkout: Checkout) -> None:
    for number in range(8):
        checkout.write(f"{number}.txt")
    checkout.commit("eight")
    for number in range(8):
        checkout.write(f"{number}.txt", "changed\n")
    assert refused(checkout) == (
        "isolation: worktree needs a clean working tree, since stories start from what is committed:"
        " 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 3 more changed; commit or stash that"
    )


@pytest.mark.parametrize("how", ["staged", "removed", "renamed", "unmerged"])
def test_changes_of_every_kind(checkout: Checkout, how: str) -> None:
    if how == "staged":
        checkout.write("new.txt")
        checkout.git("add", "new.txt")
    elif how == "removed":
        (checkout.root / "README.md").unlink()
    elif how == "renamed":
        checkout.git("mv", "README.md", "new.txt")
    else:
        checkout.git("switch", "--quiet", "-c", "side")
        checkout.write("README.md", "side\n")
        checkout.commit("side")
        checkout.git("switch", "--quiet", "main")
        checkout.write("README.md", "main\n")
        checkout.commit("main")
        with pytest.raises(AssertionError):
            checkout.git("merge", "side")
    path = "README.md" if how in ("removed", "unmerged") else "new.txt"
    assert f"what is committed: {path} changed;" in refused(checkout)


def test_epic_files_may_have_changed_or_be_new(checkout: Checkout) -> None:
    epic = checkout.write("epics/epic_shop.yaml")
    checkout.commit("an epic")
    checkout.write("epics/epic_shop.yaml", "changed\n")
    new = checkout.write("epic_new.yaml")
    run = checkout.begin(epic_files=[epic, new])
    assert run.worktrees.told() == []


def test_files_that_git_does_not_track_are_told_of(checkout: Checkout) -> None:
    checkout.write(".gitignore", "ignored\n")
    checkout.commit("ignore")
    for path in ("ignored", "notes.txt", "scratch/a.txt", "scratch/b.txt"):
        checkout.write(path)
    run = checkout.begin()
    assert run.worktrees.told() == ["stories do not see what git does not track: notes.txt, scratch/"]
    run = checkout.begin(rootdir=checkout.root / "scratch")
    assert run.worktrees.told() == ["stories do not see what git does not track: ../notes.txt, ./"]


def test_submodules(checkout: Checkout, tmp_path: Path) -> None:
    checkout.git("clone", "--quiet", ".", str(tmp_path / "other"))
    checkout.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "other"), "libs/other"
    )
    checkout.commit("a submodule")
    assert refused(checkout) == (
        "isolation: worktree needs a repository without submodules, and there are some: libs/other; set isolation: none"
    )


def test_a_sparse_checkout(checkout: Checkout) -> None:
    checkout.write("sub/a.txt")
    checkout.commit("a subfolder")
    checkout.git("sparse-checkout", "set", "sub")
    assert refused(checkout) == (
        "isolation: worktree needs a whole checkout, and this one is sparse: run `git sparse-checkout disable`"
    )


def test_large_files_without_what_reads_them(checkout: Checkout) -> None:
    checkout.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    checkout.write("model.bin", "version https://git-lfs.github.com/spec/v1\n")
    checkout.commit("a model")
    assert refused(checkout) == (
        "isolation: worktree needs Git LFS for model.bin: without it stories would find pointers for files;"
        " install it and run `git lfs install`"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="its commands are no scripts")
def test_large_files_with_what_reads_them(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(checkout, monkeypatch, "git-lfs", "exit 0")
    for name, command in (("clean", "sed s/large/pointer/"), ("smudge", "sed s/pointer/large/")):
        checkout.git("config", f"filter.lfs.{name}", command)
    checkout.write(".gitattributes", "*.bin filter=lfs\n")
    checkout.write("model.bin", "large\n")
    checkout.commit("a model")
    run = checkout.begin()
    assert (run.begun(claim(2)).root / "model.bin").read_text(encoding="utf-8") == "large\n"
    assert run.one(claim(1), writing(new_bin="large\n")).files == ("new.bin",)
    assert checkout.show("new.bin") == "pointer"


def test_paths_that_differ_by_case_alone_where_case_is_ignored(checkout: Checkout) -> None:
    checkout.write("a.txt")
    checkout.write("A.TXT")
    checkout.commit("a clash")
    checkout.git("config", "core.ignoreCase", "true")
    assert refused(checkout) == (
        "isolation: worktree needs paths that differ by more than case where the file system ignores it: A.TXT, a.txt;"
        " rename one of them"
    )
    checkout.git("config", "core.ignoreCase", "false")
    checkout.begin()


def test_ids_that_differ_by_case_alone_where_case_is_ignored(checkout: Checkout) -> None:
    checkout.git("config", "core.ignoreCase", "true")
    assert refused(checkout, epics={"a.yaml": "shop", "b.yaml": "Shop"}) == (
        "isolation: worktree needs epics whose ids can be told apart, and b.yaml and a.yaml would share the branch"
        " epics/Shop: give one of them another id"
    )
    run = checkout.begin()
    run.one(claim("a"), writing(a_txt="1"))
    with pytest.raises(
        ActionFailed, match=r"^the branches epic/8/a and epic/8/A differ by case alone: give it another"
    ):
        run.one(claim("A"), writing(b_txt="1"))


def test_epics_of_one_id(checkout: Checkout) -> None:
    assert "a.yaml would share the branch epics/8" in refused(checkout, epics={"a.yaml": "8", "b.yaml": "8"})


def test_a_folder_for_worktrees_within_the_working_tree(checkout: Checkout) -> None:
    checkout.folder = checkout.root / "build" / "worktrees"
    assert refused(checkout) == (
        f"isolation: worktree needs a folder outside of the working tree, and {checkout.folder} is in it: set the ini"
        " option epic_worktrees to another"
    )


@pytest.mark.parametrize("name", ["epic", "epics", "epic/8", "epics/8/x"])
def test_a_branch_in_the_way(checkout: Checkout, name: str) -> None:
    checkout.git("branch", name)
    assert refused(checkout) == (
        f"the branch {name} is in the way of epics/8 and epic/8/...: rename it (git branch -m {name} <name>)"
    )


def test_an_integration_branch_that_somebody_works_on(checkout: Checkout) -> None:
    checkout.git("switch", "--quiet", "-c", "epics/8")
    assert refused(checkout) == (
        f"epics/8 is checked out in {checkout.root}, so nothing can be merged into it: switch away there"
    )


def test_work_of_an_earlier_run_that_has_not_been_taken(checkout: Checkout) -> None:
    checkout.begin().one(claim(1), writing(a_txt="1"))
    tip = checkout.git("rev-parse", "epics/8")
    assert refused(checkout) == (
        "epics/8 holds work of an earlier run that HEAD does not have: take it (git merge epics/8), go on with it"
        " (--epic-resume), or delete it (git branch -D epics/8)"
    )
    assert checkout.git("rev-parse", "epics/8") == tip


@pytest.mark.parametrize("how", ["merge", "squash"])
def test_work_of_an_earlier_run_that_has_been_taken_is_begun_upon(checkout: Checkout, how: str) -> None:
    checkout.begin().one(claim(1), writing(a_txt="1"))
    if how == "merge":
        checkout.git("merge", "--quiet", "--no-ff", "--no-edit", "epics/8")
    else:
        checkout.git("merge", "--quiet", "--squash", "epics/8")
        checkout.commit("squashed")
    head = checkout.commit("more")
    checkout.again().one(claim(2), writing(b_txt="1"))
    assert checkout.log() == ["8.2: Story 8.2"]
    assert checkout.git("rev-parse", "epics/8^") == head


def test_on_a_resumed_run_what_was_committed_since_is_merged_first(checkout: Checkout) -> None:
    checkout.begin().one(claim(1), writing(a_txt="1"))
    checkout.write("mended.txt")
    head = checkout.commit("mended")
    run = checkout.again(resume=True)
    assert checkout.log() == ["8.1: Story 8.1"], "nothing is moved before something lands"
    run.one(claim(2), lambda root: (root / "mended.txt").rename(root / "b.txt"))
    log = checkout.git("log", "--first-parent", "--reverse", "--format=%s", "main~1..epics/8").splitlines()
    assert log == ["8.1: Story 8.1", f"Merge {head[:12]} into epics/8", "8.2: Story 8.2"]
    assert checkout.files() == ["README.md", "a.txt", "b.txt"]


def test_on_a_resumed_run_what_was_committed_since_may_conflict(checkout: Checkout) -> None:
    checkout.begin().one(claim(1), writing(README_md="8.1\n"))
    checkout.write("README.md", "main\n")
    checkout.commit("changed")
    assert refused(checkout, resume=True) == (
        "what is committed since epics/8 was begun conflicts with it: README.md; merge it yourself (git merge epics/8)"
    )


def test_on_a_resumed_run_the_past_may_have_been_rewritten(checkout: Checkout) -> None:
    checkout.begin().one(claim(1), writing(a_txt="1"))
    checkout.git("checkout", "--quiet", "--orphan", "other")
    checkout.commit("another beginning")
    line = refused(checkout, resume=True)
    assert line.startswith("git merge-tree failed: fatal: refusing to merge unrelated histories")


def test_a_resumed_run_does_not_go_on_with_what_somebody_else_made(checkout: Checkout) -> None:
    checkout.git("branch", "epics/8", checkout.git("commit-tree", "main^{tree}", "-p", "main", "-m", "mine"))
    assert refused(checkout, resume=True) == (
        "epics/8 ends with a commit that no run made here, so it is not gone on with: take it (git merge epics/8),"
        " or rename it (git branch -m epics/8 <name>)"
    )


def test_a_branch_of_a_storys_name_that_is_not_ours(checkout: Checkout) -> None:
    checkout.git("branch", "epic/8/8.1")
    run = checkout.begin()
    with pytest.raises(
        ActionFailed, match=r"^the branch epic/8/8\.1 exists already and no run here made it: rename it"
    ):
        run.one(claim(1), writing(a_txt="1"))
    assert checkout.branches() == ["epic/8/8.1", "main"]
    assert checkout.books.made == {}
