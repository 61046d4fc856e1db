"""No-op tests under other plugins, and under this one: CPU over that of plain pytest."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..figures import Figure, Table
from ..measuring import OURS, PARALLEL, Scale, cpu_ratios, pytest
from ..peers import Absent, environment, pinned
from ..projects import SEED, plain_tests, write

DEPENDENCY_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Peer:
    package: str
    home: str
    """The environment that it is in; empty for this one."""
    options: tuple[str, ...]
    mark: Callable[[int, int | None], str]
    """Decorates a test, given its number and that of the test on which it depends."""
    keyword: str = "def"
    words: str = ""
    """Follows the package's name in the table."""


def _depends(number: int, on: int | None) -> str:
    return "" if on is None else f'@pytest.mark.depends(on="test_{on}")\n'


def _dependency(number: int, on: int | None) -> str:
    return "@pytest.mark.dependency()\n" if on is None else f'@pytest.mark.dependency(depends=["test_{on}"])\n'


def _order(number: int, on: int | None) -> str:
    return "" if on is None else f'@pytest.mark.order(after="test_{on}")\n'


def _always(mark: str) -> Callable[[int, int | None], str]:
    return lambda number, on: f"@pytest.mark.{mark}\n"


PEERS = (
    Peer("this plugin", "", OURS, _depends, words=", a third with a dependency"),
    Peer("pytest-depends", "pytest", ("-p", "depends"), _depends, words=", the same tests"),
    Peer("pytest-dependency", "pytest", ("-p", "dependency"), _dependency, words=", the same dependencies"),
    Peer("pytest-order", "pytest", ("-p", "pytest_order"), _order, words=", the same dependencies"),
    Peer("pytest-xdist", "pytest", ("-p", "xdist", "-n2"), lambda number, on: "", words=" -n2"),
    Peer(
        "this plugin",
        "",
        (*OURS, *PARALLEL, "-o", "epic_async_tests=true"),
        _always("asyncio"),
        "async def",
        ", async tests, 8 at once",
    ),
    Peer("pytest-asyncio", "pytest", ("-p", "asyncio"), _always("asyncio"), "async def", ", one by one"),
    Peer(
        "pytest-asyncio-concurrent",
        "concurrent",
        ("-p", "asyncio-concurrent"),
        _always('asyncio_concurrent(group="all")'),
        "async def",
    ),
    Peer(
        "pytest-asyncio-cooperative",
        "cooperative",
        ("-p", "asyncio-cooperative"),
        _always("asyncio_cooperative"),
        "async def",
    ),
)


def measure(scale: Scale) -> list[Table]:
    sizes = (100,) if scale.smallest else (1000, 10_000)
    figures = [figure for size in sizes for figure in _compared(size, scale)]
    return [Table("Items of other plugins: CPU / plain pytest's", "no-op tests", tuple(figures))]


def _compared(size: int, scale: Scale) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        plain = plain_tests(Path(name) / "plain", size)
        for number, peer in enumerate(PEERS):
            column = f"{size:,} tests"
            row = (pinned(peer.package) if peer.home else peer.package) + peer.words
            try:
                python = environment(peer.home, scale.smallest) / "python" if peer.home else Path(sys.executable)
            except Absent as absent:
                yield Figure(row, column, absent=str(absent))
                continue
            folder = write(Path(name) / f"peer{number}", {"test_it.py": _tests(size, peer)})
            try:
                ratios = cpu_ratios(
                    scale,
                    partial(pytest, plain, size, python=python),
                    partial(pytest, folder, size, *peer.options, python=python),
                )
            except SystemExit as error:
                # What a peer cannot do says something about it, not about this benchmark.
                if not peer.home:
                    raise
                yield Figure(row, column, absent=f"fails: {str(error).splitlines()[-1]}")
                continue
            yield Figure(row, column, ratios)


def _tests(size: int, peer: Peer) -> str:
    chance = random.Random(SEED)
    tests = ["import pytest\n"]
    for number in range(size):
        on = chance.randrange(number) if number and chance.random() < DEPENDENCY_SHARE else None
        tests.append(f"{peer.mark(number, on)}{peer.keyword} test_{number}():\n    pass\n")
    return "\n".join(tests)
