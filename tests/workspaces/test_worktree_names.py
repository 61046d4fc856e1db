"""Names of branches that git takes, whatever the ids are."""

from __future__ import annotations

import subprocess

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings
from worktree_project import Checkout, claim, writing

from pytest_tapps_waves.workspaces.names import encoded, folder_name, integration_branch, story_branch

STRANGE = [
    "~^?*",
    "a..b",
    ".a",
    "-a",
    "a.lock",
    "a.LOCK",
    "@",
    "a@{1}",
    "a.",
    "100%",
    "%41",
    "$(x)",
    "'q'",
    "é",
    "...",
    "#1",
]
IDS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Cf"], exclude_characters="[]:/\\"), min_size=1
)


@pytest.mark.parametrize("word", STRANGE)
def test_strange_ids_are_branches_and_folders(checkout: Checkout, word: str) -> None:
    run = checkout.begin({"epic_shop.yaml": word})
    run.one(claim(word, epic_id=word), writing(a_txt="1"))
    branch = integration_branch(word)
    assert checkout.branches() == [branch, "main"]
    assert checkout.files(branch) == ["README.md", "a.txt"]
    assert run.worktrees.told() == [f"the work of 1 story of epic {word} is on branch {branch}: git merge {branch}"]


@settings(max_examples=300, deadline=None, database=None)
@given(IDS, IDS)
def test_no_two_ids_are_one_branch(one: str, other: str) -> None:
    assert (encoded(one) == encoded(other)) == (one == other)


@settings(max_examples=60, deadline=None, database=None)
@given(IDS)
@example("ä" * 200)
@example(".lock" * 20)
def test_git_takes_every_name(word: str) -> None:
    for branch in (integration_branch(word), story_branch(word, word)):
        checked = subprocess.run(["git", "check-ref-format", f"refs/heads/{branch}"], check=False)
        assert checked.returncode == 0, branch
        assert all(len(part.encode()) <= 100 for part in branch.split("/"))


def test_plain_ids_stay_as_they_are() -> None:
    assert story_branch("8", "8.10") == "epic/8/8.10"
    assert integration_branch("checkout_v2-b") == "epics/checkout_v2-b"


def test_folders_of_attempts_are_short_and_different() -> None:
    stories = [claim(1), claim(2), claim("x" * 500), claim("x" * 501), claim("a~b"), claim("a^b"), claim("ä/..")]
    names = [folder_name(story, attempt, "run") for story in stories for attempt in (1, 2)]
    assert len(set(names)) == len(names)
    assert all(len(name) < 50 and name.isascii() for name in names)
