"""What agents are told, word by word."""

from __future__ import annotations

from agent_scenes import spec

from pytest_tapps_waves.actions.agents.brief import Brief
from pytest_tapps_waves.actions.agents.prompt import (
    CLOSING,
    LONGEST_ANSWER,
    LONGEST_SUMMARY,
    MOST_FILES,
    first_prompt,
    prompt_again,
)
from pytest_tapps_waves.actions.base import PriorWork

PRIOR = [
    PriorWork("7.4", "Users", "Added a table.\n", ("src/users.py", "tests/test_users.py")),
    PriorWork("8.0", "", "", ()),
]


def brief(prompt: str | None = None, *, bare: bool = False) -> Brief:
    if bare:
        return Brief("8.1", "", "", [], [], spec(prompt=prompt))
    criteria = ["The table exists", "the table is empty\nand has an index"]
    return Brief("8.1", "Create the schema", "Orders and\ntheir lines.\n", criteria, ["src/db/**"], spec(prompt=prompt))


def test_a_whole_prompt() -> None:
    assert first_prompt(brief(), PRIOR) == (
        """\
# Story 8.1: Create the schema

Orders and
their lines.

## Acceptance criteria

- The table exists
- the table is empty
  and has an index

## Files that may be changed

- src/db/**

## Work done before

### 7.4: Users

Added a table.

Files changed: src/users.py, tests/test_users.py

### 8.0

"""
        + CLOSING
    )


def test_parts_without_anything_in_them_are_left_out() -> None:
    assert first_prompt(brief(bare=True), []) == f"# Story 8.1\n\n{CLOSING}"


def test_a_prompt_of_its_own_takes_the_place_of_title_and_description_only() -> None:
    assert first_prompt(brief("Write the schema."), PRIOR[1:]) == (
        """\
Write the schema.

## Acceptance criteria

- The table exists
- the table is empty
  and has an index

## Files that may be changed

- src/db/**

## Work done before

### 8.0

"""
        + CLOSING
    )


def test_what_a_prompt_places_itself_does_not_follow_again() -> None:
    own = "Do {title}.\nDone when:\n{criteria}\n\nIn {files}; {description}{prior_work}"
    assert first_prompt(brief(own), []) == (
        "Do Create the schema.\nDone when:\n- The table exists\n- the table is empty\n  and has an index\n\n"
        f"In - src/db/**; Orders and\ntheir lines.\n\n{CLOSING}"
    )


def test_other_braces_stay_as_they_are() -> None:
    own = "{'a': {x}} {} {titles} {{title}} {prompt}"
    assert first_prompt(brief(own), []).startswith("{'a': {x}} {} {titles} {Create the schema} {prompt}\n")


def test_braces_in_the_texts_themselves_mean_nothing() -> None:
    tricky = Brief("1", "{criteria}", "{prior_work}", ["c"], [], spec(prompt="{title} {description}"))
    assert first_prompt(tricky, []).startswith("{criteria} {prior_work}\n\n## Acceptance criteria\n\n- c\n")


def test_prior_work_is_bounded() -> None:
    summary = "start" + "x" * LONGEST_SUMMARY + "end"
    text = first_prompt(brief(bare=True), [PriorWork("1", "A", summary, tuple(f"f{n}" for n in range(MOST_FILES + 3)))])
    assert "start" not in text
    assert f"\n[...] {'x' * (LONGEST_SUMMARY - 3)}end\n" in text
    assert f", f{MOST_FILES - 1} and 3 more\n" in text
    assert f"f{MOST_FILES}" not in text


def test_an_agent_without_a_memory_is_told_all_of_it_again() -> None:
    assert prompt_again("Do it.", " Done. \n", "- a test failed\n") == (
        "Do it.\n\n## What you answered before\n\nDone.\n\n"
        "## What was found when your work was checked\n\n- a test failed"
    )


def test_an_answer_is_shown_again_in_part_and_an_empty_one_not_at_all() -> None:
    text = prompt_again("Do it.", "start" + "x" * LONGEST_ANSWER, "f")
    assert "start" not in text
    assert f"\n[...] {'x' * LONGEST_ANSWER}\n" in text
    assert "answered" not in prompt_again("Do it.", " \n", "f")
