"""Who owns a run, and whether they are still there."""

from __future__ import annotations

import os
import socket
import time
from typing import NamedTuple

from ..actions.sweeping import identity_of, is_alive

BEAT_SECONDS = 5.0
"""How often a run says that it is there."""
LOST_SECONDS = 60.0
"""A run on another host that has said nothing for so long is dead."""


class Owner(NamedTuple):
    """A process that runs stories."""

    host: str
    pid: int
    identity: str
    """Tells it from other processes that had or will have its pid."""

    def is_gone(self, beat: float) -> bool:
        """Whether the process has ended without saying so.

        :param beat: when it was last heard of, in seconds since the epoch. On this host nobody needs to ask the clock.
        """
        if self.host == socket.gethostname():
            return not is_alive(self.pid, self.identity)
        return time.time() - beat > LOST_SECONDS


def this_process() -> Owner:
    return Owner(socket.gethostname(), os.getpid(), identity_of(os.getpid()))
