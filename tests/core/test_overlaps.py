"""The index of patterns promises what holding each against each finds, in time that grows with their number."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pytest_tapps_waves.core import overlaps, segments
from pytest_tapps_waves.core.globs import Glob, are_apart, literal_ends, overlap, parse, segments_overlap
from pytest_tapps_waves.core.overlaps import overlapping
from pytest_tapps_waves.core.segments import SegmentIndex

MODERATE = settings(max_examples=400, deadline=None, database=None)

words = st.sampled_from(
    ["a", "ab", "a.b", "b.a", "*", "*.b", "a*", "*a*", "?", "a?", "[ab]", "[!a].b", r"\*", r"a\?", "**", r"\*\*"]
)
pattern = st.builds(
    lambda before, parts, after: before + "/".join(parts) + after,
    st.sampled_from(["", "", "/", "a/", "**/"]),
    st.lists(words, min_size=1, max_size=4),
    st.sampled_from(["", "", "", "/", "/**"]),
)
segment = st.lists(st.sampled_from([*"abc.*?", "[ab]", "[!a]", r"\*", r"\a"]), min_size=1, max_size=6).map("".join)


@MODERATE
@given(
    texts=st.lists(pattern, max_size=12, unique=True),
    directories=st.sets(st.sampled_from(["a", "ab", "a/a", "a/ab", "ab/a.b"])),
)
def test_the_index_finds_what_holding_each_against_each_finds(texts: list[str], directories: set[str]) -> None:
    globs = [parse(text, directories.__contains__) for text in texts]
    found = [frozenset((one.text, other.text)) for one, other in overlapping(globs)]
    assert len(found) == len(set(found))
    assert set(found) == {frozenset((a.text, b.text)) for a, b in combinations(globs, 2) if overlap(a, b)}


plain = st.lists(st.sampled_from(["a", "b", "a.b", "-"]), min_size=2, max_size=4).map("/".join)


@MODERATE
@given(texts=st.lists(st.one_of(plain, plain, pattern), max_size=8, unique=True), directories=st.sets(plain))
def test_patterns_that_are_apart_do_not_overlap(texts: list[str], directories: set[str]) -> None:
    globs = [parse(text, directories.__contains__) for text in texts]
    met = any(overlap(*pair) for pair in combinations(globs, 2))
    assert not (are_apart(dict.fromkeys(texts)) and met)


@MODERATE
@given(texts=st.lists(plain, max_size=8, unique=True))
def test_plain_paths_are_apart_unless_one_lies_below_another(texts: list[str]) -> None:
    below = any(one.startswith(f"{other}/") for one in texts for other in texts)
    assert are_apart(dict.fromkeys(texts)) is not below


@MODERATE
@given(held=st.lists(segment, max_size=12, unique=True), asked=segment)
def test_an_index_of_segments_finds_what_holding_each_against_each_finds(held: list[str], asked: str) -> None:
    met = list(SegmentIndex(held).meeting(asked))
    assert sorted(met) == sorted(other for other in held if segments_overlap(asked, other))


@pytest.mark.parametrize(
    ("glob", "ends"),
    [
        ("name.py", ("name.py", "name.py")),
        ("*.py", ("", ".py")),
        ("test_*.py", ("test_", ".py")),
        ("a[bc]d", ("a", "d")),
        ("a?", ("a", "")),
        (r"\*a*", ("*a", "")),
        (r"a\*", ("a*", "a*")),
        ("*", ("", "")),
    ],
)
def test_how_a_segment_begins_and_ends_is_known(glob: str, ends: tuple[str, str]) -> None:
    assert literal_ends(glob) == ends


USUAL: dict[str, Callable[[int], list[str]]] = {
    "below a folder": lambda n: [f"pkg{n}/*.py"],
    "below a common folder": lambda n: [f"src/**/x{n}.py"],
    "in a folder anywhere": lambda n: [f"**/x{n}/*.py"],
    "two folders deep anywhere": lambda n: [f"**/x{n}/src/*.py"],
    "by a beginning": lambda n: [f"test_{n}_*.py"],
    "by an end": lambda n: [f"*_{n}.py"],
    "by a suffix": lambda n: [f"*.x{n}"],
    "by both": lambda n: [f"a{n}_*.one", f"*_b{n}.two"],
    "folders": lambda n: [f"/pkg{n}/"],
    "a mix": lambda n: [f"pkg{n}/*.py", f"src/**/y{n}.py", f"z{n}-*.txt", f"**/v{n}/w*.c"],
}


@pytest.mark.parametrize("usual", USUAL)
def test_usual_patterns_beside_names_and_paths_are_held_against_few(
    usual: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def counted(one: Glob, other: Glob) -> bool:
        nonlocal calls
        calls += 1
        return overlap(one, other)

    def counted_segments(one: str, other: str) -> bool:
        nonlocal calls
        calls += 1
        return segments_overlap(one, other)

    monkeypatch.setattr(overlaps, "overlap", counted)
    monkeypatch.setattr(segments, "segments_overlap", counted_segments)
    count = 1_000
    texts = [text for n in range(count) for text in (*USUAL[usual](n), f"name{n}.rst", f"docs/{n}.md")]
    found = list(overlapping([parse(text) for text in dict.fromkeys(texts)]))
    assert calls <= 20 * count + len(found)
