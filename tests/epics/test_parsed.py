"""Epics that were read before are what they were, and nothing else is taken for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_tapps_waves.epics.inputs import inputs_of
from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.epics.parsed import ParsedEpics

PATH = "epics/epic_shop.yaml"

TEXT = b"""\
owner: me
epic:
  id: shop
  title: "\xc3\x9cber"
  max_parallel_stories: 3
  fail_fast: false
  conflict_detection: off
  circuit_breaker: 0
  timeout: 0
  env: {A: b}
  secrets: [A, TOKEN]
  more: {x: [1.5, true, null, .inf]}
stories:
  - id: 8.10
    title: All of it
    description: free
    dependencies:
      - a
      - tests/test_a.py::test_x
    files_affected: ["src/**"]
    critical: true
    run: [python, -V]
    acceptance_criteria:
      - text
      - {description: x, run: exit 0}
      - {description: y, call: "a:b"}
    timeout: 60
    retries: 2
    cwd: src
    env: {N: "1"}
    tags: [db]
    points: {deep: [{er: 1}]}
  - id: a
    call: a.b:c.d
  - {id: b}
"""


def test_an_epic_is_what_it_was(tmp_path: Path) -> None:
    parsed = ParsedEpics(tmp_path)
    definition = load(TEXT, PATH)
    assert parsed.get(PATH, TEXT) is None
    parsed.put(definition, TEXT)
    found = parsed.get(PATH, TEXT)
    assert found == definition
    assert found is not definition
    assert [type(story.timeout) for story in found.stories] == [float, type(None), type(None)]
    assert (found.header.timeout, found.header.fail_fast, found.header.circuit_breaker) == (0.0, False, 0)
    assert [story.inputs for story in found.stories] == [
        inputs_of(story, found.header, whole=False) for story in found.stories
    ]
    assert len(list(tmp_path.iterdir())) == 1


def test_another_text_and_another_file_are_not_taken_for_it(tmp_path: Path) -> None:
    parsed = ParsedEpics(tmp_path)
    parsed.put(load(TEXT, PATH), TEXT)
    assert parsed.get(PATH, TEXT + b"\n") is None
    assert parsed.get("epics/epic_other.yaml", TEXT) is None
    (kept,) = tmp_path.iterdir()
    parsed.put(load(TEXT, "epic_b.yaml"), TEXT)
    (other,) = set(tmp_path.iterdir()) - {kept}
    other.replace(kept)
    assert parsed.get(PATH, TEXT) is None


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"{}", b'"text"', b"\xff", b"[" * 100_000, b'{"digest": 1}'],
    ids=["empty", "cut", "a list", "no digest", "text", "bytes", "deep", "another digest"],
)
def test_a_damaged_file_is_as_none(tmp_path: Path, damage: bytes) -> None:
    parsed = ParsedEpics(tmp_path)
    parsed.put(load(TEXT, PATH), TEXT)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damage)
    assert parsed.get(PATH, TEXT) is None
    parsed.put(load(TEXT, PATH), TEXT)
    assert parsed.get(PATH, TEXT) is not None


def test_fields_that_are_not_there_any_more_are_as_none(tmp_path: Path) -> None:
    parsed = ParsedEpics(tmp_path)
    parsed.put(load(TEXT, PATH), TEXT)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes().replace(b'"retries"', b'"again"'))
    assert parsed.get(PATH, TEXT) is None


def test_what_json_cannot_hold_is_read_again(tmp_path: Path) -> None:
    definition = load(TEXT, PATH)
    header = definition.header._replace(metadata={"number": 10**5000})
    parsed = ParsedEpics(tmp_path)
    parsed.put(definition._replace(header=header), TEXT)
    assert parsed.get(PATH, TEXT) is None
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    parsed = ParsedEpics(tmp_path / "missing")
    parsed.put(load(TEXT, PATH), TEXT)
    assert parsed.get(PATH, TEXT) is None
    assert list(tmp_path.iterdir()) == []
