"""Who shows a run while it goes on, or writes down what is to be shown of it."""

from __future__ import annotations

import os

import pytest

from .concurrent.live_line import LIVE_LINE
from .core.plan import Plan
from .preparation import Prepared
from .reports.properties import note_places
from .reports.watched import is_watched
from .settings import Settings

_WATCHERS = ("epics-recording", "epics-columns")
"""The names of plugins that are there only if they were asked for."""


def begin_to_show(session: pytest.Session, settings: Settings, found: Prepared, plan: Plan) -> None:
    """A run begins: tell all that show it. What nobody asked for is not imported."""
    config = session.config
    note_places(session.items, found.waves)
    for name in _WATCHERS:
        if (watcher := config.pluginmanager.get_plugin(name)) is not None:
            watcher.begin(found, plan, session.items)
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        from .reports.github import summarize_step

        summarize_step(config, plan, found.waves, found.titles, found.mask)
    if config.get_verbosity() > 0:
        from .reports.verbose import WavesOfStories

        places = {key: number for number, wave in enumerate(found.waves, 1) for key in wave}
        config.pluginmanager.register(WavesOfStories(places), "epics-verbose")
    if is_watched(config):
        from .live import LiveLine
        from .prediction import outlook_of

        line = LiveLine(config)
        config.pluginmanager.register(line, LIVE_LINE)
        line.begin(found, plan, outlook_of(config, found, session.items, settings.dependency_rules))
