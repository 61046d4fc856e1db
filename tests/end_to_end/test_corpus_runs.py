"""pytest itself over the corpus of tests/epics/test_corpus.py: all mistakes are told, and nothing else goes wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from project import Project

CORPUS = Path(__file__).parents[1] / "corpus" / "epics"
GRAPH = sorted((CORPUS / "graph").glob("*.yaml"))


def put(project: Project, path: Path) -> list[str]:
    """Add an epic in a folder of its own, so that it has no neighbours; what pytest has to say of it."""
    name = f"epic_{path.name}"
    folder = project.path / path.stem
    folder.mkdir()
    (folder / name).write_bytes(path.read_bytes())
    lines = (
        path.with_suffix(".txt").read_text(encoding="utf-8").splitlines() if path.with_suffix(".txt").exists() else []
    )
    return [f"{path.stem}/{name}{line.removeprefix(path.name)}" for line in lines]


def told(result: pytest.RunResult) -> list[str]:
    """The lines that tell of mistakes. There is nothing that looks like a mistake of ours."""
    report = result.stdout.str() + result.stderr.str()
    for sign in ("INTERNALERROR", "Traceback", "\nE   ", "Warning"):
        assert sign not in report
    return [line for line in report.splitlines() if re.match(r"\S+/epic_\S+\.yaml:\d+: ", line)]


def test_every_line_of_every_bad_file_is_told_and_nothing_runs(project: Project) -> None:
    expected = [line for path in (CORPUS / "bad").glob("*.yaml") for line in put(project, path)]
    result = project.run("-p", "no:cacheprovider", "-W", "error")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert sorted(told(result)) == sorted(expected)


@pytest.mark.parametrize("path", GRAPH, ids=lambda path: path.stem)
def test_a_file_that_cannot_be_planned_is_told_in_exactly_its_lines(project: Project, path: Path) -> None:
    expected = put(project, path)
    result = project.run("-W", "error")
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.INTERNAL_ERROR)
    assert told(result) == expected


def test_every_good_file_is_collected(project: Project) -> None:
    with (project.path / "pytest.ini").open("a", encoding="utf-8") as file:
        file.write("markers =\n    db\n    slow\n    b\n")
    good = sorted((CORPUS / "good").glob("*.yaml"))
    assert [put(project, path) for path in good] == [[]] * len(good)
    lines = told(project.run("-q", "--collect-only", "-W", "error"))
    # What they depend on may be nowhere here.
    assert all("depends on" in line for line in lines)
