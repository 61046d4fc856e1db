"""Agents that stall, die, talk nonsense or refuse: one clear line each, no hang, and nothing left running."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_scenes import COMMAND, Scene, ended, spec, until

from pytest_tapps_waves.actions import processes
from pytest_tapps_waves.actions.agents.brief import Conversation
from pytest_tapps_waves.actions.children import can_watch
from pytest_tapps_waves.errors import ActionFailed

posix = pytest.mark.skipif(os.name != "posix", reason="signals")


@pytest.fixture
def scene(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Scene]:
    """To be played. Afterwards nothing of it runs, and nothing was logged."""
    made = Scene(tmp_path)
    yield made
    assert all(map(ended, made.pids))
    # Failures that nobody asked for are logged when they are collected.
    gc.collect()
    assert caplog.get_records("call") + caplog.records == []


@pytest.fixture(params=["watched", "by asyncio"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How the loop hears of children: by descriptors that we watch, where there are such, or as asyncio does it."""
    if request.param == "by asyncio":
        monkeypatch.setattr(processes, "can_watch", lambda: False)
    elif not can_watch():
        pytest.skip("this system has no descriptors for processes")


def failure(scene: Scene, *findings: str) -> ActionFailed:
    with pytest.raises(ActionFailed) as raised:
        scene.run(*findings)
    error = raised.value
    assert "\n" not in error.what
    assert error.action == scene.action().describe()
    return error


def turn(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"turns": [[{"say": "I begin."}, *steps]]}


async def begin(conversation: Conversation) -> None:
    await conversation.begin()


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("step", "what", "status"),
    [
        ({"exit": 3}, "it ended before it had answered: exit status 3", 3),
        pytest.param(
            {"signal": "SIGKILL"}, "it ended before it had answered: ended by signal 9 (SIGKILL)", -9, marks=posix
        ),
    ],
    ids=["exits", "killed"],
)
def test_one_that_dies_in_its_turn(scene: Scene, step: dict[str, Any], what: str, status: int) -> None:
    scene.script = turn({"spawn": "near.pid"}, {"stderr": "last words"}, step)
    error = failure(scene)
    assert (error.what, error.exit_status) == (what, status)
    assert scene.output.text("stderr") == "last words\n"
    assert scene.work.answer == "I begin."
    assert ended(scene.pid_in("near.pid"))


@posix
def test_one_that_dies_and_leaves_its_output_to_another(scene: Scene) -> None:
    scene.script = turn({"spawn_away": "away.pid"}, {"exit": 3})
    try:
        assert failure(scene).what == "it ended before it had answered: exit status 3"
    finally:
        # It has left the tree for good; such a one is found by the run's id once the run has ended.
        os.kill(scene.pid_in("away.pid"), 9)


def test_one_that_dies_before_it_has_introduced_itself(scene: Scene) -> None:
    scene.script = {"start": [{"stderr": "no model"}, {"exit": 0}]}
    assert failure(scene).what == "it ended before it had answered: exit status 0"
    assert scene.output.last_lines() == ["no model"]
    assert scene.work.iterations == 0


def test_one_that_ends_between_two_turns(scene: Scene) -> None:
    scene.script = turn()

    async def told_when_it_is_gone(conversation: Conversation) -> None:
        await conversation.begin()
        os.kill(scene.pids[0], 9)
        await until(lambda: ended(scene.pids[0]))
        await conversation.revise("- more")

    with pytest.raises(ActionFailed, match="it ended before it had answered"):
        asyncio.run(scene.play(body=told_when_it_is_gone))


@posix
def test_one_that_closes_its_output_and_stays(scene: Scene) -> None:
    scene.script = turn({"close_stdout": True}, {"stall": "for ever"})
    assert failure(scene).what == "it closed its output before it had answered"


def test_one_that_is_no_agent_at_all(scene: Scene) -> None:
    scene.agent = spec([sys.executable, "-c", "print('usage: tool FILE'); raise SystemExit(2)"])
    assert failure(scene).what == "it ended before it had answered: exit status 2"
    assert scene.said.split() == ["usage:", "tool", "FILE"]


def test_one_that_prints_a_line_without_end(scene: Scene) -> None:
    scene.script = turn({"flood": 20})
    assert failure(scene).what == "it printed a line of more than 16 MiB"


def test_one_that_asks_and_does_not_read_the_answers(scene: Scene) -> None:
    asks = (
        "import json, os, threading\n"
        "os.set_blocking(1, True)\n"
        "line = json.dumps({'jsonrpc': '2.0', 'id': 'x' * 100_000, 'method': 'fs/read_text_file'}) + '\\n'\n"
        "for _ in range(300): os.write(1, line.encode())\n"
        "threading.Event().wait()"
    )
    scene.agent = spec([sys.executable, "-c", asks])
    assert failure(scene).what == "it does not read what it is told: 16,777,216 bytes wait to be read"


def failures(scene: Scene, turns: int) -> list[str]:
    """What goes wrong in each of the turns of one session."""

    found: list[str] = []

    async def each(conversation: Conversation) -> None:
        for number in range(turns):
            with pytest.raises(ActionFailed) as raised:
                await (conversation.revise("- again") if number else conversation.begin())
            found.append(raised.value.what)

    asyncio.run(scene.play(body=each))
    return found


def test_one_whose_answer_is_none(scene: Scene) -> None:
    answers: list[Any] = [5, {}, {"stopReason": "bored"}]
    scene.script = {"turns": [[{"answer": answer}] for answer in answers]}
    none = "its answer to session/prompt is none of the protocol's"
    number, empty, unknown = failures(scene, 3)
    assert number.startswith(f"{none}: all of it: Input should be a valid dictionary")
    assert empty == f"{none}: stopReason: Field required"
    assert unknown.startswith(f"{none}: stopReason: Input should be 'end_turn', ")


def test_one_that_answers_with_an_error(scene: Scene) -> None:
    data = {"details": "quota exceeded"}
    scene.script = turn({"error": {"code": -32603, "message": "Internal\nerror", "data": data}})
    error = failure(scene)
    assert error.what == "it answered session/prompt with error -32603: Internal\\nerror"
    assert error.detail == '{\n  "details": "quota exceeded"\n}'


def test_one_that_could_not_read_what_it_was_told(scene: Scene) -> None:
    line = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'
    scene.script = turn({"print": line}, {"stall": "for ever"})
    assert failure(scene).what == 'it answered with an error: {"code": -32700, "message": "Parse error"}'


def test_one_that_stops_for_another_reason_than_that_it_is_done(scene: Scene) -> None:
    words = {
        "max_tokens": "it stopped, since a turn may not have more tokens (max_tokens)",
        "max_turn_requests": "it stopped, since a turn may not have more requests to its model (max_turn_requests)",
        "refusal": "it refused to do this (refusal)",
        "cancelled": "it stopped as if it had been cancelled (cancelled)",
    }
    scene.script = {"turns": [[{"tokens": 7}, {"stop": reason}] for reason in words]}
    assert failures(scene, len(words)) == list(words.values())
    assert scene.work.tokens == 7 * len(words)


def test_one_that_speaks_another_version(scene: Scene) -> None:
    scene.script = {"version": 2}
    assert failure(scene).what == (
        "it speaks version 2 of the Agent Client Protocol, not 1: "
        "use another release of the agent, or of agent-client-protocol"
    )


def test_one_that_wants_its_user_to_be_logged_in(scene: Scene) -> None:
    scene.script = {"login": "Please run /login"}
    assert failure(scene).what == (
        "it wants you to log in: do so with the agent's own program first (it offers: Log in by browser): "
        "Please run /login"
    )


def test_one_that_is_not_there(scene: Scene) -> None:
    scene.agent = spec(["no-such-agent", "--acp"])
    assert failure(scene).what.startswith("cannot start: ")
    assert scene.pids == []


def test_a_folder_that_is_not_there(scene: Scene) -> None:
    scene.folder = scene.folder / "nowhere"
    assert "nowhere is not a directory" in failure(scene).what


@pytest.mark.usefixtures("either_way")
def test_cancelled_in_its_turn_it_is_told_so_and_what_it_did_is_known(scene: Scene) -> None:
    scene.script = turn({"spawn": "near.pid"}, {"tokens": 30}, {"create": "there"}, {"stall": "until cancelled"})
    asyncio.run(scene.cancelled_when((scene.folder / "there").exists, begin))
    assert scene.logged("cancelled") == [True]
    assert (scene.work.answer, scene.work.tokens, scene.work.iterations) == ("I begin.", 30, 1)
    assert ended(scene.pid_in("near.pid"))


@pytest.mark.usefixtures("either_way")
def test_cancelled_one_that_does_not_listen_is_ended_with_all_it_started(scene: Scene) -> None:
    scene.grace = 0.2
    scene.script = {"stubborn": True, **turn({"spawn": "near.pid"}, {"create": "there"}, {"stall": "for ever"})}
    asyncio.run(scene.cancelled_when((scene.folder / "there").exists, begin))
    assert ended(scene.pid_in("near.pid"))


def test_cancelled_before_it_has_introduced_itself(scene: Scene) -> None:
    scene.script = {"start": [{"create": "there"}, {"wait_for": "never"}]}
    asyncio.run(scene.cancelled_when((scene.folder / "there").exists, begin))
    assert scene.work.iterations == 0


def test_cancelled_between_two_turns(scene: Scene) -> None:
    scene.script = turn()
    checked = asyncio.Event()

    async def and_check(conversation: Conversation) -> None:
        await conversation.begin()
        checked.set()
        await asyncio.Event().wait()

    asyncio.run(scene.cancelled_when(checked.is_set, and_check))
    assert scene.logged("cancelled") == []
    assert scene.work.answer == "I begin."


@posix
def test_cancelled_again_it_does_not_wait_for_the_grace_period(scene: Scene) -> None:
    scene.grace = 600.0
    scene.script = {"stubborn": True, **turn({"create": "there"}, {"stall": "for ever"})}

    async def twice() -> None:
        task = asyncio.ensure_future(scene.play(body=begin))
        await until((scene.folder / "there").exists)
        task.cancel()
        while not task.done():
            await asyncio.wait({task}, timeout=0.2)
            task.cancel()
        assert task.cancelled()

    asyncio.run(twice())


def test_cancelled_while_it_asks_it_gets_nothing_any_more(scene: Scene) -> None:
    ask = {"ask": {"title": "a.py", "kind": "edit", "then": [{"write": ["a.py", ""]}]}}
    scene.script = turn({"create": "there"}, {"wait_cancelled": True}, ask)
    asyncio.run(scene.cancelled_when((scene.folder / "there").exists, begin))
    assert not (scene.folder / "a.py").exists()
    assert scene.work.tool_calls == ["edit a.py: refused, since the story has ended"]


def test_without_the_package_it_says_what_to_install(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert failure(scene).what.endswith("which is not installed: pip install 'pytest-tapps-waves[agents]'")
    assert scene.pids == []


def test_a_package_that_cannot_be_imported_is_named_and_nothing_stays(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pytest_tapps_waves.actions.agents.speaking", None)
    assert failure(scene).what.startswith("agent-client-protocol cannot be imported: ModuleNotFoundError: ")
    assert scene.pids


def test_several_at_once_do_not_disturb_one_another(tmp_path: Path) -> None:
    scenes = []
    for name in "abc":
        folder = tmp_path / name
        folder.mkdir()
        scenes.append(Scene(folder, turn({"edit": [f"{name}.py", name]}), spec(COMMAND)))
    scenes[1].script = turn({"exit": 1})

    async def all_of_them() -> list[BaseException | None]:
        return await asyncio.gather(*(scene.play() for scene in scenes), return_exceptions=True)

    first, second, third = asyncio.run(all_of_them())
    assert (first, third) == (None, None)
    assert isinstance(second, ActionFailed)
    assert [scene.work.tool_calls for scene in scenes] == [["edit a.py: completed"], [], ["edit c.py: completed"]]
    assert all(ended(pid) for scene in scenes for pid in scene.pids)
