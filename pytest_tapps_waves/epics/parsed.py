"""Epics that were read before: YAML and its checks are paid for once, as Python does with its bytecode.

One JSON file for each epic file, which holds what the epic says, and a digest of the text that it was read from. It is
no more than that: a file that is missing, of another text, of another version or damaged is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from .pause import collector_paused
from .spec import Check, EpicDefinition, EpicHeader, StorySpec, story_of

_PACKAGE = Path(__file__).parent


class ParsedEpics:
    """The epics that a folder keeps."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, path: str, data: bytes) -> EpicDefinition | None:
        """The epic of a file, if this text of it has been read before.

        :param path: relative to rootdir, with slashes.
        """
        try:
            text = self._file(path).read_bytes()
            with collector_paused():
                kept = json.loads(text)
                if kept["digest"] != _digest(path, data):
                    return None
                stories = [_story(values) for values in kept["stories"]]
                return EpicDefinition(path, kept["line"], _header(kept["header"]), stories)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def put(self, definition: EpicDefinition, data: bytes) -> None:
        """Keep an epic. What cannot be kept (a full disk, a number of 5,000 digits) is read again the next time."""
        kept = {
            "digest": _digest(definition.path, data),
            "line": definition.line,
            "header": _said(definition.header),
            "stories": [_said(story) for story in definition.stories],
        }
        file = self._file(definition.path)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        with contextlib.suppress(OSError, ValueError, RecursionError):
            text = json.dumps(kept, separators=(",", ":"))
            try:
                draft.write_text(text, encoding="ascii")
                draft.replace(file)
            finally:
                draft.unlink(missing_ok=True)

    def _file(self, path: str) -> Path:
        name = hashlib.blake2b(path.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
        return self._folder / f"epic-{name}.json"


def _digest(path: str, data: bytes) -> str:
    return hashlib.blake2b(f"{_version()}\0{path}\0".encode("utf-8", "surrogateescape") + data).hexdigest()


@cache
def _version() -> str:
    """Of the code that reads epics: the state of its files, which changes with every release."""
    stats = [path.stat() for path in sorted(_PACKAGE.glob("*.py"))]
    return " ".join(f"{stat.st_size}.{stat.st_mtime_ns}" for stat in stats)


def _said(value: Any) -> dict[str, Any]:
    """What of a named tuple is not as it would be by default, and so of those within it."""
    said = {}
    for name, given in zip(value._fields, value, strict=True):
        default = value._field_defaults.get(name)
        if given != default or type(given) is not type(default):
            said[name] = _plain(given)
    return said


def _plain(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return _said(value) if hasattr(value, "_fields") else list(map(_plain, value))


def _header(values: dict[str, Any]) -> EpicHeader:
    _revive(values)
    return EpicHeader(**values)


def _story(values: dict[str, Any]) -> StorySpec:
    _revive(values)
    if criteria := values.get("acceptance_criteria"):
        values["acceptance_criteria"] = [
            Check(**criterion) if isinstance(criterion, dict) else criterion for criterion in criteria
        ]
    return story_of(values)


def _revive(values: dict[str, Any]) -> None:
    if "agent" in values or "budget" in values:
        # Imported where they are needed: most epics have no agents.
        from .agents import AgentSpec, Budget

        for name, kind in (("agent", AgentSpec), ("budget", Budget)):
            if name in values:
                values[name] = kind(**values[name])
