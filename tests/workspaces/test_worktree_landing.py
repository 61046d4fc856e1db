"""What stories did in worktrees is put together in the order of the plan, whoever was done first."""

from __future__ import annotations

import asyncio
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from worktree_project import EPIC, LATER, Checkout, adding, claim, wait, write, writing

from pytest_tapps_waves.errors import ActionFailed

OTHER = "epic_user.yaml"
FEW = settings(
    max_examples=6,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def texts(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("*.txt"))


def test_a_story_begins_from_what_comes_before_it_in_the_plan_and_from_nothing_else(checkout: Checkout) -> None:
    run = checkout.begin({EPIC: "8", OTHER: "2"})
    run.one(claim(1), writing(a_txt="1"))
    run.one(claim(3), writing(c_txt="1"))
    assert texts(run.begun(claim(2)).root) == ["a.txt"]
    assert texts(run.begun(claim(4)).root) == ["a.txt", "c.txt"]
    other = claim(2, epic=OTHER, epic_id="2", upstream=frozenset({EPIC}))
    assert texts(run.begun(other).root) == ["a.txt"]


def test_what_lands_is_a_commit_that_names_its_story_and_its_run(checkout: Checkout) -> None:
    run = checkout.begin()
    landed = run.one(claim(1, title="Create the schema"), lambda root: write(root, "src/db.py"))
    assert landed.files == ("src/db.py",)
    body = checkout.git("log", "-1", "--format=%B", "epics/8")
    assert body.strip() == f"8.1: Create the schema\n\nEpic-Story: {EPIC}::8.1\nEpic-Run: 0123456789abcdef"


def test_a_story_that_changed_nothing_leaves_no_commit_and_no_branch(checkout: Checkout) -> None:
    run = checkout.begin()
    assert run.one(claim(1), lambda root: None).files == ()
    assert checkout.branches() == ["main"]
    assert run.worktrees.told() == []


@FEW
@given(order=st.permutations(range(1, 6)))
def test_the_branch_is_the_same_whoever_was_done_first(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        checkout = Checkout(tmp_path_factory.mktemp("order"), monkeypatch)
        run = checkout.begin()

        async def all_of_them() -> None:
            entered = {number: await run.worktrees.enter(claim(number), 1) for number in range(1, 6)}
            for number in order:
                write(entered[number].root, f"{number}.txt", f"{number}\n")
                await entered[number].land()
                await entered[number].leave(keep=False)

        wait(all_of_them())
        assert checkout.log() == [f"8.{number}: Story 8.{number}" for number in range(1, 6)]
        assert checkout.files() == [*(f"{number}.txt" for number in range(1, 6)), "README.md"]


def test_stories_that_begin_after_others_have_landed_are_put_before_these_all_the_same(checkout: Checkout) -> None:
    run = checkout.begin()
    for number in (4, 2, 3, 1):
        run.one(claim(number), adding(f"{number}.txt"))
    assert checkout.log() == [f"8.{number}: Story 8.{number}" for number in (1, 2, 3, 4)]
    for number in (1, 2, 3, 4):
        added = checkout.git("diff", "--name-only", f"epics/8~{5 - number}", f"epics/8~{4 - number}")
        assert added == f"{number}.txt", "each commit holds its story's work and no other's"


def test_a_story_may_undo_what_it_began_with_although_that_was_merged_anew_since(checkout: Checkout) -> None:
    run = checkout.begin()
    run.one(claim(3), writing(c_txt="1"))

    async def at_once() -> None:
        second, fourth = [await run.worktrees.enter(claim(number), 1) for number in (2, 4)]
        write(second.root, "b.txt")
        await second.land()
        (fourth.root / "c.txt").unlink()
        assert (await fourth.land()).files == ("c.txt",)

    wait(at_once())
    assert checkout.files() == ["README.md", "b.txt"]
    assert checkout.files("epics/8~1") == ["README.md", "b.txt", "c.txt"]


def test_changes_of_one_file_in_several_places_are_merged(checkout: Checkout) -> None:
    checkout.write("long.txt", "".join(f"{line}\n" for line in range(40)))
    checkout.commit("a long file")
    run = checkout.begin()

    async def at_once() -> None:
        first, second = [await run.worktrees.enter(claim(number), 1) for number in (1, 2)]
        for workspace, line in ((second, 30), (first, 5)):
            text = (workspace.root / "long.txt").read_text(encoding="utf-8")
            write(workspace.root, "long.txt", text.replace(f"\n{line}\n", "\nchanged\n"))
            await workspace.land()

    wait(at_once())
    text = checkout.show("long.txt").splitlines()
    assert [line for line, content in enumerate(text) if content == "changed"] == [5, 30]


def test_fifty_stories_eight_at_once(checkout: Checkout) -> None:
    run = checkout.begin()

    async def all_of_them() -> None:
        slots = asyncio.Semaphore(8)

        async def one(number: int) -> None:
            async with slots:
                await run.story(claim(number), lambda root: write(root, f"{number:02}.txt", f"{number}\n"))

        await asyncio.gather(*map(one, range(1, 51)))

    wait(all_of_them())
    assert checkout.log() == [f"8.{number}: Story 8.{number}" for number in range(1, 51)]
    assert checkout.files() == [*(f"{number:02}.txt" for number in range(1, 51)), "README.md"]
    assert checkout.branches() == ["epics/8", "main"]
    assert checkout.worktrees() == []
    assert run.worktrees.told() == ["the work of 50 stories of epic 8 is on branch epics/8: git merge epics/8"]


def test_commits_of_the_storys_own_are_kept(checkout: Checkout) -> None:
    def doing(root: Path) -> None:
        for name in ("a.txt", "b.txt"):
            write(root, name)
            checkout.git("add", "--all", at=root)
            checkout.git("commit", "--quiet", "-m", f"add {name}", at=root)
        write(root, "c.txt")

    run = checkout.begin()
    assert run.one(claim(2), doing).files == ("a.txt", "b.txt", "c.txt")
    run.one(claim(1), writing(d_txt="1"))
    assert checkout.log() == ["8.1: Story 8.1", "8.2: Story 8.2"]
    assert checkout.git("log", "--format=%s", "main..epics/8^2").splitlines() == ["add b.txt", "add a.txt"]
    assert checkout.files() == ["README.md", "a.txt", "b.txt", "c.txt", "d.txt"]


def test_removed_and_renamed_files_and_links_and_modes_are_work_too(checkout: Checkout) -> None:
    checkout.write("old.txt", "some text to be found again\n" * 5)
    checkout.write("tool")
    checkout.commit("more")

    def doing(root: Path) -> None:
        (root / "README.md").unlink()
        (root / "old.txt").rename(root / "new.txt")
        (root / "link").symlink_to("new.txt")
        (root / "tool").chmod(0o755)

    run = checkout.begin()
    assert run.one(claim(1), doing).files == ("README.md", "link", "new.txt", "old.txt", "tool")
    tree = checkout.git("ls-tree", "-r", "--format=%(objectmode) %(path)", "epics/8").splitlines()
    assert tree == ["120000 link", "100644 new.txt", "100755 tool"]


@pytest.mark.parametrize(
    "name", ["with space.txt", "ünïcode-ß.txt", 'quo"te.txt', "two\nlines.txt", "-dash", ":colon", "tab\there"]
)
def test_names_of_files_may_be_strange(checkout: Checkout, name: str) -> None:
    run = checkout.begin()
    assert run.one(claim(1), lambda root: write(root, f"dir/{name}")).files == (f"dir/{name}",)
    assert checkout.git("ls-tree", "-r", "-z", "--name-only", "epics/8").split("\0")[1] == f"dir/{name}"


def test_names_that_are_no_text_are_told_as_text(checkout: Checkout) -> None:
    run = checkout.begin()
    landed = run.one(claim(1), lambda root: Path(str(root) + "/\udcff.txt").write_bytes(b"1"))
    assert landed.files == ("\\xff.txt",)


@pytest.mark.parametrize(
    "title", ["", "-x", "# no comment", "Epic-Run: another", "two\nlines\n\nEpic-Run: x", "x" * 999]
)
def test_titles_may_be_strange(checkout: Checkout, title: str) -> None:
    run = checkout.begin()
    run.one(claim(1)._replace(title=title), writing(a_txt="1"))
    subject, blank, *trailers = checkout.git("log", "-1", "--format=%B", "epics/8").splitlines()
    assert subject.startswith("8.1")
    assert len(subject) <= 200
    assert (blank, trailers[:2]) == ("", [f"Epic-Story: {EPIC}::8.1", "Epic-Run: 0123456789abcdef"])


def test_a_second_attempt_begins_anew(checkout: Checkout) -> None:
    run = checkout.begin()

    async def twice() -> None:
        first = await run.worktrees.enter(claim(1), 1)
        write(first.root, "half.txt")
        assert await first.leave(keep=False) == ""
        second = await run.worktrees.enter(claim(1), 2)
        assert not (second.root / "half.txt").exists()
        write(second.root, "whole.txt")
        await second.land()
        await second.leave(keep=False)

    wait(twice())
    assert checkout.files() == ["README.md", "whole.txt"]


def test_stories_build_upon_other_epics(checkout: Checkout) -> None:
    run = checkout.begin({EPIC: "8", OTHER: "2"})
    run.one(claim(1), writing(a_txt="1"))
    run.one(claim(1, epic=OTHER, epic_id="2", place=2), writing(b_txt="1"))
    seen: list[str] = []

    def doing(root: Path) -> None:
        seen.extend(texts(root))
        write(root, "c.txt")

    run.one(claim(2, epic=OTHER, epic_id="2", place=3, upstream=frozenset({EPIC})), doing)
    assert seen == ["a.txt", "b.txt"]
    assert checkout.log("epics/2") == ["2.1: Story 2.1", "Merge epics/8, which 2.2 builds upon", "2.2: Story 2.2"]
    assert checkout.files("epics/8") == ["README.md", "a.txt"]


def test_another_epics_work_is_merged_once(checkout: Checkout) -> None:
    run = checkout.begin({EPIC: "8", OTHER: "2"})
    run.one(claim(1), writing(a_txt="1"))
    for number in (2, 3):
        upstream = frozenset({EPIC, "epic_of_no_worktrees.yaml"})
        story = claim(number, epic=OTHER, epic_id="2", upstream=upstream)
        run.one(story, adding(f"{number}.txt"))
    assert checkout.log("epics/2") == ["Merge epics/8, which 2.2 builds upon", "2.2: Story 2.2", "2.3: Story 2.3"]


def test_another_epics_work_that_conflicts_fails_the_story_that_builds_upon_it(checkout: Checkout) -> None:
    run = checkout.begin({EPIC: "8", OTHER: "2"})
    run.one(claim(1), writing(a_txt="eight\n"))
    run.one(claim(1, epic=OTHER, epic_id="2"), writing(a_txt="two\n"))
    with pytest.raises(ActionFailed) as caught:
        run.begun(claim(2, epic=OTHER, epic_id="2", upstream=frozenset({EPIC})))
    assert caught.value.what == "merge conflict of epics/8 with epics/2: a.txt"
    assert "<<<<<<< epics/2" in caught.value.detail
    assert ">>>>>>> epics/8" in caught.value.detail
    assert checkout.worktrees() == []


def test_somebody_elses_commit_on_the_branch_is_never_lost(checkout: Checkout) -> None:
    run = checkout.begin()
    run.one(claim(1), writing(a_txt="1"))
    foreign = checkout.git("commit-tree", "epics/8^{tree}", "-p", "epics/8", "-m", "mine")
    checkout.git("branch", "-f", "epics/8", foreign)
    with pytest.raises(ActionFailed, match=r"^epics/8 has been moved by somebody else during the run"):
        run.one(claim(2), writing(b_txt="1"))
    assert checkout.git("rev-parse", "epics/8") == foreign


def test_a_branch_that_appears_during_the_run_is_not_overwritten(checkout: Checkout) -> None:
    run = checkout.begin()
    checkout.git("branch", "epics/8", "main")
    with pytest.raises(ActionFailed, match=r"^epics/8 has been moved by somebody else"):
        run.one(claim(2), writing(b_txt="1"))
    assert checkout.log() == []


def test_nothing_lands_on_a_branch_that_somebody_has_checked_out(checkout: Checkout) -> None:
    run = checkout.begin()
    run.one(claim(1), writing(a_txt="1"))
    checkout.git("switch", "--quiet", "epics/8")
    with pytest.raises(ActionFailed, match=r"^epics/8 is checked out in .*: switch away there: isolation: worktree$"):
        run.one(claim(2), writing(b_txt="1"))
    checkout.git("switch", "--quiet", "main")
    run.one(claim(3), writing(c_txt="1"))
    assert checkout.files() == ["README.md", "a.txt", "c.txt"]


def test_a_run_that_goes_on_appends_to_what_the_last_one_did(checkout: Checkout) -> None:
    checkout.begin().one(claim(3), writing(c_txt="1"))
    run = checkout.again(resume=True)
    assert run.worktrees.told() == ["the work of 1 story of epic 8 is on branch epics/8: git merge epics/8"]
    for number in (2, 1):
        run.one(claim(number), adding(f"{number}.txt"))
    assert checkout.log() == ["8.3: Story 8.3", "8.1: Story 8.1", "8.2: Story 8.2"]
    assert run.worktrees.told() == ["the work of 3 stories of epic 8 is on branch epics/8: git merge epics/8"]
    assert f"Epic-Run: {LATER}" in checkout.git("log", "-1", "--format=%B", "epics/8")


def test_another_epics_work_may_be_put_together_anew_after_it_was_built_upon(checkout: Checkout) -> None:
    run = checkout.begin({EPIC: "8", OTHER: "2"})
    run.one(claim(1), writing(a_txt="1"))
    run.one(claim(3), writing(c_txt="1"))
    for number, path in ((5, "e.txt"), (6, "f.txt")):
        run.one(claim(number, epic=OTHER, epic_id="2", upstream=frozenset({EPIC})), adding(path))
        if number == 5:
            run.one(claim(2), writing(b_txt="1"))
    assert checkout.files("epics/2") == ["README.md", *(f"{name}.txt" for name in "abcef")]
    assert checkout.log("epics/2") == [
        "Merge epics/8, which 2.5 builds upon",
        "2.5: Story 2.5",
        "Merge epics/8, which 2.6 builds upon",
        "2.6: Story 2.6",
    ]
