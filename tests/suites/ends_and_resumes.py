"""End runs of an epic at random moments, resume them until all is done, and look for what was lost or done twice.

    python tests/suites/ends_and_resumes.py --how kill --ends 200   # also int, term and full; some minutes each
    python tests/suites/ends_and_resumes.py --smallest              # what CI runs: a few of each

An epic of 60 stories, each of which appends its id to a file. Of every run that was ended these must hold:

- the journal is whole (``PRAGMA integrity_check``);
- no story that the journal calls passed runs again;
- once a run comes to its end, every story has run and has passed, so none was lost;
- no process of a story is alive a moment later.

``full`` fills the disk that holds the journal, rather than ending the run: a tmpfs where this may be mounted (root on
Linux), else a limit on the size of files, set from outside while the run goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

STORIES = 60
AT_ONCE = 4
SIGNALS = {"kill": signal.SIGKILL, "int": signal.SIGINT, "term": signal.SIGTERM}
HOWS = (*SIGNALS, "full")
ALIVE_SECONDS = 10.0
"""How long processes of stories may take to be gone."""

TASKS = """
import asyncio, os

def note(story):
    handle = os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{story}\\n".encode())
    os.close(handle)
"""


class Broken(Exception):
    """A promise was not kept."""


class Moment(NamedTuple):
    """When a run is ended: not by the clock alone, since machines differ."""

    stories: int
    """So many must have run in it."""
    seconds: float
    """After that."""


NEVER = Moment(sys.maxsize, 0.0)


class Tried:
    """What has been seen so far."""

    def __init__(self) -> None:
        self.ends = 0
        self.runs = 0
        self.done_before = Counter[int]()
        """How often an end found how many tenths of the stories done."""

    def __str__(self) -> str:
        spread = ", ".join(f"{tenth * 10}%: {count}" for tenth, count in sorted(self.done_before.items()))
        return f"{self.ends} ends in {self.runs} runs; stories done when the run was ended: {spread}"


def write_project(folder: Path, chance: random.Random) -> None:
    """Sixty stories that depend on some before them; a third functions, the others commands, some with children."""
    lines = [TASKS]
    stories = []
    for number in range(STORIES):
        story: dict[str, object] = {"id": f"s{number}"}
        if number:
            count = min(number, chance.choice((0, 1, 1, 2)))
            story["dependencies"] = [f"s{before}" for before in chance.sample(range(number), count)]
        pause = f"{chance.uniform(0, 0.04):.3f}"
        kind = number % 6
        if kind == 0:
            lines.append(f"def s{number}(): note('s{number}')\n")
            story["call"] = f"tasks:s{number}"
        elif kind == 1:
            lines.append(f"async def s{number}():\n    await asyncio.sleep({pause})\n    note('s{number}')\n")
            story["call"] = f"tasks:s{number}"
        elif kind == 2:
            story["run"] = f"(sleep {pause}; echo s{number} >> log) & wait; sleep {pause}"
        else:
            story["run"] = f"sleep {pause}; echo s{number} >> log"
        stories.append(story)
    (folder / "tasks.py").write_text("\n".join(lines))
    # JSON is YAML.
    epic = {"epic": {"conflict_detection": "off"}, "stories": stories}
    (folder / "epic_sixty.yaml").write_text(json.dumps(epic))
    (folder / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\ncache_dir = disk/cache\n"
    )
    (folder / "disk").mkdir(exist_ok=True)


ATTEMPT_VALUES = 10
"""Of a line about an attempt, not a process."""


def ran(folder: Path) -> Counter[str]:
    log = folder / "log"
    return Counter(log.read_text().split() if log.exists() else ())


def passed(folder: Path) -> set[str]:
    """The stories that the journal calls passed, after a look at the whole of it."""
    path = folder / "disk/cache/d/epics/journal.db"
    if not path.exists():
        return set()
    reader = sqlite3.connect(path)
    try:
        verdict = reader.execute("PRAGMA integrity_check").fetchall()
        if verdict != [("ok",)]:
            raise Broken(f"the journal is damaged: {verdict}")
        if not reader.execute("SELECT 1 FROM sqlite_master WHERE name = 'attempt'").fetchone():
            return set()
        latest = "SELECT node, max(place) FROM attempt WHERE number > 0 GROUP BY node"
        found = reader.execute(f"SELECT node, outcome FROM attempt WHERE (node, place) IN ({latest})")
        outcomes = dict(found.fetchall())
    finally:
        reader.close()
    # What the run that was ended had written down since its last commit.
    for tail in path.parent.glob("*.tail"):
        for line in tail.read_bytes().split(b"\n")[:-1]:
            if len(values := json.loads(line)) == ATTEMPT_VALUES:
                outcomes[values[1]] = values[5]
    return {node.partition("::")[2] for node, outcome in outcomes.items() if outcome == "passed"}


def left_alive(folder: Path) -> list[int]:
    """The processes that work in the project's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(folder):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def check_gone(folder: Path) -> None:
    deadline = time.monotonic() + ALIVE_SECONDS
    while left := left_alive(folder):
        if time.monotonic() > deadline:
            raise Broken(f"still alive: {[psutil.Process(pid).cmdline() for pid in left]}")
        time.sleep(0.02)


def start(folder: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "--epic-resume", *options],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTEST_ADDOPTS": "-p no:randomly"},
        )


@contextmanager
def full_disk(folder: Path, pid: int) -> Iterator[None]:
    """While this holds, nothing more fits on the disk that holds the journal."""
    import resource

    disk = folder / "disk"
    if os.path.ismount(disk):
        filler = disk / "filler"
        try:
            with filler.open("wb", buffering=0) as file:
                while True:
                    file.write(b"\0" * 4096)
        except OSError:
            pass
        try:
            yield
        finally:
            filler.unlink()
        return
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (8192, limits[1]))
    yield


def mount(disk: Path) -> bool:
    """Make it a small disk of its own, if that is allowed here."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def reached(folder: Path, process: subprocess.Popen[bytes], moment: Moment) -> bool:
    """Wait for a moment of the run; whether it came before the run's own end."""
    begun = sum(ran(folder).values())
    while process.poll() is None:
        if sum(ran(folder).values()) - begun >= moment.stories:
            try:
                process.wait(moment.seconds)
            except subprocess.TimeoutExpired:
                return True
        time.sleep(0.002)
    return False


def one_end(folder: Path, how: str, moment: Moment, options: Sequence[str]) -> bool:
    """Start a run and end it at that moment; whether it came to its end by itself before."""
    process = start(folder, options)
    if not reached(folder, process, moment):
        return True
    if how == "full":
        with full_disk(folder, process.pid):
            process.wait(120)
        output = (folder / "output").read_text()
        if "INTERNALERROR" in output or process.returncode not in (0, 1):
            raise Broken(f"a full disk ended the run with {process.returncode}:\n{output}")
        return False
    process.send_signal(SIGNALS[how])
    process.wait(120)
    output = (folder / "output").read_text()
    if how != "kill" and ("INTERNALERROR" in output or process.returncode not in (0, 2, -SIGNALS[how], 130)):
        raise Broken(f"{how} ended the run with {process.returncode}:\n{output}")
    return False


def one_project(folder: Path, how: str, ends: int, chance: random.Random, tried: Tried) -> int:
    """End runs of a new project until it is done or has been ended so often; how often it was."""
    write_project(folder, chance)
    options = ["--epic-parallel", str(AT_ONCE)] if chance.random() < 0.8 else []
    count = 0
    while True:
        before, had_run = passed(folder), ran(folder)
        # A kill may come before there is anything; to the others pytest must have got round to listening.
        moment = Moment(chance.randint(0 if how == "kill" else 1, 12), chance.uniform(0, 0.1))
        ended = one_end(folder, how, NEVER if count == ends else moment, options)
        tried.runs += 1
        check_gone(folder)
        now = passed(folder)
        if again := [story for story in before if ran(folder)[story] != had_run[story]]:
            raise Broken(f"had passed, and ran again: {again}")
        if lost := [story for story in now if not ran(folder)[story]]:
            raise Broken(f"passed, and never ran: {lost}")
        if ended:
            if len(now) != STORIES:
                raise Broken(f"the run has ended, and {STORIES - len(now)} stories have not passed")
            return count
        count += 1
        tried.ends += 1
        tried.done_before[len(now) * 10 // STORIES] += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--how", choices=HOWS, default="kill")
    parser.add_argument("--ends", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smallest", action="store_true", help="a few ends of each kind, to see that they hold")
    given = parser.parse_args()
    # A job in the background ignores Ctrl-C, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    plan = dict.fromkeys(HOWS, 4) if given.smallest else {given.how: given.ends}
    for how, ends in plan.items():
        chance, tried = random.Random(given.seed), Tried()
        while tried.ends < ends:
            folder = Path(tempfile.mkdtemp(prefix="ends-")).resolve()
            mounted = False
            if how == "full":
                (folder / "disk").mkdir(exist_ok=True)
                mounted = mount(folder / "disk")
            try:
                one_project(folder, how, ends - tried.ends, chance, tried)
            except Broken as broken:
                print(f"{how}: BROKEN after {tried}\n{broken}\nthe project: {folder}")
                return 1
            finally:
                if mounted:
                    subprocess.run(["umount", str(folder / "disk")], check=False)
            shutil.rmtree(folder)
        print(f"{how}: held. {tried}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
