"""What an epic file may say, and how its stories, ids and keys are read."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.epics.spec import Check, EpicDefinition, StorySpec
from pytest_tapps_waves.errors import PlanProblems


def read(text: str, path: str = "epics/epic_shop.yaml") -> EpicDefinition:
    return load(dedent(text).encode(), path)


def one(keys: str) -> StorySpec:
    """The story ``a`` that has these keys too, one a line, from line 3 on."""
    (story,) = read("stories:\n- id: a\n" + "".join(f"  {line}\n" for line in keys.split("\n"))).stories
    return story


def refused(text: str) -> list[str]:
    """The messages without their file, which must be the same for all."""
    with pytest.raises(PlanProblems) as caught:
        read(text)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    assert all(line.startswith("epics/epic_shop.yaml:") for line in lines)
    return [line.removeprefix("epics/epic_shop.yaml:") for line in lines]


def why(keys: str) -> str:
    """Why a story ``a`` that has these keys, from line 3 on, is refused."""
    (message,) = refused("stories:\n- id: a\n" + "".join(f"  {line}\n" for line in keys.split("\n")))
    return message


WHOLE = """\
epic:
  id: "8"
  title: Checkout
  max_parallel_stories: 3
  parallel_strategy: asyncio
  schedule: waves
  fail_fast: true
  conflict_detection: true
  circuit_breaker: 3
  timeout: 300
  isolation: none
  env: {LOG_LEVEL: debug}
  secrets: [TOKEN, NO]
stories:
  - id: "8.1"
    title: Create the schema
    description: free text
    dependencies: ["7.4", "epic_user.yaml::2.1"]
    files_affected: ["src/db/**", "migrations/001.sql"]
    critical: false
    run: alembic upgrade head
    acceptance_criteria:
      - The table exists
      - {description: the table is empty, run: "python -m checks.empty users"}
    timeout: 60
    retries: 1
    cwd: .
    env: {A: b}
    tags: [db]
"""


def test_the_example_of_the_contract_is_read_whole() -> None:
    epic = read(WHOLE)
    assert (epic.path, epic.line) == ("epics/epic_shop.yaml", 2)
    assert epic.header._asdict() == {
        "id": "8",
        "title": "Checkout",
        "max_parallel_stories": 3,
        "parallel_strategy": "asyncio",
        "schedule": "waves",
        "fail_fast": True,
        "conflict_detection": "fail",
        "circuit_breaker": 3,
        "timeout": 300.0,
        "isolation": "none",
        "env": {"LOG_LEVEL": "debug"},
        "secrets": ["TOKEN", "NO"],
        "agent": None,
        "budget": None,
        "memory_last_k": None,
        "metadata": {},
    }
    (story,) = epic.stories
    assert (story.line, story.run, story.timeout, story.retries) == (15, "alembic upgrade head", 60.0, 1)
    assert story.dependencies == ("7.4", "epic_user.yaml::2.1")
    assert story.acceptance_criteria == ("The table exists", *story.checks)
    assert story.checks == [Check(description="the table is empty", run="python -m checks.empty users")]


def test_what_is_not_given_is_left_to_options_and_defaults() -> None:
    epic = read("stories:\n- id: a\n")
    assert {key for key, value in epic.header._asdict().items() if value is not None} == {
        "id",
        "title",
        "env",
        "secrets",
        "metadata",
    }
    (story,) = epic.stories
    assert (story.timeout, story.retries, story.cwd, story.critical) == (None, 0, ".", False)
    assert (story.dependencies, story.files_affected, story.tags, story.env) == ((), (), (), {})


@pytest.mark.parametrize("path", ["epic_shop.yaml", "deep/er/epic_shop.yml"])
def test_the_id_of_an_epic_defaults_to_the_stem_of_its_file(path: str) -> None:
    assert read("epic: {id: }\nstories: []", path).header.id == "shop"


def test_stories_may_stand_under_the_epic_or_beside_it() -> None:
    ids = [
        [story.id for story in read(text).stories]
        for text in ("epic:\n  stories:\n  - id: a", "epic:\nstories:\n- id: a", "stories:\n- id: a")
    ]
    assert ids == [["a"]] * 3


def test_ids_and_dependencies_are_the_text_that_stands_there() -> None:
    epic = read("stories:\n- {id: 8.10}\n- {id: 010, dependencies: [8.10, 1e3, yes, 0x1F]}\n- {id: 8.1}\n")
    assert [story.id for story in epic.stories] == ["8.10", "010", "8.1"]
    assert epic.stories[1].dependencies == ("8.10", "1e3", "yes", "0x1F")


def test_other_words_for_a_key_are_the_same_key() -> None:
    (story,) = read("stories:\n- story_id: 1.10\n  depends_on: 1.0\n  files: [a.py, 2.0]\n").stories
    assert (story.id, story.dependencies, story.files_affected) == ("1.10", ("1.0",), ("a.py", "2.0"))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("story_id: b", "3: `story_id` and `id` are the same key; keep one"),
        (
            "depends_on: [b]\ndependencies: [c]",
            "4: `dependencies` and `depends_on` are the same key; keep one",
        ),
    ],
)
def test_two_words_for_a_key_are_one_too_many(keys: str, message: str) -> None:
    assert why(keys) == message


def test_the_lines_of_stories_and_dependencies_are_known() -> None:
    text = "stories:\n- id: a\n\n- id: b\n  dependencies:\n  - a\n  - c\n- {id: c, dependencies: [\n a,\n d]}\n"
    _, second, third = read(text).stories
    assert [second.line, second.dependency_line(0), second.dependency_line(1)] == [4, 6, 7]
    assert [third.line, third.dependency_line(0), third.dependency_line(1)] == [8, 9, 10]


def test_other_keys_are_kept_as_metadata() -> None:
    epic = read("version: 2\nepic: {owner: me}\nstories:\n- {id: a, points: 5, status: done, rationale: {x: [1.5]}}")
    assert epic.header.metadata == {"owner": "me"}
    assert epic.stories[0].metadata == {"points": 5, "status": "done", "rationale": {"x": [1.5]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "stories:\n- id: a\n  dependancies: [b]",
            "3: `dependancies` is not a key; did you mean `dependencies`?",
        ),
        ("stories:\n- id: a\n  Depends-On: b", "3: `Depends-On` is not a key; did you mean `depends_on`?"),
        ("stories:\n- id: a\n  time out: 3", "3: `time out` is not a key; did you mean `timeout`?"),
        ("epic:\n  failfast: no\nstories: []", "2: `failfast` is not a key; did you mean `fail_fast`?"),
        ("epic:\n  shedule: waves\nstories: []", "2: `shedule` is not a key; did you mean `schedule`?"),
        ("storys: []\nstories: []", "1: `storys` is not a key; did you mean `stories`?"),
        ("storie: []\nstories: []", "1: `storie` is not a key; did you mean `stories`?"),
    ],
)
def test_a_key_that_is_near_a_known_one_is_taken_for_a_slip(text: str, message: str) -> None:
    assert refused(text) == [message]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *(
            ("true", "fail"),
            ("on", "fail"),
            ("false", "off"),
            ("off", "off"),
            ("'off'", "off"),
            ("fail", "fail"),
        ),
        *(("serialize", "serialize"), ("warn", "warn"), ("", None)),
    ],
)
def test_conflict_detection_is_a_yes_or_no_or_a_policy(word: str, meant: str | None) -> None:
    assert read(f"epic: {{conflict_detection: {word}}}\nstories: []").header.conflict_detection == meant


def test_a_story_needs_an_id() -> None:
    assert refused("stories:\n- id: a\n-\n  title: x") == ["4: a story: id is missing"]
    assert refused("stories:\n- {id: }") == ["2: a story: id is missing"]


def test_values_of_the_environment_are_text() -> None:
    assert one("env: {A: 010, B: yes, C: 1.50, 1: ~x}").env == {
        "A": "010",
        "B": "yes",
        "C": "1.50",
        "1": "~x",
    }


@pytest.mark.parametrize(("given", "kept"), [("make x", "make x"), ("[make, 8.10, no]", ["make", "8.10", "no"])])
def test_a_command_is_text_for_the_shell_or_words(given: str, kept: Any) -> None:
    assert one(f"run: {given}").run == kept


def test_a_single_value_is_a_list_of_one_and_an_empty_one_is_none() -> None:
    story = one("dependencies: b\nfiles:\ntags: db\nacceptance_criteria: it works\nrun:\ntimeout: ~")
    assert (story.dependencies, story.files_affected, story.tags) == (("b",), (), ("db",))
    assert (story.acceptance_criteria, story.checks, story.run, story.timeout) == (
        ("it works",),
        [],
        None,
        None,
    )


def test_a_path_that_comes_back_inside_is_inside() -> None:
    assert one("cwd: a/../b/./c").cwd == "a/../b/./c"


@pytest.mark.parametrize(("second", "line"), [("\n- id: 'a'", 3), (", {id: a}]", 2)], ids=["lines", "one line"])
def test_an_id_is_given_once(second: str, line: int) -> None:
    start = "stories:\n- id: a" if "\n" in second else "stories:\n [{id: a}"
    assert refused(start + second) == [f"{line}: the id a is already taken by the story on line 2; rename one"]


def test_an_epic_may_have_no_stories_yet() -> None:
    assert read("stories: []").stories == []
