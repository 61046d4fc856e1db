"""What a story does, once the settings of its epic are known: its own action, or the work of an agent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

from ..actions.agents import AgentAction, available
from ..actions.base import Action
from ..actions.environment import command_environment
from ..actions.kinds import action_of
from ..epics.spec import Check, StorySpec
from ..settings import EpicSettings
from .idle import has_agent

if TYPE_CHECKING:
    from ..epics.agents import AgentSpec


def action_for(spec: StorySpec, settings: EpicSettings) -> Action | None:
    """The action of a story, if it has one. Whether its agent is there is another question."""
    return _agent_action(spec, settings) if has_agent(spec, settings) else action_of(spec)


def agent_of(action: Action | None) -> AgentSpec | None:
    """Who carries an action out, if it is an agent."""
    return action.brief.agent if isinstance(action, AgentAction) else None


def refuse_without_agent(items: Iterable[pytest.Item]) -> bool:
    """Before anything runs, see that the agents of all stories can be started; whether there are any.

    :raises pytest.UsageError: if one is not named, or is not there.
    """
    checked: set[tuple[str, str]] = set()
    for item in items:
        agent = agent_of(getattr(item, "action", None))
        if agent is None:
            continue
        place = f"{item.location[0]}:{(item.location[1] or 0) + 1}: story {item.name}"
        if not agent.command:
            raise pytest.UsageError(
                f"{place} is to be done by an agent, and none is named; name its command line under "
                "`epic: agent: command`, or with --epic-agent"
            )
        kind = (agent.runner or "", agent.command[0])
        if kind not in checked:
            checked.add(kind)
            if why := available(agent, command_environment(agent.env)["PATH"]):
                raise pytest.UsageError(f"{place}: {why}")
    return bool(checked)


def _agent_action(spec: StorySpec, settings: EpicSettings) -> AgentAction:
    # Imported where they are needed: most epics have no agents.
    from ..actions.agents.brief import Brief
    from ..epics.agents import effective

    criteria = [
        criterion.description if isinstance(criterion, Check) else criterion for criterion in spec.acceptance_criteria
    ]
    agent = effective(spec.agent, settings.agent, settings.agent_command)
    return AgentAction(Brief(spec.id, spec.title, spec.description, criteria, spec.files_affected, agent))
