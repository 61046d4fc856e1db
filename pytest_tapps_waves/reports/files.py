"""Files that a run is asked to write: looked at before it begins, and written as a whole."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

import pytest

from ..inert import one_line

_NEEDED = {"--epic-report": ("jinja2", "report")}
"""The module that an option needs, and the extra that brings it."""


def check_file(option: str, path: Path) -> None:
    """Make the folder of a file that is to be written after the run, and see that it can be.

    :raises pytest.UsageError: if it cannot.
    """
    module, extra = _NEEDED.get(option, ("", ""))
    if module and importlib.util.find_spec(module) is None:
        raise pytest.UsageError(f"{option} needs {module}: pip install 'pytest-tapps-waves[{extra}]'")
    try:
        there = next((folder for folder in path.parents if folder.exists()), path.parent)
        if there.exists() and not there.is_dir():
            raise NotADirectoryError(0, f"{there} is no folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(0, "it is write-protected")
        # Whether a folder can be written to is known once something has been.
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        why = error.strerror or error
        raise pytest.UsageError(one_line(f"{option}={path}: this file cannot be written: {why}")) from None


def write_whole(path: Path, text: str) -> None:
    """Write a file that nobody sees before all of it is there; one that was there stays until then.

    :raises OSError: if it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        # Unlike other files those of tempfile are readable by their owner only.
        mode = path.stat().st_mode if path.exists() else 0o666 & ~_umask()
        unfinished.chmod(mode)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
