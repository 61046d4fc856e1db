"""What an epic file says, once it has been read. ``None`` is what it does not say: then options and ini are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .agents import AgentSpec, Budget

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Check(NamedTuple):
    """An acceptance criterion that is checked after the action."""

    description: str
    run: str | list[str] | None = None
    call: str | None = None


class StorySpec(NamedTuple):
    """One story as its epic file defines it. There are many: what is empty is there once for all of them."""

    id: str
    title: str = ""
    description: str = ""
    dependencies: tuple[str, ...] = ()
    files_affected: tuple[str, ...] = ()
    critical: bool = False
    run: str | list[str] | None = None
    call: str | None = None
    agent: AgentSpec | None = None
    acceptance_criteria: tuple[str | Check, ...] = ()
    timeout: float | None = None
    """Seconds for one attempt; 0 is without end."""
    retries: int = 0
    resources: Mapping[str, float] = NOTHING
    """What a worker must have free for it, by name."""
    cwd: str = "."
    env: Mapping[str, str] = NOTHING
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = NOTHING
    """The keys that are not ours."""
    line: int = 1
    """Where it begins in its file, counted from 1."""
    dependency_lines: tuple[int, ...] = ()
    inputs: str = ""
    """Digests of what its command or function works from, as :func:`~.inputs.inputs_of` makes them of its file."""

    def dependency_line(self, place: int) -> int:
        """The line of the dependency at ``place``."""
        return self.dependency_lines[place] if place < len(self.dependency_lines) else self.line

    @property
    def checks(self) -> list[Check]:
        """The acceptance criteria that can be run."""
        return [criterion for criterion in self.acceptance_criteria if isinstance(criterion, Check)]


_LISTS = ("dependencies", "files_affected", "acceptance_criteria", "tags", "dependency_lines")
_MAPPINGS = ("resources", "env", "metadata")


def story_of(values: dict[str, Any]) -> StorySpec:
    """The story of its fields' values, of which those that are several may be lists."""
    for name in _LISTS:
        if name in values:
            values[name] = tuple(values[name])
    for name in _MAPPINGS:
        values[name] = values.get(name) or NOTHING
    return StorySpec(**values)


class EpicHeader(NamedTuple):
    """What an epic file says of the epic as a whole."""

    id: str
    title: str = ""
    max_parallel_stories: int | None = None
    parallel_strategy: str | None = None
    schedule: str | None = None
    fail_fast: bool | None = None
    conflict_detection: str | None = None
    circuit_breaker: int | None = None
    timeout: float | None = None
    isolation: str | None = None
    env: Mapping[str, str] = NOTHING
    secrets: Sequence[str] = ()
    """Names of variables whose values are masked wherever they are shown or stored."""
    agent: AgentSpec | None = None
    """For its stories, each of which may say otherwise, key by key."""
    budget: Budget | None = None
    memory_last_k: int | None = None
    """Of so many stories before it an agent is told what they did."""
    metadata: Mapping[str, Any] = NOTHING
    """The keys that are not ours."""


class EpicDefinition(NamedTuple):
    """An epic file that holds together in itself; what it says of other files has not been looked at."""

    path: str
    """Relative to rootdir, with slashes; the node id of its file."""
    line: int
    """Where the epic begins."""
    header: EpicHeader
    stories: Sequence[StorySpec]
