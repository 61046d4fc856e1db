"""Async tests at once against the same under pytest-asyncio one by one, and a soak."""

from __future__ import annotations

import tempfile
from pathlib import Path
from textwrap import dedent

from ..figures import Figure, Table
from ..measuring import OURS, PARALLEL, Scale, cpu_ratios, pairs, pytest
from ..projects import write

ALL = ("-o", "epic_async_tests=true")
ASYNCIO = ("-p", "asyncio")
NAP = 0.05
"""Seconds that a test sleeps."""
WALL_TARGET = 1.3
CPU_TARGET = 1.0
KEPT_TARGET = 1.0

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
        await asyncio.sleep({nap})
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

KEPT = """
    import gc, tracemalloc

    count = before = 0

    def pytest_runtest_logreport(report):
        global count, before
        if report.when == "teardown":
            count += 1
            if count == {first} // 2:
                tracemalloc.start()
            elif count in ({first}, {last}):
                gc.collect()
                now = tracemalloc.get_traced_memory()[0]
                if count == {last}:
                    with open("memory", "w") as file:
                        print((now - before) / ({last} - {first}), file=file)
                before = now
"""


def measure(scale: Scale) -> list[Table]:
    sleeping, no_ops = scale.size(200, 40), scale.size(2000, 100)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wall = Figure(
            f"{sleeping} tests of 50 ms, module and function fixtures, 20 at once",
            "wall / (start-up + the sleeps in turns)",
            _sleeps(folder, sleeping, scale),
            None if scale.smallest else WALL_TARGET,
        )
        cpu = [
            Figure(
                f"{no_ops:,} no-op tests, loops of each {scope}, 8 at once",
                "CPU / pytest-asyncio's one by one",
                _no_ops(folder, no_ops, scale, scope),
                None if scale.smallest else CPU_TARGET,
            )
            for scope in ("function", "session")
        ]
        soak = _soak(folder, scale.size(20_000, 60), scale.size(1000, 20))
        kept = _kept(folder, scale)
    return [
        Table("Async tests that sleep", "", (wall,)),
        Table("Async tests that do nothing", "", tuple(cpu)),
        Table("Soak: what 1,000 more no-op tests add to the memory", "", tuple(soak), "MiB"),
        Table("Soak: what is kept of a no-op test, its reports above all, by tracemalloc", "", (kept,)),
    ]


def _project(folder: Path, text: str, size: int, loop_scope: str) -> Path:
    mark = f'(loop_scope="{loop_scope}")' if loop_scope else ""
    return write(
        folder,
        {
            "pytest.ini": "[pytest]\nasyncio_default_fixture_loop_scope = function\n",
            "test_it.py": dedent(text).format(size=size, mark=mark, nap=NAP),
        },
    )


def _sleeps(folder: Path, size: int, scale: Scale, at_once: int = 20) -> tuple[float, ...]:
    """Wall time, over what it must be at least."""
    asleep = _project(folder / "sleeps", SLEEPS, size, "module")
    start = _project(folder / "start", SLEEPS, 1, "module")
    found = pairs(
        scale,
        lambda: pytest(start, 1, *ASYNCIO),
        lambda: pytest(asleep, size, *OURS, *ALL, f"--epic-parallel={at_once}"),
    )
    return tuple(ours.wall / (least.wall - NAP + NAP * size / at_once) for least, ours in found)


def _no_ops(folder: Path, size: int, scale: Scale, loop_scope: str) -> tuple[float, ...]:
    path = _project(folder / f"no_ops_{loop_scope}", NO_OPS, size, loop_scope)
    return cpu_ratios(
        scale,
        lambda: pytest(path, size, *ASYNCIO),
        lambda: pytest(path, size, *OURS, *ALL, *PARALLEL),
    )


def _soak(folder: Path, size: int, step: int) -> list[Figure]:
    """:param step: tests between two looks at the memory."""
    path = _project(folder / "soak", NO_OPS, size, "session")
    (path / "conftest.py").write_text(dedent(WATCH).format(step=step))
    figures = []
    for row, options in (
        ("pytest-asyncio, one by one", ASYNCIO),
        ("ours, 8 at once", (*OURS, *ALL, *PARALLEL)),
    ):
        pytest(path, size, *options)
        memory = path / "memory"
        looks = [int(line) / 2**20 for line in memory.read_text().split()]
        memory.unlink()
        # The first look is left out: it is of the time in which modules are still imported.
        each = (looks[-1] - looks[1]) / ((len(looks) - 2) * step)
        figures.append(Figure(row, f"{size:,} tests", (1000 * each,)))
    return figures


def _kept(folder: Path, scale: Scale) -> Figure:
    """Of the tests between two, once it is known what is garbage."""
    first, last = scale.size(2_000, 40), scale.size(8_000, 80)
    path = _project(folder / "kept", NO_OPS, last + 20, "session")
    (path / "conftest.py").write_text(dedent(KEPT).format(first=first, last=last))
    found = []
    for options in (ASYNCIO, (*OURS, *ALL, *PARALLEL)):
        pytest(path, last + 20, *options)
        found.append(float((path / "memory").read_text()))
        (path / "memory").unlink()
    theirs, ours = found
    column = "8 at once, bytes / pytest-asyncio's one by one"
    return Figure(f"tests {first:,} to {last:,}", column, (ours / theirs,), None if scale.smallest else KEPT_TARGET)
