"""Corners of git's pattern format, and the other half of the promise: globs do not overlap for nothing."""

from __future__ import annotations

from itertools import product

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from pathspec import GitIgnoreSpec

from pytest_tapps_waves.core.globs import overlap, parse

MODERATE = settings(max_examples=200, deadline=None, database=None)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a.py ", "/a.py"),
        ("a.py\\ ", "/a.py\\ "),
        ("[!]a].py", "/b.py"),
        ("[]!].py", "/!.py"),
        ("[[:digit:]].txt", "/1.txt"),
        ("[a[:digit:]].txt", "/1.txt"),
        (r"/a\[b\].py", "/a[[]b].py"),
        (r"/a\?", "/a[?]"),
        (r"/a\\b", r"/a[\\]b"),
    ],
    ids=[
        "trailing spaces do not count",
        "but for escaped ones",
        "a bracket that is not meant",
        "a bracket that is meant",
        "a named class",
        "a named class among letters",
        "escaped brackets",
        "an escaped question mark",
        "an escaped backslash",
    ],
)
def test_what_git_matches_overlaps(pattern: str, path: str) -> None:
    assert overlap(parse(pattern), parse(path))
    assert overlap(parse(path), parse(pattern))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("a.py\\ ", "/a.py"), ("[!]a].py", "/a.py"), ("[!]a].py", "/].py"), (r"/a\?", "/ab"), (r"/a\\b", "/ab")],
)
def test_what_git_does_not_match_does_not(pattern: str, path: str) -> None:
    assert not overlap(parse(pattern), parse(path))


NAMES = ("a", "b", "ab", "aa", "bb", "ba")
PATHS = ["/".join(names) for depth in range(1, 6) for names in product(NAMES, repeat=depth)]
SEGMENTS = st.sampled_from(["a", "b", "*", "?", "a*", "*b", "ab", "a?"])
PATTERNS = st.builds(
    lambda start, segments, end: start + "/".join(segments) + end,
    st.sampled_from(["", "/", "**/"]),
    st.lists(SEGMENTS, min_size=1, max_size=2),
    st.sampled_from(["", "/", "/**"]),
)


@MODERATE
@given(PATTERNS, PATTERNS)
def test_globs_that_overlap_have_a_path_in_common(one: str, other: str) -> None:
    a, b = (GitIgnoreSpec.from_lines([text]) for text in (one, other))
    if overlap(parse(one), parse(other)):
        assert any(a.match_file(path) and b.match_file(path) for path in PATHS)
