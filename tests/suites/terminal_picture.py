"""Makes ``docs/pictures/terminal.svg``: what ``pytest example_epics --epic-parallel=3`` prints, in its colours.

``python tests/suites/terminal_picture.py`` runs it and writes the picture anew; ``--folder F`` writes it elsewhere.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
COMMAND = ["example_epics", "--epic-parallel=3"]
COLUMNS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "pictures", help="default: docs/pictures")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "terminal.svg").write_text(picture(), encoding="utf-8", newline="\n")


def picture() -> str:
    """The picture as SVG. It fetches nothing: without the fonts that rich names, a monospaced one is taken."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.assemble("$ ", ("pytest " + " ".join(COMMAND), "bold")))
    console.print(Text.from_ansi(printed()))
    svg = console.export_svg(title="pytest-tapps-waves", unique_id="terminal")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def printed() -> str:
    """What pytest prints with this plugin and pytest-asyncio alone, as users have it.

    :raises subprocess.CalledProcessError: the examples do not pass.
    """
    away = ("CI", "GITHUB_ACTIONS", "BUILD_NUMBER", "PYTEST_ADDOPTS", "NO_COLOR")
    environment = {name: value for name, value in os.environ.items() if name not in away}
    environment |= {"COLUMNS": str(COLUMNS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    plugins = ["-p", "pytest_asyncio.plugin", "-p", "pytest_tapps_waves.plugin"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--color=yes", *COMMAND],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ).stdout


if __name__ == "__main__":
    main()
