"""The second run of an epic reads what the first one kept, and nobody can tell."""

from __future__ import annotations

import re

from project import Project

EPIC = """
    stories:
      - {id: "1", call: "work:seen", tags: [slow]}
      - {id: "2", run: "exit 3", dependencies: ["1"]}
      - {id: "3", dependencies: ["2"], acceptance_criteria: [{description: x, run: "exit 0"}]}
"""

WORK = """
    import sys

    def seen():
        with open("seen", "a") as file:
            print("+".join(sorted({"pydantic", "yaml"} & set(sys.modules))) or "neither", file=file)
"""


def _report(project: Project, *options: str) -> list[str]:
    result = project.run_process("-v", "-rA", "-o", "markers=slow", *options)
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    lines = [re.sub(r"[\d.]+ s\)", "N s)", line) for line in result.stdout.lines if "epic_shop.yaml" in line]
    assert lines
    return lines


def test_the_second_run_does_not_read_yaml_and_reports_the_same(project: Project) -> None:
    project.epic(EPIC)
    project.write("work.py", WORK)
    first = _report(project)
    assert _report(project) == first
    assert _report(project, "--cache-clear") == first
    assert _report(project, "-p", "no:cacheprovider") == first
    assert project.lines("seen") == ["pydantic+yaml", "neither", "pydantic+yaml", "pydantic+yaml"]


def test_a_change_is_seen(project: Project) -> None:
    project.epic(EPIC)
    project.write("work.py", WORK)
    _report(project)
    project.epic(EPIC.replace("exit 3", "exit 0"))
    project.run_process("-o", "markers=slow").assert_outcomes(passed=3)
    project.epic(EPIC.replace("dependencies", "dependancies"))
    result = project.run_process()
    result.stdout.fnmatch_lines(["epic_shop.yaml:4: `dependancies` is not a key; did you mean `dependencies`?"])
