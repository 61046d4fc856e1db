"""What we are compared with: tools of the system, and packages in environments of their own."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"
"""A file for each environment; the versions are pinned."""


class Absent(Exception):
    """A peer is not there; the message says why, and stands in the table."""


def tool(name: str) -> Path:
    """A tool of the system.

    :raises Absent: if it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise Absent(f"{name} is not installed")
    return Path(found)


def tool_label(path: Path) -> str:
    """Its name and version."""
    output = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+(\.\d+)+", output)
    return f"{path.name} {found[0] if found else '?'}"


def pinned(package: str) -> str:
    """A package and its version, as the requirements pin it."""
    for file in REQUIREMENTS.glob("*.txt"):
        for line in file.read_text().splitlines():
            name, _, version = line.partition("==")
            if name == package:
                return f"{name} {version}"
    raise LookupError(package)


def environment(name: str, smallest: bool) -> Path:
    """The folder of an environment's programs; it is made when it is not there.

    :raises Absent: if it cannot be made, or if only the smallest is to run.
    """
    if smallest:
        raise Absent("not in the smallest run")
    requirements = REQUIREMENTS / f"{name}.txt"
    text = f"{sys.version}\n{requirements.read_text()}"
    folder = _cache() / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    programs = folder / "bin"
    complete = folder / "complete"
    if not complete.exists():
        print(f"making the environment {folder}", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        install: list[str | Path] = [
            programs / "python",
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "-r",
            requirements,
        ]
        if subprocess.run(install, check=False).returncode:
            raise Absent(f"{requirements.name} could not be installed")
        complete.touch()
    return programs


def _cache() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "pytest-tapps-waves" / "benchmarks"
