"""``--epic-with-deps``: what is selected brings along what it depends on, wherever that is.

pytest collects only what the command line names, and a dependency may be anywhere. So everything is collected that
pytest would collect without arguments, and what was not named is taken out again.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .assembly import referred_files
from .library import library_of
from .names import is_epic_file

# Registered by the last-failed plugin, to keep what passed from being collected.
_NARROW_COLLECTION = ("lfplugin-collwrapper", "lfplugin-collskip")
_PARTS = re.compile(r"::|\[")


class _Named(NamedTuple):
    """An argument of the command line."""

    text: str
    path: Path
    inside: str
    """What comes after the file: classes, and a test or a story."""


class Selection:
    """What the command line names, after the collection has been widened to all else. A plugin object."""

    def __init__(self, config: pytest.Config) -> None:
        """Called before the collection.

        :raises pytest.UsageError: if the arguments are names of packages.
        """
        if config.getoption("pyargs"):
            raise pytest.UsageError("--epic-with-deps and --pyargs do not go together; name files, or drop one of them")
        self._config = config
        self._named = [_named(config.invocation_params.dir, text) for text in config.args]
        paths = list(dict.fromkeys(named.path for named in self._named))
        self._paths = set(paths)
        self._above = {folder for path in paths for folder in path.parents}
        self._seen: set[pytest.Collector] = set()
        self._withheld: list[pytest.CollectReport] = []
        self._left_out: set[pytest.Item] = set()
        config.args = list(dict.fromkeys([*map(str, paths), *_referred(config, paths), *_everything(config)]))
        # Else pytest drops what is below another argument, although it may be there that it would not look by itself.
        config.option.keepduplicates = True
        for name in _NARROW_COLLECTION:
            if config.pluginmanager.has_plugin(name):
                config.pluginmanager.unregister(name=name)

    @pytest.hookimpl(specname="pytest_make_collect_report", tryfirst=True)
    def pytest_collected_before(self, collector: pytest.Collector) -> pytest.CollectReport | None:
        """Called for each file, folder and class. A file that is below several arguments is looked into once."""
        if isinstance(collector, pytest.File) and collector in self._seen:
            return _nothing(collector)
        self._seen.add(collector)
        return None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Called for each file, folder and class. What nobody named may be broken, as long as nobody needs it."""
        report = yield
        if report.passed or isinstance(collector, pytest.Session) or self._is_near(collector.path):
            return report
        self._withheld.append(report)
        return _nothing(collector)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Called by whoever takes items out."""
        self._left_out.update(items)

    def of(self, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        """Those of ``items`` that the command line names.

        :raises pytest.UsageError: if it names one that is not there.
        """
        held: dict[tuple[Path, str], list[pytest.Item]] = {(named.path, named.inside): [] for named in self._named}
        for item in items:
            for answer in _answers(item):
                if answer in held:
                    held[answer].append(item)
        for named in self._named:
            if named.inside and not held[named.path, named.inside]:
                raise pytest.UsageError(f"not found: {named.text}")
        return list(dict.fromkeys(chain.from_iterable(held.values())))

    def bring(self, collected: Sequence[pytest.Item], chosen: list[pytest.Item], needed: set[str]) -> None:
        """Add to ``chosen`` those of ``collected`` that are needed, and let pytest count what is left out after all."""
        inside = set(chosen)
        back = [item for item in collected if item not in inside and item.nodeid in needed]
        _join(collected, chosen, back)
        inside.update(back)
        self._uncount(inside)
        if left_out := [item for item in collected if item not in inside and item not in self._left_out]:
            self._config.hook.pytest_deselected(items=left_out)

    def report_withheld(self, files: set[str], *, all_failures: bool) -> None:
        """Report after all what is wrong with files that are needed.

        :param files: their node ids.
        :param all_failures: whether any of the files that could not be collected may be needed.
        """
        for report in self._withheld:
            if report.nodeid.partition("::")[0] in files or (all_failures and report.failed):
                self._config.hook.pytest_collectreport(report=report)

    def _is_near(self, path: Path) -> bool:
        """Whether a file or folder is named, is in a folder that is, or holds what is."""
        return path in self._above or not self._paths.isdisjoint([path, *path.parents])

    def _uncount(self, inside: set[pytest.Item]) -> None:
        """Have the terminal forget that it was told of what is back."""
        self._left_out -= inside
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        counted: list[Any] = reporter.stats.get("deselected", []) if reporter is not None else []
        counted[:] = [item for item in counted if item not in inside]


def _nothing(collector: pytest.Collector) -> pytest.CollectReport:
    return pytest.CollectReport(collector.nodeid, "passed", None, [])


def _named(folder: Path, text: str) -> _Named:
    # A parameter may hold `::`, so only the first one counts.
    path, _, inside = text.partition("::")
    return _Named(text, Path(os.path.abspath(folder / path)), inside)  # noqa: PTH100 (links stay as they are written)


def _answers(item: pytest.Item) -> Iterator[tuple[Path, str]]:
    """The arguments that would select an item."""
    yield from ((path, "") for path in (item.path, *item.path.parents))
    name = item.nodeid.partition("::")[2]
    yield item.path, name
    yield from ((item.path, name[: found.start()]) for found in _PARTS.finditer(name))


def _everything(config: pytest.Config) -> list[str]:
    """What pytest collects in rootdir without arguments."""
    patterns = [str(config.rootpath / pattern) for pattern in config.getini("testpaths")]
    found = [path for pattern in patterns for path in sorted(glob.iglob(pattern, recursive=True))]  # noqa: PTH207
    return found or [str(config.rootpath)]


def _referred(config: pytest.Config, named: Sequence[Path]) -> Iterator[str]:
    """The files that stories of named epics depend on: they may be where pytest would not look by itself."""
    library = library_of(config)
    for path in named:
        if is_epic_file(path) and path.is_file():
            library.find(path)
    for name in referred_files(library, config.rootpath):
        if (config.rootpath / name).is_file():
            yield str(config.rootpath / name)


def _join(collected: Sequence[pytest.Item], chosen: list[pytest.Item], back: Sequence[pytest.Item]) -> None:
    """Put back where they were collected, unless somebody has given what was chosen an order of its own."""
    place = {item: number for number, item in enumerate(collected)}
    places = [place.get(item, -1) for item in chosen]
    chosen.extend(back)
    if -1 not in places and places == sorted(places):
        chosen.sort(key=place.__getitem__)
