"""What an agent may do is decided by the kind of the tool."""

from __future__ import annotations

import typing
from typing import NamedTuple

import pytest
from acp.schema import PermissionOptionKind, ToolKind

from pytest_tapps_waves.actions.agents.permissions import OPTION_KINDS, UNKNOWN, chosen, refusal
from pytest_tapps_waves.epics.agents import DEFAULT_ALLOW, TOOL_KINDS


class Offer(NamedTuple):
    option_id: str
    kind: str


def offers(*kinds: str) -> list[Offer]:
    return [Offer(f"id of {kind}", kind) for kind in kinds]


def test_the_kinds_are_those_of_the_protocol() -> None:
    assert typing.get_args(ToolKind) == TOOL_KINDS
    assert typing.get_args(PermissionOptionKind) == OPTION_KINDS
    assert set(DEFAULT_ALLOW) < set(TOOL_KINDS)
    assert UNKNOWN in TOOL_KINDS


def test_a_kind_is_allowed_or_the_refusal_says_why() -> None:
    assert refusal("edit", ["read", "edit"]) == ""
    assert refusal("execute", ["read", "edit"]) == "since execute is not in allow"


@pytest.mark.parametrize(
    ("offered", "allowed", "kind"),
    [
        (["allow_always", "allow_once", "reject_once"], True, "allow_once"),
        (["allow_once", "allow_always"], True, "allow_once"),
        (["reject_once", "allow_always"], True, "allow_always"),
        (["reject_always", "reject_once"], True, None),
        (["allow_once", "reject_always", "reject_once"], False, "reject_once"),
        (["allow_once", "reject_always"], False, "reject_always"),
        (["allow_once", "allow_always"], False, None),
        ([], True, None),
        ([], False, None),
    ],
)
def test_it_is_answered_for_this_once_if_possible_and_never_the_other_way(
    offered: list[str], allowed: bool, kind: str | None
) -> None:
    assert chosen(offers(*offered), allowed=allowed) == (kind and f"id of {kind}")
