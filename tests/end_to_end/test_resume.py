"""``--epic-resume`` passes over what is done, and over nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

CHAIN = """
    epic: {circuit_breaker: 0}
    stories:
      - {id: a, run: echo a >> log}
      - {id: b, run: echo b >> log && test -e ok, dependencies: [a]}
      - {id: c, run: echo c >> log, dependencies: [b]}
      - {id: d, run: echo d >> log}
"""


def ran(project: Project) -> list[str]:
    """What has run since the last time that this was asked."""
    lines = sorted(project.lines("log"))
    (project.path / "log").unlink(missing_ok=True)
    return lines


def test_what_passed_is_done_and_what_failed_runs_again_with_all_after_it(
    both_ways: BothWays, project: Project
) -> None:
    project.epic(CHAIN)
    both_ways().assert_outcomes(passed=2, failed=1, skipped=1)
    assert ran(project) == ["a", "b", "d"]
    project.write("ok", "")
    result = both_ways("--epic-resume", "-v", "-rs")
    result.assert_outcomes(passed=2, skipped=2)
    assert ran(project) == ["b", "c"]
    result.stdout.re_match_lines(
        [r"epic_shop.yaml::a SKIPPED \(done in run \w{8} \(.*\)\)", r"epic_shop.yaml: 2 passed, 2 done before"]
    )
    result = both_ways("--epic-resume")
    result.assert_outcomes(skipped=4)
    assert result.ret == pytest.ExitCode.OK
    assert ran(project) == []


def test_without_the_option_everything_runs(both_ways: BothWays, project: Project) -> None:
    project.write("ok", "")
    project.epic(CHAIN)
    both_ways().assert_outcomes(passed=4)
    both_ways().assert_outcomes(passed=4)
    assert ran(project) == list("aabbccdd")


def test_the_ini_option_resumes_and_the_command_line_beats_it(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\nepic_resume = true\n")
    project.epic("stories: [{id: a, run: echo a >> log}]")
    project.run().assert_outcomes(passed=1)
    project.run().assert_outcomes(skipped=1)
    project.run("--no-epic-resume").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("run: echo a >> log", "run: echo a >> log; true", "run"),
        ("run: echo a >> log", "run: echo a >> log, env: {LEVEL: high}", "env"),
        ("run: echo a >> log", "run: [sh, -c, echo a >> log], cwd: .", "run"),
        ("run: echo a >> log", "run: echo a >> log, acceptance_criteria: [{description: c, run: 'true'}]", "checks"),
    ],
)
def test_a_changed_story_and_all_after_it_run_again_and_the_change_is_named(
    both_ways: BothWays, project: Project, before: str, after: str, named: str
) -> None:
    rest = "[{id: a, %s}, {id: b, run: echo b >> log, dependencies: [a]}, {id: c, run: echo c >> log}]"
    project.epic(f"stories: {rest % before}")
    both_ways().assert_outcomes(passed=3)
    assert ran(project) == ["a", "b", "c"]
    project.epic(f"stories: {rest % after}")
    result = both_ways("--epic-resume")
    assert ran(project) == ["a", "b"]
    result.stdout.re_match_lines_random(
        [
            rf"ran again, since {named} changed after run \w{{8}} \(.*\): a",
            r"ran again, since what it depends on has run again after run \w{8} \(.*\): b",
        ]
    )


def test_words_for_people_and_outputs_change_nothing(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: a, run: echo a >> log}]")
    both_ways()
    project.epic(
        "epic: {title: New}\nstories: [{id: a, title: t, description: d, files_affected: [x], run: echo a >> log}]"
    )
    both_ways("--epic-resume").assert_outcomes(skipped=1)


def test_a_dependency_that_has_run_by_itself_makes_what_stands_on_it_run_again(
    both_ways: BothWays, project: Project
) -> None:
    project.write("ok", "")
    project.epic(CHAIN)
    both_ways()
    project.run("epic_shop.yaml::a").assert_outcomes(passed=1)
    ran(project)
    both_ways("--epic-resume").assert_outcomes(passed=2, skipped=2)
    assert ran(project) == ["b", "c"]


def test_a_later_failure_beats_an_earlier_pass(both_ways: BothWays, project: Project) -> None:
    ok = project.write("ok", "")
    project.epic(CHAIN)
    both_ways().assert_outcomes(passed=4)
    ok.unlink()
    both_ways().assert_outcomes(passed=2, failed=1, skipped=1)
    project.write("ok", "")
    ran(project)
    both_ways("--epic-resume")
    assert ran(project) == ["b", "c"]


def test_stories_across_files_and_python_tests_resume_together(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: a, run: echo a >> log, dependencies: ['test_db.py::test_up']}]")
    project.epic("stories: [{id: b, run: echo b >> log, dependencies: ['epic_shop.yaml::a']}]", name="epic_two.yaml")
    test = """
        import pytest
        def note(word):
            with open("log", "a") as file:
                file.write(word + "\\n")
        def test_up(): note("up")
        def test_of_no_story(): note("other")
        @pytest.mark.depends(on="epic_two.yaml::b")
        def test_down(): note("down")
    """
    project.write("test_db.py", test)
    both_ways().assert_outcomes(passed=5)
    assert ran(project) == ["a", "b", "down", "other", "up"]
    both_ways("--epic-resume").assert_outcomes(passed=1, skipped=4)
    assert ran(project) == ["other"]
    project.write("test_db.py", test + "        # changed\n")
    both_ways("--epic-resume").assert_outcomes(passed=5)
    assert ran(project) == ["a", "b", "down", "other", "up"]


def test_async_tests_resume(both_ways: BothWays, project: Project) -> None:
    project.write(
        "test_async.py",
        """
        import pytest
        @pytest.mark.asyncio
        @pytest.mark.depends(name="up")
        async def test_up(): pass
        @pytest.mark.asyncio
        @pytest.mark.depends(on="up")
        async def test_down(): pass
        """,
    )
    both_ways().assert_outcomes(passed=2)
    both_ways("--epic-resume").assert_outcomes(skipped=2)


@pytest.mark.parametrize("phase", ["setup", "call", "teardown"])
def test_a_test_that_failed_in_any_phase_runs_again(both_ways: BothWays, project: Project, phase: str) -> None:
    project.write(
        "test_phases.py",
        f"""
        import pytest
        from pathlib import Path
        def fails_in(phase):
            assert phase != {phase!r} or Path("ok").exists()
        @pytest.fixture
        def thing():
            fails_in("setup")
            yield
            fails_in("teardown")
        def test_first(): pass
        @pytest.mark.depends(on="test_first")
        def test_it(thing):
            fails_in("call")
        """,
    )
    both_ways()
    both_ways("--epic-resume")
    project.write("ok", "")
    both_ways("--epic-resume").assert_outcomes(passed=1, skipped=1)
    both_ways("--epic-resume").assert_outcomes(skipped=2)


def test_a_documented_story_lets_what_is_done_after_it_be_done(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: a, description: d}, {id: b, run: echo b >> log, dependencies: [a]}]")
    both_ways().assert_outcomes(passed=1, skipped=1)
    both_ways("--epic-resume").assert_outcomes(skipped=2)
    assert ran(project) == ["b"]


@pytest.mark.parametrize("made", ["Note(story.metadata['note'])", "Command(f'echo {story.metadata[\"note\"]} >> log')"])
def test_an_action_of_a_hook_runs_again_when_any_of_its_keys_has_changed(
    both_ways: BothWays, project: Project, made: str
) -> None:
    project.write(
        "conftest.py",
        f"""
        from pytest_tapps_waves.actions.command import Command
        class Note:
            def __init__(self, word): self.word = word
            def describe(self): return f"note: {{self.word}}"
            async def perform(self, job, output):
                with open("log", "a") as file:
                    file.write(self.word + "\\n")
        def pytest_epic_action(config, story):
            if "note" in story.metadata:
                return {made}
        """,
    )
    project.epic("stories: [{id: a, note: one}]")
    both_ways().assert_outcomes(passed=1)
    both_ways("--epic-resume").assert_outcomes(skipped=1)
    project.epic("stories: [{id: a, note: two}]")
    both_ways("--epic-resume").assert_outcomes(passed=1)
    assert ran(project) == ["one", "two"]


def test_a_selection_is_resumed_and_the_rest_is_left_as_it_is(both_ways: BothWays, project: Project) -> None:
    project.write("ok", "")
    project.epic(CHAIN)
    both_ways("epic_shop.yaml::a", "epic_shop.yaml::d").assert_outcomes(passed=2)
    both_ways("--epic-resume", "epic_shop.yaml::d").assert_outcomes(skipped=1)
    both_ways("--epic-resume").assert_outcomes(passed=2, skipped=2)


def test_clearing_the_cache_clears_the_journal(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: a, run: echo a >> log}]")
    both_ways()
    both_ways("--epic-resume", "--cache-clear").assert_outcomes(passed=1)


def test_a_resume_without_a_cache_is_refused(project: Project) -> None:
    project.epic("stories: [{id: a, run: echo a >> log}]")
    result = project.run("--epic-resume", "-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --epic-resume needs pytest's cache; drop -p no:cacheprovider"])
    assert ran(project) == []


def test_a_run_without_a_cache_is_as_any(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: a, run: echo a >> log}]")
    result = both_ways("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*journal*")


def test_a_run_that_is_stopped_says_how_to_go_on(both_ways: BothWays, project: Project) -> None:
    project.epic("""
        epic: {circuit_breaker: 2}
        stories: [{id: one, run: exit 1}, {id: two, run: exit 1}, {id: three, run: 'true', dependencies: [two]}]
    """)
    line = r"to go on where it stopped: pytest .* {}"
    result = both_ways("-k", "one or two")
    result.stdout.re_match_lines([line.format("-k 'one or two' --epic-resume$")])
    both_ways("-x").stdout.re_match_lines([line.format("-x --epic-resume$")])
    both_ways("--cache-clear", "-x").stdout.no_re_match_line(line.format("--cache-clear"))
    both_ways("--epic-resume", "-x").stdout.re_match_lines([line.format("--epic-resume -x$")])


def test_a_run_that_came_to_its_end_does_not(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: a, run: exit 1}]")
    both_ways().stdout.no_fnmatch_line("to go on where it stopped*")


def test_hooks_are_told_of_stories_that_run_and_not_of_those_that_are_done(
    both_ways: BothWays, project: Project
) -> None:
    project.write(
        "conftest.py",
        """
        def pytest_epic_story_started(config, story): print("\\nbegan", story.name)
        def pytest_epic_story_finished(config, story, state, reason): print("\\nended", story.name, state.value)
        """,
    )
    project.epic(CHAIN)
    both_ways()
    project.write("ok", "")
    result = both_ways("--epic-resume", "-s")
    result.stdout.fnmatch_lines_random(["began b", "ended b passed", "began c", "ended c passed"])
    result.stdout.no_re_match_line("(began|ended) [ad].*")


def test_a_story_that_a_plugin_runs_again_counts_by_its_last_attempt(project: Project) -> None:
    project.epic("stories: [{id: a, run: 'echo a >> log; test $(wc -l < log) -ge 3'}]")
    result = project.run("--reruns=2", plugins=("pytest_rerunfailures",))
    result.stdout.fnmatch_lines(["*1 passed, 2 rerun*"])
    assert ran(project) == ["a", "a", "a"]
    project.run("--epic-status").stdout.re_match_lines([r"  a +1 +passed +3 .*"])
    project.run("--epic-resume").assert_outcomes(skipped=1)
