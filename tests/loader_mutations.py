"""Epic files after accidents: to bytes, to lines, to the tokens of YAML, to the tree, and between two files."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

Accident: TypeAlias = Callable[[bytes, Sequence[bytes], random.Random], bytes]

WORDS = r"""
~ null yes off -1 0 1 1e400 .inf -.inf .nan 1:2:3 1:30.5 0x_ 0o14 014 08 1_000 0b101 2026-01-01 2026-01-01T00:00:00Z =
<< [] {} [[[]]] [null,{}] {a:{b:c}} ' " >- | |2 &a *a *defaults *nothing &é !!str !!int !!float !!bool !!null !!map
!!seq !!set !!omap !!pairs !!binary !!timestamp !!merge !!python/object:os.system !!python/object/apply:os.system
!!python/none !own !!a%0Ab !%ED%A0%80 !<tag:yaml.org,2002:int> !<x> ! "a\nb" "a\u2028b" "\0" "\x07" "\ud800" "\udc00"
"\U00110000" "\e" @x `x %x %YAML ../x a/../../b /etc/passwd C:\x a::b a/b.py::c epic_x.yaml::1 [z-a] a/[z-a] a/[[a]
[a--b] [[:alpha:]] a\ ** / /** **/a/** !x #x *.[ch] timeout depends --- ... , : ? - # } ] { [ > \ id story_id title
description dependencies depends_on files_affected files critical run call acceptance_criteria timeout retries cwd env
tags epic stories max_parallel_stories parallel_strategy schedule fail_fast conflict_detection circuit_breaker
isolation asyncio sequential waves serialize agent budget dependancies Time-Out points pkg.mod:func class:def
"""
TOKENS: tuple[bytes, ...] = (
    *(word.encode() for word in WORDS.split()),
    *(b"", b" ", b"  ", b"\n", b"\r\n", b"\r", b"\t", b"\n\n", b": ", b"- ", b"? ", b" #", b"\n---\n", b"\n...\n"),
    *(
        b"<<: *a",
        b"<<: [*a, *a]",
        b"|\n  x",
        b"- x",
        b"a: b",
        b"{description: x, run: y}",
        b"!!set {a}",
        b"%TAG !e! x:\n",
    ),
    *(
        b"9" * 400,
        b"9" * 5000,
        b"0x" + b"f" * 5000,
        b"0" + b"7" * 5000,
        b"1" * 400 + b".0",
        b"x" * 300,
        b"1:" * 400 + b"1",
    ),
    *(
        b"\0",
        b"\x07",
        b"\x1b[0m",
        b"\x7f",
        b"\xff",
        b"\xc3(",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
    ),
    *(
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xe2\x80\xa9",
        b"\xe2\x80\x8d",
        b"\xc3\xa9",
        b"\xf0\x9f\x92\xa9",
        b"\xef\xbf\xbe",
    ),
)
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        101,
        10**30,
        0.5,
        -0.0,
        float("inf"),
        float("nan"),
        "",
        " ",
        "a",
        "a b",
        "8.10",
        "~",
    ),
    *([], {}, [[]], [None], [""], ["a"], ["a", "a"], [1, 2.5], {"a": 1}, {"": ""}, {"description": "x"}, {"id": "a"}),
    *({"description": "x", "run": "y"}, [{"description": "x", "call": "a:b"}], "a:b", "../x", "*.py", "[z-a]", "a\0b"),
    *("x" * 300, "é\n", "\u2028", "a\\", "!x", "epic_x.yaml::a", "tests/test_a.py::b", {"x": [{"y": {"z": [1]}}]}),
)
KEYS = tuple(word for word in WORDS.split() if re.fullmatch("[a-z]+(_[a-z]+)*", word))
_SIGNS = b"\n\r:{}[]&*!|>%@`\"'#,-? \t"
_TOKEN = re.compile(rb"\s+|\w+|[^\w\s]")


def flip(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    changed = bytearray(data or b" ")
    for _ in range(dice.choice([1, 1, 1, 2, 5])):
        sign = dice.choice([dice.randrange(32, 127), dice.randrange(32, 127), dice.choice(_SIGNS), dice.randrange(256)])
        changed[dice.randrange(len(changed))] = sign
    return bytes(changed)


def cut(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    start = dice.randrange(len(data) + 1)
    return data[:start] + data[start + dice.choice([1, 1, 5, 30, 200, len(data)]) :]


def put_in(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    start = dice.randrange(len(data) + 1)
    return data[:start] + dice.choice(TOKENS) + data[start:]


def repeat(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    start = dice.randrange(len(data) + 1)
    piece = data[start : start + dice.choice([1, 5, 30, 200])]
    return data[:start] + piece * dice.choice([2, 3, 20]) + data[start + len(piece) :]


def swap_tokens(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    tokens = _TOKEN.findall(data) or [b""]
    one, other = dice.randrange(len(tokens)), dice.randrange(len(tokens))
    tokens[one], tokens[other] = tokens[other], tokens[one]
    return b"".join(tokens)


def other_token(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    tokens = _TOKEN.findall(data) or [b""]
    for _ in range(dice.choice([1, 1, 2, 4])):
        tokens[dice.randrange(len(tokens))] = dice.choice(TOKENS)
    return b"".join(tokens)


def odd_value(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    place = dice.randrange(len(lines))
    key, colon, _ = lines[place].partition(b": ")
    lines[place] = (key + colon if colon else lines[place] + b" ") + dice.choice(TOKENS)
    return b"\n".join(lines)


def move_lines(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    start = dice.randrange(len(lines))
    moved = lines[start : start + dice.choice([1, 1, 2, 5])]
    if dice.random() < 0.5:
        del lines[start : start + len(moved)]
    place = dice.randrange(len(lines) + 1)
    return b"\n".join([*lines[:place], *moved, *lines[place:]])


def indent(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    place = dice.randrange(len(lines))
    if dice.random() < 0.3:
        lines[place] = lines[place].lstrip()
    else:
        lines[place] = dice.choice([b" ", b"  ", b"\t", b"- ", b"? ", b"    "]) + lines[place]
    return b"\n".join(lines)


def nest(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    place, depth = dice.randrange(len(lines)), dice.choice([3, 96, 97, 98, 99, 100, 101, 1500])
    key, colon, value = lines[place].partition(b": ")
    opening, closing = dice.choice([(b"[", b"]"), (b"{a: ", b"}"), (b"- ", b""), (b"[{a: ", b"}]")])
    lines[place] = key + colon + opening * depth + value + closing * dice.choice([depth, depth, depth - 1])
    return b"\n".join(lines)


def anchor(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    """An anchor on one value, and an alias, or a merge of it, in place of a later one."""
    places = [found.end() for found in re.finditer(rb": |- |\[|, ", data)]
    if len(places) < 2:
        return data
    one, other = sorted(dice.sample(places, 2))
    end = re.compile(rb"[,\]}\n]|$").search(data, other)
    assert end is not None
    alias = dice.choice([b"*q", b"*q", b"{<<: *q}", b"[*q, *q]", b"{*q : 1}"])
    return data[:one] + b"&q " + data[one:other] + alias + data[end.start() :]


def line_ends(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    return data.replace(b"\n", dice.choice([b"\r\n", b"\r", b"\xc2\x85", b"\xe2\x80\xa8", b"\n\n"]))


def encode(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    encoding = dice.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "utf-7"])
    return data.decode("utf-8", "replace").encode(encoding, "replace")


def splice(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    other = dice.choice(others)
    if dice.random() < 0.6:
        one, two = data.split(b"\n"), other.split(b"\n")
        return b"\n".join(one[: dice.randrange(len(one) + 1)] + two[dice.randrange(len(two)) :])
    return data[: dice.randrange(len(data) + 1)] + other[dice.randrange(len(other) + 1) :]


def change_tree(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    """Change what the file says, rather than how: values of other kinds, keys that move, parts that are shared."""
    if len(data) > 4000 or data.count(b"*") > 20:
        return flip(data, others, dice)
    try:
        tree = yaml.load(data, Loader=_Loader)
        for _ in range(dice.choice([1, 1, 2, 3])):
            _change(tree, dice)
        if dice.random() < 0.3:
            return json.dumps(tree, indent=dice.choice([None, 1])).encode()
        style = dice.choice([None, None, '"', "'", "|"])
        text = yaml.dump(tree, default_flow_style=dice.choice([False, None]), default_style=style, sort_keys=False)
        return text.encode()
    except Exception:  # no tree, or none that can be written: what raised is not what is tested
        return flip(data, others, dice)


def _change(tree: Any, dice: random.Random) -> None:
    holders: list[Any] = []
    stack = [tree]
    while stack and len(holders) < 200:
        value = stack.pop()
        if isinstance(value, dict | list) and value:
            holders.append(value)
            stack.extend(value.values() if isinstance(value, dict) else value)
    holder = dice.choice(holders)
    value = dice.choice([dice.choice(VALUES), dice.choice(holders)])
    if isinstance(holder, list):
        place = dice.randrange(len(holder))
        holder[place : place + dice.choice([0, 1])] = [value] * dice.choice([1, 1, 2])
        return
    key = dice.choice(list(holder))
    chance = dice.random()
    if chance < 0.5:
        holder[key] = value
    elif chance < 0.7:
        holder[dice.choice(KEYS)] = holder.pop(key)
    else:
        holder[dice.choice(KEYS)] = value


ACCIDENTS: tuple[Accident, ...] = (
    *(flip, flip, cut, put_in, put_in, repeat, swap_tokens, other_token, other_token, odd_value, odd_value, odd_value),
    *(move_lines, move_lines, indent, nest, anchor, anchor, splice, change_tree, change_tree, change_tree),
)
RARE: tuple[Accident, ...] = (line_ends, encode)


def mutated(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    """The file after some accidents: the same ones, if the dice fall the same.

    :param others: files, of which parts may come in.
    """
    for _ in range(dice.choice([1, 1, 1, 1, 2, 4])):
        data = dice.choice(ACCIDENTS)(data, others, dice)
    return dice.choice(RARE)(data, others, dice) if dice.random() < 0.05 else data
