"""The schema for editors: it takes what runs, and refuses the mistakes that can be seen without running anything."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from loader_mutations import mutated

from pytest_tapps_waves.__main__ import main
from pytest_tapps_waves.epics.json_schema import SHIPPED, json_schema, json_schema_text
from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.errors import PlanProblems

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "corpus" / "epics"
BAD = sorted((CORPUS / "bad").glob("*.yaml"))
GOOD = sorted([*(CORPUS / "good").glob("*.yaml"), *(CORPUS / "graph").glob("*.yaml")])
EXAMPLES = sorted((ROOT / "example_epics").glob("*.yaml"))
VALIDATOR = jsonschema.Draft7Validator(json_schema())

BEYOND_A_SCHEMA = {
    "it takes another place to see": r"depends-on-itself|id-twice.*|duplicate-key(?!-by-two-names).*",
    "it is a matter of YAML, not of values": r"(alias|depth|directives?|surrogate)-.*|tag-(?!that-|binary-in-text).*",
    "a number of YAML 1.1 is text to an editor, and may be small": r"number-(of-(5|yaml-1.2)|sexa|with-under).*",
    "no number is not a number in JSON": r"number-not-a-number",
    "it takes what is near to a key": r"misspelt-keys",
    "it takes a parser of globs": r"glob-of-no-range",
}
"""Why a bad file cannot be refused, with the names of such files."""


class EditorLoader(yaml.SafeLoader):
    """YAML 1.2 with its core schema, https://yaml.org/spec/1.2.2/#103-core-schema, as editors read it, and ``<<``."""

    yaml_implicit_resolvers = {}


for tag, pattern, signs in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", r"<<", "<"),
):
    EditorLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(signs))


class Unread(Exception):
    """An editor says so by itself: its YAML parser fails."""


def as_an_editor(data: bytes) -> Any:
    """What an editor has validated."""
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
        return named(yaml.load(text.replace("\ufeff", ""), EditorLoader), 0)
    except Exception as error:
        raise Unread from error


def named(value: Any, depth: int) -> Any:
    """With keys that are text, as those of JSON are."""
    if depth > 200:
        raise RecursionError
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): named(held, depth + 1) for key, held in value.items()}
    return [named(held, depth + 1) for held in value] if isinstance(value, list) else value


def test_it_is_a_sound_schema_of_draft_7() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", [*GOOD, *EXAMPLES], ids=lambda path: path.stem)
def test_what_runs_is_accepted(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(as_an_editor(path.read_bytes()))] == []


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_refused_where_a_schema_can(path: Path) -> None:
    if path.name.startswith("alias-bomb"):
        pytest.skip("no editor survives it")
    try:
        value = as_an_editor(path.read_bytes())
    except Unread:
        return
    beyond = any(re.fullmatch(names, path.stem) for names in BEYOND_A_SCHEMA.values())
    assert VALIDATOR.is_valid(value) is beyond


@pytest.mark.parametrize("names", BEYOND_A_SCHEMA.values(), ids=BEYOND_A_SCHEMA.keys())
def test_no_excuse_is_left_over(names: str) -> None:
    assert any(re.fullmatch(names, path.stem) for path in BAD)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_loader_takes_no_editor_marks(seed: int) -> None:
    dice = random.Random(seed)
    good = [path.read_bytes() for path in GOOD]
    accepted = 0
    for _ in range(150):
        data = mutated(dice.choice(good), good, dice)
        try:
            load(data, "x.yaml")
            value = as_an_editor(data)
        except (PlanProblems, Unread):
            continue
        accepted += 1
        assert [error.message for error in VALIDATOR.iter_errors(value)] == [], data
    assert accepted > 5


@pytest.mark.parametrize(
    "story",
    [
        "{id: 8.10}",
        "{id: 7, title: 3, description: true, tags: 1}",
        "{id: a, critical: yes, timeout: 1:30}",
        "{id: a, title: , run: , call: , env: , timeout: , dependencies: }",
        "{story_id: a, depends_on: b, files: [src/**]}",
        "{id: größe, call: 'größe.тест:läuft', tags: [größe]}",
        "{id: a, run: [python, -m, http.server, 8000], env: {PORT: 8000, DEBUG: true}}",
        "{id: a, points: 3, owner: {name: x}}",
        "{id: a, agent: {command: 7, prompt: 2024-01-01, allow: read, max_iterations: 1:30}}",
        "{id: a, agent: {command: [tool, 8000], runner: acp, env: {A: true}}}",
    ],
)
def test_a_story_that_reads_well_is_not_marked(story: str) -> None:
    data = f"stories: [{story}]".encode()
    load(data, "x.yaml")
    assert [error.message for error in VALIDATOR.iter_errors(as_an_editor(data))] == []


@pytest.mark.parametrize(
    "story",
    [
        "{title: without an id}",
        "{id: a, run: make, call: 'm:f'}",
        "{id: a, depends_on: b, dependencies: c}",
        "{id: a, acceptance_criteria: [{description: a check without an action}]}",
        "{id: a, acceptance_criteria: [{description: two, run: a, call: 'm:f'}]}",
        "{id: a, resources: {gpu: 0}}",
        "{id: a, runner: command}",
        "{id: a, agent: {}, run: a}",
        "{id: a, agent: {}, call: 'm:f'}",
        "{id: a, agent: {allow: write}}",
        "{id: a, agent: {max_iterations: 0}}",
        "{id: a, agent: {model: x}}",
        "{id: a, budget: {tokens: 1}}",
        "{id: a, secrets: [X]}",
        "{id: a, tags: [depends]}",
        "{id: a, files: ['!x']}",
        "{id: a, files: [a/../../b]}",
        "{id: a, cwd: C:/x}",
        "{id: a, run: []}",
        "{id: a, retries: 101}",
        "{id: a, timeout: -1}",
        "{id: a, timeout: '60'}",
        "{id: a, env: {A: }}",
    ],
)
def test_a_mistake_is_marked_and_refused(story: str) -> None:
    data = f"stories: [{story}]".encode()
    with pytest.raises(PlanProblems):
        load(data, "x.yaml")
    assert not VALIDATOR.is_valid(as_an_editor(data))


@pytest.mark.parametrize("path", [SHIPPED, ROOT / "schema" / "epic.schema.json"], ids=["package", "schema"])
def test_the_committed_file_is_the_generated_one(path: Path) -> None:
    again = f"python -m pytest_tapps_waves schema -o {path.relative_to(ROOT).as_posix()}"
    assert path.read_text(encoding="utf-8") == json_schema_text(), f"make it anew: {again}"


def test_every_key_has_words_for_whoever_hovers_over_it() -> None:
    for name, definition in json_schema()["definitions"].items():
        for key, value in definition["properties"].items():
            assert value.get("description"), f"{name}.{key}"


def test_it_is_printed_alone_and_by_itself_in_ascii() -> None:
    done = subprocess.run([sys.executable, "-m", "pytest_tapps_waves", "schema"], capture_output=True, check=True)
    assert json.loads(done.stdout.decode("ascii")) == json_schema()
    assert done.stderr == b""


def test_it_is_written_to_a_file_and_where_that_fails_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "-o", str(tmp_path / "x.json")]) == 0
    assert (tmp_path / "x.json").read_bytes() == json_schema_text().encode()
    assert main(["schema", "-o", str(tmp_path / "no" / "x.json")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'no' / 'x.json'}: cannot be written: No such file or directory\n"


def test_the_installed_file_can_be_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--path"]) == 0
    assert Path(capsys.readouterr().out.strip()).samefile(SHIPPED)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_leads_editors_to_the_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve() == ROOT / "schema" / "epic.schema.json"
