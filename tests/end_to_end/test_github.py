"""Under GitHub Actions a failure is told on its line, and the step has a summary."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

Run = Callable[..., pytest.RunResult]

EPIC = """\
    epic: {max_parallel_stories: 3, circuit_breaker: 0, title: Shop}
    stories:
      - {id: "1", title: Schema | tables, run: "true"}
      - {id: "2", title: "Loads, 100%", run: "echo '::error::smuggled'; exit 3", dependencies: ["1"]}
      - {id: "3", title: Search, run: "true", dependencies: ["2"]}
      - {id: "4", title: Only text}
      - id: "5"
        run: "true"
        acceptance_criteria:
          - {description: it does not hold, run: "exit 4"}
    """


@pytest.fixture
def summary(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a workflow, in a folder of its repository."""
    path = project.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.path.parent))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    project.epic(EPIC)
    return path


def commands(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith("::error file=")]


def test_a_failure_is_an_annotation_on_the_line_of_its_story(project: Project, summary: Path, both_ways: Run) -> None:
    found = sorted(commands(both_ways()))
    epic = f"{project.path.name}/epic_shop.yaml"
    assert len(found) == 2
    assert found[0].startswith(f"::error file={epic},line=4,title=2 Loads%2C 100%25::exit status 3: run: echo ")
    assert "%0A" in found[0]
    assert "last lines of its output:%0A  | ::error::smuggled" in found[0]
    assert found[1].startswith(
        f"::error file={epic},line=7,title=story 5::1 of 1 acceptance checks failed: it does not hold"
    )


def test_mistakes_of_an_epic_are_annotations_on_their_lines(project: Project, summary: Path) -> None:
    project.epic("stories:\n  - {id: a, retries: x}\n  - {id: b, dependencies: [c]}\n")
    project.epic("stories:\n  - {id: z, dependencies: [y]}\n", "epic_user.yaml")
    found = commands(project.run())
    folder = project.path.name
    assert (
        f"::error file={folder}/epic_shop.yaml,line=2,title=epic::story a: retries must be a whole number, not 'x'"
        in found
    )
    assert any(line.startswith(f"::error file={folder}/epic_user.yaml,line=2,title=") for line in found)


def test_a_breaker_is_an_annotation(project: Project, summary: Path) -> None:
    project.epic("epic: {circuit_breaker: 1}\nstories:\n  - {id: a, run: exit 1}\n  - {id: b, run: exit 1}\n")
    assert [re.sub(r".*,line=(\d+),title=([^:]*)::.*", r"\1 \2", line) for line in commands(project.run())] == [
        "3 story a",
        "3 circuit breaker",
    ]


def test_there_are_no_annotations_elsewhere(project: Project, summary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert commands(project.run()) == []
    assert not summary.exists()


def test_the_plugin_that_annotates_all_failures_is_left_to_it(
    project: Project, summary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("pytest_github_actions_annotate_failures.py", "")
    monkeypatch.syspath_prepend(project.path)
    assert commands(project.run(plugins=("pytest_github_actions_annotate_failures",))) == []


def test_the_step_has_a_table_with_what_went_wrong_first(summary: Path, both_ways: Run) -> None:
    both_ways()
    text = summary.read_text(encoding="utf-8")
    rows = [re.sub(r"\d+\.\d+ s", "T", line) for line in text.splitlines() if line.startswith("| ") and "epic" in line]
    assert text.startswith("### Epics: 5 stories, 3 waves\n\n")
    assert rows == [
        "| ❌ | epic\\_shop.yaml::5 |  | 1 | T | 1 of 1 acceptance checks failed: it does not hold |",
        "| ❌ | epic\\_shop.yaml::2 | Loads, 100% | 2 | T | exit status 3: run: echo '::error::smuggled'; exit 3 |",
        "| ⏭️ | epic\\_shop.yaml::3 | Search | 3 | T | 3 depends on 2, which failed |",
        "| ✅ | epic\\_shop.yaml::1 | Schema \\| tables | 1 | T |  |",
        "| 📄 | epic\\_shop.yaml::4 | Only text | 1 | T |  |",
    ]


def test_the_step_has_the_plan_as_a_picture(summary: Path, project: Project) -> None:
    project.run()
    text = summary.read_text(encoding="utf-8")
    chart = text.partition("```mermaid\n")[2].partition("```")[0].splitlines()
    assert chart[:5] == [
        "flowchart LR",
        '  subgraph w1["wave 1"]',
        '    s1["1 Schema | tables"]:::passed',
        '    s4["4 Only text"]',
        '    s5["5"]:::failed',
    ]
    assert '    s2["2 Loads, 100%"]:::failed' in chart
    red = "stroke:#d1242f,stroke-width:3px"
    assert [line for line in chart if line.endswith(red)] == [
        *(f"  style {name} {red}" for name in ("s1", "s2", "s3")),
        f"  linkStyle 0,1 {red}",
    ]


def test_a_plan_that_is_too_large_to_draw_is_said_to_be(summary: Path, project: Project) -> None:
    stories = "".join(f"  - {{id: b{n}, dependencies: [{', '.join(f'a{m}' for m in range(26))}]}}\n" for n in range(20))
    project.epic("stories:\n" + "".join(f"  - {{id: a{n}}}\n" for n in range(26)) + stories)
    project.run()
    text = summary.read_text(encoding="utf-8")
    assert "mermaid" not in text
    assert "The plan has 520 dependencies, too many for GitHub to draw: `pytest --epic-plan` prints it." in text


def test_a_secret_is_neither_in_annotations_nor_in_the_summary(
    summary: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "hush-hush-1234")
    project.epic(
        "epic: {secrets: [API_TOKEN]}\nstories:\n"
        "  - {id: a, title: with hush-hush-1234, run: 'echo hush-hush-1234; exit 1'}\n"
    )
    found = commands(project.run())
    assert len(found) == 1
    assert "***" in found[0]
    assert "hush-hush" not in found[0] + summary.read_text(encoding="utf-8")


def test_what_a_title_holds_stays_text(summary: Path, project: Project) -> None:
    project.epic('stories:\n  - {id: a, title: "<b>`x` [y](z)\\n\\"]; click s0 href", run: "true"}\n')
    project.run()
    text = summary.read_text(encoding="utf-8")
    assert "&lt;b&gt;\\`x\\` \\[y\\](z)" in text
    assert '    s1["a #60;b#62;#96;x#96; [y](z)#92;n#34;]; click s0 href"]:::passed' in text


def test_a_summary_is_added_to_what_is_there(summary: Path, project: Project) -> None:
    summary.write_text("# Before\n", encoding="utf-8")
    project.run()
    assert summary.read_text(encoding="utf-8").startswith("# Before\n### Epics: ")


def test_workers_of_xdist_annotate_through_the_controller_alone(summary: Path, project: Project) -> None:
    pytest.importorskip("xdist")
    result = project.run_process("-n1", "--dist=loadfile", plugins=("xdist.plugin",))
    assert len(commands(result)) == 2
    assert not summary.exists()
