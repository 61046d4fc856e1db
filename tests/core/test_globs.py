"""What globs promise: two that match a common file overlap, as git reads them, and few others do."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import assume, example, given, settings
from pathspec import GitIgnoreSpec

from pytest_tapps_waves.core.globs import Glob, overlap, parse, segments_overlap

MODERATE = settings(max_examples=300, deadline=None, database=None)


def both_ways(one: str, other: str, *directories: str) -> bool:
    """Whether two patterns overlap, which must not hang on their order."""
    a, b = parse(one, directories.__contains__), parse(other, directories.__contains__)
    answer = overlap(a, b)
    assert overlap(b, a) is answer
    return answer


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/a.py", "src/a.py"),
        ("/a.py", "a.py"),
        ("a.py", "src/deep/a.py"),
        ("src/db/", "src/db/models.py"),
        ("src/db/**", "src/db/deep/models.py"),
        ("src/**/a.py", "src/a.py"),
        ("src/**/a.py", "src/x/y/a.py"),
        ("**/a.py", "a.py"),
        ("**", "src/a.py"),
        ("*", "src/a.py"),
        ("*.py", "src/a.py"),
        ("*.py", "src/**"),
        ("*.py", "test_*"),
        ("src/*", "src/db/models.py"),
        ("src/*/a.py", "*/db/a.py"),
        ("src/**/x/*.py", "src/y/**/a.py"),
        ("a?.py", "ab.py"),
        ("[ab].py", "b.py"),
        ("[!a].py", "b.py"),
        ("[a-c].py", "b.py"),
        ("[ab].py", "[bc].py"),
        (r"\*.py", "/*.py"),
        (r"\a.py", "a.py"),
        (r"a\[1\].py", "a?1?.py"),
        ("./a.py", "/a.py"),
    ],
)
def test_patterns_of_a_common_file_overlap(one: str, other: str) -> None:
    assert both_ways(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/a.py", "src/b.py"),
        ("/a.py", "src/a.py"),
        ("README.md", "setup.py"),
        ("src/db/", "src/dbx/a.py"),
        ("src/**", "tests/**"),
        ("src/**", "/src.py"),
        ("/*.py", "src/a.py"),
        ("src/*.py", "src/db/models.py"),
        ("*.py", "*.md"),
        ("*.py", "README.md"),
        ("a*.py", "b*.py"),
        ("src/**/a.py", "src/b.py"),
        ("src/*/a.py", "src/a.py"),
        ("a?.py", "a.py"),
        ("[ab].py", "c.py"),
        ("[!a].py", "a.py"),
        ("[a-c].py", "d.py"),
        (r"\*.py", "/a.py"),
        (r"a\[1\].py", "a1.py"),
        (r"/\*\*", "/a.py"),
    ],
)
def test_patterns_without_a_common_file_do_not(one: str, other: str) -> None:
    assert not both_ways(one, other)


def test_a_known_directory_holds_all_below_it() -> None:
    assert both_ways("src/db", "src/*/models.py", "src/db")
    assert not both_ways("src/db", "src/*/models.py")
    assert both_ways("src", "*.py", "src")
    assert not both_ways("src", "*.py")
    assert not both_ways("src/db", "src/x/models.py", "src/db")


def test_a_path_that_goes_on_below_a_pattern_says_that_it_is_a_directory() -> None:
    assert both_ways("src/db", "src/db/models.py")
    assert both_ways("*db", "src/db/models.py")


def test_only_literal_patterns_are_asked_for_on_disk() -> None:
    asked: list[str] = []

    def is_directory(path: str) -> bool:
        asked.append(path)
        return False

    for text in ("src/db", "/docs", "lib", r"odd\[1\]", "**/deep", "*.py", "src/*", "[ab]", "known/", "all/**"):
        parse(text, is_directory)
    assert asked == ["src/db", "docs", "lib", "odd[1]", "deep"]


@pytest.mark.parametrize(
    ("text", "path", "name", "prefix"),
    [
        ("src/a.py", "src/a.py", None, ("src", "a.py")),
        ("/a.py", "a.py", None, ("a.py",)),
        (r"/a\*.py", "a*.py", None, ("a*.py",)),
        ("a.py", None, "a.py", ()),
        ("**/a.py", None, "a.py", ()),
        ("*.py", None, None, ()),
        ("docs/", None, None, ()),
        ("src/*/a.py", None, None, ("src",)),
        ("src/db/**", "src/db", None, ("src", "db")),
    ],
)
def test_a_pattern_knows_what_it_spells_out(text: str, path: str | None, name: str | None, prefix: tuple[str]) -> None:
    glob = parse(text)
    assert (glob.path, glob.name, glob.prefix) == (path, name, prefix)


@pytest.mark.parametrize("text", ["a/**/**/b", "a/**/./**/b"])
def test_any_depth_twice_is_any_depth(text: str) -> None:
    assert parse(text).segments == ("a", "**", "b")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("*", "a", True),
        ("a*b", "*ab*b", True),
        ("a*", "*b", True),
        ("a*", "b*", False),
        ("??", "a*", True),
        ("??", "abc", False),
        ("*a", "b", False),
        ("[]a]", "]", True),
        ("[]a]", "b", False),
        ("[a-]", "-", True),
        ("[^a]", "a", False),
        ("[", "[", True),
        ("[a", "[a*", True),
        ("[a", "a", False),
        ("[]", "[]*", True),
        ("[]", "a", False),
        ("[!]", "?", False),
    ],
)
def test_names_overlap_as_their_signs_say(one: str, other: str, expected: bool) -> None:
    assert segments_overlap(one, other) is expected
    assert segments_overlap(other, one) is expected


def test_many_stars_take_no_more_than_the_product_of_their_lengths() -> None:
    """By going back at each star this would take longer than anyone waits."""
    assert not overlap(parse("/" + "**/*a*/" * 30 + "b"), parse("/" + "**/*c*/" * 30 + "d"))
    assert not segments_overlap("*a" * 60 + "b", "*a" * 60 + "c")


LETTERS = "abc"
names = st.text(LETTERS, min_size=1, max_size=3)
files = st.lists(names, min_size=1, max_size=4).map("/".join)
any_segment = st.lists(st.sampled_from([*"abc?*", "[ab]", "[!a]"]), min_size=1, max_size=2, unique=True).map("".join)


@st.composite
def patterns(draw: st.DrawFn, file: str) -> str:
    """A pattern that stands a fair chance to match the file: some of its names, each perhaps made vaguer."""
    parts = file.split("/")
    first = draw(st.integers(0, len(parts) - 1))
    segments: list[str] = ["**"] if first else []
    for part in parts[first : draw(st.integers(first + 1, len(parts)))]:
        negated = "[!" + LETTERS.replace(part[0], "")[0] + "]" + part[1:]
        vaguer = ["*", "?" * len(part), part[0] + "*", "*" + part[-1], f"[ab{part[0]}]{part[1:]}", negated]
        segments += draw(st.sampled_from([[], [], [], ["**"]]))
        segments.append(draw(st.one_of(st.just(part), st.sampled_from(vaguer), any_segment)))
    text = "/".join(segments)
    return draw(st.sampled_from(["", "", "/"])) + text + draw(st.sampled_from(["", "", "/", "/**"]))


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, str, str]:
    file = draw(files)
    return file, draw(patterns(file)), draw(patterns(file))


def matches(text: str, path: str) -> bool:
    """What git says, but for ``[!a]``, which pathspec lets match a slash: it is spelled out here."""
    for letter in LETTERS:
        text = text.replace(f"[!{letter}]", f"[{LETTERS.replace(letter, '')}]")
    return GitIgnoreSpec.from_lines([text]).match_file(path)


def by_itself(text: str, path: str, is_directory: Callable[[str], bool]) -> bool:
    """Whether it matches the path without the reserve: not only by a directory that is not known to be one."""
    above = ["/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)]
    known = text.endswith("/") or text.split("/")[-1] == "**" or is_directory(text.strip("/"))
    return known or not any(matches(text, directory) for directory in above)


@MODERATE
@given(cases())
@example(("a/b", "*/b", "a/**"))
@example(("ab/c", "a*/", "[!b]?/c"))
@example(("a/b/c", "/a", "**/?/c"))
@example(("a/b/c", "*b", "a/b/c"))
def test_patterns_that_match_one_file_overlap(case: tuple[str, str, str]) -> None:
    file, one, other = case
    directories = {file[:place] for place, sign in enumerate(file) if sign == "/"}
    assume(matches(one, file) and matches(other, file))
    # A path in full says of its parents that they are directories, so beside it no reserve is made.
    in_full = file in (one.lstrip("/"), other.lstrip("/")) and "/" in file
    assume(in_full or all(by_itself(text, file, directories.__contains__) for text in (one, other)))
    globs: list[Glob] = [parse(text, directories.__contains__) for text in (one, other)]
    assert overlap(*globs) and overlap(*reversed(globs))
