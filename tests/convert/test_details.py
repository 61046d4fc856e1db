"""What arrives of a story besides its dependencies."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from pytest_tapps_waves.convert.converter import Source, convert
from pytest_tapps_waves.convert.document import parse
from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.epics.spec import EpicDefinition, StorySpec


def epics(text: str, path: str = "docs/plan.md") -> list[EpicDefinition]:
    done = convert([Source(parse(dedent(text), path), Path())])
    return [load(written.encode(), file.name) for file, written in done.files.items()]


def story(text: str, path: str = "docs/plan.md") -> StorySpec:
    return epics(text, path)[0].stories[0]


def test_given_when_then_is_one_criterion_and_each_given_begins_one() -> None:
    found = story("""
        ### Story 1: X

        **Acceptance Criteria:**

        **Given** a
        **When** b

        **Then** c

        **Given** d
        **Then** e

        ### Story 2: Y
        """)
    assert found.acceptance_criteria == ("Given a\nWhen b\nThen c", "Given d\nThen e")
    assert found.description == ""


def test_criteria_are_items_with_what_stands_below_them() -> None:
    found = story("""
        ### Story 1: X

        #### Acceptance Criteria
        - [ ] a
          - more of a
        - [x] b
          goes on

        #### Notes
        c
        """)
    assert found.acceptance_criteria == ("a\nmore of a", "b\ngoes on")
    assert found.description == "#### Notes\nc"


@pytest.mark.parametrize(
    ("said", "points"),
    [
        ("**Story Points:** 5", 5),
        ("**Points**: 3", 3),
        ("Points: 2.5", 2.5),
        ("**Estimate:** 8 SP", 8),
        ("**Estimated Effort:** 5 points (3-5 days)", 5),
        ("- **Story points:** 1 point", 1),
    ],
)
def test_points_are_numbers(said: str, points: float) -> None:
    assert story(f"### Story 1: X\n\n{said}\n").metadata == {"points": points}


def test_an_estimate_that_is_no_points_stays_in_words() -> None:
    assert story("### Story 1: X\n\n**Effort:** 3 days\n").metadata == {"estimate": "3 days"}
    found = story("### Story 1: X\n\n**Points:** many\n")
    assert (found.metadata, found.description) == ({}, "**Points:** many")


def test_points_of_a_title_leave_the_title() -> None:
    found = story("### Story 1: X (13 pts)\n")
    assert (found.title, found.metadata) == ("X", {"points": 13})


@pytest.mark.parametrize(
    ("said", "files"),
    [
        ("**Files:** `src/a.py`, `src/b/**`", ["src/a.py", "src/b/**"]),
        ("**Files to Create/Modify:** src/a.py, README.md", ["src/a.py", "README.md"]),
        ("**Affected files:**\n- `src\\a.py` (new)\n- ./src/b.py:10-20: the model", ["src/a.py", "src/b.py"]),
        ("| Files affected | `src/a.py` |\n|--|--|\n| Files | `src/b.py` |", ["src/b.py"]),
    ],
)
def test_files_are_globs_relative_to_the_project(said: str, files: list[str]) -> None:
    assert story(f"### Story 1: X\n\n{said}\n").files_affected == tuple(files)


def test_files_outside_the_project_stay_in_words() -> None:
    found = story("### Story 1: X\n\n**Files:** `../other/a.py`\n")
    assert (found.files_affected, found.description) == ((), "**Files:** `../other/a.py`")


def test_the_description_is_the_markdown_that_means_nothing_else() -> None:
    found = story("""
        ### Story 1: X

        As a **user**, I want *this*.

        <!-- a note to the author -->

        ```python
        x = 1  # Dependencies: Story 2
        ```

        **Dependencies:** None

        - one
          - two

        ---
        """)
    assert found.description == (
        "As a **user**, I want *this*.\n\n```python\nx = 1  # Dependencies: Story 2\n```\n\n- one\n  - two"
    )


def test_priority_and_status_are_kept() -> None:
    assert story("### Story 1: X\n\n**Priority:** P0\n**Status:** Ready\n").metadata == {
        "priority": "P0",
        "status": "Ready",
    }


@pytest.mark.parametrize(
    ("text", "path", "identifier", "title"),
    [
        ("# Epic 8: Checkout\n### Story 8.1: X", "plan.md", "8", "Checkout"),
        ("# EPIC-12 — Search\n### Story 1: X", "plan.md", "EPIC-12", "Search"),
        ("# Checkout\n### Story 1: X", "docs/epic-8-checkout.md", "8", "Checkout"),
        ("# Checkout\n### Story 8.1: X", "plan.md", "8", "Checkout"),
        ("# Checkout\n### Story 1: X", "docs/checkout flow.md", "checkout-flow", "Checkout"),
        ("---\nid: EPIC-3\ntype: epic\ntitle: Y\n---\n### Story 1: X", "plan.md", "EPIC-3", "Y"),
    ],
)
def test_an_epic_is_named_where_it_is_named(text: str, path: str, identifier: str, title: str) -> None:
    header = epics(text, path)[0].header
    assert (header.id, header.title) == (identifier, title)


@pytest.mark.parametrize(
    ("heading", "identifier", "title"),
    [
        ("Story 3: Title", "3", "Title"),
        ("Story 8.10 - Title", "8.10", "Title"),
        ("User Story 2.1: Title", "2.1", "Title"),
        ("STORY-E4-001: Title 3.0", "STORY-E4-001", "Title 3.0"),
        ("US-3.1: Title", "US-3.1", "Title"),
        ("Story 1-2: Title", "1-2", "Title"),
        ("Story 1-Title", "1", "Title"),
        ("Story 8.1 Title", "8.1", "Title"),
        ("⭐ [x] Story 1.1a: Title", "1.1a", "Title"),
        ("Story 5.6 — Título", "5.6", "Título"),
        ("STORY-007：题目", "STORY-007", "题目"),
    ],
)
def test_a_story_is_known_by_its_heading(heading: str, identifier: str, title: str) -> None:
    found = story(f"### {heading}\n")
    assert (found.id, found.title) == (identifier, title)


@pytest.mark.parametrize(
    "heading", ["Story-driven development", "Stories", "Story points", "Epic Goal", "The story so far"]
)
def test_other_headings_begin_no_story(heading: str) -> None:
    assert epics(f"### {heading}\n\ntext\n") == []


def test_ids_and_words_that_yaml_would_take_for_something_else_stay_text() -> None:
    found = story("### Story 8.10: yes\n\n**Status:** null\n\n**Acceptance Criteria:**\n- 1.0\n- on\n- 'a': b\n")
    assert (found.id, found.title, found.acceptance_criteria) == ("8.10", "yes", ("1.0", "on", "'a': b"))
    assert found.metadata == {"status": "null"}
