"""Stories that wrote the same lines, or what they had not declared: who fails, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from worktree_project import Checkout, Doing, Run, adding, claim, wait, write, writing

from pytest_tapps_waves.core.model import OnConflict
from pytest_tapps_waves.errors import ActionFailed
from pytest_tapps_waves.workspaces.base import Claim


def conflict(run: Run, *stories: tuple[Claim, Doing]) -> ActionFailed:
    """Begins all stories, and lets them land in the order given; the last is to fail."""

    async def at_once() -> None:
        entered = [(await run.worktrees.enter(story, 1), doing) for story, doing in stories]
        for workspace, doing in entered:
            doing(workspace.root)
            await workspace.land()

    with pytest.raises(ActionFailed) as caught:
        wait(at_once())
    return caught.value


def test_a_conflict_names_both_stories_the_paths_and_the_hunks(checkout: Checkout) -> None:
    run = checkout.begin()
    error = conflict(
        run,
        (claim(2), writing(README_md="one\nTWO of 8.2\nthree\n")),
        (claim(3), writing(README_md="one\nTWO of 8.3\nthree\n")),
    )
    assert str(error) == "merge conflict with 8.2: README.md: isolation: worktree"
    assert error.detail.splitlines() == [
        "README.md:",
        "  one",
        "  <<<<<<< 8.2",
        "  TWO of 8.2",
        "  =======",
        "  TWO of 8.3",
        "  >>>>>>> 8.3",
        "  three",
    ]
    assert checkout.log() == ["8.2: Story 8.2"], "the branch is as it was"
    assert checkout.show("README.md") == "one\nTWO of 8.2\nthree"


def test_a_story_that_comes_before_one_that_has_landed_conflicts_with_that(checkout: Checkout) -> None:
    error = conflict(
        checkout.begin(),
        (claim(3), writing(README_md="one\nTWO of 8.3\nthree\n")),
        (claim(2), writing(README_md="one\nTWO of 8.2\nthree\n")),
    )
    assert error.what == "merge conflict with 8.3: README.md"
    assert "<<<<<<< 8.2\n  TWO of 8.2\n  =======\n  TWO of 8.3\n  >>>>>>> 8.3" in error.detail
    assert checkout.log() == ["8.3: Story 8.3"]


def test_only_those_are_named_that_changed_what_conflicts_since_the_story_began(checkout: Checkout) -> None:
    run = checkout.begin()
    run.one(claim(1), writing(README_md="one\nTWO of 8.1\nthree\n"))
    error = conflict(
        run,
        (claim(2), writing(README_md="one\nTWO of 8.2\nthree\n")),
        (claim(3), writing(other_txt="3")),
        (claim(4), writing(README_md="one\nTWO of 8.4\nthree\n")),
    )
    assert error.what == "merge conflict with 8.2: README.md"


def test_a_file_that_one_removed_and_another_changed_is_a_conflict_in_gits_words(checkout: Checkout) -> None:
    error = conflict(
        checkout.begin(),
        (claim(2), lambda root: (root / "README.md").unlink()),
        (claim(3), writing(README_md="changed\n")),
    )
    assert error.what == "merge conflict with 8.2: README.md"
    assert "CONFLICT (modify/delete): README.md deleted in 8.2 and modified in 8.3" in error.detail


def test_binary_files_that_both_changed_are_a_conflict_without_hunks(checkout: Checkout) -> None:
    def doing(content: bytes) -> Doing:
        return lambda root: (root / "a.bin").write_bytes(content)

    error = conflict(checkout.begin(), (claim(2), doing(b"\0\1")), (claim(3), doing(b"\0\2")))
    assert error.what == "merge conflict with 8.2: a.bin"
    said = "  warning: Cannot merge binary files: a.bin (8.2 vs. 8.3)\n  CONFLICT (add/add): Merge conflict in a.bin"
    assert error.detail == f"a.bin:\n{said}"


def test_a_file_in_the_way_of_a_folder_is_a_conflict(checkout: Checkout) -> None:
    error = conflict(checkout.begin(), (claim(2), adding("x")), (claim(3), adding("x/y")))
    assert error.what == "merge conflict with 8.2: x"
    assert error.detail == (
        "x:\n  CONFLICT (file/directory): directory in the way of x from 8.2; moving it to x~8.2 instead."
    )


def test_long_conflicts_are_cut(checkout: Checkout) -> None:
    names = [f"{number:02}.txt" for number in range(20)]

    def doing(word: str) -> Doing:
        return lambda root: [write(root, name, f"{word}\n" * 500) for name in names]

    error = conflict(checkout.begin(), (claim(2), doing("two")), (claim(3), doing("three")))
    assert error.what == "merge conflict with 8.2: 00.txt, 01.txt, 02.txt, 03.txt, 04.txt and 15 more"
    assert len(error.detail.splitlines()) < 700
    assert error.detail.endswith("... and 10 more paths")
    assert "... and 943 more lines" in error.detail


def test_what_only_looks_like_a_mark_is_part_of_the_file(checkout: Checkout) -> None:
    text = "<<<<<<< no mark\n" + "".join(f"{line}\n" for line in range(20)) + "last {}\n"
    checkout.write("README.md", text.format("of all"))
    checkout.commit("marks")
    error = conflict(
        checkout.begin(),
        (claim(2), writing(README_md=text.format("of 8.2"))),
        (claim(3), writing(README_md=text.format("of 8.3"))),
    )
    assert "no mark" not in error.detail
    assert "last of 8.2" in error.detail


def test_control_characters_of_files_do_not_reach_a_terminal(checkout: Checkout) -> None:
    error = conflict(
        checkout.begin(), (claim(2), writing(README_md="\x1b]0;two\x07\n")), (claim(3), writing(README_md="3\n"))
    )
    assert "\x1b" not in error.detail
    assert "two" in error.detail


def test_a_user_who_likes_other_marks_sees_the_same(checkout: Checkout) -> None:
    checkout.git("config", "merge.conflictStyle", "diff3")
    error = conflict(checkout.begin(), (claim(2), writing(README_md="2\n")), (claim(3), writing(README_md="3\n")))
    assert "|||||||" not in error.detail


@pytest.mark.parametrize("policy", [OnConflict.FAIL, OnConflict.SERIALIZE])
def test_an_undeclared_write_fails_and_does_not_land(checkout: Checkout, policy: OnConflict) -> None:
    run = checkout.begin()
    with pytest.raises(ActionFailed) as caught:
        run.one(
            claim(1, "src/db/**", on_conflict=policy), lambda root: [write(root, "src/db/a.py"), write(root, "b.py")]
        )
    assert str(caught.value) == "undeclared write: b.py: isolation: worktree"
    assert "src/db/**" in caught.value.detail
    assert "epics/8" not in checkout.branches()
    assert run.said["8.1"].startswith("kept: ")


def test_an_undeclared_write_that_is_to_be_warned_of_lands_with_a_note(checkout: Checkout) -> None:
    story = claim(1, "/a.txt", on_conflict=OnConflict.WARN)
    landed = checkout.begin().one(story, writing(a_txt="1", b_txt="1"))
    assert landed.files == ("a.txt", "b.txt")
    assert landed.notes == ("undeclared write: b.txt",)


@pytest.mark.parametrize(
    "story", [claim(1, "/a.txt", on_conflict=OnConflict.OFF), claim(1)], ids=["switched off", "nothing declared"]
)
def test_undeclared_writes_that_do_not_count_are_not_told(checkout: Checkout, story: Claim) -> None:
    assert checkout.begin().one(story, writing(b_txt="1")).notes == ()


def test_many_undeclared_writes_are_counted(checkout: Checkout) -> None:
    with pytest.raises(ActionFailed, match=r"^undeclared write: 00.txt, .*, 09.txt and 12 more: isolation"):
        checkout.begin().one(claim(1, "/a"), lambda root: [write(root, f"{number:02}.txt") for number in range(22)])


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("src", "src/deep/a.py"),
        ("src/", "src/a.py"),
        ("*.py", "deep/a.py"),
        ("/src/*", "src/deep/a.py"),
        ("src/**/a.py", "src/a.py"),
        ("with space", "with space/a"),
    ],
)
def test_what_a_glob_or_a_folder_names_is_declared(checkout: Checkout, glob: str, path: str) -> None:
    assert checkout.begin().one(claim(1, glob), lambda root: write(root, path)).files == (path,)


def test_removing_a_file_is_writing_it(checkout: Checkout) -> None:
    with pytest.raises(ActionFailed, match=r"^undeclared write: README\.md"):
        checkout.begin().one(claim(1, "/src"), lambda root: (root / "README.md").unlink())


def test_moving_a_file_is_writing_both_paths(checkout: Checkout) -> None:
    with pytest.raises(ActionFailed, match=r"^undeclared write: README\.md: "):
        checkout.begin().one(claim(1, "/new"), lambda root: (root / "README.md").rename(root / "new"))


def test_what_was_declared_and_is_ignored_by_git_is_told_to_be_lost(checkout: Checkout) -> None:
    checkout.write(".gitignore", "dist/\n*.pyc\n.env\n")
    checkout.write(".worktreeinclude", ".env\n")
    checkout.commit("ignore")
    checkout.write(".env")

    def doing(root: Path) -> None:
        for path in ("dist/page.html", "src/a.py", "src/a.pyc"):
            write(root, path)

    landed = checkout.begin().one(claim(1, "src/**", "/dist/*.html", "/.env"), doing)
    assert landed.files == ("src/a.py",)
    assert landed.notes == ("git ignores what it declared, so it is not part of its work: dist/page.html",)


def test_globs_are_taken_from_rootdir_and_what_is_outside_of_it_is_undeclared(checkout: Checkout) -> None:
    checkout.write("sub/a.txt")
    checkout.commit("a subfolder")
    run = checkout.begin(rootdir=checkout.root / "sub")
    assert run.one(claim(1, "/a.txt"), writing(a_txt="1")).files == ("a.txt",)
    with pytest.raises(ActionFailed, match=r"^undeclared write: \.\./README\.md: "):
        run.one(claim(2, "/README.md"), lambda root: write(root.parent, "README.md"))


def test_paths_outside_of_rootdir_are_shown_relative_to_it(checkout: Checkout) -> None:
    checkout.write("sub/a.txt")
    checkout.commit("a subfolder")

    def doing(root: Path) -> None:
        assert root.name == "sub"
        write(root.parent, "other.txt")

    assert checkout.begin(rootdir=checkout.root / "sub").one(claim(1), doing).files == ("../other.txt",)


def test_paths_that_differ_by_case_alone_do_not_land_where_case_is_ignored(checkout: Checkout) -> None:
    checkout.git("config", "core.ignoreCase", "true")
    error = conflict(checkout.begin(), (claim(1), writing(a_txt="1")), (claim(2), writing(A_TXT="1")))
    assert error.what == "paths that differ by case alone: A.TXT, a.txt"
    assert checkout.files() == ["README.md", "a.txt"]
