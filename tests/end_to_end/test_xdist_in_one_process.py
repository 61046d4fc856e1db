"""Stories that build upon one another's work run in one process: across workers they are refused, and no others."""

from __future__ import annotations

import pytest
from project import Project

XDIST = ("xdist.plugin",)


@pytest.mark.parametrize(
    ("keys", "story", "why"),
    [
        ("isolation: worktree", "run: touch ran", "stories with isolation: worktree run in one process"),
        ("agent: {command: any}", "agent: {}", "stories of agents run in one process"),
    ],
)
def test_an_epic_whose_work_is_put_together_is_refused_in_one_line(
    project: Project, keys: str, story: str, why: str
) -> None:
    project.epic(f"epic: {{{keys}}}\nstories:\n  - id: a\n    {story}\n")
    project.epic("stories: [{id: b, run: touch other}]", "epic_other.yaml")
    result = project.run_process("-n2", "--continue-on-collection-errors", plugins=XDIST)
    assert result.stdout.str().count(f"epic_shop.yaml:1: {why}: drop -n, or this epic") == 1
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert (project.path / "other").exists()
    assert not (project.path / "ran").exists()
