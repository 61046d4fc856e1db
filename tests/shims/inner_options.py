"""A plugin for a foreign suite of pytester tests: gives the runs in them the options that ``INNER_OPTIONS`` holds."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _inner_options(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "pytester" in request.fixturenames:
        # It takes the variable away when it is set up.
        request.getfixturevalue("pytester")
        monkeypatch.setenv("PYTEST_ADDOPTS", os.environ["INNER_OPTIONS"])
