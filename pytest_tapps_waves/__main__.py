"""``python -m pytest_tapps_waves``: what there is to do with epics besides running them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """
    :returns: the exit status: 0 if all went well, 1 if something was left for people to do, 2 if nothing was done.
    """
    parser = argparse.ArgumentParser(
        "python -m pytest_tapps_waves", description="Tools for epics of pytest-tapps-waves."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_schema(commands)
    given = parser.parse_args(arguments)
    status: int = given.act(given)
    return status


def _add_schema(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    words = "print the JSON Schema of epic files, for editors"
    parser = commands.add_parser("schema", help=words, description=f"{words[0].upper()}{words[1:]}.")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it to FILE instead, as UTF-8")
    parser.add_argument("--path", action="store_true", help="print where the installed package holds it")
    parser.set_defaults(act=_schema)


def _schema(given: argparse.Namespace) -> int:
    from .epics.json_schema import SHIPPED, json_schema_text

    if given.path:
        sys.stdout.write(f"{SHIPPED}\n")
    elif given.output is None:
        sys.stdout.write(json_schema_text())
    else:
        try:
            given.output.write_text(json_schema_text(), encoding="utf-8", newline="\n")
        except OSError as error:
            sys.stderr.write(f"{given.output}: cannot be written: {error.strerror}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
