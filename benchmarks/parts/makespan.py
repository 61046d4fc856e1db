"""Uneven stories for real: how long each schedule and each tool takes for the same random graphs."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..figures import Figure, Table
from ..graphs import UnevenGraph, uneven_graph
from ..measuring import OURS, Cost, Scale, execute, pytest
from ..peers import Absent, environment, pinned
from ..projects import write
from ..tools import Contestant, Work, doit, epic_of, make, ninja, stories

LIMITS = (4, 8, 16)
SECONDS = 3.0
"""The lower bound to which the durations of each graph are scaled."""
EAGER = "--epic-schedule=eager"
KNOWN, UNKNOWN = "durations known", "durations not known"
WAVES, BARRIER = "ours, waves, `call`, durations known", "plain barrier loop, `asyncio.sleep`"
XDIST = f"{pinned('pytest-xdist')}, `time.sleep`; keeps no dependencies"
TOOLS: Mapping[str, Callable[[Path, Work, int, bool], Contestant]] = {"make": make, "ninja": ninja, "doit": doit}
TARGET, WORST = 1.02, 1.05
"""Of the eager schedule, if the durations are known."""
Found = dict[tuple[str, int], list[tuple[float, float]]]
"""By row and limit: of each graph the makespan and the wall time of the process, both over the lower bound."""

CALLED = """
import asyncio
from pathlib import Path

from pytest_tapps_waves import StoryContext

DURATIONS = {durations}


async def sleep(story: StoryContext):
    await asyncio.sleep(DURATIONS[int(story.id)])


async def first():
    Path("first").touch()


async def last():
    Path("last").touch()
"""

LOOP = """
import asyncio
from pathlib import Path

DURATIONS = {durations}
WAVES = {waves}


async def one(number, slots):
    async with slots:
        if not number:
            Path("first").touch()
        await asyncio.sleep(DURATIONS[number])
        if number + 1 == len(DURATIONS):
            Path("last").touch()


async def main():
    slots = asyncio.Semaphore({limit})
    for wave in WAVES:
        await asyncio.gather(*(one(number, slots) for number in wave))


asyncio.run(main())
"""

TESTS = """
import time
from pathlib import Path

import pytest

DURATIONS = {durations}


@pytest.mark.parametrize("number", range(len(DURATIONS)))
def test_it(number):
    first = Path("first")
    if not first.exists():
        first.touch()
    time.sleep(DURATIONS[number])
    Path("last").touch()
"""


def measure(scale: Scale) -> list[Table]:
    limits = LIMITS[:1] if scale.smallest else LIMITS
    graphs = [uneven_graph(seed, scale.size(200, 20)) for seed in range(1 if scale.smallest else scale.graphs)]
    found: Found = {}
    absent: dict[str, str] = {}
    for graph in graphs:
        for limit in limits:
            scaled = graph.scaled(0.3 if scale.smallest else SECONDS, limit)
            with tempfile.TemporaryDirectory() as name:
                for row, times in _race(Path(name), scaled, limit, scale.smallest, absent):
                    bound = scaled.lower_bound(limit)
                    found.setdefault((row, limit), []).append((times[0] / bound, times[1] / bound))
    rows = list(dict.fromkeys(row for row, _ in found))
    title = f"{graphs[0].size - 2} uneven stories, {len(graphs)} random graphs"
    over = "the lower bound max(critical path, work / N)"
    # Without dependencies the lower bound is another one, so only what users wait for can be compared.
    makespans = [_figure(found, row, limit, scale.smallest) for row in rows if row != XDIST for limit in limits]
    walls = [
        Figure(row, f"N = {limit}", tuple(wall for _, wall in found[row, limit])) for row in rows for limit in limits
    ]
    missing = [Figure(row, f"N = {limit}", absent=why) for row, why in absent.items() for limit in limits]
    return [
        Table(f"{title}: makespan / {over}", "", (*makespans, *missing), digits=3),
        Table(f"{title}: wall time of the whole process / {over}", "", (*walls, *missing)),
    ]


def _figure(found: Found, row: str, limit: int, smallest: bool) -> Figure:
    def samples(of: str) -> tuple[float, ...]:
        return tuple(makespan for makespan, _ in found.get((of, limit), ()))

    target = worst = None
    if not smallest and row.startswith("ours"):
        if row == WAVES:
            target = statistics.median(samples(BARRIER))
        elif KNOWN in row:
            target, worst = TARGET, WORST
        elif beside := next((samples(other) for other, _ in found if other.startswith("make ")), ()):
            target = statistics.median(beside)
    return Figure(row, f"N = {limit}", samples(row), target, worst)


def _race(
    folder: Path, graph: UnevenGraph, limit: int, smallest: bool, absent: dict[str, str]
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Each contestant in turn: seconds from the first story's end to the last one's, and of the whole process."""
    yield from _calls(folder / "call", graph, limit)
    commands = [["sleep", f"{duration:.4f}"] for duration in graph.durations]
    commands[0], commands[-1] = ["touch", "first"], ["touch", "last"]
    work = Work(commands, graph.dependencies)
    ours = stories(folder / "run", work, limit, EAGER)
    for words in (UNKNOWN, KNOWN):
        yield f"ours, eager, `run`, {words}", _timed(folder / "run", ours.run)
    loop = LOOP.format(durations=graph.durations, waves=graph.waves, limit=limit)
    write(folder / "loop", {"loop.py": loop})
    yield BARRIER, _timed(folder / "loop", lambda: execute([sys.executable, "loop.py"], folder / "loop"))
    for row, prepare in TOOLS.items():
        try:
            contestant = prepare(folder / row, work, limit, smallest)
        except Absent as why:
            absent[row] = str(why)
        else:
            yield f"{contestant.label}, `sleep`", _timed(folder / row, contestant.run)
    try:
        yield XDIST, _timed(folder / "xdist", _xdist(folder / "xdist", graph, limit, smallest))
    except Absent as why:
        absent[XDIST] = str(why)


def _calls(folder: Path, graph: UnevenGraph, limit: int) -> Iterator[tuple[str, tuple[float, float]]]:
    """The journal of the first run tells the later ones how long each story takes."""
    actions = ["call: work:sleep"] * graph.size
    actions[0], actions[-1] = "call: work:first", "call: work:last"
    write(
        folder,
        {
            "work.py": CALLED.format(durations=graph.durations),
            "epic_work.yaml": epic_of(actions, graph.dependencies, limit),
        },
    )
    for row, options in (
        (f"ours, eager, `call`, {UNKNOWN}", (EAGER,)),
        (f"ours, eager, `call`, {KNOWN}", (EAGER,)),
        (WAVES, ()),
    ):
        given = (*OURS, f"--epic-parallel={limit}", *options)
        yield row, _timed(folder, lambda given=given: pytest(folder, graph.size, *given))  # type: ignore[misc]


def _xdist(folder: Path, graph: UnevenGraph, limit: int, smallest: bool) -> Callable[[], Cost]:
    python = environment("pytest", smallest) / "python"
    write(folder, {"test_it.py": TESTS.format(durations=graph.durations)})
    return lambda: pytest(folder, graph.size, "-p", "xdist", f"-n{limit}", python=python)


def _timed(folder: Path, run: Callable[[], Cost]) -> tuple[float, float]:
    marks = folder / "first", folder / "last"
    for mark in marks:
        mark.unlink(missing_ok=True)
    wall = run().wall
    first, last = (mark.stat().st_mtime for mark in marks)
    return last - first, wall
