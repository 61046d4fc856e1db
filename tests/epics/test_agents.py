"""Agents, budgets and worktrees in epic files."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pytest_tapps_waves.epics.agents import DEFAULT_ALLOW, TOOL_KINDS, AgentSpec, Budget, effective, put_together
from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.epics.spec import EpicDefinition
from pytest_tapps_waves.errors import PlanProblems


def loaded(text: str) -> EpicDefinition:
    return load(dedent(text).encode(), "epic_a.yaml")


def mistakes(text: str) -> list[str]:
    with pytest.raises(PlanProblems) as caught:
        loaded(text)
    return str(caught.value).splitlines()


def test_what_an_epic_says_of_its_agents_is_read() -> None:
    header = loaded("""
        epic:
          parallel_strategy: agent-teams
          isolation: worktree
          agent: {command: "agent --model 'the big one'", allow: read, max_iterations: 2, env: {DEBUG: 1}}
          budget: {tokens: 100000, cost: 2.5}
          memory_last_k: 0
        stories: [{id: a}]
    """).header
    assert header.agent == AgentSpec(
        ["agent", "--model", "the big one"], allow=["read"], max_iterations=2, env={"DEBUG": "1"}
    )
    assert header.budget == Budget(100_000, 2.5)
    assert (header.parallel_strategy, header.isolation, header.memory_last_k) == ("agent-teams", "worktree", 0)


def test_what_a_story_says_of_its_agent_is_text_where_text_is_meant() -> None:
    (story,) = loaded("""
        stories:
          - id: a
            agent: {command: [agent, 1.10], runner: acp, prompt: 2024-01-01}
    """).stories
    assert story.agent == AgentSpec(["agent", "1.10"], "acp", "2024-01-01")


def test_a_story_without_an_agent_has_none() -> None:
    (story,) = loaded("stories: [{id: a, agent: }]").stories
    assert story.agent is None


@pytest.mark.parametrize("kind", TOOL_KINDS)
def test_each_kind_of_tool_can_be_allowed(kind: str) -> None:
    (story,) = loaded(f"stories: [{{id: a, agent: {{allow: [{kind}]}}}}]").stories
    assert story.agent == AgentSpec(allow=[kind])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("agent: {allow: write}", "agent.allow must be read, edit, delete"),
        ("agent: {allow: [read, write]}", "agent.allow must be read, edit, delete"),
        ("agent: {runner: shell}", "agent.runner must be acp or command, not 'shell'"),
        ("agent: {max_iterations: 0}", "agent.max_iterations must be 1 or more, not 0"),
        ("agent: {command: ''}", "agent.command must name a command"),
        ('agent: {command: "it\'s"}', "agent.command must be a command as a shell splits it into words"),
        ("agent: {comand: x}", "agent.comand is not a key that goes here"),
        ("agent: claude", "agent must be a mapping, not 'claude'"),
        ("agent: {env: {'A=B': x}}", "agent.env must have names without `=`"),
        ("agent: {}\n    run: x", "story a has both `run` and `agent`; a story has one action"),
        ("agent: {}\n    call: a:b", "story a has both `call` and `agent`; a story has one action"),
        ("runner: command", "`runner`: it is a key of `agent`; name it there"),
        ("budget: {tokens: 5}", "`budget`: a budget is that of a whole epic; name it under `epic`"),
        ("memory_last_k: 5", "`memory_last_k`: it is the same for a whole epic; name it under `epic`"),
        ("agent: {runner: command, command: tool}", "story a: the runner `command` needs {prompt} in a word"),
    ],
)
def test_a_mistake_of_a_story_is_one_line(text: str, line: str) -> None:
    (told,) = mistakes(f"stories:\n  - id: a\n    {text}\n")
    assert told.startswith("epic_a.yaml:")
    assert line in told


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("budget: {tokens: 0}", "epic.budget.tokens must be 1 or more, not 0"),
        ("budget: {cost: 0}", "epic.budget.cost"),
        ("budget: {euros: 5}", "epic.budget.euros is not a key that goes here"),
        ("budget: 5", "epic.budget must be a mapping, not 5"),
        ("memory_last_k: -1", "epic.memory_last_k must be 0 or more, not -1"),
        ("isolation: container", "epic.isolation must be none or worktree, not 'container'"),
        ("parallel_strategy: teams", "epic.parallel_strategy must be sequential, asyncio or agent-teams, not 'teams'"),
        ("agent: {runner: command, command: [tool]}", "epic.agent: the runner `command` needs {prompt} in a word"),
    ],
)
def test_a_mistake_of_an_epic_is_one_line(text: str, line: str) -> None:
    (told,) = mistakes(f"epic:\n  {text}\nstories: [{{id: a, agent: {{}}}}]\n")
    assert told.startswith("epic_a.yaml:2: ")
    assert line in told


def test_what_a_story_says_beats_what_its_epic_says_key_by_key() -> None:
    of_epic = AgentSpec(["agent"], "acp", "do it", ["read"], 5, {"A": "1", "B": "1"})
    own = AgentSpec(allow=[], max_iterations=1, env={"B": "2"})
    assert put_together(own, of_epic) == AgentSpec(["agent"], "acp", "do it", [], 1, {"A": "1", "B": "2"})
    assert put_together(None, of_epic) == of_epic


def test_what_nobody_says_is_as_by_default_but_for_the_command() -> None:
    assert effective(None, None) == AgentSpec(None, "acp", None, list(DEFAULT_ALLOW), 3, {})


def test_a_command_of_the_command_line_takes_the_place_of_all() -> None:
    assert effective(AgentSpec(["own"]), AgentSpec(["of epic"]), ["given"]).command == ["given"]
