"""``.worktreeinclude`` names the ignored files that stories find in their worktrees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from worktree_project import Checkout, claim, write, writing

from pytest_tapps_waves.errors import ActionFailed


@pytest.fixture
def ignoring(checkout: Checkout) -> Checkout:
    checkout.write(".gitignore", ".env*\n*.key\n/node_modules/\n/build/\n")
    checkout.write(".worktreeinclude", ".env\n/node_modules/\n*.key\n!public.key\nnotes.txt\n*.pem\n")
    checkout.commit("ignore")
    for path in (
        ".env",
        ".env.local",
        "sub/.env",
        "node_modules/a/b.js",
        "private.key",
        "public.key",
        "build/x",
        "notes.txt",
    ):
        checkout.write(path)
    return checkout


def found(root: Path) -> list[str]:
    names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() or path.is_symlink()]
    return sorted(set(names) - {".git", ".gitignore", ".worktreeinclude", "README.md"})


def test_files_that_it_names_and_git_ignores_are_copied(ignoring: Checkout) -> None:
    run = ignoring.begin()
    seen: list[str] = []
    landed = run.one(claim(1), lambda root: seen.extend(found(root)))
    assert seen == [".env", "node_modules/a/b.js", "private.key", "sub/.env"]
    assert landed.files == (), "what is copied in is no work"


def test_without_it_nothing_is_copied(checkout: Checkout) -> None:
    checkout.write(".gitignore", ".env\n")
    checkout.commit("ignore")
    checkout.write(".env")
    assert found(checkout.begin().begun(claim(1)).root) == []


def test_modes_times_and_links_are_kept(ignoring: Checkout) -> None:
    tool = ignoring.write("node_modules/tool")
    tool.chmod(0o755)
    os.utime(tool, (1_000_000_000, 1_000_000_000))
    (ignoring.root / "node_modules" / "link").symlink_to("tool")
    folder = ignoring.begin().begun(claim(1)).root / "node_modules"
    assert (folder / "tool").stat().st_mode & 0o777 == 0o755
    assert (folder / "tool").stat().st_mtime == 1_000_000_000
    assert (folder / "link").readlink() == Path("tool")


def test_what_a_story_has_committed_is_not_overwritten(checkout: Checkout) -> None:
    checkout.begin().one(claim(1), lambda root: write(root, "cert.pem", "of the story\n"))
    for path in (".gitignore", ".worktreeinclude"):
        checkout.write(path, "*.pem\n")
    checkout.commit("ignore")
    checkout.write("cert.pem", "of the user\n")
    root = checkout.again(resume=True).begun(claim(2)).root
    assert (root / "cert.pem").read_text(encoding="utf-8") == "of the story\n"


def test_what_was_copied_in_is_never_committed(ignoring: Checkout) -> None:
    run = ignoring.begin()
    with pytest.raises(
        ActionFailed, match=r"^git no longer ignores what \.worktreeinclude had copied in: \.env, private\.key, sub/"
    ):
        run.one(claim(1), writing(_gitignore="/node_modules/\n"))
    assert "epics/8" not in ignoring.branches()
    assert ignoring.git("rev-parse", "epic/8/8.1") == ignoring.git("rev-parse", "main")
    assert ", not committed: git no longer ignores" in run.said["8.1"]


def test_a_file_that_cannot_be_copied_fails_the_story(ignoring: Checkout) -> None:
    run = ignoring.begin()
    (ignoring.root / ".env").unlink()
    with pytest.raises(ActionFailed, match=r"^\.env, which \.worktreeinclude names, cannot be copied: .*No such file"):
        run.begun(claim(1))
    assert ignoring.worktrees() == []


def test_nothing_is_copied_through_a_link_out_of_the_worktree(ignoring: Checkout, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    run = ignoring.begin()

    def doing(root: Path) -> None:
        (root / "sub" / ".env").unlink()
        (root / "sub").rmdir()
        (root / "sub").symlink_to(tmp_path / "outside")

    run.one(claim(1), doing)
    with pytest.raises(ActionFailed, match=r"^sub/\.env, which \.worktreeinclude names, would be copied"):
        run.begun(claim(2))
    assert [*(tmp_path / "outside").iterdir()] == []
