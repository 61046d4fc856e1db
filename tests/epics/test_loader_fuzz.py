"""Whatever stands in an epic file, it is either read, or refused in lines that say where and why."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.epics.spec import EpicDefinition
from pytest_tapps_waves.errors import PlanProblems

PATH = "epic_x.yaml"
SAID = re.compile(r"epic_x\.ya?ml:(\d+): .+")

FULL = b"""\
# An epic with nearly every key.
epic:
  id: "8"
  title: Checkout
  max_parallel_stories: 3
  parallel_strategy: asyncio
  schedule: waves
  fail_fast: true
  conflict_detection: serialize
  circuit_breaker: 3
  timeout: 300.5
  isolation: none
  env: {LOG_LEVEL: debug, N: 3}
stories:
  - id: 8.10
    title: Create the sch\xc3\xa9ma
    description: |
      Free text
      of two lines.
    dependencies: ["7.4", "epic_user.yaml::2.1", 8.2]
    files_affected: ["src/db/**", migrations/001.sql, "*.[ch]"]
    critical: false
    run: alembic upgrade head
    acceptance_criteria:
      - The table exists
      - {description: the table is empty, run: "python -m checks.empty users"}
      - description: and stays so
        call: checks.users:empty
    timeout: 60
    retries: 2
    cwd: src
    env: {A: 010}
    tags: [db, slow]
    points: 5
  - story_id: 8.2
    depends_on: 7.4
    files: setup.py
    call: "package.module:function"
"""
SHARED = b"""\
defaults: &defaults
  timeout: 60
  retries: 1
  env: &env {LEVEL: info, 1: yes}
numbers: &numbers [1.0, 8.10, 0x1F]
epic:
  stories:
  - &first
    <<: *defaults
    id: 1
    run: [python, -c, "print(1)"]
  - {<<: [*defaults, {points: 3}], id: 2, depends_on: *numbers, env: *env}
  -
    <<: *defaults
    id: "3"
    ? tags
    : !!str db
    acceptance_criteria: &checks
    - &check {description: "it is \\u00e9", run: "true"}
    - *check
"""
FLOW = b'{"epic": {"id": "f"}, "stories": [{"id": "a", "run": "x"}, {"id": "b", "dependencies": ["a"]}]}\n'
SMALL = b"--- # small\r\nstories:\r\n- id: a\r\n  run: 'true'\r\n...\r\n"
GOOD = (FULL, SHARED, FLOW, SMALL)

VALUES = r"""
~ null yes off -1 0 1e400 .inf .nan 1:2:3 0x_ 2026-01-01 [] {} [[[]]] [null,{}] ' " >- *defaults *nothing
"a\nb" "a\u2028b" "\0" << !!str @x `x ../x a::b a/[z-a] timeout --- ... !a%0Ab !%ED%A0%80
"""
ODD: tuple[bytes, ...] = (
    *(value.encode() for value in VALUES.split()),
    *(b"", b"{a: {b: c}}", b"|\n  x", b"&new x", b"? x", b"- x", b"a: b", b"\tx", b"# x", b"%YAML 9.9"),
    *(
        b"!!int x",
        b"!!python/object:os.system x",
        b"!a%0Ab x",
        b"!%ED%A0%80 x",
        b"!<tag:yaml.org,2002:int> 3",
    ),
    *(b"9" * 5000, b"0x" + b"f" * 5000, b"1" * 400 + b".0", b"x" * 300),
    *(
        b"\0",
        b"\xff",
        b"\xc3(",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
        b"\xc2\x85",
        b"\x1b[0m",
        b"\xf0\x9f\x92\xa9",
    ),
)
KEYS = ("id", "retries", "timeout", "env", "run", "files", "dependencies", "tags", "points", "cwd")


def _drop(lines: list[bytes], dice: random.Random) -> None:
    del lines[dice.randrange(len(lines))]


def _double(lines: list[bytes], dice: random.Random) -> None:
    place = dice.randrange(len(lines))
    lines.insert(dice.randrange(len(lines)), lines[place])


def _swap(lines: list[bytes], dice: random.Random) -> None:
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _indent(lines: list[bytes], dice: random.Random) -> None:
    place = dice.randrange(len(lines))
    lines[place] = dice.choice([b" ", b"  ", b"\t", b"- ", b"? ", b"    "]) + lines[place]


def _dedent(lines: list[bytes], dice: random.Random) -> None:
    place = dice.randrange(len(lines))
    lines[place] = lines[place].removeprefix(b"  ")


def _flip(lines: list[bytes], dice: random.Random) -> None:
    place = dice.randrange(len(lines))
    line = bytearray(lines[place] or b" ")
    sign = dice.choice([dice.randrange(256), *b"\n\r:{}[]&*!|>%@`\"'#,-? "])
    line[dice.randrange(len(line))] = sign
    lines[place] = bytes(line)


def _odd_value(lines: list[bytes], dice: random.Random) -> None:
    place = dice.randrange(len(lines))
    key, colon, _ = lines[place].partition(b": ")
    lines[place] = (key + colon if colon else lines[place] + b" ") + dice.choice(ODD)


def _odd_word(lines: list[bytes], dice: random.Random) -> None:
    place = dice.randrange(len(lines))
    words = re.split(rb"(\w+)", lines[place])
    words[dice.randrange(len(words))] = dice.choice(ODD)
    lines[place] = b"".join(words)


def _odd_key(lines: list[bytes], dice: random.Random) -> None:
    place = dice.randrange(len(lines))
    lines[place] = re.sub(rb"(\w)(\w*):", rb'"\1\\n\2":', lines[place], count=1)


def _nest(lines: list[bytes], dice: random.Random) -> None:
    place, depth = dice.randrange(len(lines)), dice.choice([3, 98, 99, 100, 101, 5000])
    key, colon, value = lines[place].partition(b": ")
    opening, closing = dice.choice([(b"[", b"]"), (b"{a: ", b"}")])
    lines[place] = key + colon + opening * depth + value + closing * dice.choice([depth, depth - 1])


def _join(lines: list[bytes], dice: random.Random) -> None:
    place = dice.randrange(len(lines))
    lines[place : place + 2] = [b"".join(lines[place : place + 2])]


MUTATIONS: tuple[Callable[[list[bytes], random.Random], None], ...] = (
    *(_drop, _double, _swap, _indent, _dedent, _join, _nest),
    *(_flip, _flip, _odd_value, _odd_value, _odd_word, _odd_key),
)


def mutated(dice: random.Random) -> bytes:
    lines = dice.choice(GOOD).split(b"\n")
    for _ in range(dice.randint(1, 4)):
        dice.choice(MUTATIONS)(lines, dice)
        lines = lines or [b""]
    return dice.choice([b"\n", b"\n", b"\n", b"\r\n"]).join(lines)


def last_line(data: bytes) -> int:
    """The number of the last line, by YAML's own idea of line breaks: an editor may show fewer."""
    return len(re.findall(rb"\r\n|\n|\r|\xc2\x85|\xe2\x80[\xa8\xa9]", data)) + 1


def refusal(data: bytes) -> PlanProblems | None:
    try:
        read = load(data, PATH)
    except PlanProblems as refused:
        return refused
    assert isinstance(read, EpicDefinition)
    return None


def is_refused(data: bytes) -> bool:
    """Whether the file is refused; fails unless that is done as promised."""
    refused = refusal(data)
    if refused is None:
        return False
    assert refused.problems
    assert list(refused.problems) == sorted(set(refused.problems))
    for line in map(str, refused.problems):
        assert len(line.splitlines()) == 1, (line, data)
        found = SAID.fullmatch(line)
        assert found, (line, data)
        assert 1 <= int(found[1]) <= last_line(data), (line, data)
    return True


@pytest.mark.parametrize("data", GOOD, ids=["full", "shared", "flow", "small"])
def test_what_is_mutated_is_good_to_begin_with(data: bytes) -> None:
    assert not is_refused(data)


@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_mutated_files_are_read_or_refused_in_lines(seed: int) -> None:
    dice = random.Random(seed)
    verdicts = {is_refused(mutated(dice)) for _ in range(100)}
    assert verdicts == {True, False}


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd[:20]))
@pytest.mark.parametrize("key", KEYS)
def test_an_odd_value_is_read_or_refused_in_lines(key: str, odd: bytes) -> None:
    is_refused(b"stories:\n- title: x\n  " + key.encode() + b": " + odd + b"\n  critical: 1\n")


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd[:20]))
def test_an_odd_key_is_read_or_refused_in_lines(odd: bytes) -> None:
    is_refused(b"stories:\n- id: a\n  " + odd + b": 1\n  env:\n    " + odd + b": [1]\n")


@pytest.mark.parametrize("seed", range(5))
def test_bytes_without_sense_are_read_or_refused_in_lines(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(100):
        data = bytes(dice.choice([dice.randrange(256), *b"{}[]:-&*! \nab"]) for _ in range(dice.randint(1, 60)))
        is_refused(data)
