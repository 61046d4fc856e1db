"""The tutorial is followed to the letter: its files are written, its commands run, its output compared."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from project import Project

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
INSTALLS = {"pip install 'pytest-tapps-waves[report]'"}
"""Commands that are not run: the package is here already."""
SHOWN_FOLDER = "/home/me/lamps"

UNSTEADY = {
    r"\b\d+\.\d+ ?s\b": "N s",
    r"\((just now|\d+ \w+ ago)\)": "(a moment ago)",
    r"\brun [0-9a-f]{8}\b": "run ID",
    r"([=_ -])\1{2,}": r"\1",
}
"""What differs from run to run, with what takes its place."""


def blocks() -> Iterator[tuple[str, str, str]]:
    """Language, text, and the end of the paragraph before, of each block of code."""
    said = ""
    for token in MarkdownIt("commonmark").parse(TUTORIAL.read_text(encoding="utf-8")):
        if token.type == "inline":
            said = token.content
        elif token.type == "fence":
            yield token.info, token.content, said
            said = ""


def steady(text: str, folder: Path) -> list[str]:
    text = text.replace(str(folder), SHOWN_FOLDER).replace("\\", "/")
    for pattern, words in UNSTEADY.items():
        text = re.sub(pattern, words, text)
    return [line.rstrip() for line in text.splitlines()]


def missing(shown: list[str], printed: list[str]) -> list[str]:
    """The first part of what is shown, between two ``...``, that was not printed as it stands there."""
    begin = 0
    parts: list[list[str]] = [[]]
    for line in shown:
        if line == "...":
            parts.append([])
        else:
            parts[-1].append(line)
    for part in parts:
        places = range(begin, len(printed) - len(part) + 1)
        found = next((place for place in places if printed[place : place + len(part)] == part), None)
        if found is None:
            return part
        begin = found + len(part)
    return []


def change(path: Path, diff: str) -> None:
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} does not hold once:\n{old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_the_tutorial_says_is_what_happens(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (project.path / "pytest.ini").unlink()  # it brings its own
    commands = 0
    for language, text, said in blocks():
        if language == "console":
            line, *shown = text.splitlines()
            command = line.removeprefix("$ ")
            if command in INSTALLS:
                continue
            program, *arguments = shlex.split(command)
            assert program == "pytest", f"{command}: only pytest is run here"
            printed = project.run(*arguments).outlines
            commands += 1
            lacking = missing(steady("\n".join(shown), project.path), steady("\n".join(printed), project.path))
            assert not lacking, "\n".join([f"{command} does not print:", *lacking, "", "but:", *printed])
            continue
        named = re.search(r"`([^`]+)`:$", said) or re.match(r"`([^`]+)`,.*:$", said, re.DOTALL)
        assert named, f"of which file is this?\n{text}"
        path = project.path / named[1]
        if language == "diff":
            change(path, text)
        elif "Add to" in said:
            path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
        else:
            assert not path.exists(), f"{path.name} is written twice"
            path.write_text(text, encoding="utf-8")
    assert commands == 6


@pytest.mark.parametrize(
    ("shown", "lacking"),
    [
        (["a", "b"], []),
        (["...", "c", "..."], []),
        (["a", "...", "c"], []),
        (["...", "c", "...", "a"], ["a"]),
        (["a", "c"], ["a", "c"]),
        (["...", "x"], ["x"]),
    ],
)
def test_what_is_left_out_is_all_that_may_be_missing(shown: list[str], lacking: list[str]) -> None:
    assert missing(shown, ["a", "b", "c"]) == lacking
