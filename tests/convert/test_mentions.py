"""What a list of dependencies, or a sentence, names."""

from __future__ import annotations

import pytest

from pytest_tapps_waves.convert.mentions import Mention, read_mentions
from pytest_tapps_waves.convert.sentences import statements

IDS = {"1", "2", "3", "1.1", "STORY-130", "story-world-v1"}


def short(mention: Mention) -> str:
    words = [mention.kind, mention.id or ("before" if mention.before_here else "all")]
    return " ".join(
        words + ([f"to {mention.upto}"] * bool(mention.upto)) + ([f"of {mention.epic}"] * bool(mention.epic))
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Story 1.1 (needs ProjectConfig)", ["story 1.1"]),
        ("Story 1, Epic 2 (all stories)", ["story 1", "epic 2"]),
        ("Epic 2 completed", ["epic 2"]),
        ("All Stories 1.1-1.11", ["story 1.1 to 1.11"]),
        ("Stories 1.1 – 1.11", ["story 1.1 to 1.11"]),
        ("Story 2.1 through Story 2.4", ["story 2.1 to 2.4"]),
        ("Stories 1.1, 1.2 and 1.3.", ["story 1.1", "story 1.2", "story 1.3"]),
        ("1.1, 1.2", ["story 1.1", "story 1.2"]),
        ("#1 & #2", ["story 1", "story 2"]),
        ("Story 1.1: Create schema, tables and views", ["story 1.1"]),
        ("Story 1.1 (Backend), Story 1.3 (User model)", ["story 1.1", "story 1.3"]),
        ("Epic 2 (Stories 2.1, 2.3)", ["story 2.1 of 2", "story 2.3 of 2"]),
        ("Epic 2 Story 3", ["story 3 of 2"]),
        ("Story 3 of Epic 2", ["story 3 of 2"]),
        ("All stories in Epic 3", ["story all of 3"]),
        ("all previous stories", ["story before"]),
        ("Epics 1-3 & 5", ["epic 1 to 3", "epic 5"]),
        ("EPIC-3, STORY-130", ["epic EPIC-3", "story STORY-130"]),
        ("story-world-v1", ["story story-world-v1"]),
        ("completion of Story 1.1", ["story 1.1"]),
        *((none, []) for none in ("None", "none (first story)", "N/A", "-", "—", "No dependencies", "Nothing.", "")),
    ],
)
def test_a_list_names_stories_and_epics(text: str, names: list[str]) -> None:
    reading = read_mentions(text, IDS.__contains__)
    assert ([short(mention) for mention in reading.mentions], reading.unclear) == (names, ())


@pytest.mark.parametrize(
    ("text", "unclear"),
    [
        ("the design review", ("the design review",)),
        ("Python 3.11", ("Python 3.11",)),
        ("2 weeks of training", ("2 weeks of training",)),
        ("Story 1.1 or Story 1.2", ("Story 1.1 or Story 1.2",)),
        ("Story 1.1 (optional)", ("Story 1.1 (optional)",)),
        ("None, except Story 1.1", ("None, except Story 1.1",)),
        ("Story 1.1 → Story 1.2", ("Story 1.1 → Story 1.2",)),
        ("all except Story 1", ("all except Story 1",)),
        ("TBD", ("TBD",)),
    ],
)
def test_what_is_not_clear_is_not_guessed(text: str, unclear: tuple[str, ...]) -> None:
    reading = read_mentions(text, IDS.__contains__)
    assert (reading.mentions, reading.unclear) == ((), unclear)


def test_what_is_clear_is_read_and_the_rest_is_told() -> None:
    reading = read_mentions("Story 1.1 (needs Story 1.0), legal advice", IDS.__contains__)
    assert [short(mention) for mention in reading.mentions] == ["story 1.1"]
    assert reading.unclear == ("Story 1.1 (needs Story 1.0)", "legal advice")


@pytest.mark.parametrize(
    ("text", "subjects", "verb", "objects"),
    [
        ("Stories 1-4 must complete before Story 5", ["story 1 to 4"], "before", ["story 5"]),
        ("Story 4.1 (detection) must be done before Story 4.2", ["story 4.1"], "before", ["story 4.2"]),
        ("BLOCKING - Must complete before Story 14.2", [], "before", ["story 14.2"]),
        ("Story 4.2 is a hard prerequisite for Story 4.4", ["story 4.2"], "before", ["story 4.4"]),
        ("This story blocks Story 3", [], "before", ["story 3"]),
        ("This story depends on\nStory 1.1.", [], "needs", ["story 1.1"]),
        ("Epic 2 builds on Epic 1 (needs the data layer)", ["epic 2"], "needs", ["epic 1"]),
        ("Epic 4 requires Epics 2 & 3 to be substantially complete", ["epic 4"], "needs", ["epic 2", "epic 3"]),
        ("Story 6.1 cannot start until Story 5.1 is done", ["story 6.1"], "needs", ["story 5.1"]),
        ("It is blocked by STORY-130", [], "needs", ["story STORY-130"]),
    ],
)
def test_a_sentence_says_who_needs_whom(text: str, subjects: list[str], verb: str, objects: list[str]) -> None:
    (said,) = statements(text, IDS.__contains__)
    assert [short(mention) for mention in said.subjects] == subjects
    assert [short(mention) for mention in said.reading.mentions] == objects
    assert (said.is_before, said.reading.unclear) == (verb == "before", ())


@pytest.mark.parametrize(
    "text",
    [
        "It does not depend on Story 2.1",
        "After Story 1.1, look again",
        "Story 2 and what follows unlocks Story 3",
        "The first story depends on Epic 1 or Epic 2",
    ],
)
def test_a_sentence_that_looks_like_a_dependency_is_told(text: str) -> None:
    (said,) = statements(text, IDS.__contains__)
    assert (said.reading.mentions, said.reading.unclear) != ((), ())
    assert not said.reading.mentions


@pytest.mark.parametrize(
    "text", ["This requires a password", "Look before you leap", "No epic depends on a later epic", ""]
)
def test_other_sentences_say_nothing(text: str) -> None:
    assert not [said for said in statements(text, IDS.__contains__) if said.reading.mentions or said.reading.unclear]
