"""``python -m pytest_tapps_waves``: what there is to do with epics besides running them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .inert import one_line


def main(arguments: Sequence[str] | None = None) -> int:
    """
    :returns: the exit status: 0 if all went well, 1 if something was left for people to do, 2 if nothing was done.
    """
    parser = argparse.ArgumentParser(
        "python -m pytest_tapps_waves", description="Tools for epics of pytest-tapps-waves."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_schema(commands)
    _add_convert(commands)
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


def _add_convert(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    words = "turn Markdown epics into epic_*.yaml"
    parser = commands.add_parser(
        "convert",
        help=words,
        description="Turn Markdown epics into epic_*.yaml. Paths are converted together, so that their epics can refer "
        "to one another. What looks like a dependency and cannot be placed is listed with its line; the exit status is "
        "then 1.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a Markdown file, or a folder of them")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="where to write; else beside each PATH")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite epic files that are there")
    parser.add_argument("-n", "--dry-run", action="store_true", help="write nothing, and say what would be written")
    parser.set_defaults(act=_convert)


def _convert(given: argparse.Namespace) -> int:
    from .convert.converter import convert, save, sources
    from .convert.document import Unreadable

    try:
        done = convert(sources(given.paths, given.output))
        if not given.dry_run:
            save(done.files, force=given.force)
    except Unreadable as error:
        sys.stderr.write(f"{one_line(str(error))}\n")
        return 2
    for path, words in done.told.items():
        sys.stdout.write(f"{one_line(str(path))}: {words}{' (not written)' if given.dry_run else ''}\n")
    if done.without_stories:
        sys.stdout.write(f"no story in {one_line(', '.join(done.without_stories))}\n")
    sys.stdout.flush()
    sys.stderr.write("".join(f"{problem}\n" for problem in done.problems))
    if not done.files:
        sys.stderr.write("there is no story; one begins with a heading such as `### Story 1: Title`\n")
        return 2
    return 1 if done.problems else 0


if __name__ == "__main__":
    sys.exit(main())
