"""Plugins that cannot be loaded beside ours."""

from __future__ import annotations

import pytest
from project import Project

PEER = """
    def pytest_addoption(parser):
        parser.addoption("--failed-dependency-action")
"""


def install(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a package of this name, with its entry point, where Python finds it."""
    project.write("site/pytest_depends.py", PEER)
    project.write("site/pytest_depends-1.0.1.dist-info/METADATA", "Name: pytest-depends\nVersion: 1.0.1\n")
    project.write("site/pytest_depends-1.0.1.dist-info/entry_points.txt", "[pytest11]\ndepends = pytest_depends\n")
    monkeypatch.setenv("PYTHONPATH", str(project.path / "site"), prepend=":")


def test_pytest_depends_installed_beside_ours_is_one_clear_usage_error(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(project, monkeypatch)
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    result = project.pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: pytest-depends and pytest-tapps-waves both give @pytest.mark.depends*"])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_pytest_depends_may_be_installed_and_switched_off(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    install(project, monkeypatch)
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    project.write("test_it.py", "def test_it(): pass\n")
    project.pytester.runpytest_subprocess("-p", "no:depends").assert_outcomes(passed=1)
