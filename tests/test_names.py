"""The names of items, and what a test's words stand for."""

from __future__ import annotations

import pytest

from pytest_tapps_waves.collect.depends import ItemNode, resolve
from pytest_tapps_waves.collect.names import Names, without_parameters

ITEMS = [
    ItemNode("a/test_here.py::TestHere::test_dep[x]", 1),
    ItemNode("a/test_here.py::TestHere::test_own", 2),
    ItemNode("a/test_here.py::TestHere::test_both", 3),
    ItemNode("a/test_here.py::TestNext::test_own", 4),
    ItemNode("a/test_here.py::test_both", 5),
    ItemNode("a/test_here.py::test_bare", 6, names=("custom", "shared")),
    ItemNode("a/test_here.py::test_n[1]", 7),
    ItemNode("a/test_here.py::test_n[22]", 8),
    ItemNode("a/test_here.py::test_url[http://x/a.b]", 9),
    ItemNode("a/test_here.py::TestHere::test_url[c::d[e]]", 10),
    ItemNode("a/test_beside.py::test_one", 1, names=("shared",)),
    ItemNode("b/test_there.py::test_top", 1),
    ItemNode("b/test_there.py::TestT::test_deep", 2),
    ItemNode("test_root.py::test_r", 1),
    ItemNode("a/epic_shop.yaml::8.1", 3),
    ItemNode("a/epic_shop.yaml::8.2", 4),
]
NAMES = Names((item.key, item.names) for item in ITEMS)
HERE, NEXT = "a/test_here.py::TestHere", "a/test_here.py::TestNext"


@pytest.mark.parametrize(
    ("node_id", "plain"),
    [
        ("test_x.py::test_a", "test_x.py::test_a"),
        ("test_x.py::test_a[1]", "test_x.py::test_a"),
        ("test_x.py::TestC::test_a[1-2]", "test_x.py::TestC::test_a"),
        ("test_x.py::test_a[b[c]]", "test_x.py::test_a"),
        ("test_x.py::test_a[b::c]", "test_x.py::test_a"),
        ("test_x.py::test_a[b\nc]", "test_x.py::test_a"),
        ("d[1]/test_x.py::test_a[2]", "d[1]/test_x.py::test_a"),
        ("d[1]/test_x.py", "d[1]/test_x.py"),
        ("test_x.py::test_a[1]b", "test_x.py::test_a[1]b"),
    ],
)
def test_only_the_parameters_at_the_end_are_taken_off(node_id: str, plain: str) -> None:
    assert without_parameters(node_id) == plain


def test_an_item_answers_to_its_id_to_every_prefix_and_to_its_own_names() -> None:
    key = "d/test_x.py::TestC::TestD::test_a[b::c]"
    names = Names([(key, ["own", "other"])])
    assert dict(names.items()) == {
        name: [key]
        for name in (
            key,
            "d/test_x.py::TestC::TestD::test_a",
            "d/test_x.py::TestC::TestD",
            "d/test_x.py::TestC",
            "d/test_x.py",
            "own",
            "other",
        )
    }


def test_one_name_stands_for_many_items_in_their_order() -> None:
    assert NAMES["shared"] == ["a/test_here.py::test_bare", "a/test_beside.py::test_one"]
    assert NAMES["b/test_there.py"] == ["b/test_there.py::test_top", "b/test_there.py::TestT::test_deep"]


def test_a_name_given_twice_is_one() -> None:
    assert Names([("test_x.py::test_a", ["test_x.py::test_a", "n", "n"])])["n"] == ["test_x.py::test_a"]


def test_what_nothing_answers_to_is_empty_and_is_not_remembered() -> None:
    names = Names([("test_x.py::test_a", [])])
    assert not names["test_a"]
    assert [name for name, _ in names.items()] == ["test_x.py::test_a", "test_x.py"]


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("b/*", ["b/test_there.py::test_top", "b/test_there.py::TestT::test_deep"]),
        ("a/test_here.py::test_n*", ["a/test_here.py::test_n[1]", "a/test_here.py::test_n[22]"]),
        ("*::test_?", ["test_root.py::test_r", "a/test_here.py::test_n[1]", "a/test_here.py::test_n[22]"]),
        ("[cx]ustom", ["a/test_here.py::test_bare"]),
        ("*::nothing", []),
    ],
)
def test_a_glob_matches_whole_names_and_names_each_item_once(glob: str, found: list[str]) -> None:
    matching = NAMES.matching(glob)
    assert sorted(matching) == sorted(found)


@pytest.mark.parametrize(
    ("word", "keys"),
    [
        ("a/test_here.py::test_bare", ["a/test_here.py::test_bare"]),
        ("custom", ["a/test_here.py::test_bare"]),
        ("shared", ["a/test_here.py::test_bare", "a/test_beside.py::test_one"]),
        # A bare name: in the class, then in the module.
        ("test_own", [f"{HERE}::test_own"]),
        ("test_both", [f"{HERE}::test_both"]),
        ("test_bare", ["a/test_here.py::test_bare"]),
        ("test_n", ["a/test_here.py::test_n[1]", "a/test_here.py::test_n[22]"]),
        ("test_n[22]", ["a/test_here.py::test_n[22]"]),
        ("test_url[http://x/a.b]", ["a/test_here.py::test_url[http://x/a.b]"]),
        ("test_url[c::d[e]]", [f"{HERE}::test_url[c::d[e]]"]),
        # With a class: in the file.
        ("TestNext::test_own", [f"{NEXT}::test_own"]),
        ("TestNext", [f"{NEXT}::test_own"]),
        ("TestHere::test_url[c::d[e]]", [f"{HERE}::test_url[c::d[e]]"]),
        # With a path: from rootdir, or beside the test.
        ("test_beside.py::test_one", ["a/test_beside.py::test_one"]),
        ("test_beside.py", ["a/test_beside.py::test_one"]),
        ("a/test_beside.py", ["a/test_beside.py::test_one"]),
        ("test_root.py::test_r", ["test_root.py::test_r"]),
        ("b/test_there.py::TestT", ["b/test_there.py::TestT::test_deep"]),
        ("epic_shop.yaml::8.1", ["a/epic_shop.yaml::8.1"]),
        ("a/epic_shop.yaml", ["a/epic_shop.yaml::8.1", "a/epic_shop.yaml::8.2"]),
        # Globs, in the same places.
        ("test_ow*", [f"{HERE}::test_own"]),
        ("test_bar?", ["a/test_here.py::test_bare"]),
        ("TestN*::*", [f"{NEXT}::test_own"]),
        ("test_bes*.py::*", ["a/test_beside.py::test_one"]),
        ("*/test_there.py::TestT*", ["b/test_there.py::TestT::test_deep"]),
        ("sha*", ["a/test_here.py::test_bare", "a/test_beside.py::test_one"]),
        ("epic_shop.yaml::8.*", ["a/epic_shop.yaml::8.1", "a/epic_shop.yaml::8.2"]),
        # Nothing.
        ("test_top", []),
        ("TestT::test_deep", []),
        ("test_ow", []),
        ("nothing*", []),
    ],
)
def test_a_word_stands_for_the_first_thing_that_it_may_be_short_for(word: str, keys: list[str]) -> None:
    test = ItemNode("a/test_here.py::TestHere::test_dep[x]", 1, on=(word,))
    assert resolve(test, NAMES) == (keys, [] if keys else [word])


def test_a_glob_that_matches_the_test_itself_means_the_others() -> None:
    items = ["test_x.py::test_a1", "test_x.py::test_a2", "test_x.py::test_a3"]
    test = ItemNode("test_x.py::test_a2", 1, on=("test_a*",))
    assert resolve(test, Names((key, ()) for key in items)) == ([items[0], items[2]], [])


def test_a_glob_that_matches_the_test_alone_finds_nothing() -> None:
    test = ItemNode("test_x.py::test_a2", 1, on=("test_a*",))
    assert resolve(test, Names([(test.key, ())])) == ([], ["test_a*"])


def test_words_that_overlap_name_each_item_once_and_what_is_missing_keeps_its_order() -> None:
    test = ItemNode("test_root.py::test_r", 1, on=("z", "shared", "custom", "a/test_beside.py", "y"))
    keys, missing = resolve(test, NAMES)
    assert keys == ["a/test_here.py::test_bare", "a/test_beside.py::test_one"]
    assert missing == ["z", "y"]


@pytest.mark.parametrize("word", ["[ab]/test_beside.py::*", "test_[b]eside.py::test_one", "*_[b]*.py::test_one"])
def test_brackets_of_a_glob_may_stand_in_a_path(word: str) -> None:
    test = ItemNode("a/test_here.py::TestHere::test_dep[x]", 1, on=(word,))
    assert resolve(test, NAMES) == (["a/test_beside.py::test_one"], [])


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("TestNext::test_in[d.e::f/g]", "a/test_here.py::TestNext::test_in[d.e::f/g]"),
        ("test_in[h/i.j::k]", "a/test_here.py::TestHere::test_in[h/i.j::k]"),
        ("test_at[1/2]", "a/test_here.py::test_at[1/2]"),
        ("test_at[1.2]", "a/test_here.py::test_at[1.2]"),
        ("test_at[1::2]", "a/test_here.py::test_at[1::2]"),
        ("test_at[*]", "a/test_here.py::test_at[*]"),
        ("test_beside.py::test_on[x::y.z/w]", "a/test_beside.py::test_on[x::y.z/w]"),
        ("d[1]/test_deep.py::test_up[x/y]", "a/d[1]/test_deep.py::test_up[x/y]"),
        ("test_root.py::test_up[x/y.z]", "test_root.py::test_up[x/y.z]"),
    ],
)
def test_a_parameter_may_hold_what_paths_and_classes_are_told_by(word: str, key: str) -> None:
    test = ItemNode("a/test_here.py::TestHere::test_dep[x]", 1, on=(word,))
    others = [
        "a/test_here.py::TestNext::test_in[d.e::f/g]",
        "a/test_here.py::TestHere::test_in[h/i.j::k]",
        *(f"a/test_here.py::test_at[{parameter}]" for parameter in ("1/2", "1.2", "1::2", "*")),
        "a/test_beside.py::test_on[x::y.z/w]",
        "a/d[1]/test_deep.py::test_up[x/y]",
        "test_root.py::test_up[x/y.z]",
    ]
    assert resolve(test, Names((other, ()) for other in [test.key, *others])) == ([key], [])
