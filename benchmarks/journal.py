"""What the journal costs: CPU of whole pytest processes with and without it, in interleaved pairs. See README.md."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from overhead import OURS, PARALLEL, run, write_project

TARGET = 1.10
WITHOUT = """
import pytest_tapps_waves.run

pytest_tapps_waves.run.open_records = lambda *args, **kwargs: None
"""
"""A plugin that leaves it out. There is no option for that: whoever wants no journal has no use for its cost either."""


def measure(size: int, pairs: int, options: tuple[str, ...]) -> list[float]:
    """The ratios of the CPU with the journal to that without it. A first run of each is not counted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder, size)
        (folder / "async/without.py").write_text(WITHOUT)
        ratios = []
        for pair in range(pairs + 1):
            without = run(folder / "async", size, "-p", "without", *OURS, *options)
            ours = run(folder / "async", size, *OURS, *options)
            if pair:
                ratios.append(ours.cpu / without.cpu)
        return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--smallest", action="store_true", help="only see that it works")
    given = parser.parse_args()
    for size in [20] if given.smallest else given.sizes:
        for words, options in (("one by one", ()), ("8 at once", PARALLEL)):
            ratios = measure(size, 1 if given.smallest else given.pairs, options)
            median = statistics.median(ratios)
            print(f"{size:,} no-op stories, {words}: CPU with the journal / without: {median:.3f}", end="")
            print(f", from {min(ratios):.3f} to {max(ratios):.3f}", end="")
            print("" if given.smallest else f"; target {TARGET}: {'met' if median <= TARGET else 'MISSED'}")


if __name__ == "__main__":
    main()
