"""The scalars of YAML: text, and what a plain scalar means if it is not taken as text."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from .wording import short

CORE = "tag:yaml.org,2002:"

_SCALAR_TAGS = {CORE + kind for kind in ("str", "int", "float", "bool", "null")}
_TYPED = {CORE + kind for kind in ("int", "float", "bool", "null")}
LONGEST_NUMBER = 1000
"""In characters. Python writes no whole number of more than 4,300 digits, however it was read, and numbers of minutes
and seconds (``1:30:00``) take PyYAML a time that grows with the square of their length."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class YamlError(Exception):
    """A mistake after which the rest of the file cannot be read."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message


def check_tag(event: Any, line: int) -> None:
    """
    :raises YamlError: if the tag of a scalar event is not one of the plain types.
    """
    if event.tag and event.tag not in _SCALAR_TAGS and event.tag != "!":
        raise YamlError(line, f"the tag {short(event.tag)} is not allowed; epics are plain YAML")


def scalar_value(event: Any, as_text: bool, line: int) -> str | int | float | bool | None:
    """What a scalar event of PyYAML stands for.

    :param as_text: keep a plain scalar's own text, except for null.
    :raises YamlError: if its tag is not one of the plain types, or does not fit.
    """
    text: str = event.value
    if event.tag:
        check_tag(event, line)
    if event.tag == CORE + "str" or event.tag == "!" or (not event.implicit[0] and not event.tag):
        return text
    if as_text:
        return None if text in _NULLS else text
    tag = event.tag or _resolve(text)
    if tag not in _TYPED:
        return text
    if len(text) > LONGEST_NUMBER:
        raise YamlError(line, f"{text[:40]!r}... is not a valid number")
    try:
        return _CONSTRUCTORS[tag](yaml.ScalarNode(tag, text))
    except (ValueError, KeyError, IndexError, OverflowError):
        raise YamlError(line, f"{text[:40]!r} is not a valid {tag.removeprefix(CORE)}") from None


def _resolve(text: str) -> str:
    for tag, pattern in Resolver.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            return str(tag)
    return CORE + "str"


_CONSTRUCTOR = SafeConstructor()
_CONSTRUCTORS = {
    CORE + "int": _CONSTRUCTOR.construct_yaml_int,
    CORE + "float": _CONSTRUCTOR.construct_yaml_float,
    CORE + "bool": _CONSTRUCTOR.construct_yaml_bool,
    CORE + "null": _CONSTRUCTOR.construct_yaml_null,
}
