"""No process of a story outlives the run: neither when pytest is killed, nor when a story leaves one behind."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from project import Project
from running import Run, ended, until

from pytest_tapps_waves.actions.guard import Guard

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a POSIX shell"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc"),
]

TWO_WAYS = pytest.mark.parametrize("options", [(), ("--epic-parallel=9",)], ids=["one by one", "nine at once"])

COMMANDS = {
    "child": "sleep 300 & echo $! > child.pid; wait",
    "grandchild": "sh -c 'sleep 300 & echo $! > grandchild.pid; wait'; true",
    "stubborn": "trap '' TERM HUP INT; echo $$ > stubborn.pid; while true; do sleep 0.1; done",
    "daemon": "setsid sh -c 'sleep 300 & echo $! > daemon.pid' & sleep 300",
    "stripped": "env -i sleep 300 & echo $! > stripped.pid; wait",
    "silent": "exec sleep 300 > /dev/null 2>&1 & echo $! > silent.pid; wait",
}

DAEMON = "{more} setsid sh -c 'sleep 300 >/dev/null 2>&1 & echo $! > {name}.pid'"
"""Leaves a process behind that is in no group of the story."""


def epic(**commands: str) -> str:
    stories = "".join(f"  - id: {name}\n    run: |\n      {command}\n" for name, command in commands.items())
    return f"epic: {{id: left}}\nstories:\n{stories}"


def guardians() -> list[psutil.Process]:
    """Those of runs in which this process has a part, as of all others."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(word.endswith("guardian.py") for word in process.info["cmdline"] or ())
    ]


def guardian_of(pid: int) -> psutil.Process | None:
    return next((process for process in guardians() if process.cmdline()[-1] == str(pid)), None)


@pytest.fixture
def run(project: Project) -> Iterator[Run]:
    made = Run(project)
    yield made
    made.clean_up()


@pytest.mark.parametrize("name", ["grandchild", "daemon"])
def test_pytest_killed_leaves_no_process_of_a_story(project: Project, run: Run, name: str) -> None:
    project.epic(epic(**{name: COMMANDS[name]}))
    run.start(waits_for=(name,))
    run.signal(signal.SIGKILL)
    assert run.end() == -signal.SIGKILL
    assert until(lambda: ended(run.pid(name)))


def test_pytest_killed_leaves_none_of_many(project: Project, run: Run) -> None:
    project.epic(epic(**COMMANDS))
    run.start("--epic-parallel=9", waits_for=tuple(COMMANDS))
    assert run.process is not None
    guardian = guardian_of(run.process.pid)
    assert guardian is not None
    run.signal(signal.SIGKILL)
    assert run.end() == -signal.SIGKILL
    assert until(lambda: all(ended(run.pid(name)) for name in COMMANDS))
    assert until(lambda: ended(guardian.pid))


@TWO_WAYS
def test_pytest_killed_leaves_no_daemon_of_a_story_that_has_ended(
    project: Project, run: Run, options: tuple[str, ...]
) -> None:
    project.epic(epic(first=DAEMON.format(name="first", more="")) + "  - {id: a, run: 'echo $$ > a.pid; sleep 300'}\n")
    run.start(*options, waits_for=("first", "a"))
    assert not ended(run.pid("first"))
    run.signal(signal.SIGKILL)
    assert run.end() == -signal.SIGKILL
    assert until(lambda: ended(run.pid("first")) and ended(run.pid("a")))


def test_pytest_killed_while_a_fork_of_it_lives_on_leaves_none(project: Project, run: Run) -> None:
    project.write(
        "test_fork.py",
        """
        import os, signal

        def test_fork():
            if (pid := os.fork()) == 0:
                os.closerange(0, 1000)
                signal.pause()
                os._exit(0)
            open("fork.pid", "w").write(f"{pid}\\n")
        """,
    )
    project.epic(
        epic(a="echo $$ > a.pid; exec sleep 300", b="true").replace("id: a\n", "id: a\n    dependencies: [b]\n")
    )
    project.write(
        "conftest.py",
        """
        def pytest_collection_modifyitems(items):
            items.sort(key=lambda item: ("b" not in item.name, "fork" not in item.name))
        """,
    )
    run.start(waits_for=("fork", "a"))
    run.signal(signal.SIGKILL)
    assert run.process is not None
    run.process.wait()
    assert until(lambda: ended(run.pid("a")))
    assert not ended(run.pid("fork"))


def test_a_run_of_pytest_in_a_story_is_ended_with_its_own_stories(project: Project, run: Run) -> None:
    project.epic(epic(inner=DAEMON.format(name="inner", more="") + "; sleep 300"), "inner/epic_inner.yaml")
    words = f"{sys.executable} -m pytest -p pytest_asyncio.plugin -p pytest_tapps_waves.plugin inner"
    project.epic(epic(outer=f"echo $$ > outer.pid; {words}"))
    run.start("epic_shop.yaml", waits_for=("outer", "inner"))
    run.signal(signal.SIGKILL)
    assert run.end() == -signal.SIGKILL
    assert until(lambda: ended(run.pid("outer")) and ended(run.pid("inner")))


@TWO_WAYS
def test_what_a_story_leaves_behind_serves_later_stories_and_ends_with_the_run(
    project: Project, run: Run, options: tuple[str, ...]
) -> None:
    project.epic(
        epic(
            server=DAEMON.format(name="server", more=""),
            kept=DAEMON.format(name="kept", more="env -u EPIC_RUN"),
        )
        + "  - {id: client, run: kill -0 $(cat server.pid), dependencies: [server]}\n"
    )
    run.start(*options, waits_for=("server", "kept"))
    assert run.end() == pytest.ExitCode.OK, run.output
    assert ended(run.pid("server"))
    assert not ended(run.pid("kept"))
    assert f"ended 1 process that stories had left running: {run.pid('server')}" in run.output


@TWO_WAYS
def test_what_a_story_leaves_behind_ends_with_a_run_that_is_interrupted(
    project: Project, run: Run, options: tuple[str, ...]
) -> None:
    project.epic(
        epic(server=DAEMON.format(name="server", more=""))
        + "  - {id: a, run: 'echo $$ > a.pid; sleep 300', dependencies: [server]}\n"
    )
    run.start(*options, waits_for=("server", "a"))
    run.signal(signal.SIGINT)
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    assert ended(run.pid("server"))


@pytest.mark.parametrize("options", [(), ("-x",), ("--epic-parallel=3",), ("-n2", "--dist=loadfile")], ids=" ".join)
def test_the_guardian_ends_with_the_run_and_nobody_notices_it(project: Project, run: Run, options: tuple[str]) -> None:
    project.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n")
    project.epic(epic(a="echo $PPID > a.ppid; until test -e go; do sleep 0.05; done", b="false"))
    plugins = ("-p", "xdist") if "-n2" in options else ()
    run.start(*plugins, *options, waits_for=())
    assert until(lambda: (project.path / "a.ppid").exists() and (project.path / "a.ppid").read_text().endswith("\n"))
    guardian = guardian_of(int((project.path / "a.ppid").read_text()))
    assert guardian is not None
    (project.path / "go").touch()
    assert run.end() == pytest.ExitCode.TESTS_FAILED, run.output
    assert "1 failed, 1 passed" in run.output
    assert "arning" not in run.output
    assert not guardian.is_running()


def test_without_commands_there_is_no_guardian(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(subprocess.Popen, "__init__", lambda *args, **options: started.append(args))
    project.write("work.py", "def nothing(): pass\n")
    project.epic("stories: [{id: a, call: 'work:nothing'}]")
    project.run().assert_outcomes(passed=1)
    assert started == []


def test_one_guardian_serves_all_stories(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Guard] = []
    start = Guard._start

    def noted(guard: Guard) -> None:
        started.append(guard)
        start(guard)

    monkeypatch.setattr(Guard, "_start", noted)
    project.epic(epic(a="true", b="true", c="true"))
    project.run("--epic-parallel=2").assert_outcomes(passed=3)
    assert len(started) == 1


def test_a_guardian_that_cannot_be_started_is_told_of_once_and_the_run_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = subprocess.Popen

    def popen(command: Any, *args: Any, **options: Any) -> Any:
        if "-S" in command:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return real(command, *args, **options)

    monkeypatch.setattr("pytest_tapps_waves.actions.guard.subprocess.Popen", popen)
    project.epic(epic(a="true", b="true"))
    result = project.run("--epic-parallel=2")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["if pytest had been killed, processes of stories might have stayed behind: *"])
    assert str(result.stdout).count("might have stayed behind") == 1


def test_ctrl_c_while_what_is_left_may_clean_up_only_cuts_that_short(monkeypatch: pytest.MonkeyPatch) -> None:
    graces: list[float] = []

    def sweep(runs: list[str], grace: float = 0.0) -> list[int]:
        graces.append(grace)
        if grace:
            raise KeyboardInterrupt
        return [1]

    monkeypatch.setattr("pytest_tapps_waves.actions.guard.sweep", sweep)
    guard = Guard("a run")
    guard._start = lambda: None  # type: ignore[method-assign]
    guard.begin()
    assert guard.close(3.0) == [1]
    assert graces == [3.0, 0.0]
