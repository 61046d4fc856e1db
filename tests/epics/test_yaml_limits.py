"""How the YAML of an epic file is read: safely, within limits, its anchors followed, its mistakes told with a line."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.epics.spec import StorySpec
from pytest_tapps_waves.errors import PlanProblems

PATH = "epic_shop.yaml"
MIB_5 = 5 * 1024 * 1024


def stories(text: str | bytes) -> Sequence[StorySpec]:
    return load(text.encode() if isinstance(text, str) else text, PATH).stories


def refused(text: str | bytes) -> list[str]:
    """The lines that say why a file is refused, without its name."""
    with pytest.raises(PlanProblems) as caught:
        stories(text)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    assert all(line.startswith(f"{PATH}:") for line in lines)
    return [line.removeprefix(f"{PATH}:") for line in lines]


def nested(depth: int, core: str = "") -> str:
    """Lists in lists, ``depth`` of them."""
    return "[" * depth + core + "]" * depth


@pytest.mark.parametrize("data", ["stories: [{id: é, run: x}]\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_utf_8_or_utf_16_with_a_mark(data: str, encoding: str) -> None:
    assert [story.id for story in stories(data.encode(encoding))] == ["é"]


def test_big_endian_utf_16_is_read() -> None:
    assert stories(b"\xfe\xff" + "stories: [{id: é}]".encode("utf-16-be"))[0].id == "é"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"stories:\n- id: a\n  title: caf\xe9\n", "3: not utf-8 text; save the file as UTF-8"),
        (b"stories:\r\n- id: a\r\n  title: \xff\r\n", "3: not utf-8 text; save the file as UTF-8"),
        (b"\xff\xfes\0t", "1: not utf-16 text; save the file as UTF-8"),
    ],
)
def test_bytes_that_are_no_text_are_told_with_their_line(data: bytes, message: str) -> None:
    assert refused(data) == [message]


@pytest.mark.parametrize("before", ["plain", "é" * 200, "\N{PILE OF POO}" * 200])
@pytest.mark.parametrize(("sign", "code"), [("\0", "0000"), ("\x1b", "001b")])
def test_a_control_character_is_told_with_its_line_whatever_stands_before(before: str, sign: str, code: str) -> None:
    text = f"note: {before}\nstories:\n- id: a\n  title: x{sign}y\n" + "\n" * 1000
    assert refused(text) == [f"4: not valid YAML: the character #x{code} may not stand in it"]


def test_windows_line_ends_are_one_line_end_each() -> None:
    text = "stories:\r\n- id: a\r\n  description: |\r\n    x\r\n    y\r\n- id: b\r\n  retries: {}\r\n"
    assert [(story.line, story.description) for story in stories(text.format(1))] == [(2, "x\ny\n"), (6, "")]
    assert refused(text.format("x")) == ["7: story b: retries must be a whole number, not 'x'"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stories:\n- id: 'a\n", "2: not valid YAML: found unexpected end of stream, while scanning a quoted scalar"),
        ("stories:\n- id: a\n b: c\n", "3: not valid YAML: did not find expected key, while parsing a block mapping"),
        ("stories: []\n---\nstories: []\n", "2: a second document begins here; keep one epic in a file"),
        ("stories:\n- {[a]: b}\n", "2: a key must be text, not a mapping or a list"),
        ("x: &x [a]\n*x : b\nstories: []\n", "2: a key must be text"),
        ("stories:\n- id: a\n  x: *no\n", "3: the alias *no has no anchor &no before it"),
        ("stories:\n- id: a\n  <<: x\n", "3: `<<` merges a mapping, or a list of them, and nothing else"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(text: str, message: str) -> None:
    assert refused(text) == [message]


def test_a_document_may_have_its_marks() -> None:
    assert stories("%YAML 1.1\n---\nstories: []\n...\n") == []


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("!!python/object/apply:os.system [x]", "tag:yaml.org,2002:python/object/apply:os.system"),
        ("!!python/object:os.system {}", "tag:yaml.org,2002:python/object:os.system"),
        ("!!python/name:os.system ''", "tag:yaml.org,2002:python/name:os.system"),
        ("!!timestamp 2020-01-01", "tag:yaml.org,2002:timestamp"),
        ("!!binary aGk=", "tag:yaml.org,2002:binary"),
        ("!!set {a}", "tag:yaml.org,2002:set"),
        ("!own x", "!own"),
    ],
)
def test_a_tag_that_is_not_plain_yaml_is_refused(value: str, tag: str) -> None:
    assert refused(f"stories:\n- id: a\n  x: {value}\n") == [f"3: the tag {tag} is not allowed; epics are plain YAML"]


def test_plain_tags_are_followed_but_text_stays_text() -> None:
    (story,) = stories("stories: [{id: !!int 07, retries: !!int '3', x: !!str 8.10, y: ! 1, z: !!seq [2]}]")
    assert (story.id, story.retries, story.metadata) == ("07", 3, {"x": "8.10", "y": "1", "z": [2]})
    assert refused("stories:\n- id: a\n  retries: !!int x") == ["3: 'x' is not a valid int"]


def test_a_key_is_given_once_and_each_second_is_told() -> None:
    text = "stories:\n- id: a\n  id: b\n  x:\n    y: 1\n    y: 2\nstories: []\n"
    assert refused(text) == [
        "3: the key 'id' is already there, on line 2; keep one",
        "6: the key 'y' is already there, on line 5; keep one",
        "7: the key 'stories' is already there, on line 1; keep one",
    ]


def test_a_file_may_have_5_mib_and_not_a_byte_more() -> None:
    end = b"\nstories: []"
    assert stories(b"#" * (MIB_5 - len(end)) + end) == []
    assert refused(b"#" * (MIB_5 - len(end) + 1) + end) == [
        "1: the file has 5,242,881 bytes, more than 5,242,880; split the epic"
    ]


def test_a_file_may_be_100_deep_and_no_deeper() -> None:
    assert stories(f"x: {nested(99)}\nstories: []") == []
    assert refused(f"stories: []\nx: {nested(100)}") == ["2: nested more than 100 deep"]


@pytest.mark.parametrize("key", ["x", "env"], ids=["as it is", "as text"])
def test_aliases_count_where_they_lead_to(key: str) -> None:
    text = "a: &a {x: %s}\nb: &b\n  c: %s\nstories:\n- id: s\n  " + key + ": *b\n"
    assert refused(text % (nested(48), nested(50, "*a"))) == ["3: nested more than 100 deep"]


def test_an_alias_may_lead_100_deep() -> None:
    # The file, the list, the story, the key's own 49 lists, and the 48 of the alias.
    text = "a: &a %s\nstories:\n- id: s\n  x: %s\n"
    (story,) = stories(text % (nested(48), nested(49, "*a")))
    assert json.dumps(story.metadata)
    assert refused(text % (nested(49), nested(49, "*a"))) == ["4: nested more than 100 deep"]


def bomb(*, per_list: int, lists: int) -> str:
    """Each list holds the one before so many times."""
    lines = [f"l0: &l0 [{', '.join('x' * per_list)}]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * per_list)}]" for n in range(1, lists)]
    return "\n".join(lines) + "\nstories: []\n"


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    assert stories(bomb(per_list=9, lists=5)) == []
    assert refused(bomb(per_list=9, lists=9)) == [
        "7: more than 1,000,000 nodes once aliases are followed; split the epic"
    ]


def test_an_alias_bomb_where_text_is_wanted_is_refused_too() -> None:
    text = bomb(per_list=9, lists=6).replace("stories: []", "stories:\n- id: a\n  env: [*l5, *l5]\n- x: [*l4, *l4]")
    assert refused(text) == ["9: more than 1,000,000 nodes once aliases are followed; split the epic"]


@pytest.mark.parametrize("text", ["stories: &s\n- id: a\n  x: *s\n", "stories: &s\n- id: a\n  x: [{y: *s}]\n"])
def test_an_alias_to_what_it_is_part_of_is_refused(text: str) -> None:
    assert refused(text) == ["3: the alias *s refers to what it is part of"]


def test_an_alias_is_read_as_its_own_place_wants_it() -> None:
    text = """\
number: &number 010
list: &list [8.10, 0x1F]
map: &map {N: 1.50, ON: yes}
stories:
- {id: *number, retries: *number, dependencies: *list, points: *list, env: *map, x: *map}
"""
    (story,) = stories(text)
    assert (story.id, story.retries, story.dependencies) == ("010", 8, ["8.10", "0x1F"])
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


def test_the_last_anchor_of_a_name_counts() -> None:
    assert stories("a: &a 1\nb: &a 2\nstories: [{id: x, retries: *a}]")[0].retries == 2


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


def test_a_quoted_merge_key_is_a_key_like_others() -> None:
    assert stories("stories:\n- id: a\n  '<<': x\n")[0].metadata == {"<<": "x"}


def test_a_mistake_that_stories_share_is_told_once_each_where_it_stands() -> None:
    text = "d: &d\n  retries: x\n  titel: y\nstories:\n- {id: a, <<: *d}\n- {id: a, <<: *d}\n"
    said = "2: story a: retries must be a whole number, not 'x'"
    assert refused(text) == [said, "3: `titel` is not a key; did you mean `title`?"]


def test_a_story_given_twice_by_an_alias_has_its_id_twice() -> None:
    text = "stories:\n- &a {id: a}\n- *a\n- {id: a}\n"
    said = "the id a is already taken by the story on line 2; rename one"
    assert refused(text) == [f"3: {said}", f"4: {said}"]


def test_signs_that_break_lines_do_not_break_messages() -> None:
    text = 'stories:\n- id: a\n  "x\\ny": 1\n  "x\\ny": 2\n  retries: "\\u2028"\n'
    assert refused(text) == [
        "4: the key 'x\\ny' is already there, on line 3; keep one",
        "5: story a: retries must be a whole number, not '\\u2028'",
    ]


@pytest.mark.parametrize("key", ["agent", "budget"])
@pytest.mark.parametrize(
    ("start", "shown"), [("stories:\n- id: a\n  {}: 1", ""), ("epic:\n\n  {}: 1\nstories: []", "epic.")]
)
def test_a_reserved_key_is_refused_rather_than_ignored(key: str, start: str, shown: str) -> None:
    (message,) = refused(start.format(key))
    assert message.startswith(f"3: `{shown}{key}`: ")
    assert "not part of this version" in message


@pytest.mark.parametrize(("path", "identifier"), [("a b/epic_x.v2.yaml", "x.v2"), ("epic_8.10.yml", "8.10")])
def test_only_the_ending_of_the_file_name_is_left_out_of_an_id(path: str, identifier: str) -> None:
    assert load(b"stories: []", path).header.id == identifier


def test_a_file_name_that_is_no_id_asks_for_one() -> None:
    with pytest.raises(PlanProblems, match=r"^epic_a b\.yaml:1: epic\.id must be one word .*, not 'a b'$"):
        load(b"stories: []", "epic_a b.yaml")
    assert load(b"epic: {id: a}\nstories: []", "epic_a b.yaml").header.id == "a"


def test_a_story_without_action_and_checks_is_documentation() -> None:
    (story,) = stories("stories: [{id: a, description: why, acceptance_criteria: [it is read]}]")
    assert (story.run, story.call, story.checks, story.acceptance_criteria) == (None, None, [], ["it is read"])


@pytest.mark.parametrize("end", ["", ".5"])
def test_a_number_of_minutes_and_seconds_has_a_longest_form(end: str) -> None:
    text = "stories:\n- id: a\n  points: " + ":".join(["1"] * 500_000) + end
    shown = ":".join(["1"] * 20)
    assert refused(text) == [f"3: '{shown}:'... is not a valid number"]
    assert stories("stories:\n- id: a\n  points: 1:30:00\n")[0].metadata == {"points": 5400}
