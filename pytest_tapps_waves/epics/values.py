"""The values of an epic file that are more than numbers and text, each with what it must be."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from ..inert import inert
from . import shapes
from .agents import TOOL_KINDS, ToolKind
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


def listed(value: Any) -> Any:
    """One text stands for a list of it."""
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


def _words(value: Any) -> Any:
    """A command that no shell is needed for. One line of text is split into words as a shell would, and no more."""
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError as error:
            raise _wrong(f"must be a command as a shell splits it into words ({str(error).lower()})") from None
    return _command(value)


def _target(value: str) -> str:
    module, colon, function = value.partition(":")
    parts = [*module.split("."), *function.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        raise _wrong('must look like "package.module:function"')
    return value


Id: TypeAlias = Annotated[str, AfterValidator(_is_id), WithJsonSchema(shapes.ID)]
Seconds: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Command: TypeAlias = Annotated[str | list[str], BeforeValidator(_command), WithJsonSchema(shapes.COMMAND)]
Words: TypeAlias = Annotated[list[str], BeforeValidator(_words), WithJsonSchema(shapes.COMMAND)]
Target: TypeAlias = Annotated[str, AfterValidator(_target), WithJsonSchema(shapes.TARGET)]
Environment: TypeAlias = Annotated[dict[str, str], AfterValidator(_environment), WithJsonSchema(shapes.ENVIRONMENT)]
Folder: TypeAlias = Annotated[str, AfterValidator(_is_inside), WithJsonSchema(shapes.FOLDER)]
Names: TypeAlias = Annotated[list[str], BeforeValidator(listed), WithJsonSchema(shapes.listed(shapes.TEXT))]
Globs: TypeAlias = Annotated[
    list[Annotated[str, AfterValidator(_is_glob)]],
    BeforeValidator(listed),
    WithJsonSchema(shapes.listed(shapes.GLOB)),
]
Tags: TypeAlias = Annotated[
    list[Annotated[str, AfterValidator(_is_tag)]],
    BeforeValidator(listed),
    WithJsonSchema(shapes.listed(shapes.TAG)),
]
Resources: TypeAlias = Annotated[
    dict[str, Annotated[float, BeforeValidator(_amount), Field(gt=0, allow_inf_nan=False)]],
    AfterValidator(_resources),
    WithJsonSchema(shapes.RESOURCES),
]
Variables: TypeAlias = Annotated[
    list[Annotated[str, AfterValidator(_is_variable)]],
    BeforeValidator(listed),
    WithJsonSchema(shapes.listed(shapes.VARIABLE)),
]
ToolKinds: TypeAlias = Annotated[
    list[ToolKind], BeforeValidator(listed), WithJsonSchema(shapes.one_or_more(TOOL_KINDS))
]
ConflictWord: TypeAlias = Annotated[
    Literal["fail", "serialize", "warn", "off"] | None,
    BeforeValidator(_conflict_word),
    WithJsonSchema(shapes.CONFLICTS),
]
