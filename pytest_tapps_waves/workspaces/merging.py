"""Three-way merges of commits that touch no checkout, and what to show of those that fail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..inert import inert
from .git import Git

_AROUND = 3
"""Lines before and after a conflict."""
_LONGEST_PATH = 60
_MOST_PATHS = 10
_LONGEST_LINE = 300
_LARGEST = 4 * 1024 * 1024
_RESOLVED = "Auto-merging"


class Conflict(NamedTuple):
    """A merge that failed."""

    tree: str
    """The id of a tree whose files hold the conflicts, between marks that name both commits."""
    paths: tuple[str, ...]
    notes: Mapping[str, str]
    """By path, what git says of it."""


def merge(git: Git, ours: str, theirs: str) -> str | Conflict:
    """Merge two commits that have a common ancestor, and answer with the id of the tree that comes of it.

    :raises WorkspaceError: if they cannot even be tried.
    """
    arguments = ("merge-tree", "--write-tree", "-z", ours, theirs)
    answer = git.ask(*arguments)
    if answer.status not in (0, 1):
        raise git.failure(answer, *arguments)
    tree, *rest = answer.parts
    if answer.status == 0:
        return tree
    files, messages = rest[: rest.index("")], rest[rest.index("") + 1 :]
    # Where a file is in the way of a folder, git calls it after the commit that it is from.
    moved = re.compile(f"~({ours}|{theirs})(_\\d+)?$")
    paths = {moved.sub("", entry.partition("\t")[2]) for entry in files}
    return Conflict(tree, tuple(sorted(paths)), _notes(messages, moved))


def _notes(parts: list[str], moved: re.Pattern[str]) -> dict[str, str]:
    """Of each message: the number of its paths, these, its kind, its text."""
    notes: dict[str, str] = {}
    place = 0
    while place < len(parts):
        paths = parts[place + 1 : place + 1 + int(parts[place])]
        kind, text = parts[place + 1 + len(paths) : place + 3 + len(paths)]
        place += 3 + len(paths)
        if not kind.startswith(_RESOLVED):
            for path in {moved.sub("", path): None for path in paths}:
                notes[path] = notes.get(path, "") + text
    return notes


def hunks(git: Git, conflict: Conflict, names: Mapping[str, str]) -> str:
    """The conflicts, path by path, as far as they can be borne.

    :param names: what stands for commits, by their ids.
    """
    shown = [_of_path(git, conflict, path, names) for path in conflict.paths[:_MOST_PATHS]]
    if more := len(conflict.paths) - _MOST_PATHS:
        shown += [f"... and {more} more paths"] if more > 0 else []
    return inert("\n".join(shown))


def _of_path(git: Git, conflict: Conflict, path: str, names: Mapping[str, str]) -> str:
    lines = _marked(git, conflict.tree, path, names) or conflict.notes.get(path, "").splitlines()
    if len(lines) > _LONGEST_PATH:
        lines = [*lines[:_LONGEST_PATH], f"... and {len(lines) - _LONGEST_PATH} more lines"]
    commits = re.compile("|".join(map(re.escape, names)))
    said = [commits.sub(lambda found: names[found[0]], line)[:_LONGEST_LINE] for line in lines]
    return "\n".join([f"{path}:", *[f"  {line}".rstrip() for line in said]])


def _marked(git: Git, tree: str, path: str, names: Mapping[str, str]) -> list[str]:
    """The lines between marks and those around them, without what is between two conflicts."""
    size = git.ask("cat-file", "-s", f"{tree}:{path}")
    if size.status or int(size.line) > _LARGEST:
        return []
    # Empty if it is a folder by now.
    text = git.ask("cat-file", "blob", f"{tree}:{path}").out.decode("utf-8", "replace")
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    # A mark names a commit. What only looks like one is part of the file.
    ids = "|".join(map(re.escape, names))
    begin, end = re.compile(rf"<+ ({ids})(:|$)"), re.compile(rf">+ ({ids})(:|$)")
    wanted: set[int] = set()
    inside = False
    for place, line in enumerate(lines):
        if begin.match(line):
            inside = True
            wanted.update(range(max(0, place - _AROUND), place))
        if inside:
            wanted.add(place)
        if end.match(line):
            inside = False
            wanted.update(range(place + 1, min(len(lines), place + 1 + _AROUND)))
    kept = sorted(wanted)
    shown: list[str] = []
    for before, place in zip([kept[0] - 1 if kept else 0, *kept], kept, strict=False):
        shown += (["..."] if place - before > 1 else []) + [lines[place]]
    return shown
