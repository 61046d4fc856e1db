"""The options on the command line and in the ini file, and the settings that they make with what an epic file says.

The command line beats the epic file, that beats the ini file, that the default.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from .core.model import DependencyAction, EpicRules, OnConflict
from .core.plan import DependencyRules
from .core.policies import POLICIES
from .epics.schema import EpicHeader
from .executors import EXECUTORS
from .workspaces import WORKSPACES

STRATEGIES = ("sequential", "asyncio")
AUTO = "auto"
DEFAULT_TIMEOUT = 300.0


def _parallel(text: str) -> int:
    if text == AUTO:
        return usable_cores()
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more, or {AUTO}; not {text!r}")
    return int(text)


def _count(text: str) -> int:
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


def _switch(text: str) -> bool:
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


def usable_cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class _Option:
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

_OPTIONS = (
    _Option(
        "--epic-parallel",
        _parallel,
        "N",
        "run at most N stories at once (auto: one for each core). Without it, and without an epic file that says "
        "parallel_strategy: asyncio, stories run one by one, in dependency order",
    ),
    _Option(
        "--epic-strategy", _one_of(*STRATEGIES), "|".join(STRATEGIES), "how stories run; --epic-parallel means asyncio"
    ),
    _Option(
        "--epic-schedule",
        _one_of(*POLICIES),
        "|".join(POLICIES),
        "when stories start. waves: a wave starts when the one before has ended",
    ),
    _Option(
        "--epic-conflicts",
        _one_of(*_CONFLICTS),
        "|".join(_CONFLICTS),
        "what becomes of stories of one wave that affect a common file (default: fail)",
    ),
    _Option("--epic-breaker", _count, "N", "stop an epic after N failures in a row; 0 is never (default: 3)"),
    _Option("--epic-timeout", _seconds, "S", "seconds for one attempt at a story; 0 is without end (default: 300)"),
    _Option("--epic-isolation", _one_of(*WORKSPACES), "|".join(WORKSPACES), "where a story's action works"),
    _Option(
        "--epic-executor",
        str,
        "NAME",
        f"what carries out actions: {', '.join(EXECUTORS)}, or a name that a pytest_epic_executor hook knows",
    ),
    _Option(
        "--failed-dependency-action",
        _one_of(*_ACTIONS),
        "|".join(_ACTIONS),
        "what becomes of a story whose dependency did not pass (default: skip)",
    ),
    _Option(
        "--missing-dependency-action",
        _one_of(*_ACTIONS),
        "|".join(_ACTIONS),
        "what becomes of a story whose dependency is not selected (default: skip)",
    ),
)


def add_options(parser: pytest.Parser, plan_formats: Sequence[str]) -> None:
    """Declare all options of this plugin. Called once, from ``pytest_addoption``.

    :param plan_formats: what ``--epic-plan`` can print; the first is the default.
    """
    group = parser.getgroup("epics", "epics (pytest-tapps-waves)")
    for option in _OPTIONS:
        group.addoption(
            option.flag, dest=option.name, type=option.read, default=None, metavar=option.metavar, help=option.help
        )
        parser.addini(option.name, f"default of {option.flag}", type="string", default=None)
    group.addoption(
        "--epic-fail-fast",
        dest="epic_fail_fast",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="a failed critical story stops its epic (default: yes)",
    )
    parser.addini("epic_fail_fast", "default of --epic-fail-fast", type="string", default=None)
    group.addoption(
        "--epic-plan",
        dest="epic_plan",
        nargs="?",
        const=plan_formats[0],
        default=None,
        type=_one_of(*plan_formats),
        metavar="|".join(plan_formats),
        help="print the waves and the conflicts, and run nothing",
    )


@dataclass(frozen=True, slots=True)
class Layer:
    """What one of command line and ini file says; None is nothing."""

    parallel: int | None
    strategy: str | None
    schedule: str | None
    conflicts: str | None
    breaker: int | None
    timeout: float | None
    fail_fast: bool | None
    isolation: str | None


@dataclass(frozen=True, slots=True)
class EpicSettings:
    """What holds for the stories of one epic."""

    concurrent: bool
    rules: EpicRules
    timeout: float
    isolation: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for the whole run, made once."""

    cli: Layer
    ini: Layer
    executor: str
    plan_format: str | None
    dependency_rules: DependencyRules
    note: str = ""
    """Why the run is not as it was asked to be, or empty."""

    def for_epic(self, header: EpicHeader) -> EpicSettings:
        """Put together what the command line, an epic file, the ini file and the defaults say."""
        cli, ini = self.cli, self.ini
        strategy = (
            cli.strategy
            or ("asyncio" if cli.parallel else None)
            or header.parallel_strategy
            or ini.strategy
            or ("asyncio" if ini.parallel else "sequential")
        )
        concurrent = strategy == "asyncio" and not self.note
        own_limit = header.max_parallel_stories or ini.parallel or usable_cores()
        conflicts = cli.conflicts or header.conflict_detection or ini.conflicts or "fail"
        rules = EpicRules(
            limit=(0 if cli.parallel else own_limit) if concurrent else 1,
            fail_fast=_first(cli.fail_fast, header.fail_fast, ini.fail_fast, True),
            breaker=_first(cli.breaker, header.circuit_breaker, ini.breaker, 3),
            on_conflict=OnConflict(conflicts),
        )
        timeout = _first(cli.timeout, header.timeout, ini.timeout, DEFAULT_TIMEOUT)
        isolation = cli.isolation or header.isolation or ini.isolation or "none"
        return EpicSettings(concurrent, rules, timeout, isolation)

    def schedule_of(self, headers: list[EpicHeader]) -> str:
        """The schedule of the whole run, since all its stories are one graph.

        :raises pytest.UsageError: if its epics ask for different ones.
        """
        asked = {header.schedule for header in headers if header.schedule}
        if self.cli.schedule is None and len(asked) > 1:
            raise pytest.UsageError(
                f"the epics ask for different schedules ({', '.join(sorted(asked))}); choose with --epic-schedule"
            )
        return self.cli.schedule or next(iter(asked), None) or self.ini.schedule or "waves"

    def limit_of(self, epics: list[EpicSettings]) -> int:
        """The slots of the whole run: as many as asked for, else the most that any of its epics uses."""
        return self.cli.parallel or max((epic.rules.limit for epic in epics), default=1)


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)


def settings_of(config: pytest.Config) -> Settings:
    """Read the settings.

    :raises pytest.UsageError: if the ini file holds a wrong value, or options contradict one another.
    """
    given = {option.name: config.getoption(option.name) for option in _OPTIONS}
    given["epic_fail_fast"] = config.getoption("epic_fail_fast")
    ini = {option.name: _ini(config, option.name, option.read) for option in _OPTIONS}
    ini["epic_fail_fast"] = _ini(config, "epic_fail_fast", _switch)
    cli_layer, ini_layer = _layer(given), _layer(ini)
    if cli_layer.parallel and cli_layer.strategy == "sequential":
        raise pytest.UsageError("--epic-parallel and --epic-strategy=sequential contradict one another; drop one")

    def dependency_action(name: str) -> DependencyAction:
        return DependencyAction(given[name] or ini[name] or "skip")

    return Settings(
        cli=cli_layer,
        ini=ini_layer,
        executor=given["epic_executor"] or ini["epic_executor"] or "local",
        plan_format=config.getoption("epic_plan"),
        dependency_rules=DependencyRules(
            failed=dependency_action("failed_dependency_action"),
            missing=dependency_action("missing_dependency_action"),
            missing_hint="which is not part of this run (--missing-dependency-action=run runs it all the same)",
        ),
        note="one story at a time, since --pdb was given" if config.getoption("usepdb", False) else "",
    )


def _layer(values: dict[str, Any]) -> Layer:
    return Layer(
        parallel=values["epic_parallel"],
        strategy=values["epic_strategy"],
        schedule=values["epic_schedule"],
        conflicts=values["epic_conflicts"],
        breaker=values["epic_breaker"],
        timeout=values["epic_timeout"],
        fail_fast=values["epic_fail_fast"],
        isolation=values["epic_isolation"],
    )


def _ini(config: pytest.Config, name: str, read: Callable[[str], Any]) -> Any:
    text = config.getini(name)
    if text in (None, ""):
        return None
    try:
        return read(text)
    except argparse.ArgumentTypeError as error:
        raise pytest.UsageError(f"the ini option {name} {error}") from None
