"""What the loader of epics promises of any bytes whatever, as one check for tests and for the fuzzer."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_tapps_waves.collect.library import Library
from pytest_tapps_waves.collect.names import Names
from pytest_tapps_waves.collect.references import Resolver
from pytest_tapps_waves.core import globs
from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.epics.parsed import ParsedEpics
from pytest_tapps_waves.epics.spec import EpicDefinition
from pytest_tapps_waves.errors import PlanProblems, Problem

PATH = "epic_x.yaml"
LONGEST_MESSAGE = 1000
"""A message shows a few words of the file, each of them cut. This leaves room for all."""


def last_line(data: bytes) -> int:
    """The number of the last line, as editors count."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = data.decode(encoding, "replace")
    return max(1, len(re.findall("\r\n|\n|\r", text)) + (not text.endswith(("\n", "\r"))))


def answer(data: bytes) -> EpicDefinition | tuple[Problem, ...]:
    """What the loader makes of a file: an epic, or its mistakes."""
    try:
        return load(data, PATH)
    except PlanProblems as refused:
        return refused.problems


def check(data: bytes, folder: Path | None = None) -> EpicDefinition | tuple[Problem, ...]:
    """The loader's answer, once it has kept its promises; whatever else is raised is one that it broke.

    :param folder: an empty one, in which an epic is kept and got back.
    """
    found = answer(data)
    again = answer(data)
    if isinstance(found, EpicDefinition):
        # Not-a-number is not what it is; its words are.
        assert repr(found) == repr(again), "not the same when read again"
        if folder is not None:
            _check_kept(found, data, folder)
            _check_words(found, data, folder)
    else:
        assert found == again, "not the same mistakes when read again"
        assert found, "refused without a mistake"
        # The last may say how many more there are.
        told = found[:-1] if found[-1].message.endswith("more mistakes from here on") else found
        assert list(told) == sorted(set(told)), "mistakes out of order, or told twice"
        _check_problems(found, data)
    return found


def _check_problems(problems: tuple[Problem, ...], data: bytes) -> None:
    last = last_line(data)
    for problem in problems:
        assert problem.path == PATH
        assert problem.message and problem.message.isprintable(), f"not a line that can be read: {problem.message!r}"
        assert len(problem.message) <= LONGEST_MESSAGE, f"a line of {len(problem.message):,} signs"
        assert 1 <= problem.line <= last, f"line {problem.line} of {last}: {problem.message}"


def _check_kept(epic: EpicDefinition, data: bytes, folder: Path) -> None:
    parsed = ParsedEpics(folder)
    parsed.put(epic, data)
    kept = parsed.get(PATH, data)
    assert kept is not None, "not kept"
    assert repr(kept) == repr(epic), "not what it was, once it has been kept"


def _check_words(epic: EpicDefinition, data: bytes, folder: Path) -> None:
    """What is made of the words of an epic before it runs: globs, and what it depends on."""
    stories = list(epic.stories)[:20]
    resolver = Resolver(folder, Library(folder, lambda: None), Names([]), all_tests_known=True)
    for story in stories:
        assert all(isinstance(key, str) for key in resolver.resolve(folder / PATH, epic, story))
    _check_problems(tuple(resolver.problems), data)
    patterns = [globs.parse(text) for story in stories for text in story.files_affected[:5] if len(text) < 200][:10]
    for one in patterns:
        assert globs.overlap(one, one), f"{one} has nothing in common with itself"
        for other in patterns:
            assert globs.overlap(one, other) == globs.overlap(other, one), f"{one} and {other}: not both ways"
