"""What stops an epic: failures in a row, and the failure of a critical story."""

from __future__ import annotations

import json
from collections.abc import Callable

import psutil
import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]
ONE_AFTER_THE_OTHER = pytest.mark.parametrize("mode", [(), ("--epic-parallel=1",)], ids=["pytest's loop", "our loop"])

ACTIONS = {
    "pass": 'call: "tasks:works"',
    "fail": 'call: "tasks:breaks"',
    "skip": 'call: "tasks:skips"',
    "document": "description: nothing to run",
}
TASKS = """
    import pytest
    def works(): pass
    def breaks(): raise ValueError
    def skips(): pytest.skip("not here")
"""


def write_epic(project: Project, *actions: str, header: str = "") -> None:
    """An epic of independent stories 1, 2, 3, ... on lines 3, 4, 5, ..., and their functions."""
    project.write("tasks.py", TASKS)
    stories = [f'  - {{id: "{number}", {ACTIONS[action]}}}' for number, action in enumerate(actions, 1)]
    project.epic("\n".join([f"epic: {{{header}}}", "stories:", *stories]))


@ONE_AFTER_THE_OTHER
def test_three_failures_in_a_row_open_the_breaker(project: Project, mode: tuple[str, ...]) -> None:
    write_epic(project, "pass", "fail", "fail", "fail", "pass", "pass")
    result = project.run("-v", *mode)
    result.assert_outcomes(passed=1, failed=4, skipped=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "epic_shop.yaml::4 FAILED*",
            "epic_shop.yaml::circuit-breaker FAILED*",
            "epic_shop.yaml::5 SKIPPED (circuit breaker open)*",
            "epic_shop.yaml::6 SKIPPED (circuit breaker open)*",
            "*_ circuit breaker _*",
            "epic_shop.yaml:6: circuit breaker open: 3 stories failed in a row: 2, 3, 4",
            "  2 (epic_shop.yaml:4)",
            "  3 (epic_shop.yaml:5)",
            "  4 (epic_shop.yaml:6)",
            "epic_shop.yaml: 1 passed, 3 failed, 2 skipped",
            "  2 circuit breaker open: 5, 6",
            "FAILED epic_shop.yaml::circuit-breaker - circuit breaker open: 3 stories*",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_tapps_waves/*")


@ONE_AFTER_THE_OTHER
@pytest.mark.parametrize(
    ("threshold", "actions"),
    [
        (3, ["fail", "fail", "pass", "fail", "fail"]),
        (2, ["fail", "skip", "skip"]),
        (2, ["fail", "document", "document", "pass"]),
        (0, ["fail"] * 8),
    ],
    ids=["a pass between", "skips", "documentation", "off"],
)
def test_the_breaker_stays_closed(project: Project, mode: tuple[str, ...], threshold: int, actions: list[str]) -> None:
    write_epic(project, *actions, header=f"circuit_breaker: {threshold}")
    result = project.run(*mode)
    result.assert_outcomes(
        passed=actions.count("pass"),
        failed=actions.count("fail"),
        skipped=actions.count("skip") + actions.count("document"),
    )
    result.stdout.no_fnmatch_line("*circuit*")


@ONE_AFTER_THE_OTHER
def test_a_skip_between_two_failures_does_not_part_them(project: Project, mode: tuple[str, ...]) -> None:
    write_epic(project, "fail", "skip", "fail", "pass", header="circuit_breaker: 2")
    result = project.run(*mode)
    result.assert_outcomes(failed=3, skipped=2)
    result.stdout.fnmatch_lines(["*: circuit breaker open: 2 stories failed in a row: 1, 3"])


def test_an_open_breaker_stops_its_own_epic_only(both_ways: BothWays, project: Project) -> None:
    write_epic(project, "fail", header="circuit_breaker: 1")
    for name in ("epic_before.yaml", "epic_then.yaml"):
        project.epic("""stories: [{id: a, call: "tasks:works"}, {id: b, call: "tasks:works"}]""", name)
    both_ways().assert_outcomes(passed=4, failed=2)


def test_stories_that_run_when_the_breaker_opens_may_finish(project: Project) -> None:
    project.write("events.py", "import threading\ntripped = threading.Event()")
    project.write("conftest.py", "import events\ndef pytest_epic_breaker_tripped(): events.tripped.set()")
    project.write(
        "tasks.py",
        """
        import events
        def breaks(): raise ValueError
        def outlasts(): assert events.tripped.wait(30)
        """,
    )
    project.epic("""
        epic: {circuit_breaker: 1}
        stories:
          - {id: "1", call: "tasks:breaks"}
          - {id: "2", call: "tasks:outlasts"}
          - {id: "3", call: "tasks:outlasts"}
    """)
    result = project.run("-v", "--epic-parallel=2")
    result.assert_outcomes(passed=1, failed=2, skipped=1)
    result.stdout.fnmatch_lines_random(["*::2 PASSED*", "*::3 SKIPPED (circuit breaker open)*"])


@ONE_AFTER_THE_OTHER
def test_last_failed_runs_do_not_ask_for_the_breaker(project: Project, mode: tuple[str, ...]) -> None:
    write_epic(project, "fail", "fail", "pass", header="circuit_breaker: 2")
    project.run(*mode).stdout.fnmatch_lines(["*circuit breaker open*"])
    remembered = json.loads((project.path / ".pytest_cache/v/cache/lastfailed").read_text(encoding="utf-8"))
    assert set(remembered) == {"epic_shop.yaml::1", "epic_shop.yaml::2"}
    project.write("tasks.py", TASKS.replace("raise ValueError", "pass"))
    result = project.run("--lf", *mode)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["run-last-failure: rerun previous 2 failures"])


def test_a_failed_critical_story_keeps_the_rest_of_its_epic_from_starting(project: Project) -> None:
    project.write("tasks.py", TASKS)
    project.epic("""
        stories:
          - {id: "8.1", call: "tasks:breaks", critical: true}
          - {id: "8.2", call: "tasks:works"}
          - {id: "8.3", call: "tasks:works", dependencies: ["8.1"]}
    """)
    project.epic("""stories: [{id: other, call: "tasks:works"}]""", "epic_user.yaml")
    result = project.run("-v")
    result.assert_outcomes(passed=1, failed=1, skipped=2)
    result.stdout.fnmatch_lines(
        [
            "epic_shop.yaml::8.2 SKIPPED (cancelled: critical story 8.1 failed)*",
            "epic_shop.yaml::8.3 SKIPPED (cancelled: critical story 8.1 failed)*",
            "epic_user.yaml::other PASSED*",
            "  2 cancelled: critical story 8.1 failed: 8.2, 8.3",
        ]
    )


def test_a_critical_story_that_passes_stops_nothing(both_ways: BothWays, project: Project) -> None:
    project.epic("""
        stories:
          - {id: "8.1", run: "exit 0", critical: true}
          - {id: "8.2", run: "exit 1"}
          - {id: "8.3", run: "exit 0"}
    """)
    both_ways().assert_outcomes(passed=2, failed=1)


HANG = """
    import os, subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print("at work", flush=True)
    with open("pids.new", "w") as file:
        print(os.getpid(), child.pid, file=file)
    os.replace("pids.new", "pids")
    time.sleep(600)
"""
BREAK = """
    import os, time
    while not os.path.exists("pids"):
        time.sleep(0.01)
    raise SystemExit(1)
"""


def test_a_failed_critical_story_cancels_running_ones_and_ends_their_processes(project: Project) -> None:
    project.write("hang.py", HANG)
    project.write("break.py", BREAK)
    project.epic("""
        stories:
          - {id: "8.1", run: python break.py, critical: true}
          - {id: "8.2", run: python hang.py}
          - {id: "8.3", run: "exit 0", dependencies: ["8.2"]}
          - {id: "8.4", run: "exit 0", dependencies: ["8.1"]}
    """)
    project.epic("""stories: [{id: "9.1", run: "exit 0", dependencies: ["epic_shop.yaml::8.2"]}]""", "epic_user.yaml")
    result = project.run("-v", "-rs", "--epic-parallel=3")
    result.assert_outcomes(failed=1, skipped=4)
    reason = "cancelled: critical story 8.1 failed"
    result.stdout.fnmatch_lines_random(
        [f"epic_shop.yaml::{story} SKIPPED ({reason})*" for story in ("8.2", "8.3", "8.4")]
        + ["SKIPPED ?1? epic_user.yaml:1: 9.1 depends on epic_shop.yaml::8.2, which was cancelled"]
        + ["epic_shop.yaml: 1 failed, 2 skipped, 1 cancelled", f"  3 {reason}: 8.2, 8.3, 8.4"]
    )
    assert [pid for pid in map(int, project.lines("pids")) if _runs(pid)] == []


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_an_async_function_of_a_cancelled_story_may_clean_up(project: Project) -> None:
    project.write(
        "tasks.py",
        """
        import asyncio
        from pathlib import Path

        started = asyncio.Event()

        async def breaks():
            await started.wait()
            raise ValueError

        async def waits():
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                Path("cleaned").write_text("up")
        """,
    )
    project.epic("""
        stories:
          - {id: "8.1", call: "tasks:breaks", critical: true}
          - {id: "8.2", call: "tasks:waits"}
    """)
    project.run("--epic-parallel=2").assert_outcomes(failed=1, skipped=1)
    assert project.lines("cleaned") == ["up"]


@pytest.mark.parametrize("holder", ["option", "file", "ini"])
def test_without_fail_fast_only_dependents_are_skipped(both_ways: BothWays, project: Project, holder: str) -> None:
    if holder == "ini":
        project.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\nepic_fail_fast = false\n")
    project.epic(f"""
        epic: {{{"fail_fast: false" if holder == "file" else ""}}}
        stories:
          - {{id: "8.1", run: "exit 1", critical: true}}
          - {{id: "8.2", run: "exit 0"}}
          - {{id: "8.3", run: "exit 0", dependencies: ["8.1"]}}
    """)
    result = both_ways("-v", *(["--no-epic-fail-fast"] if holder == "option" else []))
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*::8.3 SKIPPED (8.3 depends on 8.1, which failed)*"])


def test_the_option_turns_fail_fast_on_again(project: Project) -> None:
    project.epic("""
        epic: {fail_fast: false}
        stories: [{id: "8.1", run: "exit 1", critical: true}, {id: "8.2", run: "exit 0"}]
    """)
    project.run("--epic-fail-fast").assert_outcomes(failed=1, skipped=1)
