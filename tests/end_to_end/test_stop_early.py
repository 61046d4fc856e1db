"""``-x``, ``--maxfail``, ``pytest.exit()`` and hooks that raise: the run ends, and what ran ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from project import Project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a POSIX shell")

TWO_WAYS = pytest.mark.parametrize("options", [(), ("--epic-parallel=3",)], ids=["one by one", "three at once"])
AT_ONCE = "--epic-parallel=3"

SLOW = "id: slow, run: 'echo $$ > slow.pid; echo said; sleep 300'"
AFTER_SLOW = "until test -s slow.pid; do sleep 0.02; done"


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def pid_in(path: Path) -> int:
    return int(path.read_text())


def epic(*stories: str, header: str = "circuit_breaker: 0") -> str:
    return f"epic: {{{header}}}\nstories:\n" + "".join(f"  - {{{story}}}\n" for story in stories)


@pytest.fixture
def run(project: Project) -> Iterator[Callable[..., tuple[int, str]]]:
    """Runs pytest in a process; answers with its exit status and its output. A run that hangs fails the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*args: str) -> tuple[int, str]:
        process = project.start(*args)
        started.append(process)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    yield run
    for process in started:
        process.kill()
        process.communicate()
    for path in project.path.glob("*.pid"):
        if not ended(pid_in(path)):
            os.kill(pid_in(path), signal.SIGKILL)


def slow_has_ended(project: Project) -> bool:
    deadline = time.monotonic() + 20
    while not ended(pid_in(project.path / "slow.pid")) and time.monotonic() < deadline:
        time.sleep(0.02)
    return ended(pid_in(project.path / "slow.pid"))


@TWO_WAYS
def test_x_stops_at_the_first_failure(
    project: Project, run: Callable[..., tuple[int, str]], options: tuple[str, ...]
) -> None:
    project.epic(epic("id: a, run: exit 1", "id: b, run: echo > never, dependencies: [c]", "id: c, run: sleep 0.5"))
    status, output = run("-x", *options)
    assert status == pytest.ExitCode.TESTS_FAILED, output
    assert "stopping after 1 failures" in output
    assert not (project.path / "never").exists()
    assert "not started" in output


def test_x_cancels_what_runs(project: Project, run: Callable[..., tuple[int, str]]) -> None:
    project.epic(epic(SLOW, f"id: a, run: '{AFTER_SLOW}; exit 1'", "id: b, run: echo > never, dependencies: [a]"))
    status, output = run("-x", "-rs", AT_ONCE)
    assert status == pytest.ExitCode.TESTS_FAILED, output
    assert slow_has_ended(project)
    assert "epic_shop.yaml: 1 failed, 1 cancelled, 1 not started" in output
    assert "cancelled: stopping after 1 failures" in output


@TWO_WAYS
def test_maxfail_counts(project: Project, run: Callable[..., tuple[int, str]], options: tuple[str, ...]) -> None:
    project.epic(
        epic(
            "id: a, run: exit 1",
            "id: b, run: exit 1",
            "id: c, run: sleep 1",
            "id: d, run: echo > never, dependencies: [c]",
        )
    )
    status, output = run("--maxfail=2", *options)
    assert status == pytest.ExitCode.TESTS_FAILED, output
    assert "2 failed" in output
    assert not (project.path / "never").exists()


@TWO_WAYS
def test_a_failed_check_counts_once_with_its_story(
    project: Project, run: Callable[..., tuple[int, str]], options: tuple[str, ...]
) -> None:
    check = "acceptance_criteria: [{description: holds, run: exit 1}]"
    project.epic(epic(f"id: a, {check}", "id: b, run: echo > never, dependencies: [a]"))
    status, output = run("-x", *options)
    assert status == pytest.ExitCode.TESTS_FAILED, output
    assert "INTERNALERROR" not in output
    assert not (project.path / "never").exists()


EXITS = """
    import pytest, time
    from pathlib import Path

    def leave():
        for _ in range(1000):
            if not Path("wait_for_slow").exists() or Path("slow.pid").exists():
                break
            time.sleep(0.02)
        pytest.exit("had enough", returncode=7)
"""


@TWO_WAYS
def test_exit_in_a_function_ends_the_run(
    project: Project, run: Callable[..., tuple[int, str]], options: tuple[str, ...]
) -> None:
    project.write("work.py", EXITS)
    project.epic(epic("id: a, call: 'work:leave'", "id: b, run: echo > never, dependencies: [a]"))
    status, output = run(*options)
    assert status == 7, output
    assert "had enough" in output
    assert "INTERNALERROR" not in output
    assert not (project.path / "never").exists()


def test_exit_in_a_function_ends_what_runs_beside_it(project: Project, run: Callable[..., tuple[int, str]]) -> None:
    project.write("work.py", EXITS)
    project.write("wait_for_slow", "")
    project.epic(epic(SLOW, "id: a, call: 'work:leave'"))
    status, output = run(AT_ONCE)
    assert status == 7, output
    assert slow_has_ended(project)


HOOKS = (
    "pytest_runtest_setup",
    "pytest_runtest_logreport",
    "pytest_epic_story_finished",
    "pytest_epic_breaker_tripped",
)

ARGUMENTS = {
    "pytest_runtest_setup": "item",
    "pytest_runtest_logreport": "report",
    "pytest_epic_story_finished": "story",
    "pytest_epic_breaker_tripped": "epic",
}

CONFTEST = """
    import pytest, time
    from pathlib import Path

    def HOOK(ARGUMENT):
        if getattr(ARGUMENT, "nodeid", "::a").endswith("::a") and getattr(ARGUMENT, "when", "call") == "call":
            for _ in range(1000):
                if not Path("wait_for_slow").exists() or Path("slow.pid").exists():
                    break
                time.sleep(0.02)
            RAISES
"""


def conftest(hook: str, raises: str) -> str:
    return CONFTEST.replace("HOOK", hook).replace("ARGUMENT", ARGUMENTS[hook]).replace("RAISES", raises)


@TWO_WAYS
@pytest.mark.parametrize("hook", HOOKS)
def test_exit_in_a_hook_ends_the_run(
    project: Project, run: Callable[..., tuple[int, str]], options: tuple[str, ...], hook: str
) -> None:
    project.write("conftest.py", conftest(hook, "pytest.exit('had enough', returncode=7)"))
    # A story is set up before those of its wave that come after it have started anything.
    beside = bool(options) and hook != "pytest_runtest_setup"
    stories = [SLOW, f"id: a, run: '{AFTER_SLOW}; exit 1'"] if beside else ["id: a, run: exit 1"]
    project.epic(epic(*stories, "id: b, run: echo > never, dependencies: [a]", header="circuit_breaker: 1"))
    status, output = run(*options)
    assert status == 7, output
    assert "had enough" in output
    assert "INTERNALERROR" not in output
    assert not (project.path / "never").exists()
    assert not beside or slow_has_ended(project)


@TWO_WAYS
@pytest.mark.parametrize("hook", HOOKS[1:])
def test_a_hook_that_raises_ends_the_run_and_what_ran(
    project: Project, run: Callable[..., tuple[int, str]], options: tuple[str, ...], hook: str
) -> None:
    project.write("conftest.py", conftest(hook, "raise RuntimeError('a broken hook')"))
    stories = [SLOW, f"id: a, run: '{AFTER_SLOW}; exit 1'"] if options else ["id: a, run: exit 1"]
    project.epic(epic(*stories, "id: b, run: echo > never, dependencies: [a]", header="circuit_breaker: 1"))
    status, output = run(*options)
    assert status == pytest.ExitCode.INTERNAL_ERROR, output
    assert "a broken hook" in output
    assert not (project.path / "never").exists()
    assert not options or slow_has_ended(project)


@TWO_WAYS
def test_a_setup_hook_that_raises_is_an_error_of_its_story(
    project: Project, run: Callable[..., tuple[int, str]], options: tuple[str, ...]
) -> None:
    project.write("conftest.py", conftest("pytest_runtest_setup", "raise RuntimeError('a broken hook')"))
    project.epic(epic("id: a, run: echo > never", "id: b, run: 'true'"))
    status, output = run(*options)
    assert status == pytest.ExitCode.TESTS_FAILED, output
    assert "1 passed, 1 error" in output
    assert not (project.path / "never").exists()
