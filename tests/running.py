"""A run of pytest that is to be signalled, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from project import Project


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def pid_in(path: Path) -> int | None:
    text = path.read_text() if path.exists() else ""
    return int(text) if text.endswith("\n") else None


class Run:
    """A run of pytest in a process of its own, whose stories write their pids to ``*.pid``."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.process: subprocess.Popen[str] | None = None
        self.output = ""

    def start(self, *args: str, waits_for: tuple[str, ...] = ("a",)) -> None:
        """Start it, and wait until these stories are under way."""
        self.process = self._project.start(*args)
        assert until(lambda: all(map(self.pid, waits_for)) or self._ended), f"not started: {waits_for}"

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> int:
        """Its exit status."""
        assert self.process is not None
        self.output, _ = self.process.communicate(timeout=30)
        return self.process.returncode

    def pid(self, name: str) -> int:
        return pid_in(self._project.path / f"{name}.pid") or 0

    @property
    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def clean_up(self) -> None:
        if self.process is not None:
            self.process.kill()
        for path in self._project.path.glob("*.pid"):
            pid = pid_in(path)
            if pid is not None and pid != os.getpid() and not ended(pid):
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            # Last: what was left of it may hold its output open.
            self.process.communicate(timeout=30)
