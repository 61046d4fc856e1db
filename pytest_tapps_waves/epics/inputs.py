"""What a story's result depends on, as short text that can be compared, key by key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .digest import digest_of_text
from .spec import Check, EpicHeader, StorySpec

if TYPE_CHECKING:
    from .agents import AgentSpec

_INPUTS = ("call", "checks", "cwd", "dependencies", "run")
"""What commands and functions work from. Titles are for people, limits change no result, files affected are outputs."""

_READ = ("checks", "cwd", "dependencies", "description", "files_affected", "title")
"""What an agent works from, and its prompt and the texts of its acceptance criteria."""

_BESIDES = ("line", "dependency_lines", "env", "inputs")
_ALL = ("checks", *sorted(set(StorySpec._fields).difference(_BESIDES)))


def inputs_of(spec: StorySpec, header: EpicHeader, agent: AgentSpec | None = None, *, whole: bool) -> str:
    """The digests of a story's inputs: ``cwd:… run:… env:…``, without those that are as by default.

    :param agent: who carries it out, and reads its texts; another one that reads the same would not do it again.
    :param whole: all keys are inputs, since nobody knows what an action of somebody's own reads.
    """
    names = _ALL if whole else _READ if agent is not None else _INPUTS
    inputs = [(name, value) for name in names if (value := getattr(spec, name)) and value != "."]
    if agent is not None:
        texts = [what if isinstance(what, str) else what.description for what in spec.acceptance_criteria]
        inputs += [(name, value) for name, value in (("criteria", texts), ("prompt", agent.prompt)) if value]
    if header.env or spec.env:
        env = {**header.env, **spec.env}
        # A token that has been renewed changes nothing, and nothing of it should be kept.
        inputs.append(("env", {**env, **dict.fromkeys(env.keys() & header.secrets)}))
    return " ".join([f"{name}:{digest_of(value)}" for name, value in inputs])


def digest_of(value: Any) -> str:
    """Sixteen hexadecimal digits that stand for a value: text, or what JSON can say."""
    return digest_of_text(f"={value}" if isinstance(value, str) else _encode(_told(value)))


def _told(value: Any) -> Any:
    """The value without the words of checks, which are for people."""
    if isinstance(value, Check):
        return [value.run, value.call]
    return list(map(_told, value)) if isinstance(value, list | tuple) else value


# Metadata of a story may hold what JSON does not know: dates, for instance.
_encode = json.JSONEncoder(sort_keys=True, default=str).encode
