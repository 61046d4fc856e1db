"""Markdown epics in the ways in which people write them: every story and every dependency arrives, and collects."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from project import Project

from pytest_tapps_waves.convert.converter import Conversion, convert, save, sources
from pytest_tapps_waves.epics.loader import load

CORPUS = Path(__file__).parents[1] / "corpus" / "markdown"

EXPECTED: dict[str, dict[str, dict[str, list[str]]]] = {
    "bmad": {
        "epic_1.yaml": {"1.1": [], "1.2": ["1.1"], "1.3": ["1.1", "1.2"]},
        "epic_2.yaml": {
            "2.1": ["epic_1.yaml::1.1", "epic_1.yaml::1.2", "epic_1.yaml::1.3"],
            "2.10": ["2.1", "epic_1.yaml::1.3"],
        },
    },
    "bold": {"epic_3.yaml": {"3.1": [], "3.2": ["3.1"], "3.3": ["3.1", "3.2"]}},
    "cycle": {
        "epic_1.yaml": {"1.1": ["1.2"], "1.2": ["epic_2.yaml::2.1"]},
        "epic_2.yaml": {"2.1": ["epic_1.yaml::1.1"]},
    },
    "doubts": {"epic_9.yaml": {"9.1": [], "9.2": [], "9.3": [], "9.4": ["9.1", "9.2", "9.3"]}},
    "folder": {
        "epic_28.yaml": {"STORY-129": []},
        "epic_29.yaml": {"STORY-130": ["epic_28.yaml::STORY-129"], "STORY-131": ["STORY-130"]},
        "epic_30.yaml": {"STORY-132": ["epic_29.yaml::STORY-131"]},
    },
    "list": {"epic_12.yaml": {"12.1": [], "12.2": ["12.1"], "12.3": ["12.1", "12.2"]}},
    "mixed": {
        "epic_1.yaml": {"1.1": [], "1.2": ["1.1"], "1.3": ["1.1", "1.2"]},
        "epic_2.yaml": {
            "STORY-2.1": ["epic_1.yaml::1.2", "epic_1.yaml::1.3", "epic_1.yaml"],
            "STORY-2.2": ["STORY-2.1"],
            "2.3": ["STORY-2.2"],
        },
        "epic_3.yaml": {"3": ["epic_2.yaml::2.3", "epic_1.yaml", "epic_2.yaml"]},
    },
    "numbered": {
        "epic_7.yaml": {"1": [], "2": ["1"], "3": ["1", "2"]},
        "epic_8.yaml": {
            "1": ["epic_7.yaml"],
            "2": ["1", "epic_7.yaml::2"],
            "3": ["2", "epic_7.yaml::1", "epic_7.yaml::3"],
        },
    },
    "prose": {
        "epic_sequence.yaml": {"1": [], "2": [], "3": ["1"], "4": ["2"], "5": ["1", "2", "3", "4"], "6": ["4", "5"]},
    },
    "reversed": {
        "epic_14.yaml": {"14.1": [], "14.2": ["14.1"], "14.3": ["14.2"], "14.4": ["14.2"]},
        "epic_15.yaml": {"15.1": ["epic_14.yaml::14.4"], "15.2": ["15.1"]},
    },
    "rows": {
        "epic_1.yaml": {
            "1.1": [],
            "1.2": [],
            "1.3": [],
            "1.9": [],
            "1.10": [],
            "1.11": ["1.1", "1.2", "1.3", "1.9", "1.10"],
        },
        "epic_2.yaml": {
            "2.1": ["epic_1.yaml"],
            "2.2": ["epic_1.yaml::1.1", "epic_1.yaml::1.2", "epic_1.yaml::1.3", "epic_1.yaml"],
            "2.3": ["2.1", "2.2"],
        },
        "epic_3.yaml": {"3.1": ["epic_1.yaml", "epic_2.yaml"], "3.2": ["epic_2.yaml"]},
    },
    "tables": {"epic_4.yaml": {"4.1": [], "4.2": [], "4.3": ["4.1", "4.2"], "4.4": ["4.2", "4.3"]}},
}
"""By folder, file and story: what it depends on, in the order in which it is said."""

UNPLACED = "looks like a dependency, and could not be placed; write which story it is, or add it by hand"
ELSEWHERE = "is in no file that is converted; convert its file in the same go"
LEFT: dict[str, list[str]] = {
    "cycle": [
        "epic_1.md:3: a cycle: 1.1 -> 1.2 -> 2::2.1 -> 1.1, each depends on the next; it is kept: break it somewhere",
        "epic_2.md:5: story 2.1 would depend on itself; that is left out",
    ],
    "doubts": [
        f'epic-9.md:9: "Story 9.1 or Story 9.3" {UNPLACED}',
        f'epic-9.md:9: "Python 3.11" {UNPLACED}',
        f'epic-9.md:9: "the design review" {UNPLACED}',
        f'epic-9.md:13: "STORY-77" {UNPLACED}',
        f'epic-9.md:13: "Story 4.2": story 4.2 {ELSEWHERE}',
        f'epic-9.md:13: "Epic 5": epic 5 {ELSEWHERE}',
        f'epic-9.md:14: "Story 9.1 (optional)" {UNPLACED}',
        f'epic-9.md:16: "After Story 9.1 has landed, look again" {UNPLACED}',
        f'epic-9.md:20: "Stories 9.1-9.9": story 9.5 {ELSEWHERE} (and 4 more of the row)',
        'epic-9.md:20: "Stories 9.2-8.1": 9.2 to 8.1 is no row of numbers',
        "epic-9.md:20: story 9.4 would depend on itself; that is left out",
        "epic-9.md:22: 'Story: Nameless' is a story without an id; number it: `Story 1: ...`",
        "epic-9.md:24: story 9.1 is already at doubts/epic-9.md:3; this one is left out, rename it",
        "epic-9.md:26: story 9.3 is struck out, and left out",
        f'epic-9.md:32: "Epic 9 must complete before any other epic starts" {UNPLACED}',
        f'epic-9.md:33: "Stories 9.2, 9.3 can run in parallel after 9.1 completes" {UNPLACED}',
    ],
    "folder": [
        f'STORY-130.md:38: "Legal has to agree" {UNPLACED}',
        "nested/STORY-132.md:5: `dependancies` is not taken over; did you mean `dependencies`?",
        "nested/STORY-132.md:6: `run` is not taken over, since it would change how the story runs; add it by hand",
    ],
    "prose": [
        f'sequence.md:10: "It does not depend on Story 2" {UNPLACED}',
        f'sequence.md:32: "Story 1 → Story 2" {UNPLACED}',
    ],
    "tables": [f'roadmap.md:10: "4.5": story 4.5 {ELSEWHERE}'],
}
"""What is left for people."""


def converted(name: str, monkeypatch: pytest.MonkeyPatch, output: Path = Path("epics")) -> Conversion:
    monkeypatch.chdir(CORPUS)
    return convert(sources([Path(name)], output))


def test_every_folder_of_the_corpus_is_expected() -> None:
    assert {path.name for path in CORPUS.iterdir()} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_every_story_and_every_dependency_arrives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = converted(name, monkeypatch)
    epics = {path.name: load(text.encode(), path.name) for path, text in done.files.items()}
    assert {file: {story.id: list(story.dependencies) for story in epic.stories} for file, epic in epics.items()} == (
        EXPECTED[name]
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_left_for_people_is_told_with_its_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [str(problem) for problem in converted(name, monkeypatch).problems]
    assert left == [f"{name}/{line}" for line in LEFT.get(name, [])]


def test_converted_epics_collect_and_run_as_documentation(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    stories = 0
    for name in EXPECTED.keys() - {"cycle"}:
        save(converted(name, monkeypatch, project.path / name).files, force=False)
        stories += sum(map(len, EXPECTED[name].values()))
    monkeypatch.chdir(project.path)
    project.run("--epic-conflicts=off").assert_outcomes(skipped=stories)


def test_a_real_cycle_is_not_dropped(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    save(converted("cycle", monkeypatch, project.path).files, force=False)
    monkeypatch.chdir(project.path)
    result = project.run("--collect-only")
    result.stdout.fnmatch_lines(["epic_1.yaml:*: a cycle: 1.1 -> 1.2 -> epic_2.yaml::2.1 -> 1.1, *"])


def test_epics_of_several_folders_refer_to_one_another(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(CORPUS / "folder", project.path / "docs")
    monkeypatch.chdir(project.path)
    done = convert(sources([Path("docs")], None))
    save(done.files, force=False)
    assert Path("docs/nested/epic_30.yaml") in done.files
    assert "../epic_29.yaml::STORY-131" in done.files[Path("docs/nested/epic_30.yaml")]
    project.run().assert_outcomes(skipped=4)
