"""The reference, as Markdown made from the code: what is on its pages cannot be older than what it describes.

``conf.py`` puts it where a page says ``<!-- generated: NAME -->``. Nothing here imports Sphinx: tests ask for it too.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest

from pytest_tapps_waves import hookspecs
from pytest_tapps_waves.epics.json_schema import json_schema
from pytest_tapps_waves.options import add_options
from pytest_tapps_waves.reports import PLANS, STATUSES

Shape = Mapping[str, Any]

HANDED = (
    "pytest_tapps_waves.StoryContext",
    "pytest_tapps_waves.epics.spec.StorySpec",
    "pytest_tapps_waves.actions.base.Action",
    "pytest_tapps_waves.actions.base.Job",
    "pytest_tapps_waves.actions.output.Output",
    "pytest_tapps_waves.executors.base.Executor",
    "pytest_tapps_waves.core.graph.Graph",
    "pytest_tapps_waves.core.conflicts.Conflict",
    "pytest_tapps_waves.core.model.State",
)
"""What hooks, actions and functions are handed, or answer with."""

_REFERENCES = {
    "epic": "the keys of an epic",
    "story": "a story",
    "agent": "the keys of an agent",
    "budget": "the keys of a budget",
    "check": "a check",
}
_MANY = {"a story": "stories", "a check": "checks"}


class _Declared:
    """What is declared to pytest's parser, noted."""

    def __init__(self) -> None:
        self.options: list[tuple[str, str]] = []
        """Each as it is written, and its help."""
        self.ini: dict[str, tuple[str, str]] = {}
        """The type and the help of each."""

    def getgroup(self, name: str, description: str) -> _Declared:
        return self

    def addoption(self, flag: str, **given: Any) -> None:
        if given.get("action") is argparse.BooleanOptionalAction:
            written = f"{flag}`, `--no-{flag.removeprefix('--')}"
        elif given.get("nargs") == "?":
            written = f"{flag}[={given['metavar']}]"
        elif "metavar" in given:
            written = f"{flag}={given['metavar']}"
        else:
            written = flag
        self.options.append((written, given["help"]))

    def addini(self, name: str, words: str, **given: Any) -> None:
        self.ini[name] = given.get("type", "string"), words


def options() -> str:
    """A section for each option with its ini option, and one for the ini options that are no options."""
    declared = _Declared()
    add_options(cast(pytest.Parser, declared), tuple(PLANS), tuple(STATUSES))
    lines = []
    for written, words in declared.options:
        lines += [f"### `{written}`", "", _sentence(words), ""]
        name = re.split(r"[=\[`]", written.removeprefix("--"))[0].replace("-", "_")
        if name in declared.ini:
            kind, _ = declared.ini.pop(name)
            lines += [f"Ini option: `{name}`{' (a bool)' if kind == 'bool' else ''}.", ""]
    lines += ["## In the ini file only", ""]
    for name, (kind, words) in declared.ini.items():
        lines += [f"### `{name}`", "", _sentence(words) + (" A bool." if kind == "bool" else ""), ""]
    return "\n".join(lines)


def hooks() -> str:
    """A section for each hook: its signature and what its docstring says."""
    lines = []
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction):
        if not name.startswith("pytest_"):
            continue
        signature = inspect.signature(function)
        arguments = ", ".join(signature.parameters)
        lines += [f"### `{name}({arguments})`", "", _markdown(inspect.getdoc(function) or ""), ""]
        if getattr(function, "pytest_spec", {}).get("firstresult"):
            lines += ["The first answer that is not `None` counts.", ""]
        lines += ["```python", f"def {name}{signature}".replace("'", ""), "```", ""]
    return "\n".join(lines)


def epic_file() -> str:
    """A table of keys for each part of an epic file, from its JSON Schema."""
    schema = json_schema()
    lines = _table(schema["properties"])
    titles = {"epic": "Keys of `epic`", "story": "Keys of a story", "check": "Keys of a check"}
    for name, part in schema["definitions"].items():
        title = titles.get(name, f"Keys of `{name}`")
        more = part["additionalProperties"] is not False
        lines += [f"## {title}", "", _escaped(part["description"]), ""]
        lines += _table(part["properties"])
        lines += ["Other keys are kept." if more else "No other keys.", ""]
    return "\n".join(lines)


def handed() -> str:
    """What Sphinx is to take from docstrings itself, since only it reads those of attributes."""
    classes = "\n".join(f".. autoclass:: {name}\n   :members:\n" for name in HANDED)
    return f"```{{eval-rst}}\n{classes}```\n"


GENERATED: dict[str, Callable[[], str]] = {
    "options": options,
    "hooks": hooks,
    "handed": handed,
    "epic-file": epic_file,
}
"""What stands for ``<!-- generated: NAME -->``, by its name."""


def filled(text: str) -> str:
    """A page with what is to be generated in its place.

    :raises KeyError: nothing of that name can be generated.
    """
    return re.sub(r"^<!-- generated: (\S+) -->$", lambda found: GENERATED[found[1]](), text, flags=re.MULTILINE)


def _table(properties: Mapping[str, Shape]) -> list[str]:
    lines = ["| key | value | meaning |", "| --- | --- | --- |"]
    for key, shape in properties.items():
        if "not" in shape:  # known only so that an editor can say where it belongs
            continue
        default = f" Default: `{_yaml(shape['default'])}`." if "default" in shape else ""
        values = " or ".join(dict.fromkeys(_values(shape)))
        lines.append(f"| `{key}` | {values} | {_escaped(shape.get('description', ''))}{default} |")
    return [*lines, ""]


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _values(shape: Shape) -> Iterator[str]:
    """What a key may hold, in words. Nothing is said of null, which stands for a key that is left out."""
    if "$ref" in shape:
        yield _REFERENCES[shape["$ref"].rpartition("/")[2]]
    elif "anyOf" in shape:
        for choice in shape["anyOf"]:
            yield from _values(choice)
    elif "enum" in shape:
        yield from (f"`{value}`" for value in shape["enum"])
    else:
        kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
        if "number" in kinds and "string" in kinds:
            yield "text"
        else:
            # What is a string to an editor alone is a number or a boolean in YAML 1.1, which is named already.
            yield from (_kind(kind, shape) for kind in kinds if kind not in ("null", "string"))


def _kind(kind: str, shape: Shape) -> str:
    if kind == "array":
        items = shape["items"] if isinstance(shape["items"], list) else [shape["items"]]
        words = dict.fromkeys(word for item in items for word in _values(item))
        return "a list of " + " or ".join(_MANY.get(word, word) for word in words)
    least = f" from {shape['minimum']}" if "minimum" in shape else ""
    least = f" above {shape['exclusiveMinimum']}" if "exclusiveMinimum" in shape else least
    return {
        "boolean": "`true` or `false`",
        "integer": f"a whole number{least}",
        "number": f"a number{least}",
        "object": f"a mapping of names to {'numbers' if 'anyOf' in shape.get('additionalProperties', {}) else 'text'}",
    }[kind]


def _sentence(words: str) -> str:
    return _escaped(f"{words[0].upper()}{words[1:].rstrip('.')}.")


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_<>|\[\]])", r"\\\1", text)


def _markdown(docstring: str) -> str:
    return docstring.replace("``", "`")
