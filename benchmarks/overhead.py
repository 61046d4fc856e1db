"""What a story costs beside a plain test: CPU of whole pytest processes, in interleaved pairs. See README.md."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

SEED = 8
STORY_LINES = 10
TARGET = 1.15
PARALLEL = ("--epic-parallel=8",)
VARIANTS: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "async call, one by one": ("async", (), False),
    "async call, 8 at once": ("async", PARALLEL, False),
    "async call, 8 at once, new epic": ("async", PARALLEL, True),
    "sync call, one by one": ("sync", (), False),
    "sync call, 8 at once": ("sync", PARALLEL, False),
}
"""By name: the kind of no-op that stories call, options, and whether the epic is changed before each run, so that it is
read from YAML and not from what the run before has kept of it."""
OURS = ("-p", "asyncio", "-p", "epics")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process."""

    cpu: float
    """Seconds, user and system."""
    wall: float


@dataclass(frozen=True, slots=True)
class Pair:
    """One run of plain tests, and right after it one of as many stories."""

    plain: Cost
    ours: Cost

    @property
    def ratio(self) -> float:
        return self.ours.cpu / self.plain.cpu


def epic_text(size: int, call: str, dependency_share: float = 1 / 3) -> str:
    """Small stories, some of which depend on one earlier one."""
    chance = random.Random(SEED)
    lines = ["epic: {id: bench, title: Benchmark}", "stories:"]
    for number in range(size):
        lines += [f'  - id: "s{number}"', f"    title: Step {number} of the benchmark", f"    call: {call}"]
        if number and chance.random() < dependency_share:
            lines.append(f'    dependencies: ["s{chance.randrange(number)}"]')
    return "\n".join(lines) + "\n"


def long_epic_text(size: int) -> str:
    """Stories of ten lines each."""
    chance = random.Random(SEED)
    lines = ["epic: {id: bench}", "stories:"]
    for number in range(size):
        lines += [
            f'  - id: "1.{number}"',
            f"    title: Story number {number}",
            "    description: what is to be done, in one sentence of some length",
            f'    dependencies: ["1.{chance.randrange(number)}"]' if number else "    dependencies: []",
            f'    files_affected: ["src/module_{number}/**", "docs/{number}.md"]',
            "    run: [python, -m, build, package]",
            "    acceptance_criteria:",
            "      - It is built",
            f"    timeout: {60 + number % 7}",
            "    tags: [build]",
        ]
        assert (len(lines) - 2) % STORY_LINES == 0
    return "\n".join(lines) + "\n"


def write_project(folder: Path, size: int) -> None:
    """Plain tests and epics of ``size`` no-ops, each in a folder of its own that is a rootdir."""
    tests = "\n\n".join(f"def test_{number}():\n    pass" for number in range(size))
    contents = {"plain/test_plain.py": tests + "\n"}
    for kind, keyword in (("async", "async def"), ("sync", "def")):
        contents[f"{kind}/noop.py"] = f"{keyword} noop():\n    pass\n"
        contents[f"{kind}/epic_bench.yaml"] = epic_text(size, "noop:noop")
    for path, text in contents.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        (target.parent / "pytest.ini").write_text("[pytest]\n")
        target.write_text(text)


def run(folder: Path, size: int, *options: str) -> Cost:
    """Run pytest in ``folder``, and see that ``size`` items passed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
    # With it the side of the plain tests would compile its file in every run.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", *options], cwd=folder, env=environment, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if child.returncode or not re.search(rf"^{size} passed", text, re.MULTILINE):
        raise SystemExit(f"not all of {size} passed in {folder.name} {' '.join(options)}:\n{text[-3000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall)


def measure(folder: Path, size: int, pairs: int) -> dict[str, list[Pair]]:
    """Interleaved pairs of each variant. A first run of each side, which writes bytecode, is not counted."""
    write_project(folder, size)
    run(folder / "plain", size)
    for kind in ("async", "sync"):
        run(folder / kind, size, *OURS)
    found: dict[str, list[Pair]] = {name: [] for name in VARIANTS}
    for _ in range(pairs):
        for name, (kind, options, new) in VARIANTS.items():
            plain = run(folder / "plain", size)
            if new:
                with (folder / kind / "epic_bench.yaml").open("a") as epic:
                    epic.write("# changed\n")
            found[name].append(Pair(plain, run(folder / kind, size, *OURS, *options)))
    return found


def told(size: int, found: dict[str, list[Pair]]) -> Iterator[str]:
    for name, pairs in found.items():
        ratios = [pair.ratio for pair in pairs]
        verdict = "met" if statistics.median(ratios) <= TARGET else "MISSED"
        yield f"{size:,} stories, {name}"
        yield f"  CPU / plain pytest's: {', '.join(f'{ratio:.2f}' for ratio in ratios)}"
        yield (
            f"  median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f};"
            f" target {TARGET}: {verdict}"
        )
        for side, costs in (("ours", [pair.ours for pair in pairs]), ("plain", [pair.plain for pair in pairs])):
            cpu, wall = (statistics.median(getattr(cost, what) for cost in costs) for what in ("cpu", "wall"))
            yield f"  {side:<5} CPU {cpu:.2f} s, wall {wall:.2f} s ({cpu / size * 1e6:.0f} us an item)"


def growth(found: dict[int, dict[str, list[Pair]]]) -> Iterator[str]:
    """Between the smallest and the largest size: the exponent, and what one more item costs, start-up left out."""
    small, large = min(found), max(found)
    if small == large:
        return

    def plain(size: int) -> list[Cost]:
        return [pair.plain for pairs in found[size].values() for pair in pairs]

    def ours(name: str, size: int) -> list[Cost]:
        return [pair.ours for pair in found[size][name]]

    sides = [("plain", plain(small), plain(large))]
    sides += [(name, ours(name, small), ours(name, large)) for name in VARIANTS]
    base = 0.0
    for name, few, many in sides:
        low, high = (statistics.median(cost.cpu for cost in costs) for costs in (few, many))
        each = (high - low) / (large - small)
        base = base or each
        exponent = math.log(high / low) / math.log(large / small)
        yield (
            f"growth, {name}: {low:.2f} s -> {high:.2f} s, exponent {exponent:.2f};"
            f" one more item {each * 1e6:.0f} us ({each / base:.2f} x plain)"
        )


def best(work: Callable[[], object], times: int = 5) -> float:
    """CPU seconds in this process, the least of several."""
    durations = []
    for _ in range(times):
        start = time.process_time()
        work()
        durations.append(time.process_time() - start)
    return min(durations)


def in_process(size: int = 10_000, edges: int = 15_000, files: int = 3) -> dict[str, float]:
    """Planning and loading, without pytest."""
    from pytest_tapps_waves.core.conflicts import find_conflicts
    from pytest_tapps_waves.core.graph import Graph
    from pytest_tapps_waves.core.model import EpicRules, Story
    from pytest_tapps_waves.epics.loader import load

    chance = random.Random(SEED)
    wanted: list[set[str]] = [set() for _ in range(size)]
    for _ in range(edges):
        later = chance.randrange(1, size)
        wanted[later].add(f"e.yaml::{chance.randrange(later)}")
    stories = [
        Story(
            f"e.yaml::{number}",
            str(number),
            "e.yaml",
            number + 1,
            tuple(sorted(dependencies)),
            tuple(f"src/{chance.randrange(4 * size)}.py" for _ in range(files)),
        )
        for number, dependencies in enumerate(wanted)
    ]
    graph = Graph(stories)
    rules = {"e.yaml": EpicRules()}
    data = long_epic_text(size).encode()
    return {
        "graph and waves": best(lambda: Graph(stories)),
        "conflicts": best(lambda: find_conflicts(graph, graph.waves, rules)),
        f"YAML and its checks, {len(data) / 2**20:.1f} MiB": best(lambda: load(data, "epic_bench.yaml"), 3),
    }


def machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (match := re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())):
        model = match[1]
    packages = ", ".join(f"{name} {version(name)}" for name in ("pytest", "pytest-asyncio", "pydantic", "PyYAML"))
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {packages}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000], metavar="N")
    parser.add_argument("--pairs", type=int, default=5, help="of each variant (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single cost")
    parser.add_argument("--smallest", action="store_true", help="200 stories, one pair: only see that all of it runs")
    arguments = parser.parse_args()
    if not hasattr(os, "wait4"):
        print("this system cannot tell what a child process used (there is no os.wait4): nothing was measured")
        return
    sizes, pairs = ([200], 1) if arguments.smallest else (arguments.sizes, arguments.pairs)
    print(machine())
    planning = in_process(200, 300) if arguments.smallest else in_process()
    for name, seconds in planning.items():
        print(f"{'200' if arguments.smallest else '10,000'} stories in process, {name}: {seconds:.3f} s")
    found: dict[int, dict[str, list[Pair]]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            found[size] = measure(Path(folder), size, pairs)
        print(*told(size, found[size]), sep="\n", flush=True)
    print(*growth(found), sep="\n")
    if arguments.json:
        costs = {
            size: {name: [asdict(pair) for pair in done] for name, done in each.items()} for size, each in found.items()
        }
        arguments.json.write_text(json.dumps({"machine": machine(), "in process": planning, "pairs": costs}, indent=1))


if __name__ == "__main__":
    main()
