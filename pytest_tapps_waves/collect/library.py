"""The epic files of a run: those that pytest collects, and those that they refer to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..actions.spool import remove_old
from ..errors import PlanProblems, Problem
from .names import is_epic_file

if TYPE_CHECKING:
    from ..epics.parsed import ParsedEpics
    from ..epics.spec import EpicDefinition


def library_of(config: pytest.Config) -> Library:
    """The epics of a run, which begins with none."""
    library = config.stash.get(_LIBRARY, None)
    if library is None:
        library = config.stash[_LIBRARY] = Library(config.rootpath, partial(_parsed, config))
    return library


def cache_folder(config: pytest.Config) -> Path | None:
    """The folder of ours in pytest's cache directory; None without one, or where nothing can be written."""
    if not config.pluginmanager.has_plugin("cacheprovider"):
        return None
    try:
        return config.cache.mkdir("epics")
    except OSError:
        return None


def _parsed(config: pytest.Config) -> ParsedEpics | None:
    folder = cache_folder(config)
    if folder is None:
        return None
    from ..epics.parsed import ParsedEpics

    return ParsedEpics(folder)


class Library:
    """Epic files, each read once."""

    def __init__(self, rootdir: Path, parsed: Callable[[], ParsedEpics | None]) -> None:
        """:param parsed: asked, when the first epic is read, for those that were read in earlier runs."""
        self._rootdir = rootdir
        self._parsed = cache(parsed)
        self._definitions: dict[Path, EpicDefinition | None] = {}
        self._neighbours_read: set[Path] = set()
        self.collected: set[str] = set()
        """The names of the files that pytest collects, as against those that are only referred to."""

    def collect(self, path: Path) -> EpicDefinition:
        """The epic of a file that pytest collects.

        :raises PlanProblems: if it has mistakes.
        """
        self.collected.add(self.name(path))
        return self._read(path)

    def _read(self, path: Path) -> EpicDefinition:
        known = self._definitions.get(path)
        if known is not None:
            return known
        self._definitions[path] = None
        name = self.name(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise PlanProblems([Problem(name, 1, f"cannot be read: {error.strerror}")]) from None
        parsed = self._parsed()
        definition = parsed.get(name, data) if parsed is not None else None
        if definition is None:
            # Imported where it is needed: pydantic and PyYAML take half as long as pytest itself.
            from ..epics.loader import load

            definition = load(data, name)
            if parsed is not None:
                parsed.put(definition, data)
        self._definitions[path] = definition
        return definition

    def find(self, path: Path) -> EpicDefinition | None:
        """The epic that a file holds, or None if it has mistakes."""
        if path not in self._definitions:
            try:
                self._read(path)
            except PlanProblems:
                return None
        return self._definitions[path]

    def name(self, path: Path) -> str:
        """How the file is called in node ids and messages."""
        try:
            return path.relative_to(self._rootdir).as_posix()
        except ValueError:
            return Path(os.path.relpath(path, self._rootdir)).as_posix()

    def loaded(self) -> Iterator[tuple[Path, EpicDefinition]]:
        """The epics that have been read without mistakes."""
        yield from ((path, found) for path, found in list(self._definitions.items()) if found is not None)

    def read_neighbours(self, folder: Path) -> bool:
        """Read the other epics of a folder; whether that was done for the first time."""
        if folder in self._neighbours_read:
            return False
        self._neighbours_read.add(folder)
        for path in sorted(folder.iterdir()):
            if is_epic_file(path) and path.is_file():
                self.find(path)
        return True


_LIBRARY = pytest.StashKey[Library]()


def logs_of(config: pytest.Config) -> Callable[[], Path]:
    """Names the folder for output that is too long for memory."""
    folder = cache_folder(config)
    if folder is None:
        # A folder that nobody else can have made before; it is left to the system to clear it away.
        return cache(lambda: Path(tempfile.mkdtemp(prefix="pytest-epics-")))
    remove_old(folder)
    return lambda: folder
