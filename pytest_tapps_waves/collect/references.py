"""What a story depends on: from the words of an epic file to the keys of a graph."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from ..epics.wording import one_line, short
from ..errors import Problem
from .library import Library
from .names import Names, is_epic_file

if TYPE_CHECKING:
    from ..epics.spec import EpicDefinition, StorySpec

_MOST_SUGGESTIONS = 20
_LONGEST_MISSPELT = 200


class Resolver:
    """Resolves the dependencies of the stories of one run, and collects those that lead nowhere."""

    def __init__(
        self, rootdir: Path, library: Library, tests: Names, *, all_tests_known: bool, keys: Iterable[str] = ()
    ) -> None:
        """
        :param tests: the names of all items that were collected.
        :param all_tests_known: whether the files of these tests were collected whole, so that a test that is not among
            them does not exist.
        :param keys: node ids of which these very objects are used: to compare a string with itself costs nothing.
        """
        self._rootdir = rootdir
        self._library = library
        self._tests = tests
        self._all_tests_known = all_tests_known
        self._same = {key: key for key in keys}
        self._ids: dict[Path, Mapping[str, str]] = {}
        self.problems: list[Problem] = []

    def resolve(self, path: Path, epic: EpicDefinition, spec: StorySpec) -> list[str]:
        """The keys of what a story depends on, in the order of the file. What is not found is in ``problems``."""
        keys: list[str] = []
        for place, name in enumerate(spec.dependencies):
            own = self.ids_of(path, epic).get(name)
            found = [own] if own is not None else self._elsewhere(path, epic, spec, name)
            if isinstance(found, str):
                line = spec.dependency_line(place)
                message = one_line(f"story {short(spec.id)} depends on {short(name)}, {found}")
                self.problems.append(Problem(epic.path, line, message))
            else:
                keys.extend(key for key in found if key not in keys)
        return keys

    def ids_of(self, path: Path, epic: EpicDefinition) -> Mapping[str, str]:
        """The keys of an epic's stories by their ids."""
        ids = self._ids.get(path)
        if ids is None:
            keys = ((spec.id, f"{epic.path}::{spec.id}") for spec in epic.stories)
            ids = self._ids[path] = {name: self._same.get(key, key) for name, key in keys}
        return ids

    def _elsewhere(self, path: Path, epic: EpicDefinition, spec: StorySpec, name: str) -> Sequence[str] | str:
        """Keys, or what is wrong with the name."""
        file_name, colons, rest = name.partition("::")
        file = self._file(path.parent, file_name)
        if file is not None:
            return self._in_epic(file, rest) if is_epic_file(file) else self._in_tests(file, rest)
        if colons or "/" in name or name.endswith((".yaml", ".yml", ".py")):
            return f"but there is no file {short(file_name)}, neither beside the epic nor in rootdir"
        return self._in_any_epic(path, (known for known in self.ids_of(path, epic) if known != spec.id), name)

    def _file(self, folder: Path, name: str) -> Path | None:
        if not name:
            return None
        for base in (folder, self._rootdir):
            candidate = Path(base, name)
            # Path.is_file would raise for a name that is too long.
            if os.path.isfile(candidate):  # noqa: PTH113
                return candidate.resolve() if ".." in name else candidate
        return None

    def _in_epic(self, file: Path, identifier: str) -> Sequence[str] | str:
        epic = self._library.find(file)
        if epic is None:
            return f"but {self._library.name(file)} has mistakes of its own"
        ids = self.ids_of(file, epic)
        if not identifier:
            return list(ids.values())
        if identifier in ids:
            return [ids[identifier]]
        return f"which {epic.path} does not hold{self._suggestion(identifier, ids)}"

    def _in_tests(self, file: Path, rest: str) -> Sequence[str] | str:
        name = self._library.name(file)
        found = self._tests[f"{name}::{rest}" if rest else name]
        if found:
            return found
        if self._all_tests_known and self._tests[name]:
            return f"which {name} does not hold"
        return [f"{name}::{rest}" if rest else name]

    def _in_any_epic(self, path: Path, near: Iterable[str], name: str) -> Sequence[str] | str:
        """:param near: ids that may have been meant, if no epic holds the name."""
        while True:
            ids = {other: self.ids_of(other, found) for other, found in self._library.loaded()}
            keys = [known[name] for known in ids.values() if name in known]
            if len(keys) == 1:
                return keys
            if keys:
                return f"which is in several epics; write one of {', '.join(sorted(keys))}"
            if not self._library.read_neighbours(path.parent):
                return f"which no epic holds{self._suggestion(name, near)}"

    def _suggestion(self, name: str, known: Iterable[str]) -> str:
        # Each takes as long as there are ids: thousands of mistakes among thousands of stories would take hours.
        if len(self.problems) >= _MOST_SUGGESTIONS or len(name) > _LONGEST_MISSPELT:
            return ""
        near = get_close_matches(name, list(known), n=1, cutoff=0.6)
        return f"; did you mean {short(near[0])}?" if near else ""
