"""The Agent Client Protocol, as a client speaks it: what an agent is told and asked, and what it may ask in turn.

It imports acp, which takes most of a second: whoever needs this module imports it when an agent has been started. Of
acp it uses, besides what acp itself exports, ``acp.connection.Connection`` with a transport of our own, ``acp.schema``
and ``acp.utils``; tested with agent-client-protocol 0.12.1.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from acp import AGENT_METHODS, CLIENT_METHODS, PROTOCOL_VERSION, RequestError
from acp.connection import Connection
from acp.schema import (
    AgentMessageChunk,
    AllowedOutcome,
    CancelNotification,
    DeniedOutcome,
    Implementation,
    InitializeRequest,
    InitializeResponse,
    NewSessionRequest,
    NewSessionResponse,
    PromptRequest,
    PromptResponse,
    RequestPermissionRequest,
    RequestPermissionResponse,
    SessionNotification,
    TextContentBlock,
    ToolCallProgress,
    ToolCallStart,
    UsageUpdate,
)
from acp.utils import notify_model, request_model
from pydantic import BaseModel, ValidationError

import pytest_tapps_waves

from ...errors import ActionFailed
from ...inert import one_line
from ..output import as_text
from .diary import Diary
from .permissions import OPTION_KINDS, chosen, refusal
from .wire import Wire

_AUTH_REQUIRED = RequestError.auth_required().code

_STOPS = {
    "max_tokens": "it stopped, since a turn may not have more tokens (max_tokens)",
    "max_turn_requests": "it stopped, since a turn may not have more requests to its model (max_turn_requests)",
    "refusal": "it refused to do this (refusal)",
    "cancelled": "it stopped as if it had been cancelled (cancelled)",
}
_LISTENED_TO = ("agent_message_chunk", "tool_call", "tool_call_update", "usage_update")
_LONGEST = 500

_Answer = TypeVar("_Answer", bound=BaseModel)


class Speaker:
    """One session with one agent. What waits for an answer raises ConnectionError if none will come any more."""

    def __init__(self, wire: Wire, diary: Diary, allow: Collection[str], action: str) -> None:
        """:param action: as it stands in the epic file."""
        wire.on_notification = self._told
        self._connection = Connection(self._asked, wire)
        self._diary = diary
        self._allow = allow
        self._action = action
        self._session = ""
        self._logins: list[str] = []
        self._cancelled = False

    async def open(self, cwd: Path) -> None:
        """Begin a session that works in a folder.

        :raises ActionFailed: if the agent speaks another version, wants to be logged in, or answers with an error.
        """
        hello = InitializeRequest(
            protocol_version=PROTOCOL_VERSION,
            client_info=Implementation(name="pytest-tapps-waves", version=pytest_tapps_waves.__version__),
        )
        met = await self._ask("initialize", hello, InitializeResponse)
        if met.protocol_version != PROTOCOL_VERSION:
            raise self._failed(
                f"it speaks version {met.protocol_version} of the Agent Client Protocol, not {PROTOCOL_VERSION}: "
                "use another release of the agent, or of agent-client-protocol"
            )
        self._logins = [method.name for method in met.auth_methods or ()]
        begin = NewSessionRequest(cwd=as_text(str(cwd)), mcp_servers=[])
        self._session = (await self._ask("session_new", begin, NewSessionResponse)).session_id

    async def prompt(self, text: str) -> None:
        """Tell it something, and wait until it has done what it does about it.

        :raises ActionFailed: if it stops for another reason than that it has finished.
        """
        told = PromptRequest(session_id=self._session, prompt=[TextContentBlock(type="text", text=as_text(text))])
        answer = await self._ask("session_prompt", told, PromptResponse)
        if answer.usage is not None:
            # Of this turn. The schema says both that and "across all turns"; agents take it for the turn, and so do
            # its authors: agentclientprotocol/claude-agent-acp#390, agent-client-protocol#1860. Some tell of the last
            # request of the turn only (codex-acp#447), which cannot be seen from here.
            self._diary.used(answer.usage.total_tokens)
        if answer.stop_reason != "end_turn":
            raise self._failed(_STOPS[answer.stop_reason])

    async def cancel(self) -> bool:
        """Ask it to stop what it is doing, if it has a session; what it asks for from now on is not to be had."""
        self._cancelled = True
        if not self._session:
            return False
        cancel = CancelNotification(session_id=self._session)
        await notify_model(self._connection, AGENT_METHODS["session_cancel"], cancel)
        return True

    async def close(self) -> None:
        await self._connection.close()

    async def _ask(self, what: str, params: BaseModel, answer: type[_Answer]) -> _Answer:
        method = AGENT_METHODS[what]
        try:
            return await request_model(self._connection, method, params, answer)
        except RequestError as error:
            raise self._refused(method, error) from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "all of it"
            raise self._failed(f"its answer to {method} is none of the protocol's: {place}: {first['msg']}") from None

    def _refused(self, method: str, error: RequestError) -> ActionFailed:
        message = _short(str(error))
        detail = "" if error.data in (None, {}) else json.dumps(error.data, indent=2)[:_LONGEST]
        if error.code == _AUTH_REQUIRED:
            ways = f" (it offers: {_short(', '.join(self._logins))})" if self._logins else ""
            what = f"it wants you to log in: do so with the agent's own program first{ways}: {message}"
            return self._failed(what, detail)
        return self._failed(f"it answered {method} with error {error.code}: {message}", detail)

    def _failed(self, what: str, detail: str = "") -> ActionFailed:
        return ActionFailed(what, self._action, detail)

    async def _asked(self, method: str, params: Any, is_notification: bool) -> BaseModel | None:
        """What the agent asks for. It has its own tools, so it gets neither files nor terminals from here."""
        if method == CLIENT_METHODS["session_request_permission"]:
            return self._permitted(params)
        raise RequestError.method_not_found(method)

    def _told(self, method: str, params: Any) -> None:
        kind = _within(params, "update", "sessionUpdate")
        if method != CLIENT_METHODS["session_update"] or kind not in _LISTENED_TO:
            return
        try:
            update = SessionNotification.model_validate(params).update
        except ValidationError:
            self._diary.noted(f"the agent told of {kind} in a way that the protocol does not know")
            return
        match update:
            case AgentMessageChunk(content=TextContentBlock(text=text)):
                self._diary.said(text)
            case AgentMessageChunk(content=content):
                self._diary.said(f"[{content.type}]")
            case ToolCallStart() | ToolCallProgress():
                self._diary.called(update.tool_call_id, update.kind, update.title, update.status)
            case UsageUpdate(cost=cost) if cost is not None:
                # Of the whole session; what is ``used`` is the size of its context, which is no consumption.
                self._diary.costs(cost.amount, cost.currency)

    def _permitted(self, params: Any) -> RequestPermissionResponse:
        offered = _within(params, "options")
        if isinstance(offered, list):
            # Agents have options of their own beside those of the protocol, which would spoil the whole request.
            params = {**params, "options": [option for option in offered if _within(option, "kind") in OPTION_KINDS]}
        try:
            request = RequestPermissionRequest.model_validate(params)
        except ValidationError:
            self._diary.noted("the agent asked for permission in a way that the protocol does not know: refused")
            raise RequestError.invalid_params() from None
        call = request.tool_call
        kind = call.kind or self._diary.kind_of(call.tool_call_id)
        why = "since the story has ended" if self._cancelled else refusal(kind, self._allow)
        option = None if self._cancelled else chosen(request.options, allowed=not why)
        if option is None and not why:
            why = "since the agent offers no way to allow it"
            option = chosen(request.options, allowed=False)
        if why:
            self._diary.refused(call.tool_call_id, kind, call.title, why)
        else:
            self._diary.called(call.tool_call_id, kind, call.title, None)
        if option is None:
            # The protocol knows no other answer then, though agents give up the whole turn on it.
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        return RequestPermissionResponse(outcome=AllowedOutcome(outcome="selected", option_id=option))


def _within(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _short(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [...]"
