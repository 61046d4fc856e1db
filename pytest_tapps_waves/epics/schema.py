"""What may stand in an epic file: the keys of :mod:`spec`, each with the values that it takes."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from . import shapes
from .agents import Runner
from .values import (
    Command,
    ConflictWord,
    Environment,
    Folder,
    Globs,
    Id,
    Names,
    Resources,
    Seconds,
    Tags,
    Target,
    ToolKinds,
    Variables,
    Words,
    listed,
)

_CONFIG = ConfigDict(strict=True, extra="allow", frozen=False, hide_input_in_errors=True)


class CheckModel(BaseModel):
    """An acceptance criterion that is checked after the action."""

    model_config = ConfigDict(strict=True, extra="forbid")

    description: Annotated[str, Field(description="What has to hold; the name of the check in reports.")]
    run: Annotated[Command | None, Field(description="The command that checks it, with the story's cwd and env.")] = (
        None
    )
    call: Annotated[Target | None, Field(description="The function that checks it: package.module:function.")] = None


CRITERION_KIND = "criterion:"
"""Begins the tags by which pydantic tells criteria apart; they show up in the places of its errors."""

Criterion: TypeAlias = Annotated[
    Annotated[str, Tag(CRITERION_KIND + "text")] | Annotated[CheckModel, Tag(CRITERION_KIND + "check")],
    Discriminator(lambda value: CRITERION_KIND + ("text" if isinstance(value, str) else "check")),
]
Criteria: TypeAlias = Annotated[list[Criterion], BeforeValidator(listed), WithJsonSchema(shapes.listed(shapes.TEXT))]


class AgentModel(BaseModel):
    """Who carries a story out, and how."""

    model_config = ConfigDict(strict=True, extra="forbid")

    command: Annotated[
        Words | None, Field(description="What starts the agent: a list of words, or text that is split into words.")
    ] = None
    runner: Annotated[
        Runner | None,
        Field(
            description="acp (the default): it speaks the Agent Client Protocol on its stdin and stdout; command: "
            "{prompt} in its words is replaced by the prompt, and what it prints on stdout is its answer."
        ),
    ] = None
    prompt: Annotated[str | None, Field(description="What it is told, instead of the story's own texts.")] = None
    allow: Annotated[
        ToolKinds | None,
        Field(description="The kinds of tools it may use when it asks; all others are refused it."),
    ] = None
    max_iterations: Annotated[
        int | None,
        Field(ge=1, le=100, description="How often it is told what to do: again after each check that failed (3)."),
    ] = None
    env: Annotated[Environment, Field(description="Environment variables for it.")] = Field(default_factory=dict)


class BudgetModel(BaseModel):
    """What the agents of an epic may use up in one run; over it the epic's circuit breaker opens."""

    model_config = ConfigDict(strict=True, extra="forbid")

    tokens: Annotated[int | None, Field(ge=1, description="As its agents count them.")] = None
    cost: Annotated[
        float | None, Field(gt=0, allow_inf_nan=False, description="In the currency in which its agents reckon.")
    ] = None


class StoryModel(BaseModel):
    """One story. Keys that are not ours are kept as its metadata."""

    model_config = _CONFIG

    id: Annotated[Id, Field(description="Text, even unquoted: 8.10 is not 8.1. One word without any of : / \\ [ ].")]
    title: Annotated[str, Field(description="For people; -k finds its words.")] = ""
    description: Annotated[str, Field(description="For people.")] = ""
    dependencies: Annotated[
        Names,
        Field(
            description="Stories that have to pass before: ids of this epic or, where that is clear, of another; "
            "epic_user.yaml::2.1; tests/test_db.py::test_up; a whole file. Paths are from the epic's folder, else from "
            "rootdir."
        ),
    ] = Field(default_factory=list)
    files_affected: Annotated[
        Globs, Field(description="gitignore-style globs of what it changes, relative to rootdir.")
    ] = Field(default_factory=list)
    critical: Annotated[bool, Field(description="Whether its failure stops the epic, under fail_fast.")] = False
    run: Annotated[
        Command | None,
        Field(description="Its action as a command: text for the shell, or a list of words without one."),
    ] = None
    call: Annotated[
        Target | None, Field(description="Its action as a Python function, async or not: package.module:function.")
    ] = None
    agent: Annotated[
        AgentModel | None,
        Field(description="Its action as the work of a coding agent; what is not said here is that of the epic."),
    ] = None
    acceptance_criteria: Annotated[
        Criteria, Field(description="Notes, or checks that run after the action, each reported as a subtest.")
    ] = Field(default_factory=list)
    timeout: Annotated[Seconds | None, Field(description="Seconds for one attempt; 0 is without end.")] = None
    retries: Annotated[int, Field(ge=0, le=100, description="How often it is tried again after a failure.")] = 0
    resources: Annotated[
        Resources, Field(description="What a worker of --epic-executor=dask must have free for it: {gpu: 1}.")
    ] = Field(default_factory=dict)
    cwd: Annotated[Folder, Field(description="Where it works, relative to rootdir.")] = "."
    env: Annotated[Environment, Field(description="Environment variables for it.")] = Field(default_factory=dict)
    tags: Annotated[Tags, Field(description="pytest marks, for -m.")] = Field(default_factory=list)


class HeaderModel(BaseModel):
    """What an epic file says of the epic as a whole."""

    model_config = _CONFIG

    id: Annotated[Id, Field(description="For messages and for EPIC_ID; by default the file's name without epic_.")]
    title: Annotated[str, Field(description="For people.")] = ""
    max_parallel_stories: Annotated[
        int | None, Field(ge=1, description="At most so many of its stories at once; by default one for each core.")
    ] = None
    parallel_strategy: Annotated[
        Literal["sequential", "asyncio", "agent-teams"] | None,
        Field(
            description="sequential (the default): one by one; asyncio: at once; agent-teams: at once, stories without "
            "an action of their own done by the epic's agent, each in a worktree."
        ),
    ] = None
    schedule: Annotated[
        Literal["waves", "eager"] | None,
        Field(
            description="waves (the default): a wave starts when the one before has ended; eager: a story "
            "starts when its own dependencies have passed."
        ),
    ] = None
    fail_fast: Annotated[
        bool | None, Field(description="Whether a failed critical story stops the epic (the default).")
    ] = None
    conflict_detection: Annotated[
        ConflictWord,
        Field(
            description="What becomes of two stories of a wave that affect a common file: true is fail, false is off."
        ),
    ] = None
    circuit_breaker: Annotated[
        int | None, Field(ge=0, description="So many failures in a row stop the epic; 0 is never, 3 the default.")
    ] = None
    timeout: Annotated[
        Seconds | None, Field(description="Seconds for one attempt at a story; 0 is without end, 300 the default.")
    ] = None
    isolation: Annotated[
        Literal["none", "worktree"] | None,
        Field(description="Where stories work: in your tree (none), or each in a git worktree of its own."),
    ] = None
    env: Annotated[Environment, Field(description="Environment variables for all its stories.")] = Field(
        default_factory=dict
    )
    secrets: Annotated[
        Variables, Field(description="Names of environment variables whose values are masked in all that is shown.")
    ] = Field(default_factory=list)
    agent: Annotated[
        AgentModel | None, Field(description="The agent of its stories, each of which may say otherwise, key by key.")
    ] = None
    budget: Annotated[
        BudgetModel | None, Field(description="What its agents may use up in one run before its breaker opens.")
    ] = None
    memory_last_k: Annotated[
        int | None, Field(ge=0, description="Of so many stories before its own an agent is told what they did (5).")
    ] = None


TEXT_KEYS = frozenset(
    {
        *("id", "story_id", "title", "description", "dependencies", "depends_on", "files_affected", "files"),
        *("run", "call", "acceptance_criteria", "cwd", "env", "tags", "secrets"),
        *("command", "prompt", "allow", "runner"),
    }
)
"""Keys whose scalars are text, whatever they look like."""

ALIASES = {"story_id": "id", "depends_on": "dependencies", "files": "files_affected"}

MISPLACED = {
    "secrets": "secrets are those of a whole epic; name them under `epic`",
    "budget": "a budget is that of a whole epic; name it under `epic`",
    "memory_last_k": "it is the same for a whole epic; name it under `epic`",
    "runner": "it is a key of `agent`; name it there",
    "resources": "resources are those of a story; name them there",
}
"""Keys that are an error where they do not belong, rather than somebody's own."""
