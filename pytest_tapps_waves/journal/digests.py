"""What a story's result depends on, as short text that can be compared, key by key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from hashlib import blake2b
from typing import Any

from ..epics.agents import AgentSpec
from ..epics.spec import Check, EpicHeader, StorySpec

_INPUTS = ("call", "checks", "cwd", "dependencies", "run")
"""What commands and functions work from. Titles are for people, limits change no result, files affected are outputs."""

_READ = ("checks", "cwd", "dependencies", "description", "files_affected", "title")
"""What an agent works from, and its prompt and the texts of its acceptance criteria."""

_PLACES = ("line", "dependency_lines", "env")
_ALL = ("checks", *sorted(field.name for field in fields(StorySpec) if field.name not in _PLACES))


def definition_of(spec: StorySpec, header: EpicHeader, agent: AgentSpec | None = None, *, whole: bool) -> str:
    """The digests of a story's inputs: ``cwd:… run:… env:…``, without those that are as by default.

    :param agent: who carries it out, and reads its texts; another one that reads the same would not do it again.
    :param whole: all keys are inputs, since nobody knows what an action of somebody's own reads.
    """
    names = _ALL if whole else _READ if agent is not None else _INPUTS
    inputs = [(name, value) for name in names if (value := getattr(spec, name)) and value != "."]
    if agent is not None:
        texts = [what if isinstance(what, str) else what.description for what in spec.acceptance_criteria]
        inputs += [(name, value) for name, value in (("criteria", texts), ("prompt", agent.prompt)) if value]
    if env := {**header.env, **spec.env}:
        # A token that has been renewed changes nothing, and nothing of it should be kept.
        inputs.append(("env", {**env, **dict.fromkeys(env.keys() & header.secrets)}))
    return " ".join([f"{name}:{_digest(value)}" for name, value in inputs])


def definition_of_file(data: bytes) -> str:
    """The digest of the file that holds a Python story: its helpers and fixtures count too."""
    return f"file:{blake2b(data, digest_size=8).hexdigest()}"


def changed_keys(before: str, now: str) -> list[str]:
    """The names of the inputs that differ between two definitions."""
    told = [dict(entry.split(":", 1) for entry in text.split()) for text in (before, now)]
    return sorted(name for name in {**told[0], **told[1]} if told[0].get(name) != told[1].get(name))


def upstream_of(marks: Mapping[str, str], dependencies: Iterable[str]) -> str:
    """The digest of the attempts at its dependencies that a story builds on.

    :param marks: tells for each story which attempt at it counts.
    """
    built_on = sorted([f"{key}={marks.get(key, '')}" for key in dependencies])
    return _digest("\n".join(built_on)) if built_on else ""


def _digest(value: Any) -> str:
    text = f"={value}" if isinstance(value, str) else _encode(value)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _told(value: Any) -> Any:
    # Metadata of a story may hold what JSON does not know: dates, for instance.
    return [value.run, value.call] if isinstance(value, Check) else str(value)


_encode = json.JSONEncoder(sort_keys=True, default=_told).encode
