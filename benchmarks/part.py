"""One part of the benchmark, measured in a process of its own."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from .document import told
from .figures import Result
from .measuring import Scale, machine, today
from .parts import PARTS


def measured(part: str, scale: Scale, results: Path | None) -> bool:
    """Print what a part finds, and keep it; False if that failed.

    In a process of its own, since the memory of one part would be counted as that of the next one's children.

    :param results: the folder to keep it in; None keeps nothing.
    """
    process = multiprocessing.get_context("spawn").Process(target=_measure, args=(part, scale, results))
    process.start()
    process.join()
    return process.exitcode == 0


def _measure(part: str, scale: Scale, results: Path | None) -> None:
    # Before it, since a benchmark is a load too.
    where = machine()
    print(f"== {part}: {where}", flush=True)
    tables = tuple(PARTS[part](scale))
    for table in tables:
        print(table.title, *told(table), "", sep="\n", flush=True)
    if results is not None:
        command = f"python -m benchmarks --only {part} --pairs {scale.pairs} --graphs {scale.graphs}"
        Result(part, command, today(), where, tables).write(results)
