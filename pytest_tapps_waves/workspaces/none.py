"""No isolation: stories work in the user's own tree."""

from __future__ import annotations

from pathlib import Path

from ..errors import ActionFailed


def in_place(rootdir: Path, cwd: str) -> Path:
    """The story's ``cwd`` in rootdir.

    :raises ActionFailed: if a link leads it out of rootdir.
    """
    if cwd == ".":
        return rootdir
    folder = rootdir / cwd
    if not folder.resolve().is_relative_to(rootdir.resolve()):
        raise ActionFailed(f"{cwd} leads out of rootdir by a link", f"cwd: {cwd}")
    return folder
