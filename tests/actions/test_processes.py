"""A process and all that it starts end as one."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pytest_tapps_waves.actions import processes
from pytest_tapps_waves.actions.children import can_watch
from pytest_tapps_waves.actions.environment import command_environment
from pytest_tapps_waves.actions.output import Output
from pytest_tapps_waves.actions.processes import ProcessTree, status_words

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a POSIX shell")

LONG_GRACE = 60.0
"""So long that a test which waits for it fails by its own bound."""

STUBBORN = "trap '' TERM; echo $$ > {pid}; while true; do sleep 0.05; done"
"""A shell that ignores SIGTERM; what it waits for does not."""


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - other processes set no event
        await asyncio.sleep(0.01)
    return condition()


class Pids:
    """The processes that commands of a test started, by the files to which they wrote their pids."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str) -> Path:
        return self.folder / name

    def known(self, name: str) -> int | None:
        path = self.file(name)
        text = path.read_text() if path.exists() else ""
        return int(text) if text.endswith("\n") else None

    async def wait_for(self, name: str) -> int:
        assert await until(lambda: self.known(name) is not None), f"{name} did not start"
        return self.known(name) or 0


@pytest.fixture(params=["watched", "by asyncio"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the loop hears of children: by descriptors that we watch, where there are such, or as asyncio does it."""
    if request.param == "by asyncio":
        monkeypatch.setattr(processes, "can_watch", lambda: False)
    elif not can_watch():
        pytest.skip("this system has no descriptors for processes")
    name: str = request.param
    return name


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Pids]:
    folder = tmp_path / "pids"
    folder.mkdir()
    made = Pids(folder)
    yield made
    for path in folder.iterdir():
        pid = made.known(path.name)
        if pid is not None and not ended(pid):
            os.kill(pid, signal.SIGKILL)


async def start(command: str | list[str], folder: Path, output: Output | None = None) -> ProcessTree:
    write = (output or Output()).write
    return await ProcessTree.start(command, cwd=folder, env=command_environment({}), write=write)


async def cancelled(work: Awaitable[object], when: Awaitable[object]) -> None:
    """Start ``work``, cancel it after ``when``, and wait until it has ended."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    await when
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(20):
            await task


TREES = {
    "a child": "sleep 300 & echo $! > {pid}; wait",
    "a grandchild": "sh -c 'sleep 300 & echo $! > {pid}; wait'; true",
    "a grandchild in a session of its own": "setsid sh -c 'echo $$ > {pid}; exec sleep 300' & wait",
    "a grandchild whose parent has ended": "(sh -c 'sleep 300 & echo $! > {pid}' &); sleep 300",
}


@pytest.mark.parametrize("command", TREES.values(), ids=TREES.keys())
def test_cancelled_it_leaves_nothing_running(tmp_path: Path, pids: Pids, command: str) -> None:
    async def scene() -> tuple[int, int]:
        tree = await start(command.format(pid=pids.file("inner")), tmp_path)
        await cancelled(tree.wait(LONG_GRACE), pids.wait_for("inner"))
        return tree.pid, pids.known("inner") or 0

    outer, inner = asyncio.run(scene())
    assert ended(outer)
    assert ended(inner)


def test_out_of_time_it_leaves_nothing_running(tmp_path: Path, pids: Pids) -> None:
    async def scene() -> int:
        tree = await start(TREES["a grandchild"].format(pid=pids.file("inner")), tmp_path)
        inner = await pids.wait_for("inner")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await tree.wait(LONG_GRACE)
        return inner

    assert ended(asyncio.run(scene()))


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace_period(tmp_path: Path, pids: Pids) -> None:
    async def scene() -> int:
        tree = await start(STUBBORN.format(pid=pids.file("inner")), tmp_path)
        await cancelled(tree.wait(grace=0.3), pids.wait_for("inner"))
        assert tree._transport is not None
        return tree._transport.get_returncode() or 0

    assert asyncio.run(scene()) == -signal.SIGKILL


def test_a_child_may_clean_up_within_the_grace_period(tmp_path: Path, pids: Pids) -> None:
    # The child tells: a signal that comes before it is a program of its own is lost between its shell's trap and that.
    child = f"sh -c 'echo $$ > {pids.file('inner')}; exec sleep 300'"
    command = f"trap 'echo cleaned > {tmp_path}/done; exit 0' TERM; {child} & wait"

    async def scene() -> None:
        tree = await start(command, tmp_path)
        await cancelled(tree.wait(LONG_GRACE), pids.wait_for("inner"))

    asyncio.run(scene())
    assert (tmp_path / "done").read_text() == "cleaned\n"


def test_cancelled_again_it_does_not_wait_for_the_grace_period(tmp_path: Path, pids: Pids) -> None:
    async def scene() -> bool:
        tree = await start(STUBBORN.format(pid=pids.file("inner")), tmp_path)
        pid = await pids.wait_for("inner")
        task = asyncio.create_task(tree.wait(LONG_GRACE))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0.1)
        assert not ended(pid)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(20):
                await task
        return await until(lambda: ended(pid))

    assert asyncio.run(scene())


def test_cancelled_while_it_starts_it_leaves_nothing_running(tmp_path: Path, pids: Pids, way: str) -> None:
    if way == "watched":
        pytest.skip("what we watch has started or has not, and nothing comes between")

    async def scene() -> int:
        task = asyncio.create_task(start(TREES["a grandchild"].format(pid=pids.file("inner")), tmp_path))
        for _ in range(2):
            await asyncio.sleep(0)
        deadline = time.monotonic() + 20
        while (pid := pids.known("inner")) is None and time.monotonic() < deadline:
            time.sleep(0.01)  # noqa: ASYNC251 - the loop must stand still until the grandchild runs
        assert pid is not None
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(20):
                await task
        return pid

    assert ended(asyncio.run(scene()))


def test_a_background_child_ends_with_the_command_that_started_it(tmp_path: Path, pids: Pids) -> None:
    output = Output()

    async def scene() -> tuple[int, int]:
        tree = await start(f"sleep 300 & echo $! > {pids.file('inner')}; echo said; exit 3", tmp_path, output)
        async with asyncio.timeout(20):
            return await tree.wait(LONG_GRACE), await pids.wait_for("inner")

    status, inner = asyncio.run(scene())
    assert status == 3
    assert output.text("stdout") == "said\n"
    assert ended(inner)


def test_a_background_child_that_lets_go_of_the_output_ends_with_it_too(tmp_path: Path, pids: Pids) -> None:
    async def scene() -> int:
        tree = await start(f"sleep 300 >/dev/null 2>&1 & echo $! > {pids.file('inner')}", tmp_path)
        async with asyncio.timeout(20):
            assert await tree.wait(LONG_GRACE) == 0
        return await pids.wait_for("inner")

    assert ended(asyncio.run(scene()))


def test_other_processes_are_left_alone(tmp_path: Path, pids: Pids) -> None:
    async def scene() -> bool:
        first = await start(f"echo $$ > {pids.file('first')}; exec sleep 300", tmp_path)
        second = await start(f"echo $$ > {pids.file('second')}; exec sleep 300", tmp_path)
        await pids.wait_for("second")
        await cancelled(first.wait(LONG_GRACE), pids.wait_for("first"))
        alone = not ended(second.pid)
        await cancelled(second.wait(LONG_GRACE), asyncio.sleep(0))
        return alone

    assert asyncio.run(scene())


def test_a_child_that_writes_much_is_not_held_up_and_loses_nothing(tmp_path: Path) -> None:
    program = "import sys; [f.write('x' * 2_000_000) for f in (sys.stdout, sys.stderr)]"
    output = Output(lambda: tmp_path / "story")

    async def scene() -> int:
        tree = await start([sys.executable, "-c", program], tmp_path, output)
        async with asyncio.timeout(60):
            return await tree.wait(LONG_GRACE)

    assert asyncio.run(scene()) == 0
    output.close()
    assert [(tmp_path / f"story.{name}.log").stat().st_size for name in ("stdout", "stderr")] == [2_000_000] * 2


def test_what_cannot_be_started_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no-such-program"):
        asyncio.run(start(["no-such-program"], tmp_path))


def test_no_pipe_stays_open(tmp_path: Path) -> None:
    def pipes() -> int:
        return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0  # noqa: PTH208

    async def scene() -> tuple[int, int]:
        before = pipes()
        for _ in range(5):
            tree = await start("true", tmp_path)
            await tree.wait(LONG_GRACE)
        await until(lambda: pipes() <= before)
        return before, pipes()

    before, after = asyncio.run(scene())
    assert after <= before


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "exit status 0"),
        (3, "exit status 3"),
        (-9, "ended by signal 9 (SIGKILL)"),
        (-99, "ended by signal 99 (unknown)"),
    ],
)
def test_a_status_in_words(status: int, words: str) -> None:
    assert status_words(status) == words


def test_the_running_interpreter_comes_first_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/somewhere")
    assert command_environment({})["PATH"] == f"{Path(sys.executable).parent}{os.pathsep}/somewhere"
    assert command_environment({"PATH": "/mine"})["PATH"] == "/mine"
    monkeypatch.delenv("PATH")
    assert command_environment({})["PATH"].startswith(str(Path(sys.executable).parent))


def program(path: Path, said: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {said}\n")
    path.chmod(0o755)
    return path


def said_by(command: list[str], path: str, folder: Path) -> str:
    output = Output()

    async def scene() -> None:
        environment = command_environment({"PATH": path})
        tree = await ProcessTree.start(command, cwd=folder, env=environment, write=output.write)
        await tree.wait(LONG_GRACE)

    asyncio.run(scene())
    return output.text("stdout")


def test_a_program_is_the_first_on_the_path_that_can_be_run(tmp_path: Path) -> None:
    (tmp_path / "a/tool").mkdir(parents=True)
    program(tmp_path / "b/tool", "no program").chmod(0o644)
    program(tmp_path / "c/tool", "c")
    program(tmp_path / "d/tool", "d")
    path = os.pathsep.join(str(tmp_path / name) for name in ("none", "a", "b", "c", "d"))
    assert said_by(["tool"], path, tmp_path) == "c\n"
    program(tmp_path / "c/true", "not the one on our own path")
    assert said_by(["true"], path, tmp_path) == "not the one on our own path\n"


def test_a_relative_folder_of_the_path_is_looked_for_where_the_command_works(tmp_path: Path) -> None:
    program(tmp_path / "work/bin/tool", "near")
    program(tmp_path / "far/tool", "far")
    assert said_by(["tool"], f"bin{os.pathsep}{tmp_path / 'far'}", tmp_path / "work") == "near\n"
    assert said_by(["bin/tool"], str(tmp_path / "far"), tmp_path / "work") == "near\n"


def test_words_of_a_list_reach_the_program_as_they_are(tmp_path: Path) -> None:
    words = ["a b", "$HOME", "*", "", "é", "'\""]
    output = Output()

    async def scene() -> int:
        tree = await start(
            [sys.executable, "-c", "import sys; print(*sys.argv[1:], sep='|')", *words], tmp_path, output
        )
        return await tree.wait(LONG_GRACE)

    assert asyncio.run(scene()) == 0, shlex.join(words)
    assert output.text("stdout") == "|".join(words) + "\n"
