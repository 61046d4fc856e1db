"""The JSON Schema of epic files, which editors check and complete them with.

Draft 7, the newest that all of them know: https://json-schema.org/draft-07. It knows the keys and their values; what
takes more than one place to see (an unknown dependency, an id that is taken, a cycle) only a run can tell.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Container
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from . import shapes
from .schema import ALIASES, MISPLACED, AgentModel, BudgetModel, CheckModel, HeaderModel, StoryModel
from .shapes import Shape

SHIPPED = Path(__file__).parent / "epic.schema.json"
"""The schema as a file of the package, for editors that want a path."""
_NOTHING: Shape = {"type": "null"}
_REFERENCES = {"agent": "agent", "budget": "budget"}
"""Keys whose values are models of their own."""
_CHECK: Shape = {"$ref": "#/definitions/check"}


class _ForEditors(GenerateJsonSchema):
    """Scalars as an editor sees them, before it is known which of them are text to us."""

    def str_schema(self, schema: Any) -> Shape:
        return dict(shapes.TEXT)

    def bool_schema(self, schema: Any) -> Shape:
        return dict(shapes.BOOLEAN)

    def int_schema(self, schema: Any) -> Shape:
        return {"anyOf": [super().int_schema(schema), shapes.OLD_NUMBER]}

    def float_schema(self, schema: Any) -> Shape:
        number = super().float_schema(schema)
        # Versions of pydantic differ: 0 and 0.0. The maximum keeps out infinity.
        least = next(key for key in ("minimum", "exclusiveMinimum") if key in number)
        number.update({least: int(number[least]), "maximum": sys.float_info.max})
        return {"anyOf": [number, shapes.OLD_NUMBER]}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> Shape:
    """The schema of a whole file, ready for :func:`json.dumps`."""
    stories: Shape = {
        "type": "array",
        "items": {"$ref": "#/definitions/story"},
        "description": "The stories, in order.",
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Epic file of pytest-tapps-waves",
        "description": "Stories with what they depend on and the files that they affect, run by pytest.",
        "type": "object",
        "properties": {
            "epic": {"anyOf": [{"$ref": "#/definitions/epic"}, _NOTHING], "description": "The epic as a whole."},
            "stories": stories,
            **_misplaced(()),
        },
        "oneOf": [
            {"required": ["stories"]},
            {"required": ["epic"], "properties": {"epic": {"type": "object", "required": ["stories"]}}},
        ],
        "definitions": {
            "epic": _model(HeaderModel, {"stories": stories, **_misplaced(HeaderModel.model_fields)}),
            "story": {**_model(StoryModel, {**_aliases(), **_misplaced(StoryModel.model_fields)}), **_story_rules()},
            "agent": _model(AgentModel, {}),
            "budget": _model(BudgetModel, {}),
            "check": {**_model(CheckModel, {}), "required": ["description"], "oneOf": [_given("run"), _given("call")]},
        },
    }


def json_schema_text() -> str:
    """The schema as it is kept in files: ASCII, so that no terminal and no redirection changes it."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _model(model: type[BaseModel], more: Shape) -> Shape:
    made = model.model_json_schema(schema_generator=_ForEditors)
    properties = {
        key: value if key in made.get("required", ()) and model is CheckModel else _or_nothing(value)
        for key, value in made["properties"].items()
    }
    # pydantic allows no reference here to what it did not define itself.
    for key, definition in _REFERENCES.items():
        if key in properties:
            properties[key]["anyOf"] = [{"$ref": f"#/definitions/{definition}"}, _NOTHING]
    if model is StoryModel:
        properties["acceptance_criteria"].update(_or_nothing(shapes.listed(shapes.TEXT, _CHECK)))
    return {
        "type": "object",
        "description": made["description"],
        "properties": {**properties, **more},
        "additionalProperties": made["additionalProperties"],
    }


def _or_nothing(shape: Shape) -> Shape:
    """A key without a value is a key that is left out."""
    shape = {key: value for key, value in shape.items() if key != "default" or value not in (None, "")}
    if "anyOf" in shape:
        kinds = [kind for choice in shape.pop("anyOf") for kind in choice.get("anyOf", [choice])]
        # Versions of pydantic differ in how they write a choice of one.
        kinds = [{"enum": [kind["const"]]} if "const" in kind else kind for kind in kinds]
        return {**shape, "anyOf": [*(kind for kind in kinds if kind != _NOTHING), _NOTHING]}
    kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
    return {**shape, "type": [*kinds, "null"]}


def _misplaced(known: Container[str]) -> Shape:
    """Keys that belong elsewhere.

    :param known: those that belong here.
    """
    return {key: {"not": {}, "description": words} for key, words in MISPLACED.items() if key not in known}


def _aliases() -> Shape:
    properties = StoryModel.model_json_schema(schema_generator=_ForEditors)["properties"]
    return {
        alias: {**_or_nothing(properties[key]), "description": f"Another name of {key}."}
        for alias, key in ALIASES.items()
    }


def _story_rules() -> Shape:
    pairs = [("run", "call"), ("run", "agent"), ("call", "agent"), *((key, alias) for alias, key in ALIASES.items())]
    return {
        "anyOf": [_given("id"), _given("story_id")],
        "allOf": [{"not": {"allOf": [_given(one), _given(other)]}} for one, other in pairs],
    }


def _given(key: str) -> Shape:
    return {"required": [key], "properties": {key: {"not": _NOTHING}}}
