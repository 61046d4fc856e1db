"""A process together with all that it starts, ended as one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakSet

import psutil

from .children import ChildInput, WatchedChild, can_watch
from .family import any_alive, group_of, signal_all
from .regardless import regardless

_POSIX = os.name == "posix"
_DRAIN = 0.5
"""Seconds that output may still come after a process has ended, from children that it left behind."""


_TURNS = 20
"""So many turns of the loop after which a child that was started has been connected."""


_KILLED = 2.0
"""Seconds that a process may take to be gone once it has been killed."""


_MOST_UNREAD = 16 * 1024 * 1024
"""Bytes that may wait until a process reads them."""

_STREAMS = ("stdin", "stdout", "stderr")

_RUNNING: WeakSet[ProcessTree] = WeakSet()


class ProcessTree(asyncio.SubprocessProtocol):
    """A child in a session of its own, whose output is handed on as it comes.

    A bare protocol rather than asyncio's streams: those wait for a reader, and hold up a child that writes faster.
    """

    def __init__(self, write: Callable[[str, bytes], None], on_start: Callable[[int], None]) -> None:
        self._write = write
        self._on_start = on_start
        self._exited = asyncio.Event()
        self._closed = asyncio.Event()
        self._open_pipes = 2
        self._takes_input = False
        self._transport: asyncio.SubprocessTransport | WatchedChild | None = None

    @staticmethod
    def any_runs() -> bool:
        """Whether any is running that was started by this process, or still holds descriptors."""
        return bool(_RUNNING)

    @classmethod
    async def start(
        cls,
        command: str | list[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        write: Callable[[str, bytes], None],
        grace: float = 0.0,
        on_start: Callable[[int], None] = lambda pid: None,
        with_input: bool = False,
    ) -> ProcessTree:
        """Start a command: text for the shell, or a list of words without one. Cancelled meanwhile, end it again.

        :param write: is given each piece of its output with the stream's name, and an empty one at the stream's end.
        :param on_start: is told the pid as soon as there is one.
        :param with_input: whether it can be fed; else its input is empty.

        :raises OSError: if it cannot be started.
        :raises ValueError: if a word or a variable holds what no process can be given.
        """
        options: dict[str, Any] = {"cwd": str(cwd), "env": dict(env)}
        options["stdin"] = subprocess.PIPE if with_input else subprocess.DEVNULL
        if _POSIX:
            options["start_new_session"] = True
        else:
            options["creationflags"] = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        tree = cls(write, on_start)
        tree._takes_input = with_input
        if can_watch():
            tree._has_begun(WatchedChild(tree, command, options))
        else:
            await tree._start_by_asyncio(command, options, grace)
        return tree

    async def _start_by_asyncio(self, command: str | list[str], options: dict[str, Any], grace: float) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(command, str):
            starting = asyncio.ensure_future(loop.subprocess_shell(lambda: self, command, **options))
        else:
            # Windows looks a program up on the parent's PATH, not on the one that is passed.
            path = options["env"].get("PATH")
            program = command[0] if _POSIX else shutil.which(command[0], path=path) or command[0]
            starting = asyncio.ensure_future(loop.subprocess_exec(lambda: self, program, *command[1:], **options))
        try:
            self._transport, _ = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Cancelled itself, asyncio would end the child alone, and wait as long as what it started holds its output.
            again = await regardless(starting)
            if not starting.cancelled() and not starting.exception():
                self._transport, _ = starting.result()
                try:
                    await self.end(0.0 if again else grace)
                finally:
                    self._close()
            raise
        except (OSError, RuntimeError) as error:
            await self._abandon()
            if isinstance(error, RuntimeError) and "new thread" in str(error):
                # The one that would wait for the child.
                raise BlockingIOError(errno.EAGAIN, str(error)) from None
            raise

    async def _abandon(self) -> None:
        """Asyncio has failed to start it, maybe after the child was there: end that, which nobody waits for."""
        for _ in range(_TURNS):
            if self._transport is not None:
                break
            await asyncio.sleep(0)
        else:
            return
        assert isinstance(self._transport, asyncio.SubprocessTransport)
        child: subprocess.Popen[bytes] = self._transport.get_extra_info("subprocess")
        signal_all(self._remaining(), hard=True)
        child.kill()
        child.wait()
        self._close()

    def _close(self) -> None:
        assert self._transport is not None
        self._transport.close()
        _RUNNING.discard(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._has_begun(transport)

    def _has_begun(self, transport: asyncio.SubprocessTransport | WatchedChild) -> None:
        self._transport = transport
        _RUNNING.add(self)
        self._on_start(transport.get_pid())

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._write(_STREAMS[fd], data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 0:
            self._takes_input = False
            return
        self._write(_STREAMS[fd], b"")
        self._open_pipes -= 1
        if not self._open_pipes:
            self._closed.set()

    def process_exited(self) -> None:
        self._exited.set()

    @property
    def pid(self) -> int:
        assert self._transport is not None
        return self._transport.get_pid()

    def feed(self, data: bytes) -> bool:
        """Let it read this, at once or when it gets to it; False if it takes no input any more.

        :raises BufferError: if it does not read, and so too much waits to be read.
        """
        if not self._takes_input:
            return False
        pipe = self._input()
        if pipe.get_write_buffer_size() + len(data) > _MOST_UNREAD:
            raise BufferError(f"{_MOST_UNREAD:,} bytes wait to be read")
        pipe.write(data)
        return True

    def close_input(self) -> None:
        """Let it read to the end what it was fed; then its input has ended."""
        if self._takes_input:
            self._takes_input = False
            self._input().close()

    def _input(self) -> asyncio.WriteTransport | ChildInput:
        assert self._transport is not None
        pipe = self._transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport | ChildInput)
        return pipe

    async def exited(self) -> int:
        """Its exit status, once it has ended; its output and what it has started may go on."""
        await self._exited.wait()
        assert self._transport is not None
        status = self._transport.get_returncode()
        assert status is not None
        return status

    async def wait(self, grace: float) -> int:
        """Its exit status, once it and its output have ended; what it left running is ended then.

        Cancelled, it ends the whole tree first.
        """
        try:
            status = await self.exited()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN):
                    await self._closed.wait()
            await self.end(grace)
        except BaseException:
            await self.end(grace)
            raise
        finally:
            self._close()
        return status

    async def end(self, grace: float) -> None:
        """Ask all that still runs of the tree to end, and make it end after ``grace`` seconds, or when cancelled."""
        remaining = self._remaining()
        if not remaining and self._exited.is_set():
            return
        try:
            signal_all(remaining, hard=False)
            await self._ended(remaining, grace)
        finally:
            signal_all(self._remaining(), hard=True)
            signal_all(remaining, hard=True)
            # Else the loop could end before it has heard of the end of the child.
            again = await regardless(asyncio.ensure_future(self._exited.wait()), _KILLED)
        if again:
            raise asyncio.CancelledError
        await self._ended(remaining, _KILLED)

    async def _ended(self, processes: list[psutil.Process], seconds: float) -> None:
        """Wait until they have ended, but no longer than that."""
        deadline = asyncio.get_running_loop().time() + seconds
        # Only the child itself could be awaited: the others are not ours.
        while self._alive(processes) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def _remaining(self) -> list[psutil.Process]:
        """The processes of the tree: what stems from the child, and what is in its process group."""
        found: dict[int, psutil.Process] = {}
        try:
            self._find(found)
        except OSError:
            # No descriptor is left to look into /proc with: what is in the group, the child first, ends all the same.
            with contextlib.suppress(psutil.Error, OSError):
                if _POSIX:
                    os.killpg(self.pid, signal.SIGKILL)
        return list(found.values())

    def _find(self, found: dict[int, psutil.Process]) -> None:
        if not self._exited.is_set():
            with contextlib.suppress(psutil.Error):
                root = psutil.Process(self.pid)
                found[root.pid] = root
                for child in root.children(recursive=True):
                    found[child.pid] = child
        if _POSIX:
            found.update(group_of(self.pid))

    def _alive(self, processes: list[psutil.Process]) -> bool:
        return not self._exited.is_set() or any_alive(processes)


def status_words(status: int) -> str:
    """``exit status 3``, or ``ended by signal 9 (SIGKILL)``."""
    if status >= 0:
        return f"exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    return f"ended by signal {-status} ({name})"
