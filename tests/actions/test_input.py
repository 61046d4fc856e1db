"""A process is fed without being waited for."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from pytest_tapps_waves.actions import processes
from pytest_tapps_waves.actions.children import can_watch
from pytest_tapps_waves.actions.environment import command_environment
from pytest_tapps_waves.actions.processes import ProcessTree

SIZE = 3_000_000
"""More than a pipe holds."""

COUNTS = "import sys; print(len(sys.stdin.buffer.read()))"
CLOSES = "import os; os.close(0); print('closed', flush=True); import threading; threading.Event().wait()"
WAITS = "import threading; threading.Event().wait()"


@pytest.fixture(params=["watched", "by asyncio"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How the loop hears of children: by descriptors that we watch, where there are such, or as asyncio does it."""
    if request.param == "by asyncio":
        monkeypatch.setattr(processes, "can_watch", lambda: False)
    elif not can_watch():
        pytest.skip("this system has no descriptors for processes")


class Fed:
    """A Python program that is fed, and what it printed; ended in the end."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        self.program = program
        self.printed = b""
        self.ends: list[str] = []
        self.changed = asyncio.Event()

    def write(self, stream: str, data: bytes) -> None:
        self.printed += data
        if not data:
            self.ends.append(stream)
        self.changed.set()

    async def until_printed(self, what: bytes) -> None:
        while what not in self.printed:
            self.changed.clear()
            await self.changed.wait()

    async def __aenter__(self) -> Fed:
        self.tree = await ProcessTree.start(
            [sys.executable, "-c", self.program],
            cwd=self.folder,
            env=command_environment({}),
            write=self.write,
            with_input=True,
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.tree.end(0.0)
        self.status = await self.tree.wait(0.0)


def test_it_reads_all_that_it_was_fed_and_then_the_end(tmp_path: Path) -> None:
    async def scene() -> Fed:
        async with asyncio.timeout(60), Fed(tmp_path, COUNTS) as fed:
            assert fed.tree.feed(b"x" * SIZE)
            assert fed.tree.feed(b"y" * SIZE)
            fed.tree.close_input()
            assert not fed.tree.feed(b"z")
            await fed.tree.exited()
            await fed.until_printed(b"\n")
        return fed

    fed = asyncio.run(scene())
    assert fed.printed.split() == [str(2 * SIZE).encode()]
    assert fed.status == 0
    assert sorted(fed.ends) == ["stderr", "stdout"]


async def fed_until_refused(tree: ProcessTree, data: bytes) -> None:
    while tree.feed(data):  # noqa: ASYNC110 - other processes set no event
        await asyncio.sleep(0)


def test_one_that_does_not_read_is_not_fed_without_end(tmp_path: Path) -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), Fed(tmp_path, WAITS) as fed:
            with pytest.raises(BufferError, match="16,777,216 bytes wait to be read"):
                await fed_until_refused(fed.tree, b"x" * 2**20)

    asyncio.run(scene())


def test_one_that_has_closed_its_input_is_fed_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), Fed(tmp_path, CLOSES) as fed:
            await fed.until_printed(b"closed")
            await fed_until_refused(fed.tree, b"x")
            fed.tree.close_input()

    asyncio.run(scene())
    assert caplog.records == []


def test_one_that_is_not_to_be_fed_is_not(tmp_path: Path) -> None:
    async def scene() -> None:
        tree = await ProcessTree.start(
            [sys.executable, "-c", COUNTS], cwd=tmp_path, env=command_environment({}), write=lambda stream, data: None
        )
        assert not tree.feed(b"x")
        tree.close_input()
        assert await tree.wait(0.0) == 0

    asyncio.run(scene())
