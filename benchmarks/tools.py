"""The same commands, with the same dependencies, for this plugin and for the tools that run commands."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .measuring import OURS, Cost, execute, pytest
from .peers import environment, pinned, tool, tool_label
from .projects import write


@dataclass(frozen=True, slots=True)
class Work:
    """Commands 0, 1, 2, …, each with the numbers of those that have to end before."""

    commands: Sequence[Sequence[str]]
    dependencies: Sequence[Sequence[int]]

    @property
    def size(self) -> int:
        return len(self.commands)


@dataclass(frozen=True, slots=True)
class Contestant:
    """A tool with its work before it."""

    label: str
    """With its version."""
    run: Callable[[], Cost]
    """Do all of it, from the start."""


def stories(folder: Path, work: Work, limit: int, *options: str) -> Contestant:
    """This plugin, with ``run`` stories. It keeps its journal from run to run."""
    actions = [f"run: {_flow(command)}" for command in work.commands]
    write(folder, {"epic_work.yaml": epic_of(actions, work.dependencies, limit)})
    given = (*OURS, f"--epic-parallel={limit}", *options)
    return Contestant("ours", lambda: pytest(folder, work.size, *given))


def epic_of(actions: Sequence[str], dependencies: Sequence[Sequence[int]], limit: int) -> str:
    """An epic file; an action is a line like ``call: module:function``."""
    lines = [f"epic: {{id: work, max_parallel_stories: {limit}}}", "stories:"]
    for number, (action, wanted) in enumerate(zip(actions, dependencies, strict=True)):
        lines += [f'  - id: "{number}"', f"    {action}"]
        if wanted:
            lines.append(f"    dependencies: {_flow(map(str, wanted))}")
    return "\n".join(lines) + "\n"


def make(folder: Path, work: Work, limit: int, smallest: bool) -> Contestant:
    path = tool("make")
    lines = [".PHONY: all " + _names(range(work.size)), "all: " + _names(range(work.size))]
    for number, (command, wanted) in enumerate(zip(work.commands, work.dependencies, strict=True)):
        lines += [f"t{number}: {_names(wanted)}", f"\t@{shlex.join(command)}"]
    write(folder, {"Makefile": "\n".join(lines) + "\n"})
    return Contestant(tool_label(path), lambda: execute([path, f"-j{limit}", "all"], folder))


def ninja(folder: Path, work: Work, limit: int, smallest: bool) -> Contestant:
    path = tool("ninja")
    lines = ["rule step", "  command = $words"]
    for number, (command, wanted) in enumerate(zip(work.commands, work.dependencies, strict=True)):
        lines += [f"build t{number}: step {_names(wanted)}", f"  words = {shlex.join(command)}"]
    write(folder, {"build.ninja": "\n".join(lines) + "\n"})

    def run() -> Cost:
        (folder / ".ninja_log").unlink(missing_ok=True)
        return execute([path, f"-j{limit}"], folder)

    return Contestant(tool_label(path), run)


DODO = """\
COMMANDS = {commands}
DEPENDENCIES = {dependencies}


def task_t():
    for number, (command, wanted) in enumerate(zip(COMMANDS, DEPENDENCIES)):
        yield {{"name": str(number), "actions": [command], "task_dep": [f"t:{{other}}" for other in wanted]}}
"""


def doit(folder: Path, work: Work, limit: int, smallest: bool) -> Contestant:
    programs = environment("tools", smallest)
    text = DODO.format(commands=[list(command) for command in work.commands], dependencies=list(work.dependencies))
    write(folder, {"dodo.py": text})

    def run() -> Cost:
        for file in folder.glob(".doit.db*"):
            file.unlink()
        return execute([programs / "doit", f"-n{limit}", "-Pthread"], folder)

    return Contestant(f"{pinned('doit')}, threads", run)


SNAKEFILE = """\
COMMANDS = {commands}
DEPENDENCIES = {dependencies}

rule all:
    input: [f"out/{{number}}" for number in range(len(COMMANDS))]

rule step:
    input: lambda wildcards: [f"out/{{other}}" for other in DEPENDENCIES[int(wildcards.number)]]
    output: touch("out/{{number}}")
    params: words=lambda wildcards: COMMANDS[int(wildcards.number)]
    shell: "{{params.words}}"
"""


def snakemake(folder: Path, work: Work, limit: int, smallest: bool) -> Contestant:
    programs = environment("tools", smallest)
    commands = [shlex.join(command) for command in work.commands]
    write(folder, {"Snakefile": SNAKEFILE.format(commands=commands, dependencies=list(work.dependencies))})

    def run() -> Cost:
        for name in ("out", ".snakemake"):
            shutil.rmtree(folder / name, ignore_errors=True)
        return execute([programs / "snakemake", f"-c{limit}", "-q", "all"], folder)

    return Contestant(pinned("snakemake"), run)


def _names(numbers: Sequence[int]) -> str:
    return " ".join(f"t{number}" for number in numbers)


def _flow(words: Sequence[str] | map[str]) -> str:
    """A YAML list of quoted words."""
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"
