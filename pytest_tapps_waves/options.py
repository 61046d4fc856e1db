"""The options on the command line and in the ini file."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from .core.model import DependencyAction, OnConflict
from .core.policies import POLICIES
from .executors import EXECUTORS
from .workspaces import ISOLATIONS

STRATEGIES = ("sequential", "asyncio", "agent-teams")
AUTO = "auto"


def _parallel(text: str) -> int:
    if text == AUTO:
        return usable_cores()
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more, or {AUTO}; not {text!r}")
    return int(text)


def read_count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 for never; not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 for none; not {text!r}")
    return seconds


def read_mebibytes(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"must be a whole number of MiB, 0 for none; not {text!r}")
    return int(text) * 1024 * 1024


def read_switch(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"must be true or false, not {text!r}")
    return words[text.lower()]


def _one_of(*choices: str) -> Callable[[str], str]:
    def choose(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"must be one of {', '.join(choices)}; not {text!r}")
        return text

    return choose


def _address(text: str) -> str:
    if not re.fullmatch(r"[a-z]+://[^\s/]+", text):
        raise argparse.ArgumentTypeError(f"must be an address such as tcp://host:8786, not {text!r}")
    return text


def _file_name(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError(f"must be the name of a file, not {text!r}")
    return text


def _command_words(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be a command line ({str(error).lower()}), not {text!r}") from None
    if not words:
        raise argparse.ArgumentTypeError(f"must be a command line, not {text!r}")
    return words


def usable_cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Option(NamedTuple):
    """An option and the ini option of the same name."""

    flag: str
    read: Callable[[str], Any]
    metavar: str
    help: str

    @property
    def name(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


_ACTIONS = tuple(action.value for action in DependencyAction)
_CONFLICTS = tuple(policy.value for policy in OnConflict)

OPTIONS = (
    Option(
        "--epic-parallel",
        _parallel,
        "N",
        "run at most N stories at once (auto: one for each core). Without it, and without an epic file that says "
        "parallel_strategy: asyncio, stories run one by one, in dependency order",
    ),
    Option(
        "--epic-strategy",
        _one_of(*STRATEGIES),
        "|".join(STRATEGIES),
        "how stories run: one by one, at once (asyncio; --epic-parallel means that), or at once with stories that have "
        "no action of their own done by the epic's agent, each in a git worktree (agent-teams)",
    ),
    Option(
        "--epic-schedule",
        _one_of(*POLICIES),
        "|".join(POLICIES),
        "when stories start that run at once. waves: a wave starts when the one before has ended (default). "
        "eager: a story starts when its own dependencies have passed, longest remaining path first",
    ),
    Option(
        "--epic-conflicts",
        _one_of(*_CONFLICTS),
        "|".join(_CONFLICTS),
        "what becomes of stories of one wave that affect a common file (default: fail)",
    ),
    Option("--epic-breaker", read_count, "N", "stop an epic after N failures in a row; 0 is never (default: 3)"),
    Option("--epic-timeout", _seconds, "S", "seconds for one attempt at a story; 0 is without end (default: 300)"),
    Option(
        "--epic-isolation",
        _one_of(*ISOLATIONS),
        "|".join(ISOLATIONS),
        "where stories work: in your tree (none, the default), or each in a git worktree of its own, whose changes are "
        "put together on a branch (worktree, the default of agent-teams)",
    ),
    Option(
        "--epic-agent",
        _command_words,
        "COMMAND",
        "the command line of the agent that carries out stories, in place of the one in the epic file",
    ),
    Option(
        "--epic-executor",
        str,
        "NAME",
        f"what carries out actions: {', '.join(EXECUTORS)}, or a name that a pytest_epic_executor hook knows",
    ),
    Option(
        "--epic-dask-scheduler",
        _address,
        "ADDRESS",
        "where --epic-executor=dask finds the scheduler, as tcp://host:8786; without it a cluster is started on this "
        "machine, for the run",
    ),
    Option(
        "--failed-dependency-action",
        _one_of(*_ACTIONS),
        "|".join(_ACTIONS),
        "what becomes of a story whose dependency did not pass (default: skip)",
    ),
    Option(
        "--missing-dependency-action",
        _one_of(*_ACTIONS),
        "|".join(_ACTIONS),
        "what becomes of a story whose dependency is not selected (default: skip)",
    ),
)

FILES = (
    Option(
        "--epic-report",
        _file_name,
        "FILE.html",
        "write a page of the run, all in one file: timeline, graph, and a table of the stories with what they printed",
    ),
    Option(
        "--epic-trace",
        _file_name,
        "FILE.json",
        "write the run as Chrome trace events, for https://ui.perfetto.dev or chrome://tracing",
    ),
)
"""What is written once the run is over."""


def add_options(parser: pytest.Parser, plan_formats: Sequence[str], status_formats: Sequence[str]) -> None:
    """Declare all options of this plugin. Called once, from ``pytest_addoption``.

    :param plan_formats: what ``--epic-plan`` can print; the first is the default.
    :param status_formats: the same for ``--epic-status``.
    """
    group = parser.getgroup("epics", "epics (pytest-tapps-waves)")
    for option in (*OPTIONS, *FILES):
        group.addoption(
            option.flag, dest=option.name, type=option.read, default=None, metavar=option.metavar, help=option.help
        )
        parser.addini(option.name, f"default of {option.flag}", type="string", default=None)
    parser.addini(
        "epic_async_tests",
        "let all async tests run at once under --epic-parallel, not only those marked with depends",
        type="bool",
        default=False,
    )
    parser.addini(
        "epic_output_limit",
        "MiB of a story's stream that are kept in a file once it is too long for memory; 0 keeps none (default: 100)",
        type="string",
        default=None,
    )
    parser.addini(
        "epic_worktrees",
        "folder for the git worktrees of stories, from where the ini file is (default: in the user's cache directory)",
        type="string",
        default=None,
    )
    group.addoption(
        "--epic-fail-fast",
        dest="epic_fail_fast",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="a failed critical story stops its epic (default: yes)",
    )
    parser.addini("epic_fail_fast", "default of --epic-fail-fast", type="string", default=None)
    group.addoption(
        "--epic-with-deps",
        dest="epic_with_deps",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="what -k, -m, --lf or an argument selects brings along what it depends on, wherever that is",
    )
    parser.addini("epic_with_deps", "default of --epic-with-deps", type="bool", default=False)
    group.addoption(
        "--epic-resume",
        dest="epic_resume",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="pass over stories that are done: those that passed in an earlier run, and whose definition and "
        "dependencies have not changed since",
    )
    parser.addini("epic_resume", "default of --epic-resume", type="bool", default=False)
    group.addoption(
        "--epic-status",
        dest="epic_status",
        nargs="?",
        const=status_formats[0],
        default=None,
        type=_one_of(*status_formats),
        metavar="|".join(status_formats),
        help="print what became of each story in earlier runs, and run nothing",
    )
    parser.addini("epic_journal_days", "for so many days it is kept what became of stories (default: 30)", default="30")
    group.addoption(
        "--epic-plan",
        dest="epic_plan",
        nargs="?",
        const=plan_formats[0],
        default=None,
        type=_one_of(*plan_formats),
        metavar="|".join(plan_formats),
        help="print the waves, the conflicts, the critical path and how long it would take under each schedule, and "
        "run nothing; all but text alone on stdout",
    )
    group.addoption(
        "--list-dependency-names",
        action="store_true",
        help="list the names that dependencies can be named by, and what they stand for; with -vv node ids too",
    )
    group.addoption(
        "--list-processed-dependencies",
        action="store_true",
        help="list what each test and story depends on, and the names that nothing answers to",
    )
