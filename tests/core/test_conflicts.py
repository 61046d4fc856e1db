"""What conflicts promise: stories of one wave with a common file are found, all of them, soon, and told in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pytest_tapps_waves.core import overlaps
from pytest_tapps_waves.core.conflicts import Conflict, describe, find_conflicts, refusals
from pytest_tapps_waves.core.globs import Glob, overlap, parse
from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import EpicRules, OnConflict, Story

MODERATE = settings(max_examples=300, deadline=None, database=None)
A, B = "epic_a.yaml", "epic_b.yaml"
FAIL = {epic: EpicRules() for epic in (A, B)}


def story(name: str, *files: str, epic: str = A, line: int = 0, needs: Sequence[str] = ()) -> Story:
    return Story(f"{epic}::{name}", name, epic, line or int(name), tuple(needs), files)


def found(
    *stories: Story, rules: Mapping[str, EpicRules] = FAIL, directories: Iterable[str] = (), present: str | None = None
) -> list[Conflict]:
    graph = Graph(stories)
    known = set(directories)
    return find_conflicts(graph, graph.waves, rules, known.__contains__, lambda one, other: present)


def told(graph: Graph, wave: int, stories: Iterable[str], paths: Iterable[str]) -> str:
    return describe(graph, Conflict(wave, tuple(stories), tuple(paths), OnConflict.FAIL))


def graph_of(count: int) -> Graph:
    return Graph(story(str(number)) for number in range(1, count + 1))


def test_two_stories_of_one_wave_and_one_file_conflict() -> None:
    assert found(story("1", "a.py"), story("2", "b.py"), story("3", "a.py")) == [
        Conflict(1, (f"{A}::1", f"{A}::3"), ("a.py",), OnConflict.FAIL)
    ]


def test_stories_of_different_waves_do_not_conflict() -> None:
    assert found(story("1", "a.py"), story("2", "a.py", needs=[f"{A}::1"])) == []


def test_a_story_does_not_conflict_with_itself() -> None:
    assert found(story("1", "a.py", "a.py", "*.py", "/a.py")) == []


def test_stories_of_different_epics_conflict() -> None:
    (conflict,) = found(story("1", "a.py"), story("1", "a.py", epic=B))
    assert conflict.stories == (f"{A}::1", f"{B}::1")


def test_files_of_the_same_stories_are_one_conflict() -> None:
    (conflict,) = found(story("1", "a.py", "b.py"), story("2", "b.py", "a.py"))
    assert conflict.paths == ("a.py", "b.py")


def test_conflicts_and_their_stories_stand_in_file_order_whatever_order_items_have() -> None:
    shuffled = [story("3", "/x", "/y"), story("1", "/y"), story("4", "/z", epic=B), story("2", "/x"), story("5", "/z")]
    keys = [[key.partition("::")[2] for key in conflict.stories] for conflict in found(*shuffled)]
    assert keys == [["1", "3"], ["2", "3"], ["5", "4"]]


def test_conflicts_stand_in_the_order_of_waves() -> None:
    first = [story("8", "/x"), story("9", "/x")]
    later = [story(name, "/y", needs=[f"{A}::8"]) for name in "12"]
    assert [conflict.wave for conflict in found(*first, *later)] == [1, 2]


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        ("src/*.py", "src/a.py", "src/a.py"),
        ("*.py", "setup.py", "setup.py"),
        ("/setup.py", "setup.py", "/setup.py"),
        ("src/", "src/a.py", "src/a.py"),
        ("src/db", "src/db/a.py", "src/db/a.py"),
        ("**/setup.py", "setup.py", "**/setup.py"),
        ("/a.py", "./a.py", "/a.py"),
        ("src/*.py", "src/a*", "src/*.py and src/a*"),
    ],
)
def test_what_is_in_common_is_the_closest_that_is_spelled_out(one: str, other: str, shown: str) -> None:
    (conflict,) = found(story("1", one), story("2", other))
    assert conflict.paths == (shown,)


def test_of_two_globs_a_present_file_is_shown() -> None:
    (conflict,) = found(story("1", "src/*.py"), story("2", "src/a*"), present="src/ab.py")
    assert conflict.paths == ("src/ab.py (by src/*.py and src/a*)",)


def test_a_known_directory_conflicts_with_what_is_in_it() -> None:
    stories = [story("1", "src/db"), story("2", "src/*/models.py")]
    assert found(*stories) == []
    assert len(found(*stories, directories=["src/db"])) == 1


@pytest.mark.parametrize(
    ("ours", "theirs", "strictest"),
    [
        (OnConflict.FAIL, OnConflict.WARN, OnConflict.FAIL),
        (OnConflict.SERIALIZE, OnConflict.FAIL, OnConflict.FAIL),
        (OnConflict.WARN, OnConflict.SERIALIZE, OnConflict.SERIALIZE),
        (OnConflict.WARN, OnConflict.WARN, OnConflict.WARN),
    ],
)
def test_the_strictest_epic_decides(ours: OnConflict, theirs: OnConflict, strictest: OnConflict) -> None:
    rules = {A: EpicRules(on_conflict=ours), B: EpicRules(on_conflict=theirs)}
    (conflict,) = found(story("1", "/x"), story("1", "/x", epic=B), rules=rules)
    assert conflict.policy is strictest


@pytest.mark.parametrize("theirs", [{}, {B: EpicRules(on_conflict=OnConflict.OFF)}], ids=["no rules", "off"])
def test_an_epic_that_is_off_or_has_no_rules_takes_no_part(theirs: dict[str, EpicRules]) -> None:
    stories = [story("1", "/x"), story("2", "/x", epic=B), story("3", "/x", epic=B)]
    assert found(*stories, rules={A: EpicRules(), **theirs}) == []


def test_two_stories_are_told_with_their_lines() -> None:
    graph = Graph([story("8.2", line=31), story("8.3", line=40)])
    expected = "8.2 and 8.3 are both in wave 2 and both affect src/a.py (epic_a.yaml:31, :40)"
    assert told(graph, 2, graph.stories, ["src/a.py"]) == expected


def test_three_stories_are_told_as_all() -> None:
    expected = "1, 2 and 3 are all in wave 1 and all affect /x, /y (epic_a.yaml:1, :2, :3)"
    assert told(graph_of(3), 1, graph_of(3).stories, ["/x", "/y"]) == expected


def test_of_many_stories_the_first_eight_are_told() -> None:
    lines = ", ".join(f":{line}" for line in range(1, 9))
    expected = f"1, 2, 3, 4, 5, 6, 7, 8 and 12 more are all in wave 1 and all affect /x (epic_a.yaml{lines})"
    assert told(graph_of(20), 1, graph_of(20).stories, ["/x"]) == expected


def test_eight_stories_are_told_in_full() -> None:
    assert told(graph_of(8), 1, graph_of(8).stories, ["/x"]).startswith("1, 2, 3, 4, 5, 6, 7 and 8 are all in wave 1")


@pytest.mark.parametrize(
    ("count", "shown"), [(8, "/0, /1, /2, /3, /4, /5, /6, /7"), (10, "/0, /1, /2, /3, /4, /5, /6, /7 and 2 more")]
)
def test_of_many_files_the_first_eight_are_told(count: int, shown: str) -> None:
    text = told(graph_of(2), 1, graph_of(2).stories, [f"/{number}" for number in range(count)])
    assert text == f"1 and 2 are both in wave 1 and both affect {shown} (epic_a.yaml:1, :2)"


def test_stories_of_several_epics_are_told_apart() -> None:
    graph = Graph([story("1"), story("5"), story("1", epic=B), story("2", epic=B)])
    expected = f"1, 5, {B}::1 and {B}::2 are all in wave 1 and all affect /x ({A}:1, :5, {B}:1, :2)"
    assert told(graph, 1, graph.stories, ["/x"]) == expected


def test_each_story_of_a_failing_conflict_is_refused_with_all_its_messages() -> None:
    stories = [story("1", "/x"), story("2", "/x", "/y"), story("3", "/y"), story("4", "/z")]
    messages = refusals(Graph(stories), found(*stories))
    x = f"1 and 2 are both in wave 1 and both affect /x ({A}:1, :2)"
    y = f"2 and 3 are both in wave 1 and both affect /y ({A}:2, :3)"
    assert messages == {f"{A}::1": x, f"{A}::2": f"{x}\n{y}", f"{A}::3": y}


@pytest.mark.parametrize("policy", [OnConflict.SERIALIZE, OnConflict.WARN])
def test_conflicts_of_other_policies_refuse_nothing(policy: OnConflict) -> None:
    stories = [story("1", "/x"), story("2", "/x")]
    conflicts = found(*stories, rules={A: EpicRules(on_conflict=policy)})
    assert len(conflicts) == 1
    assert refusals(Graph(stories), conflicts) == {}


names = st.sampled_from(["a", "b", "a", "b", "*", "?", "[ab]", "**", r"\*", r"\a"])
pattern = st.builds(
    lambda before, parts, after: before + "/".join(parts) + after,
    st.sampled_from(["", "", "/"]),
    st.lists(names, min_size=1, max_size=3),
    st.sampled_from(["", "", "", "/"]),
)


@MODERATE
@given(
    files=st.lists(st.lists(pattern, max_size=3), min_size=2, max_size=6),
    directories=st.sets(st.sampled_from(["a", "b", "a/b", "b/a"])),
)
def test_the_index_finds_what_holding_each_against_each_finds(files: list[list[str]], directories: set[str]) -> None:
    stories = [story(str(line), *patterns) for line, patterns in enumerate(files, 1)]
    by_index = {
        pair for conflict in found(*stories, directories=directories) for pair in combinations(conflict.stories, 2)
    }
    globs = {one.key: [parse(text, directories.__contains__) for text in one.files] for one in stories}
    naively = {
        (one.key, other.key)
        for one, other in combinations(stories, 2)
        if any(overlap(a, b) for a in globs[one.key] for b in globs[other.key])
    }
    assert by_index == naively


@pytest.mark.parametrize(
    ("extra", "most"),
    [((), 0), (("pkg7/*.py",), 10), (("m.py",), 20_010), (("**/*.md",), 31_000)],
    ids=["literal only", "a glob below a folder", "a name", "a glob of everything"],
)
def test_a_wave_of_ten_thousand_stories_is_searched_in_linear_time(
    extra: tuple[str, ...], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def counted(one: Glob, other: Glob) -> bool:
        nonlocal calls
        calls += 1
        return overlap(one, other)

    monkeypatch.setattr(overlaps, "overlap", counted)
    many = [story(str(n), f"pkg{n}/m.py", f"/pkg{n}/x/m.py", f"docs/{n}.rst") for n in range(1, 10_001)]
    conflicts = found(*many, story("10001", "pkg9/m.py", *extra))
    assert calls <= most
    assert (f"{A}::9", f"{A}::10001") in [conflict.stories for conflict in conflicts]
