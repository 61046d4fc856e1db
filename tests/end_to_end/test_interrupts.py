"""Ctrl-C and SIGTERM end a run in order: stories are cancelled and reported, and no process stays behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import Project
from running import Run, ended, pid_in, until

from pytest_tapps_waves.actions import processes
from pytest_tapps_waves.actions.children import can_watch
from pytest_tapps_waves.actions.output import Output
from pytest_tapps_waves.actions.processes import ProcessTree
from pytest_tapps_waves.concurrent.portal import OwnLoop

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither of these signals")

TWO_WAYS = pytest.mark.parametrize("options", [(), ("--epic-parallel=3",)], ids=["one by one", "three at once"])

CONFTEST = """
    import pytest
    from pathlib import Path

    @pytest.fixture(scope="session")
    def database():
        yield
        Path("torn_down").write_text("yes")

    def pytest_sessionfinish():
        Path("finished").write_text("yes")
"""

NOISE = ("INTERNALERROR", "Traceback", "never retrieved", "Warning", "is closed", "pending")
"""What no run may say as it ends."""

TEST = "def test_up(database): pass\n"

WORK = """
    import threading, os
    from pathlib import Path

    def hangs():
        Path("a.pid").write_text(f"{os.getpid()}\\n")
        threading.Event().wait()
"""


@pytest.fixture
def run(project: Project) -> Iterator[Run]:
    project.write("conftest.py", CONFTEST)
    made = Run(project)
    yield made
    made.clean_up()


def epic(*stories: str) -> str:
    return "stories:\n" + "".join(f"  - {{{story}}}\n" for story in stories)


def slow(name: str, more: str = "") -> str:
    return f"id: {name}, run: 'echo said; sleep 300 & echo $! > {name}.pid; wait'{more}"


STUBBORN = """id: a, run: 'trap "echo > asked" TERM; echo $$ > a.pid; while true; do sleep 0.1; done'"""
HANGING = "id: a, call: 'work:hangs'"


@TWO_WAYS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_the_run_ends_in_order(project: Project, run: Run, options: tuple[str, ...], number: signal.Signals) -> None:
    project.write("test_db.py", TEST)
    project.epic(
        epic(slow("a", ", dependencies: [test_db.py::test_up]"), "id: never, run: echo > never, dependencies: [a]")
    )
    run.start(*options)
    run.signal(number)
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    assert ended(run.pid("a"))
    assert not (project.path / "never").exists()
    assert (project.path / "torn_down").exists()
    assert (project.path / "finished").exists()
    assert not any(word in run.output for word in NOISE), run.output
    assert re.search(r"epic_shop.yaml: .*1 not started", run.output), run.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_all_stories_that_run_are_cancelled_and_reported(project: Project, run: Run, number: signal.Signals) -> None:
    project.epic(epic(slow("a"), slow("b"), slow("c"), "id: d, run: echo > never"))
    run.start("--epic-parallel=3", "-rs", waits_for=("a", "b", "c"))
    run.signal(number)
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    assert [ended(run.pid(name)) for name in "abc"] == [True] * 3
    assert "epic_shop.yaml: 3 cancelled, 1 not started" in run.output
    assert "3 skipped" in run.output
    assert "cancelled: " in run.output


@TWO_WAYS
def test_what_ignores_sigterm_is_killed(project: Project, run: Run, options: tuple[str, ...]) -> None:
    project.epic(epic(STUBBORN))
    run.start(*options)
    run.signal(signal.SIGINT)
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    assert until(lambda: ended(run.pid("a")))


SIGNALS = [signal.SIGINT, signal.SIGTERM]
TWICE = [(first, second) for first in SIGNALS for second in SIGNALS]
LONG_GRACE = """
    from pytest_tapps_waves.actions.base import Job
    Job.__new__.__defaults__ = (60.0, *Job.__new__.__defaults__[1:])
"""


@TWO_WAYS
@pytest.mark.parametrize(("first", "second"), TWICE, ids=lambda number: number.name)
def test_a_second_signal_does_not_wait_for_the_grace_period(
    project: Project, run: Run, options: tuple[str, ...], first: signal.Signals, second: signal.Signals
) -> None:
    project.write("conftest.py", LONG_GRACE + CONFTEST)
    project.write("test_db.py", TEST)
    project.epic(epic(STUBBORN + ", dependencies: [test_db.py::test_up]", slow("b", ", dependencies: [a]")))
    run.start(*options)
    run.signal(first)
    assert until(lambda: (project.path / "asked").exists() or ended(run.pid("a")))
    run.signal(second)
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    assert ended(run.pid("a"))
    assert (project.path / "torn_down").exists()
    assert (project.path / "finished").exists()
    assert run.output.count("stopping: ") == 1, run.output
    assert not any(word in run.output for word in NOISE), run.output


@TWO_WAYS
def test_two_signals_that_come_together_do_not_wait_either(
    project: Project, run: Run, options: tuple[str, ...]
) -> None:
    project.write("conftest.py", LONG_GRACE)
    project.epic(epic(STUBBORN))
    run.start(*options)
    assert run.process is not None
    run.process.send_signal(signal.SIGSTOP)
    run.signal(signal.SIGTERM)
    run.signal(signal.SIGINT)
    run.process.send_signal(signal.SIGCONT)
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    assert ended(run.pid("a"))
    assert not any(word in run.output for word in NOISE), run.output


def test_a_second_signal_ends_all_that_run_at_once(project: Project, run: Run) -> None:
    project.write("conftest.py", LONG_GRACE)
    stubborn = [STUBBORN.replace("id: a", f"id: {name}").replace("a.pid", f"{name}.pid") for name in "abc"]
    project.epic(epic(*stubborn, "id: d, run: echo > never"))
    run.start("--epic-parallel=3", "-rs", waits_for=("a", "b", "c"))
    run.signal(signal.SIGINT)
    assert until((project.path / "asked").exists)
    run.signal(signal.SIGINT)
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    assert [ended(run.pid(name)) for name in "abc"] == [True] * 3
    assert "epic_shop.yaml: 3 cancelled, 1 not started" in run.output
    assert "3 skipped" in run.output


def test_a_second_signal_ends_a_fixture_that_holds_up_the_loop(project: Project, run: Run) -> None:
    project.write(
        "test_held.py",
        """
        import os, pytest, time

        @pytest.fixture
        def held():
            yield
            with open("b.pid", "w") as file:
                file.write(f"{os.getpid()}\\n")
            while True:
                time.sleep(0.05)  # one long sleep may begin just after the signal has come

        @pytest.mark.asyncio
        @pytest.mark.depends(name="held")
        async def test_held(held): pass
        """,
    )
    project.epic(epic(slow("a")))
    run.start("--epic-parallel=3", waits_for=("a", "b"))
    # Two of one kind could count as one.
    run.signal(signal.SIGINT)
    run.signal(signal.SIGTERM)
    assert until(lambda: ended(run.pid("a")))
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    assert not any(word in run.output for word in NOISE if word != "Traceback"), run.output


def test_an_async_test_and_its_fixture_end_at_the_second_ctrl_c(project: Project, run: Run) -> None:
    project.write(
        "test_slow.py",
        """
        import asyncio, os, pytest, pytest_asyncio

        @pytest_asyncio.fixture
        async def slow():
            yield
            open("asked", "w").close()
            await asyncio.sleep(300)

        @pytest.mark.asyncio
        @pytest.mark.depends(name="slow")
        async def test_slow(slow):
            open("a.pid", "w").write(f"{os.getpid()}\\n")
            await asyncio.sleep(300)
        """,
    )
    run.start("--epic-parallel=3")
    run.signal(signal.SIGINT)
    assert until((project.path / "asked").exists)
    run.signal(signal.SIGINT)
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    assert not any(word in run.output for word in NOISE), run.output


@TWO_WAYS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_function_that_hangs_keeps_nothing_from_ending(
    project: Project, run: Run, options: tuple[str, ...], number: signal.Signals
) -> None:
    project.write("work.py", WORK)
    project.epic(epic(HANGING))
    run.start(*options)
    run.signal(number)
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output


@TWO_WAYS
def test_a_function_that_hangs_past_its_timeout_keeps_nothing_from_ending(
    project: Project, run: Run, options: tuple[str, ...]
) -> None:
    project.write("work.py", WORK)
    project.epic(epic(HANGING + ", timeout: 0.2", "id: b, run: echo well"))
    run.start(*options)
    assert run.end() == pytest.ExitCode.TESTS_FAILED, run.output
    assert "timed out after 0.2 s" in run.output
    assert "1 failed, 1 passed" in run.output


def test_a_command_that_asyncio_is_only_just_starting_is_ended_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "can_watch", lambda: False)
    path = tmp_path / "a.pid"

    def ctrl_c() -> None:
        until(lambda: pid_in(path) is not None)
        raise KeyboardInterrupt

    async def start() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, ctrl_c)
        command = f"sh -c 'sleep 300 & echo $! > {path}; wait'; true"
        await ProcessTree.start(command, cwd=tmp_path, env=os.environ, write=Output().write)

    portal = OwnLoop()
    with pytest.raises(KeyboardInterrupt):
        portal.wait(start())
    portal.close()
    pid = pid_in(path)
    assert pid is not None
    left = not until(lambda: ended(pid))
    if left:
        os.kill(pid, signal.SIGKILL)
    assert not left


SIGNAL_WHILE_STARTING = """
    import asyncio, os, signal, time
    from pathlib import Path
    from pytest_tapps_waves.actions import children

    def send_once():
        if not Path("sent").exists():
            Path("sent").touch()
            while not (Path("a.pid").exists() and Path("a.pid").read_text()):
                time.sleep(0.01)
            os.kill(os.getpid(), signal.NUMBER)
"""
AS_ASYNCIO_STARTS = """
    connect = asyncio.SelectorEventLoop.connect_read_pipe

    async def connect_read_pipe(self, *args):
        send_once()
        return await connect(self, *args)

    asyncio.SelectorEventLoop.connect_read_pipe = connect_read_pipe
    children.can_watch = lambda: False
"""
AS_WE_START = """
    pidfd_open = os.pidfd_open

    def opened(pid, *args):
        if pid != os.getpid():
            send_once()
        return pidfd_open(pid, *args)

    os.pidfd_open = opened
"""


@pytest.mark.parametrize(
    "way",
    [
        AS_ASYNCIO_STARTS,
        pytest.param(AS_WE_START, marks=pytest.mark.skipif(not can_watch(), reason="asyncio starts all here")),
    ],
    ids=["by asyncio", "watched"],
)
@TWO_WAYS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_in_the_midst_of_starting_a_command_leaves_nothing_running(
    project: Project, run: Run, options: tuple[str, ...], number: signal.Signals, way: str
) -> None:
    project.write("conftest.py", SIGNAL_WHILE_STARTING.replace("NUMBER", number.name) + way)
    project.epic(epic(slow("a")))
    run.start(*options)
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    assert until(lambda: ended(run.pid("a")))
