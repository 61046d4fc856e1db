"""``--epic-with-deps``: what is selected brings along what it depends on, wherever that is.

pytest collects only what the command line names, and a dependency may be anywhere. So everything is collected that
pytest would collect without arguments, and what was not named is taken out again.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# Registered by the last-failed plugin, to keep what passed from being collected.
_NARROW_COLLECTION = ("lfplugin-collwrapper", "lfplugin-collskip")


class _Named(NamedTuple):
    """An argument of the command line."""

    text: str
    path: Path
    inside: str
    """What comes after the file: classes, and a test or a story."""

    def holds(self, item: pytest.Item) -> bool:
        if not self.inside:
            return item.path == self.path or item.path.is_relative_to(self.path)
        name = item.nodeid.partition("::")[2]
        begins = name == self.inside or name.startswith((f"{self.inside}::", f"{self.inside}["))
        return begins and item.path == self.path


class Selection:
    """What the command line names, after the collection has been widened to all else."""

    def __init__(self, config: pytest.Config) -> None:
        """Called before the collection.

        :raises pytest.UsageError: if the arguments are names of packages.
        """
        if config.getoption("pyargs"):
            raise pytest.UsageError("--epic-with-deps and --pyargs do not go together; name files, or drop one of them")
        self._named = [_named(config.invocation_params.dir, text) for text in config.args]
        config.args = list(dict.fromkeys([*(str(named.path) for named in self._named), *_everything(config)]))
        for name in _NARROW_COLLECTION:
            if config.pluginmanager.has_plugin(name):
                config.pluginmanager.unregister(name=name)

    def of(self, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        """Those of ``items`` that the command line names.

        :raises pytest.UsageError: if it names one that is not there.
        """
        found = [[item for item in items if named.holds(item)] for named in self._named]
        for named, held in zip(self._named, found, strict=True):
            if named.inside and not held:
                raise pytest.UsageError(f"not found: {named.text}")
        chosen = {item for held in found for item in held}
        return [item for item in items if item in chosen]


def _named(folder: Path, text: str) -> _Named:
    # A parameter may hold `::`, so only the first one counts.
    path, _, inside = text.partition("::")
    return _Named(text, Path(os.path.abspath(folder / path)), inside)  # noqa: PTH100 (links stay as they are written)


def _everything(config: pytest.Config) -> list[str]:
    """What pytest collects in rootdir without arguments."""
    patterns = [str(config.rootpath / pattern) for pattern in config.getini("testpaths")]
    found = [path for pattern in patterns for path in sorted(glob.iglob(pattern, recursive=True))]  # noqa: PTH207
    return found or [str(config.rootpath)]


def bring_back(
    config: pytest.Config, collected: Sequence[pytest.Item], chosen: list[pytest.Item], needed: set[str]
) -> None:
    """Add to ``chosen`` those of ``collected`` that are needed, and have pytest count what is left out after all."""
    inside = set(chosen)
    back = [item for item in collected if item not in inside and item.nodeid in needed]
    chosen.extend(back)
    inside.update(back)
    counted = _counted(config)
    counted[:] = [item for item in counted if item not in inside]
    inside.update(counted)
    if left_out := [item for item in collected if item not in inside]:
        config.hook.pytest_deselected(items=left_out)


def _counted(config: pytest.Config) -> list[Any]:
    """What the terminal counts as deselected so far."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    counted: list[Any] = reporter.stats.setdefault("deselected", []) if reporter is not None else []
    return counted
