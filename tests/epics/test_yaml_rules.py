"""Epic files are plain YAML, read safely and within limits; what is more than that is refused in one line."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from pytest_tapps_waves.epics import yaml_lines
from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.epics.spec import EpicDefinition
from pytest_tapps_waves.epics.yaml_lines import MAX_BYTES, MAX_NODES
from pytest_tapps_waves.errors import PlanProblems


def read(data: str | bytes) -> EpicDefinition:
    return load(data.encode() if isinstance(data, str) else data, "epic_x.yaml")


def refused(data: str | bytes) -> str:
    with pytest.raises(PlanProblems) as caught:
        read(data)
    (message,) = str(caught.value).splitlines()
    assert message.startswith("epic_x.yaml:")
    return message.removeprefix("epic_x.yaml:")


def extra(text: str) -> dict[str, Any]:
    """The metadata of the only story."""
    (story,) = read(text).stories
    assert story.metadata is not None
    return story.metadata


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stories:\n- id: a\n  x: 1\n  x: 2", "4: the key 'x' is already there, on line 3; keep one"),
        ("stories: []\nepic:\nstories: []", "3: the key 'stories' is already there, on line 1; keep one"),
        ("stories: [{id: a, x: {1: b,\n '1': c}}]", "2: the key '1' is already there, on line 1; keep one"),
        ("&k stories: []\n*k : []", "2: the key 'stories' is already there, on line 1; keep one"),
    ],
)
def test_a_key_is_given_once(text: str, message: str) -> None:
    assert refused(text) == message


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


def test_what_stands_there_itself_wins_over_what_is_merged() -> None:
    text = """\
defaults: &defaults {x: 1, y: 1, z: [1]}
others: &others {y: 2, w: 2}
stories:
- {id: a, x: 0, <<: [*others, *defaults]}
"""
    assert extra(text) == {"x": 0, "y": 2, "w": 2, "z": [1]}


def test_a_merged_mistake_is_told_with_the_line_where_it_stands() -> None:
    text = "defaults: &d\n  timeout: soon\nstories:\n- <<: *d\n  id: a"
    assert refused(text) == "2: story a: timeout must be a number, not 'soon'"


@pytest.mark.parametrize("value", ["3", "[3]", "", "text"])
def test_only_mappings_are_merged(value: str) -> None:
    assert refused(f"stories:\n- <<: {value}\n") == "2: `<<` merges a mapping, or a list of them, and nothing else"


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
    assert (first.title, first.dependencies, first.run) == ("8.10", ["1.0", "0x1F", "8.10"], ["echo", "8.10"])
    assert first.env == {"LEVEL": "010", "ON": "yes", "VERSION": "8.10"}
    assert second.env == {**first.env, "OTHER": "8.10"}


def test_an_alias_where_text_belongs_keeps_keys_that_are_aliases() -> None:
    text = "name: &name LEVEL\nvars: &vars\n  *name : 010\nstories:\n- id: a\n  env: *vars"
    assert read(text).stories[0].env == {"LEVEL": "010"}


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("stories:\n- &a [*a]", 2, "a"),
        ("x: &a\n  y: &b\n    z: *a\nstories: []", 3, "a"),
        ("&r\nx:\n- *r", 3, "r"),
    ],
)
def test_an_alias_to_what_it_is_part_of_is_refused(text: str, line: int, name: str) -> None:
    assert refused(text) == f"{line}: the alias *{name} refers to what it is part of"


def test_an_alias_needs_an_anchor_before_it() -> None:
    assert refused("stories:\n- *a\n- &a {id: a}") == "2: the alias *a has no anchor &a before it"


def test_a_key_is_text() -> None:
    assert refused("stories:\n- ? [a]\n  : b") == "2: a key must be text, not a mapping or a list"
    assert refused("x: &a [1]\nstories:\n- *a : b") == "3: a key must be text"


@pytest.mark.parametrize("key", ["laughs", "dependencies"], ids=["as values", "as text"])
def test_a_billion_laughs_are_refused_before_they_are_told(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever they end up: counted, or read again as text."""
    monkeypatch.setattr(yaml_lines, "MAX_NODES", 10_000)
    lines = ["l0: &l0 [ha]", *(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))]
    many = ", ".join(["*l3"] * 99)
    for text in (
        [*lines, f"stories: [{{id: a, {key}: *l11}}]"],
        [*lines[:4], f"stories: [{{id: a, {key}: [{many}]}}]"],
    ):
        _, _, message = refused("\n".join(text)).partition(": ")
        assert message == "more than 10,000 nodes once aliases are followed; split the epic"


def test_the_limits_are_those_of_the_contract() -> None:
    assert (MAX_BYTES, MAX_NODES, yaml_lines.MAX_DEPTH) == (5 * 1024 * 1024, 1_000_000, 100)


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


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("!!python/object/apply:os.system [echo]", "tag:yaml.org,2002:python/object/apply:os.system"),
        ("!!python/name:os.system ''", "tag:yaml.org,2002:python/name:os.system"),
        ("!!binary aGk=", "tag:yaml.org,2002:binary"),
        ("!!set {a, b}", "tag:yaml.org,2002:set"),
        ("!mine {a: b}", "!mine"),
    ],
)
def test_a_tag_that_makes_an_object_is_refused(text: str, tag: str) -> None:
    assert refused(f"stories:\n- id: a\n  x: {text}") == f"3: the tag {tag} is not allowed; epics are plain YAML"
    assert refused(f"stories:\n- id: a\n  env: {text}").startswith(f"3: the tag {tag} is not allowed")


@pytest.mark.parametrize("scalar", ["!!int x", "!!bool 3", "!!float ''", "0x_", "9" * 5000, "0x" + "f" * 5000])
def test_a_number_that_is_none_or_beyond_use_is_refused(scalar: str) -> None:
    assert refused(f"stories:\n- id: a\n  retries: {scalar}").startswith("3: ")


def test_a_second_document_is_refused() -> None:
    assert refused("stories: []\n---\nstories: []") == "2: a second document begins here; keep one epic in a file"
    assert read("---\nstories: []\n...\n").stories == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "stories:\n- id: 'a",
            "2: not valid YAML: found unexpected end of stream, while scanning a quoted scalar",
        ),
        ("stories:\n\t- id: a", "2: not valid YAML: found character that cannot start any token, "),
        ("stories: [", "1: not valid YAML: "),
        ("stories:\n- id: a\n title: b", "3: not valid YAML: "),
        ("stories:\n- id: a: b", "2: not valid YAML: mapping values are not allowed in this context"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_line(text: str, message: str) -> None:
    assert refused(text).startswith(message)


@pytest.mark.parametrize("sign", ["\0", "\a", "\x1b"])
@pytest.mark.parametrize("before", ["a", "é" * 100, "\u2028"], ids=["ascii", "wide", "separator"])
def test_a_control_character_is_told_with_its_line(sign: str, before: str) -> None:
    text = f"stories:\n- title: {before!r}\n  id: {sign}\n" + "\n" * 200
    assert refused(text) == f"3: not valid YAML: the character #x{ord(sign):04x} may not stand in it"


def test_bytes_that_are_no_text_are_told_with_their_line() -> None:
    assert refused(b"stories:\n- id: \xff") == "2: not utf-8 text; save the file as UTF-8"
    assert refused(b"stories:\n\n- id: caf\xe9\n") == "3: not utf-8 text; save the file as UTF-8"
    assert refused(b"\xff\xfes\0t") == "1: not utf-16 text; save the file as UTF-8"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encoding_may_be_one_of_unicode_with_a_mark(encoding: str) -> None:
    assert read("stories: [{id: é}]".encode(encoding)).stories[0].id == "é"


@pytest.mark.parametrize("tag", ["!%ED%A0%80", "!<%FF>", "!a%0Ab"])
def test_a_tag_of_odd_bytes_is_refused_in_one_line(tag: str) -> None:
    assert refused(f"stories: [{{id: {tag} a}}]").startswith("1: ")


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
