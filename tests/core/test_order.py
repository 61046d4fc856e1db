"""What the order of a run promises: dependencies first, files and classes in one piece, and all else where it stood."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pytest_tapps_waves.core.order import Place, arranged

MODERATE = settings(max_examples=300, deadline=None, database=None)


def order_of(edges: Mapping[str, str], places: Mapping[str, Place] | None = None) -> str:
    """
    :param edges: letters in the order that is wished for, each with those that it depends on.
    :param places: of letters that are held by something.
    """
    return "".join(arranged(list(edges), edges, lambda key: (places or {}).get(key, ())))


def placed(edges: Mapping[str, str]) -> str:
    """The order of keys whose letter is their file: ``a1``, ``a2``, ``b1``."""
    dependencies = {key: needs.split() for key, needs in edges.items()}
    return " ".join(arranged(list(edges), dependencies, lambda key: (key[0],)))


@st.composite
def acyclic(draw: st.DrawFn) -> dict[str, str]:
    keys = "abcdefgh"[: draw(st.integers(0, 8))]
    edges = {key: draw(st.text(keys[:place], max_size=3)) if place else "" for place, key in enumerate(keys)}
    return {key: edges[key] for key in draw(st.permutations(keys))}


@pytest.mark.parametrize("order", ["abcd", "acbd"])
def test_an_order_that_is_right_stays(order: str) -> None:
    needs = {"a": "", "b": "a", "c": "a", "d": "bc"}
    assert order_of({key: needs[key] for key in order}) == order


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({"a": "", "b": "d", "c": "", "d": ""}, "adbc"),
        ({"a": "cb", "b": "", "c": ""}, "bca"),
        ({"a": "bc", "b": "", "c": ""}, "bca"),
        ({"a": "b", "b": "c", "c": "", "d": ""}, "cbad"),
    ],
    ids=["one comes forward", "several come in file order", "however they are named", "a chain comes forward"],
)
def test_only_a_dependency_that_stands_too_late_is_moved(edges: dict[str, str], expected: str) -> None:
    assert order_of(edges) == expected


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({"a1": "", "a2": "b2", "a3": "", "b1": "", "b2": "", "c1": ""}, "b1 b2 a1 a2 a3 c1"),
        ({"a1": "b1", "b1": "", "a2": "", "c1": ""}, "b1 a1 a2 c1"),
        ({"a1": "a2", "a2": "", "b1": "", "b2": "b3", "b3": ""}, "a2 a1 b1 b3 b2"),
        ({"a1": "", "a2": "b1", "a3": "", "b1": "a1", "b2": ""}, "a1 b1 a2 a3 b2"),
        ({"a1": "", "a2": "b1", "b1": "a1", "c1": "d1", "c2": "", "d1": "", "d2": ""}, "a1 b1 a2 d1 d2 c1 c2"),
        ({"a1": "", "b1": "", "a2": "c1", "c1": ""}, "a1 b1 c1 a2"),
    ],
    ids=[
        "a file comes forward whole",
        "a file in two pieces is not put together",
        "a file is put in order inside",
        "files that need one another are mixed",
        "and others are not",
        "of a file in two pieces one test moves alone",
    ],
)
def test_a_file_stays_in_one_piece_where_dependencies_allow(edges: dict[str, str], expected: str) -> None:
    assert placed(edges) == expected


def test_a_class_stays_in_one_piece_inside_its_file() -> None:
    places: dict[str, Place] = {"a": ("f",), "b": ("f", "X"), "c": ("f", "X"), "d": ("f", "Y"), "e": ("f", "Y")}
    assert order_of({"a": "", "b": "e", "c": "", "d": "", "e": ""}, places) == "adebc"


def test_a_class_stays_in_one_piece_although_its_file_cannot() -> None:
    places: dict[str, Place] = {"a": ("f",), "b": ("f", "X"), "c": ("f", "X"), "s": (), "d": ("f",)}
    assert order_of({"a": "s", "b": "", "c": "", "d": "", "s": "c"}, places) == "bcsad"


@MODERATE
@given(edges=acyclic(), places=st.lists(st.sampled_from([(), ("f",), ("g",), ("f", "X"), ("f", "Y")]), min_size=8))
def test_dependencies_come_first_and_an_order_that_was_made_stays(edges: dict[str, str], places: list[Place]) -> None:
    place_of = dict(zip("abcdefgh", places, strict=False))
    order = order_of(edges, place_of)
    assert sorted(order) == sorted(edges)
    for key, needs in edges.items():
        assert all(order.index(need) < order.index(key) for need in needs)
    assert order_of({key: edges[key] for key in order}, place_of) == order


@MODERATE
@given(edges=acyclic(), sizes=st.lists(st.integers(1, 3), min_size=8, max_size=8))
def test_files_without_a_ring_are_all_whole(edges: dict[str, str], sizes: list[int]) -> None:
    files = {file: [f"{file}{number}" for number in range(sizes[place])] for place, file in enumerate(edges)}
    dependencies = {keys[-1]: [files[need][0] for need in edges[file]] for file, keys in files.items()}
    order = arranged([key for keys in files.values() for key in keys], dependencies, lambda key: (key[0],))
    assert [list(run) for _, run in groupby(order, lambda key: key[0])] == [files[file] for file in order_of(edges)]


def test_a_long_chain_needs_no_recursion() -> None:
    last = 5_000
    chain = {f"{number}": [f"{number + 1}"] for number in range(last)}
    keys = [str(number) for number in range(last + 1)]
    assert arranged(keys, chain, lambda key: ()) == keys[::-1]
    assert arranged(keys, chain, lambda key: (str(int(key) // 2),)) == keys[::-1]
