"""Whatever stands in a Markdown file, it is converted or told; nothing raises, and what is written can be read."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_tapps_waves.convert.converter import Conversion, Source, convert
from pytest_tapps_waves.convert.document import parse
from pytest_tapps_waves.epics.loader import load

CORPUS = sorted((Path(__file__).parents[1] / "corpus" / "markdown").rglob("*.md"))
TEXTS = [path.read_text(encoding="utf-8") for path in CORPUS]
PIECES = [
    *(
        "# ",
        "## ",
        "### ",
        "- ",
        "  - ",
        "1. ",
        "> ",
        "    ",
        "\n",
        "\n\n",
        "---\n",
        "```\n",
        "| a | b |\n|--|--|\n| ",
        " | ",
    ),
    *(
        "Epic 1: A",
        "EPIC-2",
        "Story 1: B",
        "Story 1.1",
        "**Story 2: C**",
        "STORY-3",
        "story ",
        "epic ",
        "Stories 1-9999999",
    ),
    *(
        "**Dependencies:** ",
        "Depends on: ",
        "Blocks: ",
        "Prerequisites",
        ": ",
        "All ",
        "previous stories",
        "Epic 1",
        "1.1-1.3",
    ),
    *(
        "must complete before ",
        "depends on ",
        "cannot start until ",
        "(",
        ")",
        "(all stories)",
        " and ",
        " or ",
        ", ",
        " – ",
        "→",
    ),
    *(
        "**Acceptance Criteria:**\n",
        "Given x",
        "AC#1",
        "**Points:** ",
        "5 SP",
        "9" * 400,
        "**Files:** ",
        "`src/[z-a]`",
        "`../x`",
    ),
    *(
        "id: ",
        "epic: ",
        "depends_on: [",
        "]",
        "{}",
        "title: &a *a",
        "<!-- ",
        " -->",
        "<b>",
        "[x](y)",
        "![z](y)",
        "\\",
        "`",
        "*",
    ),
    *(
        "\x00",
        "\x07",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\u2028",
        "\u202e",
        "\ufeff",
        "\ufffe",
        "é",
        "𝄞",
        "\t",
        "\r",
        " ",
        "#",
        "0",
    ),
]
FRAGMENTS = st.lists(st.sampled_from(PIECES) | st.sampled_from(TEXTS[0].splitlines(keepends=True)), max_size=40).map(
    "".join
)


def check(*texts: str) -> Conversion:
    """Convert files of one folder, and see that what is promised holds."""
    done = convert([Source(parse(text, f"{place}.md"), Path()) for place, text in enumerate(texts)])
    epics = {path.name: load(text.encode(), path.name) for path, text in done.files.items()}
    ids = {file: {story.id for story in epic.stories} for file, epic in epics.items()}
    for file, epic in epics.items():
        for story in epic.stories:
            for dependency in story.dependencies:
                other, colons, identifier = dependency.partition("::")
                known = identifier in ids.get(other, ()) if colons else dependency in ids[file] or dependency in ids
                assert known, (file, story.id, dependency)
    for problem in done.problems:
        text = texts[int(problem.path.removesuffix(".md"))]
        assert 1 <= problem.line <= text.count("\n") + text.count("\r") + 1, problem
        assert str(problem).isprintable(), problem
        # The last resort, for more than an epic file takes. For a text of this size it is a mistake of ours.
        assert not re.match(r"epic \S+ is left out: ", problem.message), problem
    return done


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_converted_or_told(text: str) -> None:
    check(text)


@settings(max_examples=150, deadline=None)
@given(FRAGMENTS)
def test_pieces_of_markdown_in_any_order_are_converted_or_told(text: str) -> None:
    check(text)


@settings(max_examples=40, deadline=None)
@given(FRAGMENTS, FRAGMENTS)
def test_files_that_speak_of_one_another_are_converted_or_told(one: str, other: str) -> None:
    check(one, other)


@pytest.mark.parametrize("seed", range(4))
def test_epics_after_accidents_are_converted_or_told(seed: int) -> None:
    dice = random.Random(seed)
    stories = 0
    for _ in range(40):
        lines = dice.choice(TEXTS).splitlines(keepends=True) + dice.choice(TEXTS).splitlines(keepends=True)
        for _ in range(dice.randrange(8)):
            place = dice.randrange(len(lines))
            lines[place : place + dice.randrange(3)] = [dice.choice(lines), dice.choice(PIECES), dice.choice(PIECES)]
        stories += len(check("".join(lines)).files)
    assert stories > 20


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_ends_of_lines_of_windows_change_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    unix, windows = check(text), check(text.replace("\n", "\r\n"))
    assert (unix.files, unix.problems) == (windows.files, windows.problems)


@pytest.mark.parametrize(
    "text",
    [
        "> " * 2000 + "Story 1: X",
        "- " * 2000 + "Story 1: X",
        "### Story 1: X\n\n**Dependencies:** " + "Story 1, " * 20_000,
        "### Story 1: X\n\n" + "(" * 20_000,
        "### Story 1: " + "*" * 20_000,
        "### Story 1: " + "[" * 5_000,
        "### Story 1: X\n\ndepends on " + "must be " * 20_000,
        "### Story 1: X\n\nStory " + "1." * 20_000,
        "### " + "Story 1-" * 20_000,
        "### Story 1: X\n\n**Dependencies:** Stories 1-99999999999999999999",
        "---\nid: 1\nepic: 1\n" + "a" * 20_000 + ": [\n---\n",
        "---\nid: A\nepic: B\npoints: .inf\nx: 1e999\n---\n",
    ],
    ids=range(12),
)
def test_a_text_that_is_made_to_take_long_takes_no_time(text: str) -> None:
    check(text)
