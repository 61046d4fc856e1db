"""What may stand in an epic file: the keys of :mod:`spec`, each with the values that it takes."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from ..inert import inert
from . import shapes
from .gitignore import git_ignore
from .wording import UNSHOWN, short

_ID = re.compile(r"[^\s\[\]:/\\]+")
_TAG = re.compile(r"[^\W_][\w.-]*")
LONGEST_GLOB = 4096
"""What pathspec makes of a glob grows to a hundred times its length, and takes as long."""
_RESERVED_TAGS = {"timeout": "use the key `timeout`", "depends": "use the key `dependencies`"}


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("epic", "{message}", {"message": message})


def _is_id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise _wrong("must be one word without any of `: / \\ [ ]`")
    if inert(value) != value:
        raise _wrong("must not hold control characters")
    return value


def _is_tag(value: str) -> str:
    if value in _RESERVED_TAGS:
        raise _wrong(f"cannot be the tag {value!r}; {_RESERVED_TAGS[value]}")
    if not _TAG.fullmatch(value):
        raise _wrong("must be a word that can be a pytest mark: letters, digits, `_`, `.` and `-`")
    return value


def is_inside(path: str) -> bool:
    """Whether a path, taken from rootdir, stays inside it by its spelling alone."""
    depth = 0
    if PureWindowsPath(path).drive or PurePosixPath(path).is_absolute():
        return False
    for part in path.replace("\\", "/").split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return False
    return True


def _is_inside(value: str) -> str:
    if not is_inside(value) or "\0" in value:
        raise _wrong("must be a path inside rootdir, and relative to it")
    return value


def _is_glob(value: str) -> str:
    if not value.strip("/ "):
        raise _wrong("must name a path")
    if value[0] in "!#":
        raise _wrong(f"must not begin with {value[0]!r}; write \\{value[0]} if a file's name does")
    if (".." in value and ".." in value.split("/")) or (":" in value and PureWindowsPath(value).drive):
        raise _wrong("must be a path inside rootdir, and relative to it")
    if len(value) > LONGEST_GLOB:
        raise _wrong(f"must not be longer than {LONGEST_GLOB:,} characters")
    if "[" in value or "\\" in value:  # nothing else can be wrong with it
        try:
            git_ignore(value)
        except (ValueError, re.error) as error:
            raise _wrong(f"must be a gitignore-style glob ({short(str(error))})") from None
    return value


def _environment(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not name or "=" in name or "\0" in name + text:
            raise _wrong("must have names without `=`, and no NUL characters")
    return value


def _amount(value: Any) -> Any:
    """YAML 1.1 takes ``4e9`` for text; whoever writes it means the number."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]{1,3}", value):
        return float(value)
    return value


def _resources(value: dict[str, float]) -> dict[str, float]:
    for name in value:
        if not name or any(sign in "=," or sign.isspace() for sign in name):
            raise _wrong("must have names without `=`, `,` and spaces")
    return value


def _is_variable(value: str) -> str:
    # What was written here by mistake may be a secret itself, so it is not shown.
    if not value or any(sign in "=$\0" or sign.isspace() for sign in value):
        raise PydanticCustomError(UNSHOWN, "must be names of environment variables, without `=`, `$` and spaces")
    return value


def _listed(value: Any) -> Any:
    return [] if value is None else [value] if isinstance(value, str) else value


def _conflict_word(value: Any) -> Any:
    """YAML reads a bare ``off`` as false, so the two are one; and true is the default, ``fail``."""
    return {True: "fail", False: "off"}[value] if isinstance(value, bool) else value


def _command(value: Any) -> Any:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _wrong("must be text for the shell, or a list of words")
    if not words or not words[0].strip():
        raise _wrong("must name a command")
    if any("\0" in word for word in words):
        raise _wrong("must not hold a NUL character")
    return value


def _target(value: str) -> str:
    module, colon, function = value.partition(":")
    parts = [*module.split("."), *function.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        raise _wrong('must look like "package.module:function"')
    return value


Id: TypeAlias = Annotated[str, AfterValidator(_is_id), WithJsonSchema(shapes.ID)]
Seconds: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Command: TypeAlias = Annotated[str | list[str], BeforeValidator(_command), WithJsonSchema(shapes.COMMAND)]
Target: TypeAlias = Annotated[str, AfterValidator(_target), WithJsonSchema(shapes.TARGET)]
Environment: TypeAlias = Annotated[dict[str, str], AfterValidator(_environment), WithJsonSchema(shapes.ENVIRONMENT)]
Folder: TypeAlias = Annotated[str, AfterValidator(_is_inside), WithJsonSchema(shapes.FOLDER)]
Names: TypeAlias = Annotated[list[str], BeforeValidator(_listed), WithJsonSchema(shapes.listed(shapes.TEXT))]
Globs: TypeAlias = Annotated[
    list[Annotated[str, AfterValidator(_is_glob)]],
    BeforeValidator(_listed),
    WithJsonSchema(shapes.listed(shapes.GLOB)),
]
Tags: TypeAlias = Annotated[
    list[Annotated[str, AfterValidator(_is_tag)]],
    BeforeValidator(_listed),
    WithJsonSchema(shapes.listed(shapes.TAG)),
]
Resources: TypeAlias = Annotated[
    dict[str, Annotated[float, BeforeValidator(_amount), Field(gt=0, allow_inf_nan=False)]],
    AfterValidator(_resources),
    WithJsonSchema(shapes.RESOURCES),
]
Variables: TypeAlias = Annotated[
    list[Annotated[str, AfterValidator(_is_variable)]],
    BeforeValidator(_listed),
    WithJsonSchema(shapes.listed(shapes.VARIABLE)),
]
ConflictWord: TypeAlias = Annotated[
    Literal["fail", "serialize", "warn", "off"] | None,
    BeforeValidator(_conflict_word),
    WithJsonSchema(shapes.CONFLICTS),
]

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
Criteria: TypeAlias = Annotated[list[Criterion], BeforeValidator(_listed), WithJsonSchema(shapes.listed(shapes.TEXT))]


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
        Literal["sequential", "asyncio"] | None, Field(description="One by one (the default), or at once.")
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
    isolation: Annotated[Literal["none"] | None, Field(description="Where stories work: in your tree.")] = None
    env: Annotated[Environment, Field(description="Environment variables for all its stories.")] = Field(
        default_factory=dict
    )
    secrets: Annotated[
        Variables, Field(description="Names of environment variables whose values are masked in all that is shown.")
    ] = Field(default_factory=list)


TEXT_KEYS = frozenset(
    {
        *("id", "story_id", "title", "description", "dependencies", "depends_on", "files_affected", "files"),
        *("run", "call", "acceptance_criteria", "cwd", "env", "tags", "secrets"),
    }
)
"""Keys whose scalars are text, whatever they look like."""

ALIASES = {"story_id": "id", "depends_on": "dependencies", "files": "files_affected"}

NOT_YET = {
    "agent": "agent actions are not part of this version; give the story `run` or `call`",
    "budget": "budgets are not part of this version",
    "runner": "agent actions are not part of this version",
}
"""Keys that the format defines and this version cannot honour: an error, since to ignore them would be a lie."""

MISPLACED = {"secrets": "secrets are those of a whole epic; name them under `epic`"}
"""Keys that are an error where they do not belong, rather than somebody's own."""
