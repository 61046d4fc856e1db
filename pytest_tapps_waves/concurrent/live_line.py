"""The line that says how far a run is, to those who write on the terminal outside of the hooks around which it goes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest

LIVE_LINE = "epics-live-line"
"""The name of the plugin that draws it. It is there only if somebody looks at a terminal."""


def live_line_away(config: pytest.Config) -> AbstractContextManager[None]:
    """While this holds the line is not there."""
    line = config.pluginmanager.get_plugin(LIVE_LINE)
    away: AbstractContextManager[None] = line.away() if line is not None else nullcontext()
    return away
