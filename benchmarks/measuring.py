"""Whole processes, measured; and what this machine is."""

from __future__ import annotations

import ast
import datetime
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

OURS = ("-p", "asyncio", "-p", "epics")
PARALLEL = ("--epic-parallel=8",)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    pairs: int = 5
    graphs: int = 10
    """Random graphs that are run for real, and seeds of those whose optimum is asked for."""
    smallest: bool = False
    """Only see that all of it runs; nothing that has to be installed first."""

    def size(self, usual: int, smallest: int) -> int:
        return smallest if self.smallest else usual

    def rounds(self) -> Iterator[bool]:
        """For each round whether it counts: the first, in which bytecode is written, does not."""
        if not self.smallest:
            yield False
        for _ in range(self.pairs):
            yield True


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process, with the children that it waited for."""

    cpu: float
    """Seconds, user and system."""
    wall: float
    """Seconds."""
    memory: float
    """KiB, the most that was resident at once."""


def execute(
    command: Sequence[str | Path],
    folder: Path,
    *,
    variables: Mapping[str, str] | None = None,
    promise: str = "",
) -> Cost:
    """Run a command.

    :param promise: a regular expression that its output has to match.
    :raises SystemExit: if it fails, or does not say what it has to.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
    # With it whoever runs Python files would compile them in every run.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= variables or {}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        child = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if child.returncode or not re.search(promise, text, re.MULTILINE):
        words = " ".join(map(str, command))
        raise SystemExit(f"exit status {child.returncode}, or no {promise!r}: {words} in {folder}\n{text[-3000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss)


def pytest(folder: Path, size: int, *options: str, python: str | Path = sys.executable) -> Cost:
    """Run pytest in ``folder`` with no plugins but those of ``options``; ``size`` items have to pass."""
    return _pytest(folder, python, options, rf"^{size} passed")


def collect(folder: Path, size: int, *options: str) -> Cost:
    """Let pytest collect only; it has to find ``size`` items."""
    return _pytest(folder, sys.executable, ("--collect-only", *options), rf"^{size} tests collected")


def _pytest(folder: Path, python: str | Path, options: Sequence[str], promise: str) -> Cost:
    """For each ``-p`` pytest would read what all packages say that are installed; a plain run reads nothing."""
    modules, rest = [], []
    given = iter(options)
    for option in given:
        if option == "-p":
            modules.append(_module_of(next(given), python))
        else:
            rest.append(option)
    variables = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    if modules:
        variables["PYTEST_PLUGINS"] = ",".join(modules)
    return execute([python, "-m", "pytest", "-q", *rest], folder, variables=variables, promise=promise)


def _module_of(plugin: str, python: str | Path) -> str:
    """The module of a plugin, which is its own name if it is not installed as one."""
    return _installed_plugins(str(python)).get(plugin, plugin)


@cache
def _installed_plugins(python: str) -> Mapping[str, str]:
    ask = "import importlib.metadata as m; print({e.name: e.value for e in m.entry_points(group='pytest11')})"
    found = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout
    plugins: Mapping[str, str] = ast.literal_eval(found)
    return plugins


def pairs(scale: Scale, beside: Callable[[], Cost], ours: Callable[[], Cost]) -> list[tuple[Cost, Cost]]:
    """What both cost, one right after the other, in each round that counts."""
    found = [(counts, beside(), ours()) for counts in scale.rounds()]
    return [(theirs, own) for counts, theirs, own in found if counts]


def cpu_ratios(scale: Scale, beside: Callable[[], Cost], ours: Callable[[], Cost]) -> tuple[float, ...]:
    """The CPU time of ``ours`` over that of ``beside``, in pairs."""
    return tuple(own.cpu / theirs.cpu for theirs, own in pairs(scale, beside, ours))


def best(work: Callable[[], object], times: int = 5) -> float:
    """CPU seconds in this process, the least of several."""
    durations = []
    for _ in range(times):
        start = time.process_time()
        work()
        durations.append(time.process_time() - start)
    return min(durations)


def machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (match := re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())):
        model = match[1]
    packages = ", ".join(f"{name} {version(name)}" for name in ("pytest", "pytest-asyncio", "pydantic", "PyYAML"))
    load = os.getloadavg()[0]
    return (
        f"{model}, {os.cpu_count()} cores (load {load:.1f} before), {platform.system()},"
        f" Python {platform.python_version()}, {packages}"
    )


def today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()
