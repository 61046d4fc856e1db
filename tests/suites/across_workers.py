"""Run random graphs of tests across workers of pytest-xdist, kill workers in the midst, and measure what it costs.

    python tests/suites/across_workers.py --what orders --seeds 40   # 300 tests each, at -n 2 and -n 4
    python tests/suites/across_workers.py --what kills --runs 20     # a worker is killed in the midst of each
    python tests/suites/across_workers.py --what time --pairs 9      # against --dist=load without dependencies
    python tests/suites/across_workers.py --what matrix              # the scenarios of tests/dependency_scenarios.py
    python tests/suites/across_workers.py --smallest                 # what CI runs: a little of each

``orders``: every test runs once, after all that it depends on, and none is lost. From the second graph on the journal
knows tests of these names, so that they are sent ahead. ``kills``: what ran in the worker that
was killed is FAILED, what depends on it is skipped, and all else has run once and has passed. ``time``: whole runs in
turns, with the tests marked and unmarked; the median of the proportions and the middle half of them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil

TESTS = 300
FILES = 6
LINES = """
import os
import time
import pytest

def note(number):
    handle = os.open("LOG", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{number} {os.getpid()}\\n".encode())
    os.close(handle)
"""
CONFTEST = """
import json
import os

def pytest_runtest_logreport(report):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with open("REPORTS", "a") as file:
            file.write(json.dumps([report.nodeid, report.when, report.outcome, str(report.longrepr)]) + "\\n")
"""


class Broken(Exception):
    """A promise was not kept."""


class Graph:
    """Tests with dependencies on tests that are defined anywhere."""

    def __init__(self, chance: random.Random, tests: int) -> None:
        order = list(range(tests))
        chance.shuffle(order)
        self.needs = {
            number: chance.sample(order[:place], min(place, chance.choice((0, 0, 1, 1, 2, 3))))
            for place, number in enumerate(order)
        }
        self.seconds = {number: chance.expovariate(1 / 0.004) for number in order}

    def write(self, folder: Path, *, marked: bool = True, seconds: float | None = None) -> None:
        """:param seconds: of each test, in place of its own."""
        (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
        (folder / "conftest.py").write_text(CONFTEST)
        for file in range(FILES):
            parts = [LINES]
            for number in sorted(self.needs):
                if number % FILES == file:
                    on = [f"test_{other % FILES}.py::test_{other}" for other in self.needs[number]]
                    mark = f"@pytest.mark.depends(on={on!r})\n" if on and marked else ""
                    pause = self.seconds[number] if seconds is None else seconds
                    parts.append(f"{mark}def test_{number}():\n    time.sleep({pause:.4f})\n    note({number})\n")
            (folder / f"test_{file}.py").write_text("\n".join(parts))

    def behind(self, numbers: Sequence[int]) -> set[int]:
        """These, and all that depends on them."""
        found = set(numbers)
        while more := {number for number, needs in self.needs.items() if found.intersection(needs)} - found:
            found |= more
        return found


def start(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    for name in ("LOG", "REPORTS"):
        (folder / name).unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    # With it every process would compile all plugins again.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *options],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        )


def log_of(folder: Path) -> list[int]:
    log = folder / "LOG"
    return [int(line.split()[0]) for line in log.read_text().splitlines()] if log.exists() else []


def outcomes_of(folder: Path) -> dict[int, str]:
    """What the reports of each test come to."""
    found: dict[int, str] = {}
    torn_down: set[int] = set()
    for line in (folder / "REPORTS").read_text().splitlines():
        node, when, outcome, told = json.loads(line)
        number = int(node.rpartition("_")[2])
        if outcome == "failed" and "crashed while running" in told:
            outcome = "crashed"
        if when == "teardown":
            torn_down.add(number)
        if when in ("call", "???") or outcome != "passed":
            # A worker that is killed in a teardown has told before that the test itself has passed.
            in_teardown = outcome == "crashed" and found.get(number) == "passed" and number not in torn_down
            if number in found and not in_teardown:
                raise Broken(f"two outcomes of test_{number}: {found[number]} and {outcome}")
            found[number] = outcome
    return found


def check_order(graph: Graph, log: Sequence[int]) -> None:
    place = {number: index for index, number in enumerate(log)}
    for number in log:
        for other in graph.needs[number]:
            if place.get(other, len(log)) > place[number]:
                raise Broken(f"test_{number} ran before test_{other}, which it depends on")


def orders(folder: Path, seed: int, tests: int) -> None:
    graph = Graph(random.Random(seed), tests)
    graph.write(folder)
    workers = ("-n2", "-n4")[seed % 2]
    schedule = ("waves", "eager")[seed // 2 % 2]
    if status := start(folder, workers, f"--epic-schedule={schedule}").wait(600):
        raise Broken(f"seed {seed} ended with {status}")
    log = log_of(folder)
    if sorted(log) != sorted(graph.needs):
        raise Broken(f"seed {seed}: lost or run twice: {Counter(log) - Counter(graph.needs.keys())}")
    if set(outcomes_of(folder).items()) != {(number, "passed") for number in graph.needs}:
        raise Broken(f"seed {seed}: not all are reported as passed")
    check_order(graph, log)


def kills(folder: Path, seed: int, tests: int) -> str:
    chance = random.Random(seed)
    graph = Graph(chance, tests)
    graph.write(folder, seconds=(0.02, 0.01)[seed % 2])
    process = start(folder, "-n2", f"--epic-schedule={('waves', 'eager')[seed % 2]}")
    moment = chance.randint(1, tests // 2)
    while len(log_of(folder)) < moment:
        if process.poll() is not None:
            raise Broken(f"run {seed} ended before it was to be disturbed")
        time.sleep(0.001)
    victim = chance.choice(psutil.Process(process.pid).children())
    victim.send_signal(signal.SIGKILL)
    process.wait(600)
    log, outcomes = log_of(folder), outcomes_of(folder)
    crashed = [number for number, outcome in outcomes.items() if outcome == "crashed"]
    if len(crashed) > 1:
        raise Broken(f"run {seed}: crashed at once: {crashed}")
    if again := [number for number, count in Counter(log).items() if count > 1]:
        raise Broken(f"run {seed}: ran twice: {again}")
    behind = graph.behind(crashed)
    expected = {number: "skipped" if number in behind else "passed" for number in graph.needs}
    expected |= dict.fromkeys(crashed, "crashed")
    if outcomes != expected:
        wrong = {number: (outcomes.get(number), wanted) for number, wanted in expected.items()}
        raise Broken(f"run {seed}: {[item for item in wrong.items() if item[1][0] != item[1][1]]}")
    if lost := set(graph.needs) - behind - set(log):
        raise Broken(f"run {seed}: passed, and never ran: {lost}")
    check_order(graph, [number for number in log if number not in crashed])
    return f"after {len(log)} of {tests}: {len(crashed)} failed, {len(behind) - len(crashed)} skipped"


def took(folder: Path, *options: str) -> float:
    began = time.perf_counter()
    if status := start(folder, *options).wait(600):
        raise Broken(f"{options} ended with {status}")
    return time.perf_counter() - began


def compared(folder: Path, tests: int, pairs: int, workers: int, seconds: float | None, schedule: str) -> str:
    graph = Graph(random.Random(7), tests)
    marked, unmarked = folder / "marked", folder / "unmarked"
    for place in (marked, unmarked):
        place.mkdir(exist_ok=True)
        graph.write(place, marked=place is marked, seconds=seconds)
    ours, theirs = [], []
    for _ in range(pairs):
        theirs.append(took(unmarked, f"-n{workers}", "--dist=load"))
        ours.append(took(marked, f"-n{workers}", f"--epic-schedule={schedule}"))
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4) if pairs > 2 else (min(ratios), 0, max(ratios))
    return (
        f"-n {workers}, {seconds or 'uneven'} s each, {schedule}: {statistics.median(ratios):.2f} "
        f"({low:.2f} to {high:.2f}) of {statistics.median(theirs):.2f} s"
    )


def matrix() -> None:
    """Run the scenarios that are written for one process."""
    tests = Path(__file__).resolve().parent.parent
    scenarios = tests / "end_to_end/test_pytest_dependency_suite.py"
    paths = [str(tests), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "EPIC_TESTS_RUN_IN": "workers", "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-k", "workers", str(scenarios)]
    if subprocess.run(command, cwd=tests.parent, env=environment, check=False).returncode:
        raise Broken("scenarios do not come out as in one process")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=("orders", "kills", "time", "matrix"), default="orders")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--smallest", action="store_true", help="a little of each, to see that it holds")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="across-")).resolve()
    tests = 40 if given.smallest else TESTS
    try:
        if given.what == "orders" or given.smallest:
            for seed in range(2 if given.smallest else given.seeds):
                orders(folder, seed, tests)
            print(f"orders: held, {2 if given.smallest else given.seeds} graphs of {tests} tests")
        if given.what == "kills" or given.smallest:
            for seed in range(2 if given.smallest else given.runs):
                print(f"kills: held, {kills(folder, seed, tests)}", flush=True)
        if given.what == "time" or given.smallest:
            for workers, seconds, schedule in [(2, 0.05, "waves"), (2, 0.05, "eager"), (2, None, "eager")]:
                print(
                    compared(folder, tests, 1 if given.smallest else given.pairs, workers, seconds, schedule),
                    flush=True,
                )
        if given.what == "matrix" and not given.smallest:
            matrix()
            print("matrix: held")
    except Broken as broken:
        print(f"BROKEN: {broken}\nthe project: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
