"""What the search for file conflicts promises: every pair of a wave, and not by asking about every pair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pytest_tapps_waves.core import conflicts as module
from pytest_tapps_waves.core.conflicts import Conflict, describe, find_conflicts, refusals
from pytest_tapps_waves.core.globs import Glob, overlap, parse
from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import EpicRules, OnConflict, Story

MODERATE = settings(max_examples=300, deadline=None, database=None)
FAIL, SERIALIZE, WARN, OFF = OnConflict
EPIC = "epic_a.yaml"
DIRECTORIES = frozenset({"a", "a/b", "docs"})


def rules(**policies: OnConflict) -> dict[str, EpicRules]:
    return {f"epic_{letter}.yaml": EpicRules(on_conflict=policy) for letter, policy in policies.items()}


def one_epic(*files: Iterable[str]) -> Graph:
    """Stories 1, 2, … of one epic, each on the line of ten times its number."""
    return Graph(Story(str(n), str(n), EPIC, 10 * n, files=tuple(texts)) for n, texts in enumerate(files, 1))


def found_in(graph: Graph, policies: Mapping[str, EpicRules] | None = None) -> list[Conflict]:
    return find_conflicts(graph, graph.waves, policies or rules(a=FAIL), DIRECTORIES.__contains__)


def test_stories_of_one_wave_that_affect_one_file_are_in_conflict() -> None:
    assert found_in(one_epic(["x"], ["y"], ["y", "x"])) == [
        Conflict(1, ("1", "3"), ("x",), FAIL),
        Conflict(1, ("2", "3"), ("y",), FAIL),
    ]


def test_stories_of_different_waves_are_not() -> None:
    graph = Graph([Story("a", "a", EPIC, 1, files=("x",)), Story("b", "b", EPIC, 2, ("a",), files=("x",))])
    assert found_in(graph) == []
    together = find_conflicts(graph, (("a", "b"),), rules(a=FAIL))
    assert [conflict.stories for conflict in together] == [("a", "b")]


def test_conflicts_come_in_the_order_of_waves_then_of_files() -> None:
    stories = [Story(str(n), str(n), EPIC, n, files=("x",)) for n in (3, 2, 1, 4)]
    following = [Story(key, key, EPIC, int(key), ("1",), files=("y",)) for key in ("6", "5")]
    conflicts = found_in(Graph([*following, *stories]))
    assert [(conflict.wave, conflict.stories) for conflict in conflicts] == [
        (1, ("1", "2", "3", "4")),
        (2, ("5", "6")),
    ]


def test_a_story_is_not_in_conflict_with_itself() -> None:
    assert found_in(one_epic(["x", "/x", "*", "x"], [])) == []


def test_all_that_the_same_stories_have_in_common_is_one_conflict() -> None:
    (conflict,) = found_in(one_epic(["/x", "src/a.py"], ["src/*", "/x"]))
    assert conflict.paths == ("/x", "src/a.py")


def test_no_files_no_conflicts() -> None:
    assert found_in(one_epic([], [])) == []
    assert find_conflicts(Graph([]), (), {}) == []


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        ("src/a.py", "src/a.py", "src/a.py"),
        ("src/a.py", "/src/a.py", "src/a.py"),
        ("src/*.py", "src/a.py", "src/a.py"),
        ("src/**", "src/deep/a.py", "src/deep/a.py"),
        ("src/lib", "src/lib/a.py", "src/lib/a.py"),
        ("a/b", "a/*/c", "a/b"),
        ("a.py", "src/a.py", "src/a.py"),
        ("a.py", "src/*", "a.py"),
        ("src/*.py", "src/a*", "src/*.py and src/a*"),
    ],
)
def test_what_is_in_common_is_named_as_closely_as_can_be(one: str, other: str, path: str) -> None:
    for pair in ([one], [other]), ([other], [one]):
        (conflict,) = found_in(one_epic(*pair))
        assert set(conflict.paths) in ({path}, {" and ".join(reversed(path.split(" and ")))}, {"/" + path})


def test_a_present_file_is_named_for_two_globs() -> None:
    graph = one_epic(["src/*.py"], ["src/a*"])
    (conflict,) = find_conflicts(graph, graph.waves, rules(a=FAIL), in_common=lambda one, other: f"{one}+{other}")
    assert conflict.paths == ("src/*.py+src/a* (by src/*.py and src/a*)",)


@pytest.mark.parametrize(
    ("a", "b", "policy"),
    [(FAIL, WARN, FAIL), (WARN, SERIALIZE, SERIALIZE), (WARN, WARN, WARN), (SERIALIZE, FAIL, FAIL)],
)
def test_the_strictest_policy_of_the_epics_holds(a: OnConflict, b: OnConflict, policy: OnConflict) -> None:
    graph = Graph(Story(epic, epic, f"epic_{epic}.yaml", 1, files=("x",)) for epic in "ab")
    (conflict,) = found_in(graph, rules(a=a, b=b))
    assert conflict == Conflict(1, ("a", "b"), ("x",), policy)


@pytest.mark.parametrize("others", [rules(a=FAIL, b=OFF), rules(a=FAIL)], ids=["off", "no rules"])
def test_an_epic_without_a_policy_takes_no_part(others: dict[str, EpicRules]) -> None:
    graph = Graph(Story(epic, epic, f"epic_{epic}.yaml", 1, files=("x",)) for epic in "ab")
    assert found_in(graph, others) == []


def test_stories_on_one_line_come_in_file_order_whatever_they_are_called() -> None:
    names = [f"{number * 7919 % 1000}" for number in range(100)]
    graph = Graph(Story(name, name, EPIC, 1, files=("x",)) for name in names)
    (conflict,) = found_in(graph)
    assert conflict.stories == tuple(names)


def test_a_conflict_is_told_in_one_line_with_its_places() -> None:
    graph = one_epic(["src/db/models.py"], ["src/db/models.py"])
    (conflict,) = found_in(graph)
    told = "1 and 2 are both in wave 1 and both affect src/db/models.py (epic_a.yaml:10, :20)"
    assert describe(graph, conflict) == told
    assert refusals(graph, [conflict]) == {"1": told, "2": told}


def test_a_conflict_of_more_stories_and_files_names_all_of_them() -> None:
    graph = one_epic(["x", "y"], ["x", "y"], ["y", "x"])
    told = "1, 2 and 3 are all in wave 1 and all affect x, y (epic_a.yaml:10, :20, :30)"
    assert [describe(graph, conflict) for conflict in found_in(graph)] == [told]


def test_a_large_conflict_is_told_in_short() -> None:
    files = [f"/f{number}" for number in range(9)]
    (conflict,) = found_in(graph := one_epic(*[files] * 10))
    assert describe(graph, conflict, most=2) == (
        "1, 2 and 8 more are all in wave 1 and all affect /f0, /f1 and 7 more (epic_a.yaml:10, :20)"
    )


def test_a_conflict_across_epics_names_the_other_story_and_its_file_in_full() -> None:
    graph = Graph(Story(f"epic_{epic}.yaml::1", "1", f"epic_{epic}.yaml", 3, files=("x",)) for epic in "ab")
    (conflict,) = found_in(graph, rules(a=FAIL, b=FAIL))
    assert describe(graph, conflict) == (
        "1 and epic_b.yaml::1 are both in wave 1 and both affect x (epic_a.yaml:3, epic_b.yaml:3)"
    )


@pytest.mark.parametrize("policy", [SERIALIZE, WARN])
def test_only_the_policy_fail_refuses_stories(policy: OnConflict) -> None:
    graph = one_epic(["x"], ["x"])
    conflicts = found_in(graph, rules(a=policy))
    assert conflicts
    assert refusals(graph, conflicts) == {}


def test_a_story_of_two_conflicts_is_refused_for_both() -> None:
    graph = one_epic(["x"], ["x", "y"], ["y"])
    first, second = refusals(graph, found_in(graph))["2"].splitlines()
    assert first.startswith("1 and 2 are both")
    assert second.startswith("2 and 3 are both")


SEGMENTS = st.sampled_from(["a", "b", "ab", "docs", "*", "a*", "?b", "[ab]", "**", r"\a", r"\*", r"a\*b", "aab"])
PATTERNS = st.builds(
    lambda start, segments, end: start + "/".join(segments) + end,
    st.sampled_from(["", "", "/"]),
    st.lists(SEGMENTS, min_size=1, max_size=3),
    st.sampled_from(["", "", "/", "/**"]),
)


@MODERATE
@given(st.lists(st.lists(PATTERNS, max_size=3), min_size=2, max_size=8))
def test_the_index_finds_the_very_pairs_that_asking_about_each_pair_finds(files: list[list[str]]) -> None:
    graph = one_epic(*files)
    indexed = {pair for conflict in found_in(graph) for pair in combinations(conflict.stories, 2)}
    globs = {
        key: [parse(text, DIRECTORIES.__contains__) for text in story.files] for key, story in graph.stories.items()
    }
    asked = {
        (one, other)
        for one, other in combinations(graph.stories, 2)
        if any(overlap(a, b) for a in globs[one] for b in globs[other])
    }
    assert indexed == asked


def test_ten_thousand_stories_need_few_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 10_000
    graph = one_epic(*[[f"src/m{n}/**", f"src/m{n}/x.py", f"docs/{n}.md"] for n in range(count)], ["src/m7/x*"])
    calls = 0

    def counted(one: Glob, other: Glob) -> bool:
        nonlocal calls
        calls += 1
        return overlap(one, other)

    monkeypatch.setattr(module, "overlap", counted)
    assert [conflict.stories for conflict in found_in(graph)] == [("8", str(count + 1))]
    assert 0 < calls < 5 * count
