"""Who shows a run while it goes on, or writes down what is to be shown of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from .concurrent.live_line import LIVE_LINE
from .core.graph import numbers_of
from .core.plan import Plan
from .preparation import Prepared
from .reports.properties import note_places
from .reports.watched import COLUMNS, RECORDING, is_github, is_watched
from .settings import Settings


def begin_to_show(
    config: pytest.Config, settings: Settings, found: Prepared, plan: Plan, items: Sequence[pytest.Item]
) -> None:
    """A run begins: tell all that show it. What nobody asked for is not imported.

    :param items: none in the controller of pytest-xdist, which has no line of its own on the terminal.
    """
    note_places(items, found.waves)
    for name in (RECORDING, COLUMNS):
        if (watcher := config.pluginmanager.get_plugin(name)) is not None:
            watcher.begin(found, plan, items)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and is_github(config):
        from .reports.github import StepSummary

        step = StepSummary(Path(summary), plan, found.waves, found.titles, found.mask)
        config.pluginmanager.register(step, "epics-step-summary")
    if config.get_verbosity() > 0:
        from .reports.verbose import WavesOfStories

        config.pluginmanager.register(WavesOfStories(numbers_of(found.waves)), "epics-verbose")
    if items and is_watched(config):
        from .live import LiveLine
        from .prediction import outlook_of

        line = LiveLine(config)
        config.pluginmanager.register(line, LIVE_LINE)
        line.begin(found, plan, outlook_of(config, found, items, settings.dependency_rules))
