"""Epic files are plain YAML: what is read, and the limits. What is refused, and in which words, is in the corpus."""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from pytest_tapps_waves.epics import yaml_lines
from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.epics.spec import EpicDefinition, StorySpec
from pytest_tapps_waves.epics.yaml_lines import MAX_NODES
from pytest_tapps_waves.epics.yaml_text import MAX_BYTES, MAX_DEPTH
from pytest_tapps_waves.errors import PlanProblems


def read(data: str | bytes) -> EpicDefinition:
    return load(data.encode() if isinstance(data, str) else data, "epic_x.yaml")


def refused(data: str | bytes) -> str:
    with pytest.raises(PlanProblems) as caught:
        read(data)
    (message,) = str(caught.value).splitlines()
    assert message.startswith("epic_x.yaml:")
    return message.removeprefix("epic_x.yaml:")


def stories(text: str) -> Sequence[StorySpec]:
    return read(text).stories


def told(text: str) -> list[str]:
    """The lines that say why a file is refused, without its name."""
    with pytest.raises(PlanProblems) as caught:
        read(text)
    return [line.removeprefix("epic_x.yaml:") for line in str(caught.value).splitlines()]


def extra(text: str) -> Mapping[str, Any]:
    """The metadata of the only story."""
    (story,) = read(text).stories
    assert story.metadata is not None
    return story.metadata


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        *(("3", 3), ("0x1F", 31), ("1.5", 1.5), ("yes", True), ("~", None), ("null", None), ("", None)),
        *(
            ("'3'", "3"),
            ("! 3", "3"),
            ("!!str 3", "3"),
            ("!!int '3'", 3),
            ("1e3", "1e3"),
            ("2026-01-02", "2026-01-02"),
        ),
        *(("=", "="), ('"\\u00e9"', "é"), ("|\n   a\n   b\n", "a\nb\n"), ("é", "é")),
    ],
)
def test_a_plain_scalar_means_what_it_means_in_yaml(scalar: str, value: object) -> None:
    assert extra(f"stories:\n- id: a\n  x: {scalar}") == ({} if value is None else {"x": value})


@pytest.mark.parametrize("scalar", ["8.10", "010", "0x1F", "yes", "1_000", "2026-01-02", "1:30", "!!int 010"])
def test_below_a_text_key_a_scalar_is_the_text_that_stands_there(scalar: str) -> None:
    (story,) = read(f"stories:\n- id: a\n  title: {scalar}\n  run: [{scalar}]\n  env: {{A: {scalar}}}").stories
    text = scalar.removeprefix("!!int ")
    assert (story.title, story.run, story.env) == (text, [text], {"A": text})


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    assert extra("stories: [{id: a, '<<': {b: c}}]") == {"<<": {"b": "c"}}


def test_an_alias_is_what_its_anchor_stands_on() -> None:
    text = "stories:\n- &a {id: a, x: &x [1, {y: 2}], z: *x}\n- {<<: *a, id: b}"
    assert [story.metadata for story in read(text).stories] == [{"x": [1, {"y": 2}], "z": [1, {"y": 2}]}] * 2


def test_a_later_anchor_of_the_same_name_takes_over() -> None:
    assert extra("stories: [{id: a, x: &n 1, y: *n, z: &n 2, w: *n}]") == {"x": 1, "y": 1, "z": 2, "w": 2}


def test_an_alias_where_text_belongs_is_the_text_of_its_anchor() -> None:
    text = """\
version: &v 8.10
numbers: &n [1.0, 0x1F, *v]
vars: &vars {LEVEL: 010, ON: yes, VERSION: *v}
stories:
- id: a
  title: *v
  dependencies: *n
  run: [echo, *v]
  env: *vars
- id: b
  env: {<<: *vars, OTHER: *v}
"""
    first, second = read(text).stories
    assert (first.title, first.dependencies, first.run) == ("8.10", ("1.0", "0x1F", "8.10"), ["echo", "8.10"])
    assert first.env == {"LEVEL": "010", "ON": "yes", "VERSION": "8.10"}
    assert second.env == {**first.env, "OTHER": "8.10"}


def test_an_alias_where_text_belongs_keeps_keys_that_are_aliases() -> None:
    text = "name: &name LEVEL\nvars: &vars\n  *name : 010\nstories:\n- id: a\n  env: *vars"
    assert read(text).stories[0].env == {"LEVEL": "010"}


def test_the_limits_are_those_of_the_contract() -> None:
    assert (MAX_BYTES, MAX_NODES, MAX_DEPTH) == (5 * 1024 * 1024, 1_000_000, 100)


def test_nodes_up_to_the_limit_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "stories: [{id: a}]"
    monkeypatch.setattr(yaml_lines, "MAX_NODES", 6)
    assert read(text).stories
    monkeypatch.setattr(yaml_lines, "MAX_NODES", 5)
    assert refused(text).startswith("1: more than 5 nodes")


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{x: ", "}")])
def test_nesting_ends_at_a_hundred(opening: str, closing: str) -> None:
    def text(depth: int) -> str:
        return "stories:\n- id: a\n  x: " + opening * (depth - 3) + "1" + closing * (depth - 3)

    assert read(text(100)).stories
    assert refused(text(101)) == "3: nested more than 100 deep"
    assert refused(text(9_000)) == "3: nested more than 100 deep"


def test_a_file_of_five_mebibytes_is_read_and_a_larger_one_is_not() -> None:
    text = b"stories: [] #"
    assert read(text.ljust(MAX_BYTES, b"x")).stories == []
    message = refused(text.ljust(MAX_BYTES + 1, b"x"))
    assert message == "1: the file has 5,242,881 bytes, more than 5,242,880; split the epic"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_the_encoding_may_be_one_of_unicode_with_a_mark(encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    assert read(f"{mark}stories: [{{id: é}}]".encode(encoding)).stories[0].id == "é"


@pytest.mark.parametrize("text", ["stories: []", "stories: ["])
@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(text: str, enabled: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        if text.endswith("["):
            refused(text)
        else:
            read(text)
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


def nested(depth: int, core: str = "") -> str:
    """Lists in lists, ``depth`` of them."""
    return "[" * depth + core + "]" * depth


@pytest.mark.parametrize("before", ["plain", "é" * 200, "'\u2028'", "\N{PILE OF POO}" * 200])
@pytest.mark.parametrize(("sign", "code"), [("\0", "0000"), ("\x1b", "001b")])
def test_a_control_character_is_told_with_its_line_whatever_stands_before(before: str, sign: str, code: str) -> None:
    text = f"note: {before}\nstories:\n- id: a\n  title: x{sign}y\n" + "\n" * 1000
    assert told(text) == [f"4: not valid YAML: the character #x{code} may not stand in it"]


def test_windows_line_ends_are_one_line_end_each() -> None:
    text = "stories:\r\n- id: a\r\n  description: |\r\n    x\r\n    y\r\n- id: b\r\n  retries: {}\r\n"
    assert [(story.line, story.description) for story in stories(text.format(1))] == [(2, "x\ny\n"), (6, "")]
    assert told(text.format("x")) == ["7: story b: retries must be a whole number, not 'x'"]


def test_plain_tags_are_followed_but_text_stays_text() -> None:
    (story,) = stories("stories: [{id: !!int 07, retries: !!int '3', x: !!str 8.10, y: ! 1, z: !!seq [2]}]")
    assert (story.id, story.retries, story.metadata) == ("07", 3, {"x": "8.10", "y": "1", "z": [2]})
    assert told("stories:\n- id: a\n  retries: !!int x") == ["3: 'x' is not a valid int"]


@pytest.mark.parametrize("key", ["x", "env"], ids=["as it is", "as text"])
def test_aliases_count_where_they_lead_to(key: str) -> None:
    text = "a: &a {x: %s}\nb: &b\n  c: %s\nstories:\n- id: s\n  " + key + ": *b\n"
    assert told(text % (nested(48), nested(50, "*a"))) == ["3: nested more than 100 deep"]


def test_an_alias_may_lead_100_deep() -> None:
    # The file, the list, the story, the key's own 49 lists, and the 48 of the alias.
    text = "a: &a %s\nstories:\n- id: s\n  x: %s\n"
    (story,) = stories(text % (nested(48), nested(49, "*a")))
    assert json.dumps(story.metadata)
    assert told(text % (nested(49), nested(49, "*a"))) == ["4: nested more than 100 deep"]


def test_an_alias_is_read_as_its_own_place_wants_it() -> None:
    text = """\
number: &number 010
list: &list [8.10, 0x1F]
map: &map {N: 1.50, ON: yes}
stories:
- {id: *number, retries: *number, dependencies: *list, points: *list, env: *map, x: *map}
"""
    (story,) = stories(text)
    assert (story.id, story.retries, story.dependencies) == ("010", 8, ("8.10", "0x1F"))
    assert story.env == {"N": "1.50", "ON": "yes"}
    assert story.metadata == {"points": [8.1, 31], "x": {"N": 1.5, "ON": True}}


def test_an_anchor_that_was_text_is_a_number_where_one_is_wanted() -> None:
    (story,) = stories("stories:\n- {id: &n 3, retries: *n, env: &e {A: 010}, x: *e}\n")
    assert (story.id, story.retries, story.env, story.metadata) == ("3", 3, {"A": "010"}, {"x": {"A": 8}})


def test_an_alias_in_an_anchor_is_read_again_with_it() -> None:
    text = "k: &k KEY\nv: &v 1.0\ne: &e {*k : *v, B: 2, C: &c 3.0, D: *c}\nstories:\n- {id: a, env: *e, x: *e}\n"
    (story,) = stories(text)
    assert story.env == {"KEY": "1.0", "B": "2", "C": "3.0", "D": "3.0"}
    assert story.metadata == {"x": {"KEY": 1.0, "B": 2, "C": 3.0, "D": 3.0}}


def test_what_stands_in_a_story_itself_beats_what_it_merges_and_the_first_of_a_list_wins() -> None:
    text = """\
one: &one {timeout: 1, retries: 1, id: 8.10}
two: &two {timeout: 2, cwd: two}
stories:
- {timeout: 3, <<: *one}
- {id: b, <<: [*two, *one]}
- {id: c, env: {<<: {A: 1.0, B: x}, B: 2.0}}
"""
    first, second, third = stories(text)
    assert (first.id, first.timeout, first.retries) == ("8.10", 3, 1)
    assert (second.id, second.timeout, second.retries, second.cwd) == ("b", 2, 1, "two")
    assert third.env == {"A": "1.0", "B": "2.0"}


def test_a_mistake_that_stories_share_is_told_once_each_where_it_stands() -> None:
    text = "d: &d\n  retries: x\n  titel: y\nstories:\n- {id: a, <<: *d}\n- {id: a, <<: *d}\n"
    said = "2: story a: retries must be a whole number, not 'x'"
    assert told(text) == [said, "3: `titel` is not a key; did you mean `title`?"]


def test_a_story_given_twice_by_an_alias_has_its_id_twice() -> None:
    text = "stories:\n- &a {id: a}\n- *a\n- {id: a}\n"
    said = "the id a is already taken by the story on line 2; rename one"
    assert told(text) == [f"3: {said}", f"4: {said}"]


def test_signs_that_break_lines_do_not_break_messages() -> None:
    text = 'stories:\n- id: a\n  "x\\ny": 1\n  "x\\ny": 2\n  retries: "\\u2028"\n'
    assert told(text) == [
        "4: the key 'x\\ny' is already there, on line 3; keep one",
        "5: story a: retries must be a whole number, not '\\u2028'",
    ]


@pytest.mark.parametrize(("path", "identifier"), [("a b/epic_x.v2.yaml", "x.v2"), ("epic_8.10.yml", "8.10")])
def test_only_the_ending_of_the_file_name_is_left_out_of_an_id(path: str, identifier: str) -> None:
    assert load(b"stories: []", path).header.id == identifier


def test_a_file_name_that_is_no_id_asks_for_one() -> None:
    with pytest.raises(PlanProblems, match=r"^epic_a b\.yaml:1: epic\.id must be one word .*, not 'a b'$"):
        load(b"stories: []", "epic_a b.yaml")
    assert load(b"epic: {id: a}\nstories: []", "epic_a b.yaml").header.id == "a"


def test_a_story_without_action_and_checks_is_documentation() -> None:
    (story,) = stories("stories: [{id: a, description: why, acceptance_criteria: [it is read]}]")
    assert (story.run, story.call, story.checks, story.acceptance_criteria) == (None, None, [], ("it is read",))


@pytest.mark.parametrize("end", ["", ".5"])
def test_a_number_of_minutes_and_seconds_has_a_longest_form(end: str) -> None:
    text = "stories:\n- id: a\n  points: " + ":".join(["1"] * 500_000) + end
    shown = ":".join(["1"] * 20)
    assert told(text) == [f"3: '{shown}:'... is not a valid number"]
    assert stories("stories:\n- id: a\n  points: 1:30:00\n")[0].metadata == {"points": 5400}
