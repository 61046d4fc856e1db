"""The environment of commands."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

_BIN = str(Path(sys.executable).parent)


def command_environment(extra: Mapping[str, str], without: Collection[str] = ()) -> dict[str, str]:
    """The environment of a command: ours, the running interpreter's ``bin`` first on PATH, and ``extra``.

    :param without: names of variables of ours that it does not get.
    """
    environment = dict(os.environ)
    for name in without:
        environment.pop(name, None)
    environment["PATH"] = f"{_BIN}{os.pathsep}{environment.get('PATH', os.defpath)}"
    environment.update(extra)
    return environment


def found_on_path(program: str, environment: Mapping[str, str]) -> str | None:
    """The file that a program's name stands for there; None if that is better left to the system.

    The system would try each folder in the new process, while this one stands still, at several times the cost.
    """
    folders = environment.get("PATH", os.defpath)
    if os.sep in program or not all(folder.startswith(os.sep) for folder in folders.split(os.pathsep)):
        return None
    return shutil.which(program, path=folders)
