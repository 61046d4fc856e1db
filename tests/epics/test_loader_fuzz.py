"""Whatever stands in an epic file, it is either read, or refused in lines that say where and why.

``tests/suites/loader_fuzz.py`` tries many more.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from loader_mutations import ACCIDENTS, KEYS, RARE, TOKENS, Accident, mutated
from loader_promises import check, last_line

from pytest_tapps_waves.epics.spec import EpicDefinition

CORPUS = Path(__file__).parents[1] / "corpus" / "epics"
GOOD = [path.read_bytes() for path in sorted((CORPUS / "good").glob("*.yaml"))]
BAD = [data for path in sorted((CORPUS / "bad").glob("*.yaml")) if len(data := path.read_bytes()) < 2000]


def test_the_same_dice_make_the_same_accidents() -> None:
    one, other = (mutated(GOOD[0], GOOD, random.Random(7)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("accident", dict.fromkeys([*ACCIDENTS, *RARE]), ids=lambda accident: accident.__name__)
def test_a_file_after_an_accident_is_read_or_refused_in_lines(accident: Accident, tmp_path: Path) -> None:
    dice = random.Random(accident.__name__)
    changed = 0
    for _ in range(60):
        data = dice.choice(GOOD)
        after = accident(data, GOOD, dice)
        changed += after != data
        check(after, tmp_path)
    assert changed > 20


@pytest.mark.parametrize("seed", range(10))
def test_files_after_accidents_are_read_or_refused_in_lines(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    answers = [check(mutated(dice.choice(GOOD), GOOD + BAD, dice), tmp_path) for _ in range(100)]
    verdicts = {isinstance(answer, EpicDefinition) for answer in answers}
    assert verdicts == {True, False}


@pytest.mark.parametrize("key", KEYS)
def test_an_odd_value_is_read_or_refused_in_lines(key: str) -> None:
    for odd in TOKENS:
        check(b"stories:\n- title: x\n  " + key.encode() + b": " + odd + b"\n  critical: 1\n")


@pytest.mark.parametrize("odd", TOKENS, ids=lambda odd: repr(odd[:20]))
def test_an_odd_key_is_read_or_refused_in_lines(odd: bytes) -> None:
    check(b"stories:\n- id: a\n  " + odd + b": 1\n  env:\n    " + odd + b": [1]\n")


@pytest.mark.parametrize("seed", range(5))
def test_bytes_without_sense_are_read_or_refused_in_lines(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(100):
        check(bytes(dice.choice([dice.randrange(256), *b"{}[]:-&*! \nab"]) for _ in range(dice.randint(1, 60))))


@pytest.mark.parametrize(
    ("data", "last"),
    [(b"", 1), (b"a", 1), (b"a\n", 1), (b"a\n\nb", 3), (b"a\r\nb\r", 2), ("a\nb".encode("utf-16"), 2)],
)
def test_the_last_line_is_that_of_an_editor(data: bytes, last: int) -> None:
    assert last_line(data) == last
