"""How long it takes: before the run by ``--epic-plan``, and after it by a line on what eager would have saved."""

from __future__ import annotations

import re

import pytest
from project import Project

from pytest_tapps_waves.core import forecast

SHOP = """
    stories:
      - {id: a, run: exit 0}
      - {id: b, run: exit 0}
      - {id: c, run: exit 0, dependencies: [a]}
      - {id: d, run: exit 0, dependencies: [b]}
"""
HINT = r"waves [\d.]+ s · eager would take about [\d.]+ s: --epic-schedule=eager"


def hints(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "eager would take" in line]


@pytest.fixture
def anything_is_worth_a_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("conftest.py", "def pytest_epic_story_finished(story): open(f'{story.spec.id}.ended', 'w').close()")
    monkeypatch.setattr(forecast, "LEAST_SAVED", 0.001)
    monkeypatch.setattr(forecast, "LEAST_PART_SAVED", 0.0)


# The barrier holds c until b has ended, which goes on after a has.
UNEVEN = """
    stories:
      - {id: a, run: exit 0}
      - {id: b, run: "until test -e a.ended; do sleep 0.02; done; sleep 0.8"}
      - {id: c, run: sleep 1.2, dependencies: [a]}
      - {id: d, run: exit 0, dependencies: [b]}
"""


@pytest.mark.usefixtures("anything_is_worth_a_line")
def test_a_run_in_waves_ends_with_what_eager_would_have_taken(project: Project) -> None:
    project.epic(UNEVEN)
    result = project.run("--epic-parallel=3")
    result.assert_outcomes(passed=4)
    assert [bool(re.fullmatch(HINT, line)) for line in hints(result)] == [True]


@pytest.mark.usefixtures("anything_is_worth_a_line")
@pytest.mark.parametrize(
    ("epic", "args"),
    [
        (UNEVEN, ("--epic-parallel=3", "--epic-schedule=eager")),
        (UNEVEN, ()),
        (
            UNEVEN.replace("dependencies: [b]", "dependencies: [b], retries: 0").replace(
                "d, run: exit 0", "d, run: exit 1"
            ),
            ("--epic-parallel=3",),
        ),
        ("stories: [{id: a, run: exit 0}, {id: b, run: sleep 0.1}]", ("--epic-parallel=2",)),
    ],
    ids=["it is eager", "one by one", "something failed", "one wave"],
)
def test_there_is_no_such_line_where_it_says_nothing(project: Project, epic: str, args: tuple[str, ...]) -> None:
    project.epic(epic)
    assert hints(project.run(*args)) == []


def test_nor_where_hardly_anything_would_be_saved(project: Project) -> None:
    project.epic(SHOP)
    result = project.run("--epic-parallel=3")
    assert hints(result) == []
    result.stdout.no_fnmatch_line("*= epics =*")


def test_the_plan_tells_no_seconds_where_none_are_known(project: Project) -> None:
    project.epic(SHOP)
    result = project.run("--epic-plan", "--epic-parallel=3")
    result.stdout.fnmatch_lines(
        [
            "critical path: 2 stories",
            "  epic_shop.yaml::a",
            "  -> epic_shop.yaml::c",
            "durations: none measured yet; 4 unknown, taken to be alike",
            "more than 2 at once are of no use, if all take equally long",
        ],
        consecutive=True,
    )
    assert not (project.path / ".pytest_cache/d/epics/journal.db").exists()


def test_the_plan_tells_how_long_it_will_take_under_both_schedules(project: Project) -> None:
    project.epic(SHOP)
    project.run().assert_outcomes(passed=4)
    project.took({"a": 1.0, "b": 7.0, "c": 6.0, "d": 0.5})
    lines = [
        "critical path: 2 stories, 7.5 s",
        "  epic_shop.yaml::b  7.0 s",
        "  -> epic_shop.yaml::d  0.50 s",
        "durations: 4 measured",
        "3 at once: waves 13.0 s, eager 7.5 s; at least 7.5 s (critical path 7.5 s, work / 3 4.8 s)",
        "more than 2 at once are of no use",
    ]
    project.run("--epic-plan", "--epic-parallel=3").stdout.fnmatch_lines(lines, consecutive=True)
    lines[4:5] = [
        "one at a time: 14.5 s",
        "with --epic-parallel=2: waves 13.0 s, eager 7.5 s; at least 7.5 s (critical path 7.5 s, work / 2 7.2 s)",
    ]
    project.run("--epic-plan").stdout.fnmatch_lines(lines, consecutive=True)


def test_the_plan_says_what_is_measured_and_what_is_not(project: Project) -> None:
    project.epic(SHOP)
    project.run("epic_shop.yaml::a", "epic_shop.yaml::b").assert_outcomes(passed=2)
    project.took({"a": 2.0, "b": 4.0})
    project.epic(SHOP.replace("id: b,", "id: b, points: 2,").replace("id: d,", "id: d, story_points: 1,"))
    project.run("--epic-plan", "--epic-parallel=9").stdout.fnmatch_lines(
        [
            "  epic_shop.yaml::b  4.0 s",
            "  -> epic_shop.yaml::d  2.0 s",
            "durations: 2 measured; 1 guessed by story_points; 1 unknown, taken to be 3.0 s, the median",
        ],
        consecutive=True,
    )


def test_the_latest_passes_count_and_failures_do_not(project: Project) -> None:
    project.epic("stories: [{id: a, run: exit 0}]")
    project.run().assert_outcomes(passed=1)
    project.took({"a": 3.0})
    project.epic("stories: [{id: a, run: exit 1}]")
    project.run().assert_outcomes(failed=1)
    project.run("--epic-plan").stdout.fnmatch_lines(["one at a time: 3.0 s", "more than 1 at once is of no use"])


def test_a_journal_that_cannot_be_read_is_told_of(project: Project) -> None:
    project.epic(SHOP)
    (project.path / ".pytest_cache/d/epics/journal.db").mkdir(parents=True)
    project.run("--epic-plan").stdout.fnmatch_lines(
        ["durations: none measured yet*", "warning: durations are unknown: *journal.db: *"]
    )


def test_stories_that_will_be_refused_take_no_time(project: Project) -> None:
    project.epic(SHOP)
    project.run().assert_outcomes(passed=4)
    project.took({"a": 1.0, "b": 1.0, "c": 2.0, "d": 4.0})
    project.epic(SHOP.replace("id: c,", "id: c, files_affected: [x],").replace("id: d,", "id: d, files_affected: [x],"))
    project.run("--epic-plan", "--epic-parallel=2").stdout.fnmatch_lines(["2 at once: waves 1.0 s, eager 1.0 s; *"])
