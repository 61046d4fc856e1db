"""Real runs under the eager schedule: what starts when is told by events, which stories leave as files."""

from __future__ import annotations

import pytest
from project import Project

EAGER = ("--epic-parallel=3", "--epic-schedule=eager")
# Ends once the file is there; the story's timeout is for a run that is wrong.
WAITS = "until test -e {}; do sleep 0.02; done"


@pytest.mark.parametrize(
    ("header", "ini", "args"),
    [
        ("", "", ("--epic-parallel=2", "--epic-schedule=eager")),
        ("", "epic_schedule = eager", ("--epic-parallel=2",)),
        ("epic: {parallel_strategy: asyncio, max_parallel_stories: 2, schedule: eager}", "", ()),
        ("epic: {schedule: eager}", "epic_schedule = waves", ("--epic-parallel=2",)),
    ],
    ids=["option", "ini", "epic", "the epic beats ini"],
)
def test_the_schedule_is_chosen_and_told(project: Project, header: str, ini: str, args: tuple[str, ...]) -> None:
    project.write("pytest.ini", f"[pytest]\nasyncio_default_fixture_loop_scope = function\n{ini}\n")
    project.write("epic_shop.yaml", f"{header}\nstories: [{{id: a, run: exit 0}}]\n")
    result = project.run(*args)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["epics: 1 epic, 1 story, 1 wave, 2 at once, eager schedule"])


def test_the_help_says_what_the_schedules_are(project: Project) -> None:
    text = " ".join(" ".join(project.run("--help").outlines).split())
    assert "--epic-schedule=waves|eager" in text
    assert "eager: a story starts when its own dependencies have passed, longest remaining path first" in text


def test_a_story_starts_while_another_that_it_does_not_need_still_runs(project: Project) -> None:
    project.epic(f"""
    epic: {{timeout: 60}}
    stories:
      - {{id: a, run: "{WAITS.format("c.ran")}"}}
      - {{id: b, run: exit 0}}
      - {{id: c, run: touch c.ran, dependencies: [b]}}
    """)
    project.run(*EAGER).assert_outcomes(passed=3)


def test_a_story_waits_for_one_of_an_earlier_wave_that_is_at_its_file(project: Project) -> None:
    project.epic(f"""
    epic: {{timeout: 60}}
    stories:
      - {{id: a, run: "{WAITS.format("d.ran")}; echo a>>ran", files_affected: [src/**]}}
      - {{id: b, run: exit 0}}
      - {{id: c, run: echo c>>ran, dependencies: [b], files_affected: [src/m.py]}}
      - {{id: d, run: touch d.ran, dependencies: [b]}}
    """)
    result = project.run(*EAGER)
    result.assert_outcomes(passed=4)
    assert project.lines("ran") == ["a", "c"]
    result.stdout.no_fnmatch_line("*conflict*")


def test_stories_of_one_wave_that_share_a_file_fail_as_under_waves(project: Project) -> None:
    project.epic("""
    stories:
      - {id: a, run: echo a>>ran, files_affected: [x]}
      - {id: b, run: echo b>>ran, files_affected: [x]}
      - {id: c, run: echo c>>ran, dependencies: [b]}
      - {id: d, run: echo d>>ran}
    """)
    result = project.run(*EAGER)
    result.assert_outcomes(passed=1, failed=2, skipped=1)
    result.stdout.fnmatch_lines(["*a and b are both in wave 1 and both affect x*"])
    assert project.lines("ran") == ["d"]


@pytest.mark.parametrize(
    ("took", "last"),
    [((1.0, 5.0, 7.0), "a"), ((0.001, 0.002, 0.004), "c")],
    ids=["longer", "longer-by-chance"],
)
@pytest.mark.parametrize("schedule", ["waves", "eager"])
def test_what_took_longest_before_starts_first_if_it_was_longer_by_more_than_chance(
    project: Project, schedule: str, took: tuple[float, ...], last: str
) -> None:
    project.epic("""
    stories:
      - {id: a, run: echo a>>ran}
      - {id: b, run: echo b>>ran}
      - {id: c, run: echo c>>ran}
    """)
    args = ("--epic-parallel=2", f"--epic-schedule={schedule}")
    project.run(*args).assert_outcomes(passed=3)
    assert project.lines("ran")[-1] == "c"
    project.took(dict(zip("abc", took, strict=True)))
    project.run(*args).assert_outcomes(passed=3)
    assert project.lines("ran")[-1] == last


@pytest.mark.parametrize("key", ["estimated_effort_hours", "story_points", "points"])
def test_what_is_guessed_to_take_longest_starts_first(project: Project, key: str) -> None:
    project.epic(f"""
    stories:
      - {{id: a, run: echo a>>ran, {key}: 1}}
      - {{id: b, run: echo b>>ran, {key}: 5}}
      - {{id: c, run: echo c>>ran, {key}: 2.5}}
      - {{id: d, run: echo d>>ran, {key}: many, dependencies: [c]}}
    """)
    project.run("--epic-parallel=2", "--epic-schedule=eager").assert_outcomes(passed=4)
    ran = project.lines("ran")
    # c and what follows it count more than b, and both more than a.
    assert ran.index("a") > ran.index("c")
    assert ran.index("a") > 1


def test_wave_hooks_are_not_called(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        def note(number):
            with open("waves", "a") as file:
                file.write(f"{number} ")

        def pytest_epic_wave_started(number): note(number)
        def pytest_epic_wave_finished(number): note(number)
        """,
    )
    project.epic("stories: [{id: a, run: exit 0}, {id: b, run: exit 0, dependencies: [a]}]")
    project.run(*EAGER).assert_outcomes(passed=2)
    assert project.lines("waves") == []
    project.run("--epic-parallel=3").assert_outcomes(passed=2)
    assert project.lines("waves") == ["1", "1", "2", "2"]


def test_barriers_that_a_hook_adds_hold_nothing_back(project: Project) -> None:
    project.write(
        "conftest.py",
        "def pytest_epic_waves(graph): return [[key] for key in graph.stories]",
    )
    project.epic(f"""
    epic: {{timeout: 60}}
    stories:
      - {{id: a, run: "{WAITS.format("b.ran")}"}}
      - {{id: b, run: touch b.ran}}
    """)
    project.run(*EAGER).assert_outcomes(passed=2)


def test_a_critical_story_that_fails_stops_its_epic(project: Project) -> None:
    project.epic(f"""
    stories:
      - {{id: a, run: "touch a.ran; sleep 60"}}
      - {{id: b, run: exit 0}}
      - {{id: c, run: "{WAITS.format("a.ran")}; exit 1", critical: true, dependencies: [b]}}
      - {{id: d, run: echo d>>ran, dependencies: [a]}}
    """)
    result = project.run(*EAGER)
    result.assert_outcomes(passed=1, failed=1, skipped=2)
    result.stdout.fnmatch_lines(["*2 cancelled: critical story c failed: a, d"])
    assert project.lines("ran") == []


def test_the_breaker_opens(project: Project) -> None:
    project.epic("""
    epic: {circuit_breaker: 2}
    stories:
      - {id: a, run: exit 1}
      - {id: b, run: exit 1}
      - {id: c, run: echo c>>ran}
    """)
    result = project.run("--epic-parallel=1", "--epic-schedule=eager")
    result.stdout.fnmatch_lines(["FAILED epic_shop.yaml::circuit-breaker*"])
    assert project.lines("ran") == []


def test_the_first_failure_stops_the_run_with_x(project: Project) -> None:
    project.epic("""
    stories:
      - {id: a, run: exit 1}
      - {id: b, run: echo b>>ran}
      - {id: c, run: echo c>>ran, dependencies: [b]}
    """)
    result = project.run("--epic-parallel=1", "--epic-schedule=eager", "-x")
    result.assert_outcomes(passed=1, failed=1)
    assert project.lines("ran") == ["b"]


def test_a_run_is_resumed(project: Project) -> None:
    project.epic("""
    stories:
      - {id: a, run: echo a>>ran, files_affected: [x]}
      - {id: b, run: test -e ready, dependencies: [a]}
      - {id: c, run: echo c>>ran, dependencies: [b], files_affected: [x]}
    """)
    project.run(*EAGER).assert_outcomes(passed=1, failed=1, skipped=1)
    project.write("ready", "")
    project.run(*EAGER, "--epic-resume").assert_outcomes(passed=2, skipped=1)
    assert project.lines("ran") == ["a", "c"]


def test_limits_of_epics_hold(project: Project) -> None:
    stories = "\n".join(f'      - {{id: s{number}, run: "mkdir lock && rmdir lock"}}' for number in range(4))
    project.write(
        "epic_shop.yaml",
        f"epic: {{parallel_strategy: asyncio, max_parallel_stories: 1, schedule: eager}}\nstories:\n{stories}\n",
    )
    project.epic(
        "epic: {parallel_strategy: asyncio, max_parallel_stories: 3}\nstories: [{id: a, run: exit 0}]", "epic_user.yaml"
    )
    project.run().assert_outcomes(passed=5)


def test_tests_that_run_alone_have_their_turn_between_the_others(tests: Project) -> None:
    tests.write(
        "test_shop.py",
        """
        import asyncio, pytest

        @pytest.mark.depends(name="first")
        async def test_first(): await asyncio.sleep(0)

        @pytest.mark.depends(on="first", name="sync")
        def test_sync(monkeypatch): monkeypatch.setenv("ALONE", "1")

        @pytest.mark.depends(on="sync")
        async def test_last():
            import os
            assert "ALONE" not in os.environ

        async def test_beside(): await asyncio.sleep(0)
        """,
    )
    tests.epic(f"""
    epic: {{timeout: 60}}
    stories:
      - {{id: a, run: "{WAITS.format("b.ran")}"}}
      - {{id: b, run: touch b.ran, dependencies: ["test_shop.py::test_last"]}}
    """)
    tests.run(*EAGER).assert_outcomes(passed=6)


def test_one_by_one_no_schedule_has_a_say(project: Project) -> None:
    project.epic("""
    epic: {schedule: eager}
    stories:
      - {id: a, run: echo a>>ran, files_affected: [x]}
      - {id: b, run: echo b>>ran}
      - {id: c, run: echo c>>ran, dependencies: [b], files_affected: [x]}
    """)
    result = project.run()
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["epics: 1 epic, 3 stories, 2 waves, one at a time"])
    assert project.lines("ran") == ["a", "b", "c"]
