"""Projects of no-ops. What is random in them has a fixed seed."""

from __future__ import annotations

import random
from pathlib import Path

SEED = 8
STORY_LINES = 10
MOST_IN_A_FILE = 20_000
"""Stories of a file of ours, which is not to have more than 5 MiB."""


def write(folder: Path, contents: dict[str, str]) -> Path:
    """Files of a folder that is a rootdir."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"pytest.ini": "[pytest]\n", **contents}.items():
        (folder / name).write_text(text)
    return folder


def plain_tests(folder: Path, size: int) -> Path:
    return write(folder, {"test_plain.py": "\n\n".join(f"def test_{n}():\n    pass" for n in range(size)) + "\n"})


def call_stories(folder: Path, size: int, keyword: str = "async def") -> Path:
    epics = {
        f"epic_bench{first // MOST_IN_A_FILE or ''}.yaml": epic(
            min(MOST_IN_A_FILE, size - first), "call: noop:noop", first=first
        )
        for first in range(0, size, MOST_IN_A_FILE)
    }
    return write(folder, {"noop.py": f"{keyword} noop():\n    pass\n", **epics})


def epic(size: int, action: str, dependency_share: float = 1 / 3, first: int = 0) -> str:
    """Small stories, some of which depend on one earlier one.

    :param first: the number of its first story; earlier ones stand in other files.
    """
    chance = random.Random(SEED + first)
    lines = [f"epic: {{id: bench{first or ''}, title: Benchmark}}", "stories:"]
    for number in range(first, first + size):
        lines += [f'  - id: "s{number}"', f"    title: Step {number} of the benchmark", f"    {action}"]
        if number and chance.random() < dependency_share:
            lines.append(f'    dependencies: ["s{chance.randrange(number)}"]')
    return "\n".join(lines) + "\n"


def long_epic(size: int) -> str:
    """Stories of ten lines each."""
    chance = random.Random(SEED)
    lines = ["epic: {id: bench}", "stories:"]
    for number in range(size):
        lines += [
            f'  - id: "1.{number}"',
            f"    title: Story number {number}",
            "    description: what is to be done, in one sentence of some length",
            f'    dependencies: ["1.{chance.randrange(number)}"]' if number else "    dependencies: []",
            f'    files_affected: ["src/module_{number}/**", "docs/{number}.md"]',
            "    run: [python, -m, build, package]",
            "    acceptance_criteria:",
            "      - It is built",
            f"    timeout: {60 + number % 7}",
            "    tags: [build]",
        ]
        assert (len(lines) - 2) % STORY_LINES == 0
    return "\n".join(lines) + "\n"
