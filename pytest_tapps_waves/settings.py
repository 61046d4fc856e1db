"""The settings of a run: what the command line, an epic file, the ini file and the defaults say together.

The command line beats the epic file, that beats the ini file, that the default.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from . import executors
from .actions.spool import DEFAULT_LIMIT
from .core.model import DependencyAction, DependencyRules, EpicRules, OnConflict
from .options import FILES, OPTIONS, read_count, read_mebibytes, read_switch, usable_cores

if TYPE_CHECKING:
    from .epics.agents import AgentSpec, Budget
    from .epics.spec import EpicHeader

DEFAULT_TIMEOUT = 300.0
DEFAULT_MEMORY = 5


class Layer(NamedTuple):
    """What one of command line and ini file says; None is nothing."""

    parallel: int | None
    strategy: str | None
    schedule: str | None
    conflicts: str | None
    breaker: int | None
    timeout: float | None
    fail_fast: bool | None
    isolation: str | None
    agent: list[str] | None


class EpicSettings(NamedTuple):
    """What holds for the stories of one epic."""

    concurrent: bool
    rules: EpicRules
    timeout: float
    isolation: str
    teams: bool = False
    """Whether stories without an action of their own are done by the epic's agent."""
    agent: AgentSpec | None = None
    """The agent of the epic, as far as anybody has named one."""
    agent_command: list[str] | None = None
    """The command line that takes the place of all that stand in the file."""
    budget: Budget | None = None
    """What its agents may use up; None is without end."""
    memory: int = DEFAULT_MEMORY
    """Of so many stories before its own an agent is told what they did."""


class Settings(NamedTuple):
    """What holds for the whole run, made once."""

    cli: Layer
    ini: Layer
    executor: str
    dask_scheduler: str | None
    """The address of the scheduler, if it is not to be started for the run."""
    plan_format: str | None
    dependency_rules: DependencyRules
    async_tests: bool
    """Whether all async Python tests are part of the graph, and so run at once."""
    with_dependencies: bool = False
    """Whether what is selected brings along what it depends on."""
    resume: bool = False
    """Whether stories that are done are passed over."""
    status_format: str | None = None
    journal_days: int = 30
    worktrees: Path | None = None
    """Where git worktrees of stories go, if not into the user's cache directory."""
    output_limit: int = DEFAULT_LIMIT
    """How many bytes of a stream that is too long for memory are kept in a file."""
    files: Mapping[str, Path] = MappingProxyType({})
    """What is to be written of the run once it is over, by the option that asks for it."""
    across_workers: bool = False
    """Whether stories run in whatever worker of pytest-xdist is free."""
    note: str = ""
    """Why the run is not as it was asked to be, or empty."""

    @property
    def prints_only(self) -> bool:
        """Whether nothing is run, since it is only asked what there is."""
        return bool(self.plan_format or self.status_format)

    def for_epic(self, header: EpicHeader) -> EpicSettings:
        """Put together what the command line, an epic file, the ini file and the defaults say."""
        cli, ini = self.cli, self.ini
        in_teams = (header.parallel_strategy or ini.strategy) == "agent-teams"
        strategy = (
            cli.strategy
            or ("agent-teams" if in_teams else None)
            or ("asyncio" if cli.parallel else None)
            or header.parallel_strategy
            or ini.strategy
            or ("asyncio" if ini.parallel else "sequential")
        )
        teams = strategy == "agent-teams"
        concurrent = strategy != "sequential" and not self.note
        conflicts = cli.conflicts or header.conflict_detection or ini.conflicts or "fail"
        rules = EpicRules(
            limit=self._limit(header, concurrent=concurrent),
            fail_fast=_first(cli.fail_fast, header.fail_fast, ini.fail_fast, True),
            breaker=_first(cli.breaker, header.circuit_breaker, ini.breaker, 3),
            on_conflict=OnConflict(conflicts),
        )
        timeout = _first(cli.timeout, header.timeout, ini.timeout, DEFAULT_TIMEOUT)
        isolation = cli.isolation or header.isolation or ini.isolation or ("worktree" if teams else "none")
        return EpicSettings(
            concurrent,
            rules,
            timeout,
            isolation,
            teams,
            self._agent_of(header),
            cli.agent,
            header.budget,
            _first(header.memory_last_k, DEFAULT_MEMORY),
        )

    def _agent_of(self, header: EpicHeader) -> AgentSpec | None:
        if self.ini.agent is None:
            return header.agent
        # Imported where it is needed: most epics have no agents.
        from .epics.agents import AgentSpec, put_together

        return put_together(header.agent, AgentSpec(command=self.ini.agent))

    def _limit(self, header: EpicHeader, *, concurrent: bool) -> int:
        """How many stories of an epic may run at once; 0 is no limit but the run's own."""
        if concurrent:
            own = header.max_parallel_stories or self.ini.parallel or usable_cores()
            return 0 if self.cli.parallel else own
        if not self.across_workers or "sequential" in (self.cli.strategy, header.parallel_strategy):
            return 1
        # Whoever gives -n wants more than one at a time of an epic that says nothing of it.
        return header.max_parallel_stories or 0

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
        own = self.ini.parallel or usable_cores()
        # Across workers it is that of each of them, in which the others run one at a time.
        limits = [epic.rules.limit for epic in epics if epic.concurrent or not self.across_workers]
        return self.cli.parallel or max(limits, default=own)

    def is_concurrent(self, epics: list[EpicSettings]) -> bool:
        """Whether stories run at once: an epic asks for it, or the options do where there is no epic."""
        if epics or self.note:
            return any(epic.concurrent for epic in epics)
        strategy = self.cli.strategy or ("asyncio" if self.cli.parallel else None) or self.ini.strategy
        return strategy in ("asyncio", "agent-teams") or (strategy is None and bool(self.ini.parallel))


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)


SETTINGS = pytest.StashKey[Settings]()
"""Set on the config once it has been read."""


def settings_of(config: pytest.Config, *, across_workers: bool) -> Settings:
    """Read the settings.

    :param across_workers: whether stories run in whatever worker of pytest-xdist is free.
    :raises pytest.UsageError: if the ini file holds a wrong value, or options contradict one another.
    """
    given = {option.name: config.getoption(option.name) for option in OPTIONS}
    given["epic_fail_fast"] = config.getoption("epic_fail_fast")
    ini = {option.name: _ini(config, option.name, option.read) for option in OPTIONS}
    ini["epic_fail_fast"] = _ini(config, "epic_fail_fast", read_switch)
    cli_layer, ini_layer = _layer(given), _layer(ini)
    if cli_layer.parallel and cli_layer.strategy == "sequential":
        raise pytest.UsageError("--epic-parallel and --epic-strategy=sequential contradict one another; drop one")

    executor = given["epic_executor"] or ini["epic_executor"] or executors.DEFAULT
    if given["epic_dask_scheduler"] and executor != "dask":
        raise pytest.UsageError(f"--epic-dask-scheduler means nothing to the executor {executor}; drop one")

    def dependency_action(name: str) -> DependencyAction:
        return DependencyAction(given[name] or ini[name] or "skip")

    return Settings(
        cli=cli_layer,
        ini=ini_layer,
        executor=executor,
        dask_scheduler=given["epic_dask_scheduler"] or ini["epic_dask_scheduler"],
        plan_format=config.getoption("epic_plan"),
        dependency_rules=DependencyRules(
            failed=dependency_action("failed_dependency_action"),
            missing=dependency_action("missing_dependency_action"),
        ),
        async_tests=config.getini("epic_async_tests"),
        with_dependencies=_first(config.getoption("epic_with_deps"), config.getini("epic_with_deps")),
        resume=_first(config.getoption("epic_resume"), config.getini("epic_resume")),
        status_format=config.getoption("epic_status"),
        journal_days=_ini(config, "epic_journal_days", read_count) or 0,
        files=_files(config),
        worktrees=_folder(config, "epic_worktrees"),
        output_limit=_first(_ini(config, "epic_output_limit", read_mebibytes), DEFAULT_LIMIT),
        across_workers=across_workers,
        note="one story at a time, since --pdb was given" if config.getoption("usepdb", False) else "",
    )


def _files(config: pytest.Config) -> Mapping[str, Path]:
    """Paths of the command line begin where pytest was called, those of the ini file where that is."""
    prints_only = next((flag for flag in ("--epic-plan", "--epic-status") if config.getoption(flag)), None)
    found: dict[str, Path] = {}
    for option in FILES:
        text, base = config.getoption(option.name), config.invocation_params.dir
        if text and prints_only:
            raise pytest.UsageError(f"{prints_only} runs nothing, so there is nothing for {option.flag}; drop one")
        if not text:
            text = _ini(config, option.name, option.read)
            base = config.inipath.parent if config.inipath is not None else config.rootpath
        if text and not prints_only:
            path = _absolute(base, text)
            if (other := next((flag for flag, known in found.items() if known == path), None)) is not None:
                raise pytest.UsageError(f"{other} and {option.flag} would both be written to {path}; name another file")
            found[option.flag] = path
    return found


def _folder(config: pytest.Config, name: str) -> Path | None:
    text = config.getini(name)
    base = config.inipath.parent if config.inipath is not None else config.rootpath
    return _absolute(base, text) if text else None


def _absolute(base: Path, text: str) -> Path:
    return Path(os.path.abspath(base / Path(text).expanduser()))  # noqa: PTH100 keeps links


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
        agent=values["epic_agent"],
    )


def _ini(config: pytest.Config, name: str, read: Callable[[str], Any]) -> Any:
    text = config.getini(name)
    if text in (None, ""):
        return None
    try:
        return read(text)
    except argparse.ArgumentTypeError as error:
        raise pytest.UsageError(f"the ini option {name} {error}") from None
