"""What becomes of a story, and what its report tells: the contract's table of outcomes for single stories."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

TASKS = """
    import asyncio
    import sys
    import pytest

    CONSTANT = 1
    def work(): print("worked")

    def broken():
        print("about to break")
        raise ValueError("no such shard")

    async def broken_async():
        await asyncio.sleep(0)
        raise ValueError("no such shard")

    def leaves(): sys.exit(7)
    def gives_up(): pytest.fail("not good enough")
    def gives_up_quietly(): pytest.fail("not good enough", pytrace=False)
    def skips(): pytest.skip("no database here")
    async def skips_async(): pytest.skip("no database here")
    def wants_a_number(number): ...
    async def hangs(): await asyncio.Event().wait()
"""


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("run: exit 3", "exit status 3, after * s"),
        ("run: [python, -c, 'raise SystemExit(4)']", "exit status 4, after * s"),
        ("run: [no-such-program, --now]", "cannot start: *no-such-program*"),
        ("{run: exit 0, cwd: no/such/folder}", "cannot start, since *folder is not a directory*"),
        ("call: tasks:broken", "ValueError: no such shard, after * s"),
        ("call: tasks:broken_async", "ValueError: no such shard, after * s"),
        ("call: tasks:leaves", "SystemExit: 7, after * s"),
        ("call: tasks:gives_up", "Failed: not good enough, after * s"),
        ("call: tasks:gives_up_quietly", "Failed: not good enough, after * s"),
        ("call: no_such_module:work", "there is no module no_such_module; *"),
        ("call: tasks:no_such_function", "tasks has no no_such_function, after * s"),
        ("call: tasks:CONSTANT", "CONSTANT cannot be called, after * s"),
        ("call: tasks:wants_a_number", "its parameter 'number' has no value: *"),
    ],
)
def test_work_that_cannot_be_done_fails_the_story(
    both_ways: BothWays, project: Project, action: str, told: str
) -> None:
    project.write("tasks.py", TASKS)
    fields = action.strip("{}") if action.startswith("{") else action
    project.epic(f"stories: [{{id: '8.1', {fields}}}]")
    result = both_ways()
    result.assert_outcomes(failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["epic_shop.yaml:1: story 8.1", told])
    result.stdout.no_fnmatch_line("*pytest_tapps_waves*")
    result.stdout.no_fnmatch_line("*greenback*")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals of this kind")
def test_a_command_ended_by_a_signal_is_reported_with_its_name(both_ways: BothWays, project: Project) -> None:
    project.epic("""stories: [{id: "8.1", run: [python, -c, "import os; os.kill(os.getpid(), 9)"]}]""")
    result = both_ways()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["ended by signal 9 (SIGKILL), after * s"])


@pytest.mark.parametrize("function", ["skips", "skips_async"])
def test_a_function_may_skip_its_story(both_ways: BothWays, project: Project, function: str) -> None:
    project.write("tasks.py", TASKS)
    project.epic(f"""
        stories:
          - {{id: "8.1", call: "tasks:{function}"}}
          - {{id: "8.2", call: "tasks:work", dependencies: ["8.1"]}}
    """)
    result = both_ways("-v")
    result.assert_outcomes(skipped=2)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*::8.1 SKIPPED (no database here)*", "*::8.2 SKIPPED (8.2 depends on 8.1, which*"])


def test_all_that_is_well_ends_with_exit_code_0(both_ways: BothWays, project: Project) -> None:
    project.write("tasks.py", TASKS)
    project.epic("""stories: [{id: "8.1", run: "exit 0"}, {id: "8.2", call: "tasks:work"}]""")
    result = both_ways()
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.OK


def test_a_failure_can_be_mended_from_its_report_alone(both_ways: BothWays, project: Project) -> None:
    project.epic("""
        epic: {title: Checkout}
        stories:
          - id: "8.1"
            title: Create the schema
            run: "echo creating&& echo locked>&2&& exit 3"
    """)
    result = both_ways()
    result.stdout.fnmatch_lines(
        [
            "*_ 8.1 Create the schema _*",
            'epic_shop.yaml:4: story 8.1 "Create the schema"',
            "exit status 3, after * s",
            "  run: echo creating&& echo locked>&2&& exit 3",
            "last lines of its output:",
            "*Captured stdout call*",
            "creating",
            "*Captured stderr call*",
            "locked",
            "*short test summary info*",
            "FAILED epic_shop.yaml::8.1 - exit status 3: run: echo creating*",
        ]
    )
    result.stdout.fnmatch_lines_random(["  | creating", "  | locked"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_tapps_waves*")


def test_a_traceback_begins_with_the_users_own_function(both_ways: BothWays, project: Project) -> None:
    project.write("tasks.py", TASKS)
    project.epic("""stories: [{id: "8.1", call: "tasks:broken"}]""")
    result = both_ways()
    result.stdout.fnmatch_lines(["Traceback (most recent call last):"])
    lines = result.outlines
    assert lines[lines.index("Traceback (most recent call last):") + 1].startswith(
        f'  File "{project.path / "tasks.py"}"'
    )
    result.stdout.fnmatch_lines(["*Captured stdout call*", "about to break"])


def test_a_function_receives_the_story_by_annotation(both_ways: BothWays, project: Project) -> None:
    project.write(
        "tasks.py",
        """
        from pathlib import Path
        from pytest_tapps_waves import StoryContext

        def look(story: StoryContext, verbose: bool = False) -> None:
            seen = [story.id, story.title, story.epic, story.cwd.name, story.env["MODE"], story.timeout, story.attempt]
            Path("seen").write_text(repr(seen))
            story.log.warning("looked at %s", story.id)
            raise ValueError
        """,
    )
    (project.path / "sub").mkdir()
    project.epic("""
        epic: {id: "8"}
        stories: [{id: "8.1", title: Look, call: "tasks:look", cwd: sub, env: {MODE: fast}, timeout: 20}]
    """)
    result = both_ways()
    assert (project.path / "seen").read_text() == "['8.1', 'Look', '8', 'sub', 'fast', 20.0, 1]"
    result.stdout.fnmatch_lines(["*Captured log call*", "WARNING *epic.8:tasks.py:*looked at 8.1"])


def test_a_command_finds_the_story_and_the_running_interpreter_in_its_environment(
    both_ways: BothWays, project: Project
) -> None:
    project.write(
        "sub/show.py",
        """
        import os, sys
        names = ("EPIC_ID", "STORY_ID", "STORY_ATTEMPT", "EPIC_ROOT", "EPIC_RUN", "OF_EPIC", "OF_BOTH")
        folders = [os.getcwd(), os.path.dirname(sys.executable)]
        open("seen", "w").write("\\n".join([*(os.environ[name] for name in names), *folders]))
        """,
    )
    project.epic("""
        epic: {id: "8", env: {OF_EPIC: epic, OF_BOTH: epic}}
        stories: [{id: "8.1", run: python show.py, cwd: sub, env: {OF_BOTH: story, STORY_ID: mine}}]
    """)
    both_ways().assert_outcomes(passed=1)
    folders = [str(project.path / "sub"), str(Path(sys.executable).parent)]
    seen = project.lines("sub/seen")
    run = seen.pop(4)
    assert len(run) == 32
    assert seen == ["8", "8.1", "1", str(project.path), "epic", "story", *folders]


@pytest.mark.parametrize("holder", ["story", "epic", "option", "ini"])
def test_a_story_that_takes_too_long_fails(both_ways: BothWays, project: Project, holder: str) -> None:
    project.write("tasks.py", TASKS)
    project.write(
        "pytest.ini",
        f"[pytest]\nasyncio_default_fixture_loop_scope = function\n{'epic_timeout = 0.1' if holder == 'ini' else ''}\n",
    )
    project.epic(f"""
        epic: {{{"timeout: 0.1" if holder == "epic" else ""}}}
        stories: [{{id: "8.1", call: "tasks:hangs" {", timeout: 0.1" if holder == "story" else ""}}}]
    """)
    result = both_ways(*(["--epic-timeout=0.1"] if holder == "option" else []))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["timed out after 0.1 s, after 0.* s", "  call: tasks:hangs"])


def test_a_function_that_never_returns_does_not_keep_pytest_from_ending(project: Project) -> None:
    project.write("tasks.py", "import threading\ndef hangs(): threading.Event().wait()")
    project.epic("""stories: [{id: "8.1", call: "tasks:hangs", timeout: 0.1}]""")
    assert project.run_process().ret == pytest.ExitCode.TESTS_FAILED


def test_a_command_that_is_out_of_time_is_ended_and_its_output_shown(both_ways: BothWays, project: Project) -> None:
    project.write("hang.py", "import time\ntime.sleep(600)")
    project.epic("""stories: [{id: "8.1", run: echo waiting&& python hang.py, timeout: 1.5}]""")
    both_ways().stdout.fnmatch_lines(["timed out after 1.5 s*", "  run: echo waiting&& python hang.py", "  | waiting*"])


def test_a_retry_may_succeed(both_ways: BothWays, project: Project) -> None:
    project.write("flaky.py", "import os\nraise SystemExit(os.environ['STORY_ATTEMPT'] == '1')")
    project.epic("""stories: [{id: "8.1", run: python flaky.py, retries: 3}, {id: "8.2", run: "true", retries: 3}]""")
    result = both_ways()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*= epics =*", "passed only after retries: 8.1 (attempt 2)"])


def test_all_attempts_are_told(both_ways: BothWays, project: Project) -> None:
    project.write("flaky.py", "import os\nn = int(os.environ['STORY_ATTEMPT'])\nprint('try', n)\nraise SystemExit(n)")
    project.epic("""stories: [{id: "8.1", run: python flaky.py, retries: 1}]""")
    result = both_ways()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "exit status 2, after * s",
            "all 2 attempts failed:",
            "  attempt 1: exit status 1, after * s",
            "  attempt 2: exit status 2, after * s",
            "*Captured stdout (attempt 1) call*",
            "try 1",
            "*Captured stdout (attempt 2) call*",
            "try 2",
        ]
    )


CHECKED = """
    stories:
      - id: "8.1"
        call: tasks:work
        acceptance_criteria:
          - the table exists
          - {description: first, run: "echo not yet&& exit 2"}
          - {description: second, call: "tasks:work"}
          - {description: third, call: "tasks:broken"}
"""


def test_every_check_runs_as_a_subtest_and_a_failed_one_fails_its_story(both_ways: BothWays, project: Project) -> None:
    project.write("tasks.py", TASKS)
    project.epic(CHECKED)
    result = both_ways("-v")
    result.stdout.fnmatch_lines(["*= 3 failed, 1 subtests passed in *"])
    result.stdout.fnmatch_lines(
        [
            "epic_shop.yaml::8.1 SUBFAILED?first?*",
            "epic_shop.yaml::8.1 SUBPASSED?second?*",
            "epic_shop.yaml::8.1 SUBFAILED?third?*",
            "epic_shop.yaml::8.1 FAILED*",
            "epic_shop.yaml:3: story 8.1, check failed: first",
            "exit status 2, after * s",
            "epic_shop.yaml:3: story 8.1",
            "2 of 3 acceptance checks failed:",
            "  - first: exit status 2: run: echo not yet&& exit 2",
            "      not yet",
            "FAILED epic_shop.yaml::8.1 - 2 of 3 acceptance checks failed: first",
        ]
    )
    result.stdout.no_fnmatch_line("*the table exists*")


def test_checks_are_not_run_when_the_action_failed(both_ways: BothWays, project: Project) -> None:
    project.write("tasks.py", TASKS)
    project.epic(CHECKED.replace("call: tasks:work", "call: tasks:broken"))
    result = both_ways("-v")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*SUB*")


def test_a_story_without_anything_to_run_lets_its_dependents_run(both_ways: BothWays, project: Project) -> None:
    project.epic("""
        stories:
          - {id: "8.1", description: free text, acceptance_criteria: [only text]}
          - {id: "8.2", run: "exit 0", dependencies: ["8.1"]}
    """)
    result = both_ways("-v")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*::8.1 SKIPPED (nothing to run)*", "*::8.2 PASSED*"])
