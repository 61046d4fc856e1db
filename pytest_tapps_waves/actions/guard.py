"""No process of a run outlives it, however the run ends."""

from __future__ import annotations

import os
import subprocess
import sys

from . import guardian
from .sweeping import HAS_PROC, sweep


class Guard:
    """Ends what is left of a run's processes: with the run, and on Linux also if pytest is killed.

    A run without commands costs nothing.
    """

    def __init__(self, run: str) -> None:
        """:param run: the id that the processes of the run carry in ``EPIC_RUN``."""
        self._run = run
        self._used = False
        self._guardian: subprocess.Popen[bytes] | None = None
        self.trouble = ""
        """Why there was nobody to see to the processes if pytest had been killed."""

    def begin(self) -> None:
        """Called before each process of the run is started."""
        self._used = True
        if self._guardian is None and HAS_PROC:
            self._start()

    def close(self, grace: float) -> list[int]:
        """The run has ended: end what it left running, within ``grace`` seconds, and answer with the pids.

        Ctrl-C meanwhile only cuts the wait short.
        """
        if not self._used:
            return []
        try:
            left = sweep([self._run], grace)
        except KeyboardInterrupt:
            left = sweep([self._run])
        if self._guardian is not None:
            self._guardian.kill()
            self._guardian.wait()
        return left

    def _start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name != guardian.COOKIE}
        # Tried again with the next process: what is short now may not be then.
        self.trouble = ""
        try:
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", guardian.__file__, self._run, str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # So that it holds on to nothing of the run, and Ctrl-C does not reach it.
                cwd="/",
                start_new_session=True,
                env={**environment, guardian.MARK: self._run},
            )
        except OSError as error:
            self.trouble = f"if pytest had been killed, processes of stories might have stayed behind: {error}"
