"""The environment of commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def command_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command: ours, the running interpreter's ``bin`` first on PATH, and ``extra``."""
    environment = dict(os.environ)
    interpreter = str(Path(sys.executable).parent)
    path = environment.get("PATH", os.defpath)
    environment["PATH"] = f"{interpreter}{os.pathsep}{path}"
    environment.update(extra)
    return environment
