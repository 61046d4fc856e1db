"""Hundreds of stories on Dask clusters of this machine: all of them once, what is lost in the midst, and what it costs.

    python tests/suites/dask_stories.py              # 500 stories; some minutes
    python tests/suites/dask_stories.py --smallest   # what CI runs
    python tests/suites/dask_stories.py --only costs --stories 2000

- *all*: on a cluster that the run starts for itself, and on one that was started by hand, every story runs once.
- *worker*: a worker is killed in the midst. Only what it had begun fails, no story begins twice, and nothing of the
  stories is alive a moment later.
- *scheduler*: it is killed in the midst. The run ends, and with ``--epic-resume`` the rest runs: what the journal calls
  passed does not run again.
- *cancel*: how long it takes from the failure of a critical story to the end of a process of another, on its worker.
- *costs*: CPU of each process for each story that does nothing, and the wall time of the run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from dask_by_hand import DaskByHand
from running import ended, until

AT_ONCE = 4
WORKERS = 2

TASKS = """
import os

def note(folder, story):
    handle = os.open(os.path.join(folder, "log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{story}\\n".encode())
    os.close(handle)

def nothing():
    pass
"""


class Broken(Exception):
    """A promise was not kept."""


def write_project(folder: Path, stories: Sequence[dict[str, object]], functions: Sequence[str] = ()) -> None:
    (folder / "tasks.py").write_text("\n".join([TASKS, *functions]))
    # JSON is YAML.
    epic = {"epic": {"conflict_detection": "off", "circuit_breaker": 0}, "stories": stories}
    (folder / "epic_many.yaml").write_text(json.dumps(epic))
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")


def write_many(folder: Path, count: int, chance: random.Random, pause: float = 0.0) -> None:
    """Stories that note that they have begun; half of them commands with a child, half functions."""
    stories: list[dict[str, object]] = []
    functions = []
    for number in range(count):
        story: dict[str, object] = {"id": f"s{number}"}
        if number:
            story["dependencies"] = [f"s{before}" for before in {chance.randrange(number)} if chance.random() < 0.3]
        if number % 2:
            functions.append(f"def s{number}():\n    note({str(folder)!r}, 's{number}')\n")
            story["call"] = f"tasks:s{number}"
        else:
            story["run"] = f"echo s{number} >> log; sleep {pause} & wait"
        stories.append(story)
    write_project(folder, stories, functions)


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "--epic-executor=dask", *options]


def run(folder: Path, *options: str) -> tuple[int, str, float]:
    """Exit status, output, and the CPU seconds of the run's own process."""
    process = subprocess.Popen(
        command(*options), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, output, usage.ru_utime + usage.ru_stime


def ran(folder: Path) -> Counter[str]:
    log = folder / "log"
    return Counter(log.read_text().split() if log.exists() else ())


def passed(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / ".pytest_cache/d/epics/journal.db")) as journal:
        latest = "SELECT node, max(place) FROM attempt WHERE number > 0 GROUP BY node"
        found = journal.execute(f"SELECT node, outcome FROM attempt WHERE (node, place) IN ({latest})")
        return {node.partition("::")[2] for node, outcome in found.fetchall() if outcome == "passed"}


@contextmanager
def by_hand() -> Iterator[tuple[DaskByHand, tuple[str, ...]]]:
    with tempfile.TemporaryDirectory() as folder:
        cluster = DaskByHand(Path(folder))
        try:
            cluster.add_workers(*[(f"--nthreads={AT_ONCE // WORKERS}",)] * WORKERS)
            yield cluster, (f"--epic-dask-scheduler={cluster.address}", f"--epic-parallel={AT_ONCE}")
        finally:
            cluster.close()


@contextmanager
def project() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder).resolve()


def check_each_once(folder: Path, count: int, status: int, output: str) -> None:
    if status:
        raise Broken(f"exit status {status}\n{output[-2000:]}")
    counts = ran(folder)
    if len(counts) != count or set(counts.values()) != {1}:
        raise Broken(f"{len(counts)} stories ran; more than once: {[s for s, n in counts.items() if n > 1]}")


def all_once(count: int, chance: random.Random) -> None:
    with project() as folder:
        write_many(folder, count, chance)
        began = time.monotonic()
        status, output, _ = run(folder, f"--epic-parallel={AT_ONCE}")
        check_each_once(folder, count, status, output)
        print(f"all: {count} stories once on a cluster of the run's own, in {time.monotonic() - began:.1f} s")
    with by_hand() as (_, options), project() as folder:
        write_many(folder, count, chance)
        began = time.monotonic()
        status, output, _ = run(folder, *options)
        check_each_once(folder, count, status, output)
        print(f"all: {count} stories once on a cluster started by hand, in {time.monotonic() - began:.1f} s")


def carried(folder: Path) -> list[psutil.Process]:
    """The processes of stories of this project."""
    return [
        process
        for process in psutil.process_iter(["cwd", "environ"])
        if process.info["cwd"] == str(folder) and "STORY_ID" in (process.info["environ"] or ())
    ]


def lost_worker(count: int, chance: random.Random) -> None:
    with by_hand() as (_, options), project() as folder:
        write_many(folder, count, chance, pause=0.3)
        process = subprocess.Popen(
            command(*options), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert until(lambda: len(ran(folder)) > count // 4)
        assert until(lambda: bool(carried(folder)))
        story = carried(folder)[0]
        worker = next(one for one in story.parents() if "spawn_main" in str(one.cmdline()))
        children = [one for one in worker.children(recursive=True) if "guardian.py" not in str(one.cmdline())]
        worker.kill()
        if not until(lambda: all(ended(child.pid) for child in children)):
            raise Broken("a process of a story outlived its worker")
        output, _ = process.communicate()
        counts, fine = ran(folder), passed(folder)
        if twice := [story for story, number in counts.items() if number > 1]:
            raise Broken(f"begun twice: {twice}")
        lost = output.count("- worker lost: ")
        if not 1 <= lost <= AT_ONCE or process.returncode != 1:
            raise Broken(f"{lost} stories lost, exit status {process.returncode}\n{output[-2000:]}")
        print(f"worker: killed with {len(children)} processes of stories; {lost} stories lost, {len(fine)} passed")


def lost_scheduler(count: int, chance: random.Random) -> None:
    with project() as folder:
        write_many(folder, count, chance)
        with by_hand() as (cluster, options):
            process = subprocess.Popen(
                command(*options), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            assert until(lambda: len(ran(folder)) > count // 3)
            cluster.scheduler.kill()
            began = time.monotonic()
            output, _ = process.communicate()
            took = time.monotonic() - began
        if process.returncode != 2 or "is gone" not in output:
            raise Broken(f"exit status {process.returncode}\n{output[-2000:]}")
        done = passed(folder)
        before = ran(folder)
        if not until(lambda: not carried(folder)):
            raise Broken("a process of a story is alive")
        status, output, _ = run(folder, f"--epic-parallel={AT_ONCE}", "--epic-resume")
        again = {story for story, number in ran(folder).items() if number > before[story]}
        if status or again & done or len(passed(folder)) != count:
            raise Broken(f"exit status {status}; ran again: {sorted(again & done)}\n{output[-2000:]}")
        print(f"scheduler: killed after {len(before)} stories; the run ended {took:.1f} s later, {len(done)} passed")


def cancelled(count: int, chance: random.Random) -> None:
    hanging = "trap 'date +%s.%N > ended; exit 1' TERM; echo $$ > pid; sleep 300 & wait"
    failing = "until test -s pid; do sleep 0.05; done; date +%s.%N > failed; exit 1"
    delays = []
    with by_hand() as (_, options):
        for _ in range(max(3, count // 50)):
            with project() as folder:
                write_project(folder, [{"id": "a", "run": hanging}, {"id": "b", "run": failing, "critical": True}])
                run(folder, *options)
                delays.append(float((folder / "ended").read_text()) - float((folder / "failed").read_text()))
    if max(delays) > 1:
        raise Broken(f"a cancelled story went on for {max(delays):.2f} s")
    delays.sort()
    print(f"cancel: {len(delays)} times, {delays[len(delays) // 2]:.3f} s in the median, {delays[-1]:.3f} s at most")


def costs(count: int, chance: random.Random) -> None:
    with by_hand() as (cluster, options):
        nodes = {
            "scheduler": [psutil.Process(cluster.scheduler.pid)],
            "workers": [
                one
                for process in psutil.process_iter(["cmdline"])
                if cluster.address in (process.info["cmdline"] or ())
                for one in process.children()
                if "spawn_main" in str(one.cmdline())
            ],
        }
        warm: dict[str, float] = {}
        for size in (10, count):
            with project() as folder:
                write_project(folder, [{"id": f"s{number}", "call": "tasks:nothing"} for number in range(size)])
                before = {name: sum(map(cpu, processes)) for name, processes in nodes.items()}
                began = time.monotonic()
                status, output, own = run(folder, *options)
                took = time.monotonic() - began
                if status:
                    raise Broken(f"exit status {status}\n{output[-2000:]}")
                used = {name: sum(map(cpu, processes)) - before[name] for name, processes in nodes.items()}
                used |= {"pytest": own, "wall": took}
                if size == 10:
                    warm = used
        each = {name: (used[name] - warm[name]) / (count - 10) * 1000 for name in used}
        told = ", ".join(f"{name} {value:.2f} ms" for name, value in each.items())
        print(
            f"costs: {count} functions that do nothing, {AT_ONCE} at once, each: {told} (load {os.getloadavg()[0]:.1f})"
        )


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


PARTS: dict[str, Callable[[int, random.Random], None]] = {
    "all": all_once,
    "worker": lost_worker,
    "scheduler": lost_scheduler,
    "cancel": cancelled,
    "costs": costs,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=500)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--smallest", action="store_true", help="40 stories")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    os.environ["PYTEST_ADDOPTS"] = ""
    for name in given.only or PARTS:
        PARTS[name](40 if given.smallest else given.stories, chance)
    return 0


if __name__ == "__main__":
    sys.exit(main())
