"""The options on the command line and in the ini file, and which of them wins."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from project import Project

OPTIONS = (
    "--epic-parallel",
    "--epic-strategy",
    "--epic-schedule",
    "--epic-conflicts",
    "--epic-breaker",
    "--epic-timeout",
    "--epic-isolation",
    "--epic-executor",
    "--epic-dask-scheduler",
    "--epic-fail-fast, --no-epic-fail-fast",
    "--epic-plan",
    "--failed-dependency-action",
    "--missing-dependency-action",
)
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def write_ini(project: Project, *lines: str) -> None:
    project.write("pytest.ini", "\n".join(["[pytest]", "asyncio_default_fixture_loop_scope = function", *lines]))


def test_help_shows_all_options_in_one_group_and_the_ini_options(project: Project) -> None:
    result = project.run("--help")
    lines = result.outlines
    start = lines.index("epics (pytest-tapps-waves):")
    group = lines[start : lines.index("", start)]
    for option in OPTIONS:
        assert any(line.startswith(f"  {option}") for line in group), option
        if option != "--epic-plan":
            name = option.partition(",")[0].removeprefix("--").replace("-", "_")
            assert any(line.startswith(f"  {name} (") for line in lines), name


WRONG = [
    ("epic-parallel", "0", "must be a whole number, 1 or more, or auto; not '0'"),
    ("epic-parallel", "many", "must be a whole number, 1 or more, or auto; not 'many'"),
    ("epic-strategy", "threads", "must be one of sequential, asyncio*; not 'threads'"),
    ("epic-schedule", "late", "must be one of waves, eager; not 'late'"),
    ("epic-conflicts", "ignore", "must be one of fail, serialize, warn, off; not 'ignore'"),
    ("epic-breaker", "-1", "must be a whole number, 0 for never; not '-1'"),
    ("epic-timeout", "soon", "must be a number of seconds, 0 for none; not 'soon'"),
    ("epic-timeout", "-3", "must be a number of seconds, 0 for none; not '-3'"),
    ("epic-timeout", "inf", "must be a number of seconds, 0 for none; not 'inf'"),
    ("epic-timeout", "nan", "must be a number of seconds, 0 for none; not 'nan'"),
    ("epic-isolation", "box", "must be one of none*; not 'box'"),
    ("epic-dask-scheduler", "here:8786", "must be an address such as tcp://host:8786, not 'here:8786'"),
    ("failed-dependency-action", "retry", "must be one of run, skip, fail; not 'retry'"),
    ("missing-dependency-action", "retry", "must be one of run, skip, fail; not 'retry'"),
]


@pytest.mark.parametrize(
    ("name", "value", "told"), [*WRONG, ("epic-plan", "gantt", "must be one of text*; not 'gantt'")]
)
def test_a_wrong_value_on_the_command_line_names_the_valid_ones(
    project: Project, name: str, value: str, told: str
) -> None:
    result = project.run(f"--{name}={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--{name}: {told}"])


@pytest.mark.parametrize(
    ("name", "value", "told"), [*WRONG, ("epic-fail-fast", "perhaps", "must be true or false, not 'perhaps'")]
)
def test_a_wrong_value_in_the_ini_file_names_the_valid_ones(project: Project, name: str, value: str, told: str) -> None:
    ini_name = name.replace("-", "_")
    write_ini(project, f"{ini_name} = {value}")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: the ini option {ini_name} {told}"])


def _how_it_runs(project: Project, epic: str, args: list[str]) -> str:
    project.epic(f"{epic}\nstories: [{{id: a, description: nothing to run}}]")
    line = next(line for line in project.run(*args).outlines if line.startswith("epics: "))
    return line.partition("1 wave, ")[2]


def _timeout(project: Project, epic: str, args: list[str]) -> str:
    project.write(
        "tasks.py",
        """
        from pathlib import Path
        from pytest_tapps_waves import StoryContext
        def look(story: StoryContext) -> None: Path("seen").write_text(f"{story.timeout:g}")
        """,
    )
    project.epic(f"{epic}\nstories: [{{id: a, call: 'tasks:look'}}]")
    project.run(*args).assert_outcomes(passed=1)
    return project.lines("seen")[0]


def _failures_before_the_stop(project: Project, epic: str, args: list[str]) -> str:
    project.write("tasks.py", "def breaks(): raise ValueError")
    stories = ", ".join(f"{{id: '{number}', call: 'tasks:breaks'}}" for number in range(6))
    project.epic(f"{epic}\nstories: [{stories}]")
    return str(6 - project.run(*args).parseoutcomes()["skipped"])


def _after_a_critical_failure(project: Project, epic: str, args: list[str]) -> str:
    project.write("tasks.py", "def breaks(): raise ValueError\ndef works(): pass")
    project.epic(f"{epic}\nstories: [{{id: a, call: 'tasks:breaks', critical: true}}, {{id: b, call: 'tasks:works'}}]")
    return "goes on" if "passed" in project.run(*args).parseoutcomes() else "stops"


def _what_conflicts_do(project: Project, epic: str, args: list[str]) -> str:
    project.write("tasks.py", "def works(): pass")
    stories = ", ".join(f"{{id: {name}, call: 'tasks:works', files_affected: [x]}}" for name in "ab")
    project.epic(f"{epic}\nstories: [{stories}]")
    result = project.run(*args)
    if "failed" in result.parseoutcomes():
        return "fail"
    return next((line.partition(":")[0] for line in result.outlines if "both affect" in line), "nothing")


@dataclass(frozen=True)
class Setting:
    """Where a setting can stand, from the weakest place to the strongest, and what comes of it."""

    observe: Callable[[Project, str, list[str]], str]
    ini: str
    file: str
    option: str
    outcomes: tuple[str, str, str, str]
    """By default, and with what is set in the ini file, there and in the epic file, and on the command line too."""


SETTINGS = {
    "strategy": Setting(
        _how_it_runs,
        "epic_strategy = asyncio",
        "parallel_strategy: sequential",
        "--epic-strategy=asyncio",
        (
            "one at a time",
            f"{CORES} at once, waves schedule",
            "one at a time",
            f"{CORES} at once, waves schedule",
        ),
    ),
    "parallel": Setting(
        _how_it_runs,
        "epic_parallel = 2",
        "{parallel_strategy: asyncio, max_parallel_stories: 4}",
        "--epic-parallel=5",
        ("one at a time", "2 at once, waves schedule", "4 at once, waves schedule", "5 at once, waves schedule"),
    ),
    "timeout": Setting(_timeout, "epic_timeout = 11", "timeout: 22", "--epic-timeout=33", ("300", "11", "22", "33")),
    "breaker": Setting(
        _failures_before_the_stop,
        "epic_breaker = 2",
        "circuit_breaker: 4",
        "--epic-breaker=1",
        ("3", "2", "4", "1"),
    ),
    "fail_fast": Setting(
        _after_a_critical_failure,
        "epic_fail_fast = no",
        "fail_fast: true",
        "--no-epic-fail-fast",
        ("stops", "goes on", "stops", "goes on"),
    ),
    "conflicts": Setting(
        _what_conflicts_do,
        "epic_conflicts = warn",
        "conflict_detection: serialize",
        "--epic-conflicts=off",
        ("fail", "warning", "serialized", "nothing"),
    ),
}


@pytest.mark.parametrize("strongest", range(4), ids=["default", "ini file", "epic file", "command line"])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_command_line_beats_the_epic_file_beats_the_ini_file_beats_the_default(
    project: Project, name: str, strongest: int
) -> None:
    setting = SETTINGS[name]
    if strongest >= 1:
        write_ini(project, setting.ini)
    epic = f"epic: {{{setting.file.strip('{}')}}}" if strongest >= 2 else ""
    args = [setting.option] if strongest >= 3 else []
    assert setting.observe(project, epic, args) == setting.outcomes[strongest]


def test_a_storys_own_timeout_beats_them_all(project: Project) -> None:
    project.write("tasks.py", "import asyncio\nasync def hangs(): await asyncio.Event().wait()")
    project.epic("stories: [{id: a, call: 'tasks:hangs', timeout: 0.1}]")
    project.run("--epic-timeout=600").stdout.fnmatch_lines(["timed out after 0.1 s, *"])


def test_parallel_on_the_command_line_beats_a_file_that_says_sequential(project: Project) -> None:
    seen = _how_it_runs(project, "epic: {parallel_strategy: sequential}", ["--epic-parallel=2"])
    assert seen == "2 at once, waves schedule"


def test_a_file_that_says_sequential_beats_parallel_in_the_ini_file(project: Project) -> None:
    write_ini(project, "epic_parallel = 4")
    assert _how_it_runs(project, "epic: {parallel_strategy: sequential}", []) == "one at a time"


def test_auto_is_one_story_for_each_usable_core(project: Project) -> None:
    assert _how_it_runs(project, "", ["--epic-parallel=auto"]) == f"{CORES} at once, waves schedule"


def test_options_that_contradict_one_another_are_refused(project: Project) -> None:
    project.epic("stories: [{id: a, run: exit 0}]")
    result = project.run("--epic-parallel=2", "--epic-strategy=sequential")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --epic-parallel and --epic-strategy=sequential contradict one another; *"])


@pytest.mark.parametrize("mode", [(), ("--epic-parallel=2",)])
def test_an_unknown_executor_is_refused_by_name(project: Project, mode: tuple[str, ...]) -> None:
    project.epic("stories: [{id: a, run: echo a>>ran}]")
    result = project.run("--epic-executor=moon", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: there is no executor 'moon'; known are local, *"])
    assert project.lines("ran") == []


@pytest.mark.parametrize("mode", [(), ("--epic-parallel=2",)])
def test_an_unknown_executor_is_refused_where_it_would_carry_out_nothing(
    project: Project, mode: tuple[str, ...]
) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        def test_up(): open("ran", "w")

        @pytest.mark.depends(on="test_up")
        def test_it(): pass
        """,
    )
    result = project.run("--epic-executor=moon", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: there is no executor 'moon'; known are local, *"])
    assert not (project.path / "ran").exists()


def test_the_debugger_makes_stories_run_one_by_one_and_says_so(project: Project) -> None:
    project.epic("stories: [{id: a, run: exit 0}]")
    result = project.run("--pdb", "--epic-parallel=3")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["epics: 1 epic, 1 story, 1 wave, one at a time", "one story at a time, since --pdb was given"]
    )
