"""A child that the loop watches by descriptors (Linux): nobody waits for its end in a thread.

Until Python 3.12 asyncio starts a thread for each child, and its transports cost as much again as the child itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import IO, Any

from .environment import found_on_path

_MOST = 256 * 1024
"""Bytes that are read at once, as asyncio does: others want their turn."""


@cache
def can_watch() -> bool:
    """Whether this system tells of a child's end by a descriptor, and lets us ask."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


class ChildInput:
    """What a child is to read; what :class:`asyncio.WriteTransport` is elsewhere, as far as it is needed."""

    def __init__(self, pipe: IO[bytes], on_lost: Callable[[], None]) -> None:
        """:param on_lost: called when nothing more can be written, whoever is to blame."""
        self._loop = asyncio.get_running_loop()
        self._pipe = pipe
        self._on_lost = on_lost
        self._unread = bytearray()
        self._watched = self._ends = False
        os.set_blocking(pipe.fileno(), False)

    def get_write_buffer_size(self) -> int:
        """Bytes that the pipe has not taken yet."""
        return len(self._unread)

    def write(self, data: bytes) -> None:
        """Never waits: what the pipe does not take now, it takes when the child reads."""
        if self._pipe.closed or self._ends:
            return
        self._unread += data
        if not self._watched:
            self._hand_over()

    def close(self) -> None:
        """The end comes after what was written."""
        self._ends = True
        if not self._unread:
            self.abort()

    def abort(self) -> None:
        """The end comes at once."""
        if self._pipe.closed:
            return
        if self._watched:
            self._loop.remove_writer(self._pipe.fileno())
        self._unread.clear()
        self._pipe.close()
        self._on_lost()

    def _hand_over(self) -> None:
        try:
            del self._unread[: os.write(self._pipe.fileno(), self._unread)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:  # it has ended, or has closed its input
            self.abort()
            return
        if not self._unread and self._ends:
            self.abort()
        elif self._unread and not self._watched:
            self._loop.add_writer(self._pipe.fileno(), self._hand_over)
            self._watched = True
        elif not self._unread and self._watched:
            self._loop.remove_writer(self._pipe.fileno())
            self._watched = False


class WatchedChild:
    """A running child; what :class:`asyncio.SubprocessTransport` is elsewhere, as far as it is needed."""

    def __init__(self, protocol: asyncio.SubprocessProtocol, command: str | list[str], options: dict[str, Any]) -> None:
        """Start it.

        :param options: of :class:`subprocess.Popen`; they make it the leader of a process group.
        :raises OSError: if it cannot be started.
        :raises ValueError: if a word or a variable holds what no process can be given.
        """
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        in_shell = isinstance(command, str)
        self._child = subprocess.Popen(
            command,
            shell=in_shell,
            executable=None if in_shell else found_on_path(command[0], options["env"]),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            **options,
        )
        pipe = self._child.stdin
        self._input = None if pipe is None else ChildInput(pipe, lambda: protocol.pipe_connection_lost(0, None))
        self._watched: set[int] = set()
        self._end = -1
        try:
            if sys.platform == "linux":
                self._end = os.pidfd_open(self._child.pid)
        except OSError:
            # It may have started others by now.
            with contextlib.suppress(OSError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self.close()
            raise
        self._watch(self._end, self._has_ended)
        for number, pipe in ((1, self._child.stdout), (2, self._child.stderr)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self._watch(pipe.fileno(), self._read, number, pipe)

    def get_pid(self) -> int:
        return self._child.pid

    def get_returncode(self) -> int | None:
        return self._child.returncode

    def get_pipe_transport(self, fd: int) -> ChildInput | None:
        """Only of its input, if it is not empty."""
        return self._input if fd == 0 else None

    def close(self) -> None:
        """Look at it no more; if it still runs, end it."""
        if self._input is not None:
            self._input.abort()
        for descriptor in list(self._watched):
            self._forget(descriptor)
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()
        if self._end >= 0:
            os.close(self._end)
            self._end = -1
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    def _watch(self, descriptor: int, callback: Any, *arguments: Any) -> None:
        self._watched.add(descriptor)
        self._loop.add_reader(descriptor, callback, *arguments)

    def _forget(self, descriptor: int) -> None:
        self._watched.discard(descriptor)
        self._loop.remove_reader(descriptor)

    def _read(self, number: int, pipe: Any) -> None:
        descriptor = pipe.fileno()
        try:
            data = os.read(descriptor, _MOST)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._protocol.pipe_data_received(number, data)
            return
        self._forget(descriptor)
        pipe.close()
        self._protocol.pipe_connection_lost(number, None)

    def _has_ended(self) -> None:
        self._forget(self._end)
        os.close(self._end)
        self._end = -1
        self._child.wait()
        self._protocol.process_exited()
