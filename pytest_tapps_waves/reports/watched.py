"""Whether somebody looks at the run while it goes on."""

from __future__ import annotations

import os
import sys

import pytest


def is_watched(config: pytest.Config) -> bool:
    """Whether somebody looks at a terminal on which nobody but pytest's reporter writes."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    options = config.option
    # Another reporter (pytest-sugar) has lines of its own; what `-s`, live logs, the debugger and --setup-show write
    # comes at any time.
    if type(reporter) is not pytest.TerminalReporter or not reporter.hasmarkup or config.get_verbosity() < 0:
        return False
    if options.capture == "no" or getattr(options, "usepdb", False) or getattr(options, "trace", False):
        return False
    if config.pluginmanager.has_plugin("logging") and (options.log_cli_level is not None or config.getini("log_cli")):
        return False
    if getattr(options, "setupshow", False) or getattr(options, "setupplan", False):
        return False
    return _is_terminal() and not any(os.environ.get(name) for name in ("CI", "BUILD_NUMBER"))


def _is_terminal() -> bool:
    if os.environ.get("TERM") == "dumb" or (sys.platform == "win32" and "WT_SESSION" not in os.environ):
        return False
    try:
        return sys.__stdout__ is not None and sys.__stdout__.isatty()
    except ValueError:
        return False
