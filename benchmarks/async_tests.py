"""Async tests at once against the same under pytest-asyncio one by one, and a soak. See README.md."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from overhead import OURS, Cost, machine, run

ALL = ("-o", "epic_async_tests=true")
ASYNCIO = ("-p", "asyncio")
STEP = 1000
"""Tests between two looks at the memory."""

SLEEPS = """
    import asyncio, pytest, pytest_asyncio

    pytestmark = pytest.mark.asyncio{mark}

    @pytest_asyncio.fixture(scope="module", loop_scope="module")
    async def shared():
        await asyncio.sleep(0)
        yield 1

    @pytest_asyncio.fixture(loop_scope="module")
    async def own(shared):
        await asyncio.sleep(0)
        yield shared

    @pytest.mark.parametrize("number", range({size}))
    async def test_sleeps(own, number):
        await asyncio.sleep(0.05)
"""

NO_OPS = """
    import pytest

    pytestmark = pytest.mark.asyncio{mark}

    @pytest.mark.parametrize("number", range({size}))
    async def test_it(number): pass
"""

WATCH = """
    import psutil

    count = 0

    def pytest_runtest_logreport(report):
        global count
        if report.when == "teardown":
            count += 1
            if count % {step} == 0:
                with open("memory", "a") as file:
                    print(psutil.Process().memory_info().rss, file=file)
"""


def project(folder: Path, text: str, size: int, loop_scope: str) -> Path:
    mark = f'(loop_scope="{loop_scope}")' if loop_scope else ""
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (folder / "test_it.py").write_text(dedent(text).format(size=size, mark=mark))
    return folder


def sleeps(folder: Path, size: int, pairs: int, at_once: int = 20) -> Iterator[str]:
    """Wall time of tests that sleep, over what they must take at least: start-up, and the sleeps in turns."""
    asleep = project(folder / "sleeps", SLEEPS, size, "module")
    start = project(folder / "start", SLEEPS, 1, "module")
    options = (*OURS, *ALL, f"--epic-parallel={at_once}")
    ratios, walls = [], []
    for _ in range(pairs + 1):
        least = run(start, 1, *ASYNCIO).wall - 0.05 + 0.05 * size / at_once
        wall = run(asleep, size, *options).wall
        ratios.append(wall / least)
        walls.append(wall)
    ratios, walls = ratios[1:], walls[1:]
    yield f"{size} tests of 50 ms, {at_once} at once: wall / (plain start-up + {0.05 * size / at_once:.2f} s)"
    yield f"  {_spread(ratios)}; target 1.3: {_verdict(ratios, 1.3)}; {statistics.median(walls):.2f} s"


def no_ops(folder: Path, size: int, pairs: int, loop_scope: str) -> Iterator[str]:
    """CPU of tests that do nothing, 8 at once, over that of pytest-asyncio."""
    path = project(folder / f"no_ops_{loop_scope}", NO_OPS, size, loop_scope)
    options = (*OURS, *ALL, "--epic-parallel=8")
    found: list[tuple[Cost, Cost]] = [(run(path, size, *ASYNCIO), run(path, size, *options)) for _ in range(pairs + 1)]
    ratios = [ours.cpu / theirs.cpu for theirs, ours in found[1:]]
    yield f"{size:,} no-op tests, loops of each {loop_scope}, 8 at once: CPU / pytest-asyncio's one by one"
    yield f"  {_spread(ratios)}; target 1.0: {_verdict(ratios, 1.0)}"


def soak(folder: Path, size: int) -> Iterator[str]:
    """What each further test adds to the memory, beside what it adds under pytest-asyncio."""
    path = project(folder / "soak", NO_OPS, size, "session")
    (path / "conftest.py").write_text(dedent(WATCH).format(step=STEP))
    for name, options in (
        ("one by one, without this plugin", ASYNCIO),
        ("8 at once", (*OURS, *ALL, "--epic-parallel=8")),
    ):
        run(path, size, *options)
        memory = path / "memory"
        steps = [int(line) / 2**20 for line in memory.read_text().split()]
        memory.unlink()
        each = (steps[-1] - steps[1]) / (len(steps) - 2) if len(steps) > 2 else 0.0
        yield (
            f"soak, {size:,} tests {name}: {steps[1]:.0f} MiB after {2 * STEP:,}, {steps[-1]:.0f} MiB at the end;"
            f" {each:.2f} MiB for each {STEP:,} more"
        )


def _spread(ratios: list[float]) -> str:
    return f"median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f} of {len(ratios)}"


def _verdict(ratios: list[float], target: float) -> str:
    return "met" if statistics.median(ratios) <= target else "MISSED"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="of each comparison (default: %(default)s)")
    parser.add_argument(
        "--soak", type=int, default=20_000, metavar="N", help="tests of the soak (default: %(default)s)"
    )
    parser.add_argument("--smallest", action="store_true", help="only see that all of it runs")
    arguments = parser.parse_args()
    small = arguments.smallest
    pairs = 1 if small else arguments.pairs
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(*sleeps(folder, 40 if small else 200, pairs), sep="\n", flush=True)
        for scope in ("function", "session"):
            print(*no_ops(folder, 100 if small else 2000, pairs, scope), sep="\n", flush=True)
        print(*soak(folder, 3 * STEP if small else arguments.soak), sep="\n", flush=True)


if __name__ == "__main__":
    main()
