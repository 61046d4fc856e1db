"""A definition changes with what a story works from, and with nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_tapps_waves.epics.agents import AgentSpec
from pytest_tapps_waves.epics.inputs import inputs_of
from pytest_tapps_waves.epics.spec import Check, EpicHeader, StorySpec
from pytest_tapps_waves.journal.digests import changed_keys

BEFORE: dict[str, Any] = {
    "id": "1",
    "run": "make",
    "env": {"A": "1"},
    "acceptance_criteria": ["a note", Check("c", run="x")],
}


def definition(header: EpicHeader | None = None, *, whole: bool = False, **changes: Any) -> str:
    return inputs_of(StorySpec(**{**BEFORE, **changes}), header or EpicHeader("e"), whole=whole)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"run": ["make"]}, ["run"]),
        ({"run": None, "call": "a:b"}, ["call", "run"]),
        ({"env": {"A": "2"}}, ["env"]),
        ({"cwd": "sub"}, ["cwd"]),
        ({"dependencies": ["0"]}, ["dependencies"]),
        ({"acceptance_criteria": [Check("c", run="y")]}, ["checks"]),
        ({"acceptance_criteria": []}, ["checks"]),
    ],
)
def test_each_input_counts_and_is_named(changes: dict[str, Any], named: list[str]) -> None:
    assert changed_keys(definition(), definition(**changes)) == named


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "new"},
        {"description": "new"},
        {"files_affected": ["out/**"]},
        {"timeout": 5.0},
        {"retries": 3},
        {"tags": ["slow"]},
        {"line": 90},
        {"metadata": {"points": 3}},
        {"acceptance_criteria": ["another note", Check("another word", run="x")]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_for_people_and_what_only_limits_does_not_count(changes: dict[str, Any]) -> None:
    assert definition(**changes) == definition()


def test_variables_of_the_epic_count_where_the_story_does_not_set_them() -> None:
    assert changed_keys(definition(), definition(EpicHeader("e", env={"B": "1"}))) == ["env"]
    assert definition(EpicHeader("e", env={"A": "of the epic"})) == definition()


def test_the_value_of_a_secret_does_not_count_since_tokens_are_renewed() -> None:
    before = definition(EpicHeader("e", env={"TOKEN": "old"}, secrets=["TOKEN", "A"]))
    assert definition(EpicHeader("e", env={"TOKEN": "new"}, secrets=["TOKEN", "A"]), env={"A": "2"}) == before
    assert changed_keys(before, definition(EpicHeader("e", secrets=["TOKEN", "A"]))) == ["env"]


def test_every_key_counts_for_an_action_of_somebody_elses() -> None:
    before = definition(whole=True)
    assert changed_keys(before, definition(whole=True, metadata={"points": 3})) == ["metadata"]
    assert changed_keys(before, definition(whole=True, description="new")) == ["description"]
    assert definition(whole=True, line=90) == before


def test_metadata_may_hold_anything() -> None:
    assert definition(whole=True, metadata={"when": object, "text": "\ud800", "n": float("nan")})


AGENT = AgentSpec(["agent"], "acp", "Do it.", ["edit"], 3, {"TOKEN": "1"})


def done_by(agent: AgentSpec | None = AGENT, **changes: Any) -> str:
    return inputs_of(StorySpec(**{**BEFORE, "run": None, **changes}), EpicHeader("e"), agent, whole=False)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"title": "new"}, ["title"]),
        ({"description": "new"}, ["description"]),
        ({"files_affected": ["out/**"]}, ["files_affected"]),
        ({"acceptance_criteria": ["another note", Check("c", run="x")]}, ["criteria"]),
        ({"acceptance_criteria": ["a note", Check("another word", run="x")]}, ["criteria"]),
        ({"acceptance_criteria": ["a note", Check("c", run="y")]}, ["checks"]),
        ({"agent": AgentSpec(prompt="Do it well.")}, ["prompt"]),
    ],
)
def test_what_an_agent_is_told_counts_and_is_named(changes: dict[str, Any], named: list[str]) -> None:
    agent = changes.pop("agent", AGENT)
    assert changed_keys(done_by(), done_by(agent, **changes)) == named


def test_work_is_not_done_again_because_another_agent_would_do_it() -> None:
    assert done_by(AgentSpec(["other"], "command", "Do it.", [], 1)) == done_by()
    assert done_by(timeout=9.0, tags=["x"]) == done_by()
