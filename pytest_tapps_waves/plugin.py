"""The entry point: pytest's hooks, each handed on to the part that does it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from . import hookspecs
from .collect.depends import MARK_HELP, refuse_peer
from .collect.failure_text import Serialized
from .concurrent.xdist import DistOption, is_across_workers, note_distribution, use_no_workers
from .options import add_options
from .reports import FOR_PROGRAMS, PLANS, STATUSES
from .reports.watched import COLUMNS, RECORDING, is_github
from .session import EpicSession
from .settings import SETTINGS, settings_of


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    refuse_peer(pluginmanager)
    add_options(parser, tuple(PLANS), tuple(STATUSES))
    pluginmanager.register(DistOption(parser), "epics-dist-option")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    note_distribution(config)
    if config.getoption("epic_plan") or config.getoption("epic_status"):
        # Nothing is run, so nobody is needed for it.
        use_no_workers(config)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    # As late as this, so that its order of the items is the last word, after the last-failed and new-first plugins.
    config.addinivalue_line("markers", MARK_HELP)
    settings = config.stash[SETTINGS] = settings_of(config, across_workers=is_across_workers(config))
    if FOR_PROGRAMS & {settings.status_format, settings.plan_format}:
        # What a program reads must stand alone on stdout.
        config.option.verbose = -2
        config.option.disable_warnings = True
    # Runs that ask for neither wait for nothing here.
    if settings.files and not config.option.collectonly:
        from .recording import Recording

        config.pluginmanager.register(Recording(config, settings), RECORDING)
    if config.getoption("htmlpath", None):
        from .reports.columns import Columns

        config.pluginmanager.register(Columns(), COLUMNS)
    config.pluginmanager.register(EpicSession(config, settings), "epics-session")
    config.pluginmanager.register(Serialized(), "epics-serialized")
    if is_github(config):
        from .reports.github import Annotations

        config.pluginmanager.register(Annotations(config), "epics-annotations")
