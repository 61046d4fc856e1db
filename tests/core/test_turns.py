"""Who waits for whom at a file: stories of earlier waves, by patterns and not by pairs."""

from __future__ import annotations

import pytest

from pytest_tapps_waves.core.globs import Glob, overlap
from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import EpicRules, OnConflict, Story
from pytest_tapps_waves.core.policies.base import Turns
from pytest_tapps_waves.core.turns import find_turns

EPIC, OTHER = "epic_a.yaml", "epic_b.yaml"


def story(key: str, needs: str = "", *files: str, epic: str = EPIC) -> Story:
    return Story(key, key, epic, 1, tuple(needs), files)


def turns_of(*stories: Story, **policies: OnConflict) -> Turns:
    graph = Graph(stories)
    rules = {
        EPIC: EpicRules(on_conflict=policies.get("one", OnConflict.FAIL)),
        OTHER: EpicRules(on_conflict=policies.get("other", OnConflict.FAIL)),
    }
    return find_turns(graph, graph.waves, rules)


def waits(turns: Turns) -> set[str]:
    """Each pair of turns as ``ab>c``."""
    names = ["".join(turn.stories) for turn in turns.turns]
    return {f"{names[before]}>{names[after]}" for before, line in enumerate(turns.after) for after in line}


def test_of_a_file_each_wave_waits_for_the_one_before() -> None:
    stories = [story("a", "", "x"), story("b", "", "x"), story("p"), story("c", "p", "x"), story("q", "p")]
    assert waits(turns_of(*stories, story("d", "q", "x"))) == {"ab>c", "c>d"}


@pytest.mark.parametrize(("earlier", "later"), [("src/**", "src/m.py"), ("src/m.py", "src/**"), ("src", "src/m.py")])
def test_patterns_that_meet_wait_for_one_another(earlier: str, later: str) -> None:
    assert waits(turns_of(story("a", "", earlier), story("p"), story("b", "p", later))) == {"a>b"}


def test_patterns_that_meet_are_put_into_one_order() -> None:
    chain = [story("p"), story("q", "p"), story("r", "q")]
    some = [story("a", "", "src/**"), story("c", "q", "src/**")]
    others = [story("b", "p", "src/m.py"), story("d", "r", "src/m.py")]
    assert waits(turns_of(*chain, *some, *others)) >= {"a>b", "b>c", "c>d"}


def test_stories_of_one_wave_do_not_wait_and_files_of_their_own_are_no_turns() -> None:
    same = turns_of(story("a", "", "x"), story("b", "", "x", "y"), story("c", "a", "z"))
    assert same == Turns([], [], {})


@pytest.mark.parametrize("policy", OnConflict)
def test_epics_without_conflict_detection_take_no_part(policy: OnConflict) -> None:
    stories = story("a", "", "x"), story("p", epic=OTHER), story("b", "p", "x", epic=OTHER)
    assert waits(turns_of(*stories, other=policy)) == (set() if policy is OnConflict.OFF else {"a>b"})


def test_a_directory_that_is_there_holds_its_files() -> None:
    graph = Graph([story("a", "", "docs"), story("p"), story("b", "p", "docs/*")])
    rules = {EPIC: EpicRules()}
    assert waits(find_turns(graph, graph.waves, rules, lambda path: path == "docs")) == {"a>b"}


def test_files_that_thousands_share_cost_no_pairs_of_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def counted(one: Glob, other: Glob) -> bool:
        nonlocal calls
        calls += 1
        return overlap(one, other)

    monkeypatch.setattr("pytest_tapps_waves.core.overlaps.overlap", counted)
    count = 2_000
    roots = [story(f"p{number}") for number in range(2)]
    early = [Story(f"a{n}", f"a{n}", EPIC, n, ("p0",), ("/CHANGES", "src/**")) for n in range(count)]
    late = [Story(f"b{n}", f"b{n}", EPIC, n, (f"a{n}",), ("/CHANGES", f"src/{n}.py")) for n in range(count)]
    found = turns_of(*roots, *early, *late)
    assert len(found.turns) == 3 + count
    assert sum(map(len, found.after)) == 1 + count
    assert calls <= 4 * count
