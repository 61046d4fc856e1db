"""Who looks at a run: a terminal, GitHub, and the plugins that write down what is to be shown of it."""

from __future__ import annotations

import os
import sys

import pytest

RECORDING, COLUMNS = "epics-recording", "epics-columns"
"""The names of plugins that are there only if they were asked for, and are told when a run begins."""
_SPEAK = ("usepdb", "trace", "setupshow", "setupplan")
"""The options with which others write on the terminal in the midst of a test."""


def is_github(config: pytest.Config) -> bool:
    """Whether this is a step of GitHub Actions, and not one of the workers of pytest-xdist in it."""
    return os.environ.get("GITHUB_ACTIONS") == "true" and not hasattr(config, "workerinput")


def is_watched(config: pytest.Config) -> bool:
    """Whether somebody looks at a terminal on which nobody but pytest's reporter writes."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    # Another reporter (pytest-sugar) has lines of its own; what `-s` and live logs write comes at any time.
    if type(reporter) is not pytest.TerminalReporter or not reporter.hasmarkup or config.get_verbosity() < 0:
        return False
    if config.getoption("capture", "no") == "no" or any(config.getoption(name, False) for name in _SPEAK):
        return False
    if config.getoption("log_cli_level", None) is not None:
        return False
    if config.pluginmanager.has_plugin("logging") and config.getini("log_cli"):
        return False
    return _is_terminal() and not any(os.environ.get(name) for name in ("CI", "BUILD_NUMBER"))


def _is_terminal() -> bool:
    if os.environ.get("TERM") == "dumb" or (sys.platform == "win32" and "WT_SESSION" not in os.environ):
        return False
    try:
        return sys.__stdout__ is not None and sys.__stdout__.isatty()
    except ValueError:
        return False
