"""The one command: measure, keep the results, write docs/performance.md. See README.md."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from . import pictures
from .document import rendered
from .figures import read_results
from .measuring import Scale
from .part import measured
from .parts import PARTS

RESULTS = Path(__file__).parent / "results"
DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"


def main() -> int:
    given = _arguments()
    if given.check:
        return _check()
    if given.document:
        return _write()
    if not hasattr(os, "wait4"):
        print("this system cannot tell what a child process used (there is no os.wait4): nothing was measured")
        return 1
    scale = Scale(1 if given.smallest else given.pairs, given.graphs, given.smallest)
    results = None if given.smallest else RESULTS
    failed = [part for part in given.only if not measured(part, scale, results)]
    if failed:
        print(f"failed: {', '.join(failed)}")
        return 1
    return 0 if given.smallest else _write()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=f"some of: {', '.join(PARTS)}"
    )
    parser.add_argument("--pairs", type=int, default=5, help="of each comparison (default: %(default)s)")
    parser.add_argument("--graphs", type=int, default=10, help="random graphs that are run (default: %(default)s)")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--smallest", action="store_true", help="only see that all of it runs: keep nothing")
    other.add_argument("--document", action="store_true", help="only write docs/performance.md from the results")
    other.add_argument(
        "--check", action="store_true", help="only see that docs/performance.md says what the results say"
    )
    return parser.parse_args()


def _write() -> int:
    results = read_results(RESULTS, PARTS)
    DOCUMENT.write_text(rendered(DOCUMENT.read_text(), results))
    try:
        pictures.draw(results, DOCUMENT.parent / "pictures")
    except ImportError:
        print(pictures.HINT)
        return 1
    return 0


def _check() -> int:
    text = DOCUMENT.read_text()
    if rendered(text, read_results(RESULTS, PARTS)) == text:
        return 0
    print(f"{DOCUMENT} does not say what the results say: python -m benchmarks --document")
    return 1


if __name__ == "__main__":
    sys.exit(main())
