"""``@pytest.mark.depends(on=…, name=…)``: what Python tests depend on.

The mark means what it means in pytest-depends; globs, names of the module from within a class, and stories of epic
files are ours.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pytest

from ..errors import Problem
from .names import Names, without_parameters

MARK = "depends"
MARK_HELP = "depends(on=..., name=...): run after the tests and stories named by `on`, if they passed; answer to `name`"


class ItemNode(NamedTuple):
    """A collected item that may be part of the graph."""

    key: str
    """Its node id."""
    line: int
    """Counted from 1."""
    on: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    joins: bool = False
    """Whether it is part of the graph although it depends on nothing, and nothing on it."""
    is_documentation: bool = False
    """Whether it is a story without anything to run."""

    @property
    def path(self) -> str:
        """The node id of its file."""
        return self.key.partition("::")[0]


def refuse_peer(plugins: pytest.PytestPluginManager) -> None:
    """pytest-depends has options of the same names, so pytest cannot load both. Called before ours are declared.

    :raises pytest.UsageError: if it is loaded, or is going to be.
    """
    loads_installed = "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ and find_spec("pytest_depends") is not None
    if plugins.has_plugin("pytest_depends") or (loads_installed and not plugins.is_blocked("depends")):
        raise pytest.UsageError(
            "pytest-depends and pytest-tapps-waves both give @pytest.mark.depends its meaning: "
            "uninstall pytest-depends, nothing else has to change; or run with -p no:depends"
        )


def read_marks(item: pytest.Item, problems: list[Problem], *, joins: bool) -> ItemNode:
    """What the marks of an item, its class and its module say together; mistakes are added to ``problems``."""
    line = (item.location[1] or 0) + 1
    on: list[str] = []
    names: list[str] = []
    for mark in item.iter_markers(MARK):
        wrong = set(mark.kwargs) - {"on", "name"}
        if mark.args or wrong:
            given = ", ".join([*map(repr, mark.args), *(f"{key}=" for key in sorted(wrong))])
            problems.append(_problem(item, line, f"takes `on=` and `name=`, not {given}"))
        for key, target in (("on", on), ("name", names)):
            value = mark.kwargs.get(key, ())
            words = _words(value)
            if words is None:
                problems.append(_problem(item, line, f"takes a string or a list of strings as {key}, not {value!r}"))
            else:
                target.extend(words)
    return ItemNode(item.nodeid, line, tuple(dict.fromkeys(on)), tuple(dict.fromkeys(names)), joins)


def _problem(item: pytest.Item, line: int, what: str) -> Problem:
    return Problem(item.nodeid.partition("::")[0], line, f"{item.name}: @pytest.mark.depends {what}")


def _words(value: Any) -> Sequence[str] | None:
    if isinstance(value, str):
        return [value]
    if isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(word, str) for word in value):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    return None


def resolve(test: ItemNode, names: Names) -> tuple[list[str], list[str]]:
    """The keys of what a test depends on, and the names that nothing answers to."""
    keys: dict[str, None] = {}
    missing: list[str] = []
    for name in test.on:
        found = _find(test, name, names)
        keys.update(dict.fromkeys(found))
        if not found:
            missing.append(name)
    return list(keys), missing


def _find(test: ItemNode, name: str, names: Names) -> Sequence[str]:
    spellings = _spellings(test, name)
    for spelling in spellings:
        if found := names[spelling]:
            return found
    if any(sign in name for sign in "*?["):
        for spelling in spellings:
            # A pattern that a test itself matches means the others.
            if found := [key for key in names.matching(spelling) if key != test.key]:
                return found
    return ()


def _spellings(test: ItemNode, name: str) -> list[str]:
    """The name, and what it may be short for: in the test's class, in its file, in a file beside it."""
    scope = without_parameters(test.key)
    # What stands in brackets is a parameter, which may hold anything, or a part of a glob.
    first, colons, _ = name.partition("[")[0].partition("::")
    if not colons and "/" not in first:
        return [name, f"{scope.rpartition('::')[0]}::{name}", f"{test.path}::{name}", _beside(test, name)]
    if "." not in first and "/" not in first:
        return [name, f"{test.path}::{name}"]
    return [name, _beside(test, name)]


def _beside(test: ItemNode, name: str) -> str:
    folder = PurePosixPath(test.path).parent.as_posix()
    return name if folder == "." else f"{folder}/{name}"
