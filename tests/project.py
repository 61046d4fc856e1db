"""A small project with epics, and pytest run in it as users run it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

PLUGINS = ("-p", "pytest_asyncio.plugin", "-p", "pytest_tapps_waves.plugin")


class Project:
    """A project in a directory of its own. No plugin but ours and pytest-asyncio is loaded, unless asked for."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self._started: list[subprocess.Popen[str]] = []
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
        # In CI pytest does not shorten its summary: what the tests read must not depend on where they run.
        for name in ("CI", "BUILD_NUMBER", "GITHUB_ACTIONS"):
            monkeypatch.delenv(name, raising=False)
        # These tests may run in workers of pytest-xdist themselves.
        for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
            monkeypatch.delenv(name)
        # pytest 9.1 warns in runs of this process that our modules are here already.
        monkeypatch.setattr(AssertionRewritingHook, "_warn_already_imported", lambda hook, name: None)
        self.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")

    def write(self, name: str, text: str) -> Path:
        """Write a file, with the common indentation of its text removed."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def epic(self, text: str, name: str = "epic_shop.yaml") -> Path:
        """Write an epic file."""
        return self.write(name, text)

    def run(self, *args: str, plugins: tuple[str, ...] = ()) -> pytest.RunResult:
        """Run pytest in this process.

        :param plugins: modules of further plugins to load.
        """
        more = [word for plugin in plugins for word in ("-p", plugin)]
        return self.pytester.runpytest_inprocess(*PLUGINS, *more, *args)

    def run_process(self, *args: str, plugins: tuple[str, ...] = ()) -> pytest.RunResult:
        """Run pytest in a process of its own."""
        more = [word for plugin in plugins for word in ("-p", plugin)]
        return self.pytester.runpytest_subprocess(*PLUGINS, *more, *args)

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start pytest in a process of its own, to be signalled; its output is in one pipe."""
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *PLUGINS, *args],
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._started.append(process)
        return process

    def end_what_was_started(self) -> None:
        """Of a test that failed before it did so itself."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate(timeout=30)

    def took(self, durations: Mapping[str, float]) -> None:
        """Have the journal say that stories of ``epic_shop.yaml`` took so long, in seconds, in all runs so far."""
        with closing(sqlite3.connect(self.path / ".pytest_cache/d/epics/journal.db", isolation_level=None)) as journal:
            for story, duration in durations.items():
                key = f"epic_shop.yaml::{story}"
                done = journal.execute("UPDATE attempt SET duration = ? WHERE node = ?", (duration, key))
                assert done.rowcount, key

    def lines(self, name: str) -> list[str]:
        """The lines of a file that stories wrote to, or none if there is no such file."""
        path = self.path / name
        return path.read_text(encoding="utf-8").split() if path.exists() else []
