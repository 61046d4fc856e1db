"""A Dask cluster that is started by hand on loopback, as users do: a scheduler and workers, each a command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
from running import ended, until


class DaskByHand:
    """A scheduler, and workers of it, each in a process of its own under Dask's nanny."""

    def __init__(self, folder: Path) -> None:
        """:param folder: for what they write; also where they are started."""
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self._logs = 0
        self._file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host=127.0.0.1", "--port=0", f"--scheduler-file={self._file}")
        # It is written in one go, but not by a rename.
        assert until(self._file.exists) and until(lambda: self._file.read_text().endswith("}")), self.log()
        self.address: str = json.loads(self._file.read_text())["address"]

    def add_workers(self, *options: tuple[str, ...]) -> None:
        """Start one more worker for each of these, and wait until the scheduler has heard of them all."""
        wanted = len(self.workers()) + len(options)
        for words in options:
            self._start("worker", self.address, "--host=127.0.0.1", *words)
        assert until(lambda: len(self.workers()) >= wanted), self.log()

    def log(self) -> str:
        """What all of them have said."""
        return "\n".join(path.read_text() for path in sorted(self._folder.glob("*.log")))

    def workers(self) -> list[str]:
        """The addresses of all workers that there have been."""
        return re.findall(r"Register worker addr: (\S+)", self.log())

    def close(self) -> None:
        """Kill it all. Workers end with their nannies."""
        family = []
        for process in self._started:
            with suppress(psutil.NoSuchProcess):
                family += psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.wait()
        assert until(lambda: all(ended(child.pid) for child in family))

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        self._logs += 1
        # The scheduler's HTTP server would take a port that others may have.
        words = [sys.executable, "-m", "dask", what, "--dashboard-address=127.0.0.1:0", *options]
        with (self._folder / f"{self._logs}-{what}.log").open("wb") as log:
            process = subprocess.Popen(
                words,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "DASK_TEMPORARY_DIRECTORY": str(self._folder), "PYTHONWARNINGS": ""},
            )
        self._started.append(process)
        return process
