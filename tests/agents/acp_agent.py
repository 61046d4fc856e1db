"""An agent for tests: it speaks the Agent Client Protocol over its stdin and stdout, and does what a script says.

Run it as ``[sys.executable, ACP_AGENT]`` (``agent_scenes.ACP_AGENT`` is its path). The script is JSON, in the variable
``ACP_AGENT``::

    {"turns": [[STEP, ...], [STEP, ...]]}     the steps of the first turn, of the second ...; the last one is repeated

Without one, and in a turn without steps, it says what it was told. A line of the prompt that begins with ``steps:`` and
goes on with a list of steps in JSON comes before the script. Other keys of the script:

    "start": [STEP, ...]     done before it speaks; those that need a session cannot be used here
    "end": [STEP, ...]       done when its input has ended
    "version": 2             the version of the protocol that it says it speaks
    "login": "text"          new sessions are refused with "authentication required", and this message
    "stubborn": true         it ends neither with its input nor when asked by SIGTERM
    "log": "FILE"            what happens to it is appended to this file, one JSON object a line: {"pid": 1},
                             {"cwd": "/x"}, {"prompt": "..."}, {"cancelled": true}, {"env": {...}}, {"answer": ...}

A step is an object with one key:

    {"say": "text"}                     a piece of its message
    {"say_times": ["x", 1000000]}       the same, a text that is repeated
    {"think": "text"}                   a piece of its thoughts
    {"edit": ["src/x.py", "text"]}      a tool call of kind edit that writes the file
    {"write": ["src/x.py", "text"]}     the same, without telling
    {"append": ["src/x.py", "text"]}    likewise, at the end of the file
    {"call": {"id": "1", "title": "ls", "kind": "execute", "status": "pending"}}     a tool call begins
    {"update": {"id": "1", "status": "failed", "title": "...", "kind": "..."}}       it goes on
    {"ask": {"title": "T", "kind": "edit", "id": "1", "options": ["allow_once", "reject_once"], "then": [STEP, ...]}}
                                        asks for permission; says "permission: allow_once", the kind of the option that
                                        was chosen, or "permission: cancelled"; "then" is done if it was allowed
    {"tokens": 100}                     used up in this turn, as the answer to the prompt says in the end
    {"cost": [0.25, "USD"]}             spent in the session so far
    {"update_raw": {...}}               a session update that is sent as it is
    {"request": ["fs/read_text_file", {...}]}     asks its client for something, and says "fs/read_text_file: -32601"
    {"turn": true}                      says "turn 2": which one of its session this is
    {"env": ["NAME", ...]}              notes these variables in its log
    {"spawn": "FILE"}                   starts a process that stays, and writes its pid to the file
    {"spawn_away": "FILE"}              the same, in a session of its own
    {"wait_for": "FILE"}                goes on when there is such a file
    {"create": "FILE"}                  makes an empty file, for others to wait for
    {"wait_cancelled": true}            goes on when it is cancelled
    {"stall": "until cancelled"}        waits; then the turn ends as cancelled
    {"stall": "for ever"}               waits, and does not listen
    {"print": "text"}                   a line on stdout that may be anything
    {"flood": 20}                       so many MiB in one line on stdout
    {"stderr": "text"}                  a line on stderr
    {"stderr_bytes": 1000000}           so many bytes on stderr, in lines
    {"exit": 3}                         ends at once
    {"signal": "SIGKILL"}               ends itself by a signal
    {"close_stdout": true}              stays, but says nothing any more
    {"stop": "max_tokens"}              ends the turn with this stop reason
    {"answer": 5}                       ends the turn with this instead of an answer
    {"error": {"code": -32603, "message": "text", "data": {...}}}     ends the turn with an error

Paths are relative to the session's folder, in ``start`` to that in which it was started.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import acp
from acp.schema import (
    AgentCapabilities,
    AuthMethodAgent,
    Cost,
    InitializeResponse,
    NewSessionResponse,
    PermissionOption,
    PromptResponse,
    ToolCallUpdate,
    Usage,
    UsageUpdate,
)

STAYS = "import threading; threading.Event().wait()"


class TurnEnds(Exception):
    """With this answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer


class ScriptedAgent:
    """What acp calls by name; see its ``Agent``."""

    def __init__(self, script: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        self.script = script
        self.writer = writer
        self.client: Any = None
        self.session = "s-1"
        self.folder = Path.cwd()
        self.turn = 0
        self.calls = 0
        self.tokens: int | None = None
        self.cancelled = asyncio.Event()
        self.log(pid=os.getpid())

    def log(self, **event: Any) -> None:
        if path := self.script.get("log"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")

    def on_connect(self, client: Any) -> None:
        self.client = client

    async def initialize(self, protocol_version: int, **_: Any) -> InitializeResponse:
        return InitializeResponse(
            protocol_version=self.script.get("version", protocol_version),
            agent_capabilities=AgentCapabilities(),
            auth_methods=[AuthMethodAgent(id="browser", name="Log in by browser")],
        )

    async def new_session(self, cwd: str, **_: Any) -> NewSessionResponse:
        if "login" in self.script:
            raise acp.RequestError(-32000, self.script["login"])
        self.folder = Path(cwd)
        self.log(cwd=cwd)
        return NewSessionResponse(session_id=self.session)

    async def cancel(self, session_id: str, **_: Any) -> None:
        self.log(cancelled=session_id == self.session)
        self.cancelled.set()

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> Any:
        text = "".join(block.text for block in prompt)
        self.log(prompt=text)
        self.turn += 1
        self.tokens = None
        try:
            await self.do(self.steps(text))
        except TurnEnds as end:
            return end.answer
        return self.end("end_turn")

    def steps(self, text: str) -> list[dict[str, Any]]:
        for line in text.splitlines():
            if line.startswith("steps:"):
                steps: list[dict[str, Any]] = json.loads(line.removeprefix("steps:"))
                return steps
        turns = self.script.get("turns", [])
        return turns[min(self.turn, len(turns)) - 1] if turns else [{"say": text}]

    def end(self, reason: Any) -> PromptResponse:
        usage = None
        if self.tokens is not None:
            usage = Usage(total_tokens=self.tokens, input_tokens=self.tokens, output_tokens=0)
        return PromptResponse(stop_reason=reason, usage=usage)

    async def do(self, steps: list[dict[str, Any]]) -> None:
        for step in steps:
            ((name, value),) = step.items()
            await getattr(self, f"do_{name}")(value)

    async def send(self, update: Any) -> None:
        await self.client.session_update(session_id=self.session, update=update)

    async def do_say(self, text: str) -> None:
        await self.send(acp.update_agent_message_text(text))

    async def do_say_times(self, value: list[Any]) -> None:
        await self.do_say(value[0] * value[1])

    async def do_think(self, text: str) -> None:
        await self.send(acp.update_agent_thought_text(text))

    async def do_edit(self, edit: list[str]) -> None:
        self.calls += 1
        call = f"edit-{self.calls}"
        await self.send(acp.start_edit_tool_call(call, edit[0], edit[0], edit[1]))
        await self.do_write(edit)
        await self.send(acp.update_tool_call(call, status="completed"))

    async def do_write(self, edit: list[str]) -> None:
        self.write(edit, "w")

    async def do_append(self, edit: list[str]) -> None:
        self.write(edit, "a")

    def write(self, edit: list[str], mode: str) -> None:
        path = self.folder / edit[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode, encoding="utf-8") as file:
            file.write(edit[1])

    async def do_call(self, call: dict[str, Any]) -> None:
        call_id, title = call.pop("id"), call.pop("title")
        await self.send(acp.start_tool_call(call_id, title, **call))

    async def do_update(self, call: dict[str, Any]) -> None:
        await self.send(acp.update_tool_call(call.pop("id"), **call))

    async def do_ask(self, ask: dict[str, Any]) -> None:
        self.calls += 1
        call = ToolCallUpdate(
            tool_call_id=ask.get("id", f"ask-{self.calls}"), title=ask.get("title"), kind=ask.get("kind")
        )
        kinds = ask.get("options", ["allow_once", "reject_once"])
        options = [PermissionOption(option_id=f"id of {kind}", name=kind, kind=kind) for kind in kinds]
        answer = await self.client.request_permission(session_id=self.session, tool_call=call, options=options)
        option = getattr(answer.outcome, "option_id", "cancelled").removeprefix("id of ")
        await self.do_say(f"permission: {option}\n")
        if option.startswith("allow"):
            await self.do(ask.get("then", []))

    async def do_tokens(self, tokens: int) -> None:
        self.tokens = tokens

    async def do_cost(self, cost: list[Any]) -> None:
        spent = Cost(amount=cost[0], currency=cost[1])
        await self.send(UsageUpdate(session_update="usage_update", used=1, size=2, cost=spent))

    async def do_update_raw(self, update: Any) -> None:
        params = {"sessionId": self.session, "update": update}
        await self.do_print(json.dumps({"jsonrpc": "2.0", "method": "session/update", "params": params}))

    async def do_request(self, request: list[Any]) -> None:
        method, params = request
        try:
            answer = await self.client._conn.send_request(method, {"sessionId": self.session, **params})
        except acp.RequestError as error:
            answer = error.code
        await self.do_say(f"{method}: {answer}\n")

    async def do_turn(self, _: Any) -> None:
        await self.do_say(f"turn {self.turn}\n")

    async def do_env(self, names: list[str]) -> None:
        self.log(env={name: os.environ.get(name) for name in names})

    async def do_spawn(self, name: str, *, away: bool = False) -> None:
        child = subprocess.Popen(  # noqa: ASYNC220 - nothing else goes on
            [sys.executable, "-c", STAYS], stdin=subprocess.DEVNULL, start_new_session=away
        )
        (self.folder / name).write_text(f"{child.pid}\n", encoding="utf-8")

    async def do_spawn_away(self, name: str) -> None:
        await self.do_spawn(name, away=True)

    async def do_wait_for(self, name: str) -> None:
        while not (self.folder / name).exists():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.01)

    async def do_create(self, name: str) -> None:
        (self.folder / name).touch()

    async def do_wait_cancelled(self, _: Any) -> None:
        await self.cancelled.wait()

    async def do_stall(self, how: str) -> None:
        if how == "until cancelled":
            await self.cancelled.wait()
            raise TurnEnds(self.end("cancelled"))
        await asyncio.Event().wait()

    async def do_print(self, text: str) -> None:
        self.writer.write(f"{text}\n".encode())
        await self.writer.drain()

    async def do_flood(self, mebibytes: int) -> None:
        await self.do_print("x" * (mebibytes * 2**20))

    async def do_stderr(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    async def do_stderr_bytes(self, size: int) -> None:
        print(("e" * 79 + "\n") * (size // 80), file=sys.stderr, end="", flush=True)  # noqa: T201

    async def do_exit(self, status: int) -> None:
        os._exit(status)

    async def do_signal(self, name: str) -> None:
        os.kill(os.getpid(), getattr(signal, name))
        await asyncio.Event().wait()

    async def do_close_stdout(self, _: Any) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    async def do_stop(self, reason: str) -> None:
        raise TurnEnds(self.end(reason))

    async def do_answer(self, answer: Any) -> None:
        raise TurnEnds(answer)

    async def do_error(self, error: dict[str, Any]) -> None:
        raise acp.RequestError(error["code"], error["message"], error.get("data"))


async def main() -> None:
    script = json.loads(os.environ.get("ACP_AGENT", "{}"))
    if script.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    reader, writer = await acp.stdio_streams()
    agent: Any = ScriptedAgent(script, writer)
    await agent.do(script.get("start", []))
    await acp.run_agent(agent, writer, reader)
    await agent.do(script.get("end", []))
    if script.get("stubborn"):
        threading.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
