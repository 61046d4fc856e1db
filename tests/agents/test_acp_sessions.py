"""A real agent over real pipes: what it is told, what is told of it, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_scenes import Scene, ended, spec

from pytest_tapps_waves.actions.base import PriorWork
from pytest_tapps_waves.actions.output import Output
from pytest_tapps_waves.errors import ActionFailed


@pytest.fixture
def scene(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Scene]:
    """To be played. Afterwards nothing of it runs, and nothing was logged."""
    made = Scene(tmp_path)
    yield made
    assert made.pids
    assert all(map(ended, made.pids))
    # Failures that nobody asked for are logged when they are collected.
    gc.collect()
    assert caplog.get_records("call") + caplog.records == []


def turns(*steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {"turns": steps}


def test_an_agent_works_in_the_folder_of_its_story_and_tells_what_it_does(scene: Scene) -> None:
    scene.script = turns(
        [
            {"say": "I write "},
            {"say": "it."},
            {"think": "Hm."},
            {"edit": ["src/x.py", "X = 1\n"]},
            {"say": "Done."},
            {"tokens": 120},
            {"cost": [0.25, "USD"]},
        ]
    )
    scene.run()
    assert (scene.folder / "src/x.py").read_text() == "X = 1\n"
    assert scene.said == "I write it.\n[edit src/x.py: pending]\n[edit src/x.py: completed]\nDone.\n"
    work = scene.work
    assert work.answer == "I write it.\n\nDone."
    assert work.tool_calls == ["edit src/x.py: completed"]
    assert (work.iterations, work.tokens, work.cost, work.currency) == (1, 120, 0.25, "USD")
    assert scene.logged("cwd") == [str(scene.folder)]


def test_it_is_told_of_the_story_and_of_what_came_before_it(scene: Scene) -> None:
    scene.prior = [PriorWork("7.4", "Users", "Added a table.", ("src/users.py",))]
    scene.run()
    (prompt,) = scene.logged("prompt")
    assert prompt.startswith("# Story 8.1: Create the schema\n\nMake it.\n")
    assert "\n### 7.4: Users\n\nAdded a table.\n\nFiles changed: src/users.py\n" in prompt
    assert scene.work.answer == prompt


def test_findings_go_to_the_same_session(scene: Scene) -> None:
    scene.script = turns(
        [{"turn": True}, {"tokens": 100}, {"cost": [0.25, "EUR"]}],
        [{"turn": True}, {"tokens": 20}, {"cost": [0.75, "EUR"]}],
    )
    scene.run("- a test failed", "- it still fails")
    assert scene.logged("prompt")[1:] == ["- a test failed", "- it still fails"]
    assert scene.said == "turn 1\n[iteration 2]\nturn 2\n[iteration 3]\nturn 3\n"
    assert scene.work.answer == "turn 3\n"
    assert (scene.work.iterations, scene.work.tokens, scene.work.cost) == (3, 140, 0.75)
    assert len(scene.pids) == 1
    assert scene.action().iterations == 3


def test_as_any_action_it_has_one_turn(scene: Scene) -> None:
    scene.script = turns([{"turn": True}])

    async def perform() -> None:
        async with asyncio.timeout(60):
            await scene.action().perform(scene.job(), scene.output)

    asyncio.run(perform())
    assert scene.said == "turn 1\n"


def test_its_environment_is_that_of_the_story_with_its_own_on_top(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "1")
    scene.variables = {"STORYS": "2", "BOTH": "the story's"}
    scene.agent = spec(env={"AGENTS": "3", "BOTH": "the agent's"})
    scene.script = turns([{"env": ["OURS", "STORYS", "AGENTS", "BOTH"]}])
    scene.run()
    assert scene.logged("env") == [{"OURS": "1", "STORYS": "2", "AGENTS": "3", "BOTH": "the agent's"}]


def test_tools_are_allowed_and_refused_by_their_kind(scene: Scene) -> None:
    both = ["allow_always", "allow_once", "reject_always", "reject_once"]
    scene.script = turns(
        [
            {"ask": {"title": "a.py", "kind": "edit", "options": both, "then": [{"write": ["a.py", ""]}]}},
            {"ask": {"title": "rm -rf /", "kind": "execute", "options": both, "then": [{"write": ["b.py", ""]}]}},
            {"ask": {"title": "strange", "kind": None, "options": both}},
            {"call": {"id": "7", "title": "c.py", "kind": "edit", "status": "pending"}},
            {"ask": {"id": "7", "options": ["reject_once", "allow_once"]}},
            {"ask": {"title": "d.py", "kind": "edit", "options": ["reject_once"]}},
            {"ask": {"title": "e.py", "kind": "delete", "options": ["allow_once"]}},
        ]
    )
    scene.run()
    assert scene.work.answer.split("permission: ")[1:] == [
        "allow_once\n\n\n",
        "reject_once\n\n\n",
        "reject_once\n\n\n",
        "allow_once\n\n\n",
        "reject_once\n\n\n",
        "cancelled\n",
    ]
    assert scene.work.tool_calls == [
        "edit a.py",
        "execute rm -rf /: refused, since execute is not in allow",
        "other strange: refused, since other is not in allow",
        "edit c.py: pending",
        "edit d.py: refused, since the agent offers no way to allow it",
        "delete e.py: refused, since delete is not in allow",
    ]
    assert "[execute rm -rf /: refused, since execute is not in allow]\n" in scene.said
    assert (scene.folder / "a.py").exists()
    assert not (scene.folder / "b.py").exists()


def test_options_that_the_protocol_does_not_know_are_passed_over(scene: Scene) -> None:
    options = [{"optionId": kind, "name": kind, "kind": kind} for kind in ("allow_session", "allow_once")]
    params = {"toolCall": {"toolCallId": "1", "kind": "edit"}, "options": [*options, 5]}
    scene.script = turns([{"request": ["session/request_permission", params]}])
    scene.run()
    assert "'optionId': 'allow_once'" in scene.said


def test_what_is_allowed_is_for_the_story_to_say(scene: Scene) -> None:
    scene.agent = spec(allow=["execute", "other"])
    scene.script = turns(
        [
            {"ask": {"title": "ls", "kind": "execute"}},
            {"ask": {"title": "x", "kind": None}},
            {"ask": {"title": "a.py", "kind": "edit"}},
        ]
    )
    scene.run()
    assert scene.said.count("permission: allow_once") == 2
    assert scene.work.tool_calls[2] == "edit a.py: refused, since edit is not in allow"


def test_it_uses_its_own_files_and_terminals(scene: Scene) -> None:
    methods: dict[str, dict[str, Any]] = {
        "fs/read_text_file": {"path": "/etc/hosts"},
        "fs/write_text_file": {"path": "/tmp/x", "content": ""},
        "terminal/create": {"command": "ls"},
        "_vendor/thing": {},
    }
    scene.script = turns([{"request": [method, params]} for method, params in methods.items()])
    scene.run()
    assert scene.said.split("\n")[:-1] == [f"{method}: -32601" for method in methods]


def test_what_a_newer_protocol_tells_is_passed_over_and_what_is_malformed_is_noted(scene: Scene) -> None:
    scene.script = turns(
        [
            {"update_raw": {"sessionUpdate": "dreams_update", "dreams": 3}},
            {"update_raw": {"sessionUpdate": ["tool_call"]}},
            {"update_raw": "nothing"},
            {"update_raw": {"sessionUpdate": "tool_call", "title": 5}},
            {"update_raw": {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "\ud800"}}},
            {"update_raw": {"sessionUpdate": "agent_message_chunk", "content": {"type": "dance"}}},
            {
                "update_raw": {
                    "sessionUpdate": "agent_message_chunk",
                    "content": {"type": "image", "data": "", "mimeType": "image/png"},
                }
            },
            {"print": '{"jsonrpc":"2.0","method":"no/such/notification"}'},
            {"print": '{"jsonrpc":"2.0","id":77,"result":{}}'},
            {"say": "Done."},
        ]
    )
    scene.run()
    # Half a character, which is no text: what stands for it is.
    assert scene.said == "\\ud800[image]Done.\n"
    assert scene.work.answer == "\\ud800[image]Done."
    noted = "[the agent told of {} in a way that the protocol does not know]\n"
    assert scene.output.text("stderr") == noted.format("tool_call") + noted.format("agent_message_chunk")


def test_a_request_for_permission_that_is_malformed_is_refused(scene: Scene) -> None:
    params = {"toolCall": {"toolCallId": "1", "kind": "edit"}, "options": [{"kind": "allow_once"}]}
    scene.script = turns([{"request": ["session/request_permission", params]}])
    scene.run()
    assert scene.said == "session/request_permission: -32602\n"
    assert "asked for permission in a way that the protocol does not know: refused" in scene.output.text("stderr")


def test_banners_and_warnings_on_stdout_are_shown_as_text(scene: Scene) -> None:
    scene.script = {
        "start": [{"print": "Welcome to the agent!"}, {"print": '{"level": "info"}'}],
        "turns": [[{"say": "I"}, {"print": "a warning"}, {"say": "work."}]],
    }
    scene.run()
    assert scene.said == 'Welcome to the agent!\n{"level": "info"}\nI\na warning\nwork.\n'
    assert scene.work.answer == "Iwork."


def test_what_it_writes_to_stderr_is_taken_however_much_it_is(scene: Scene) -> None:
    scene.output = Output(lambda: scene.folder / "story")
    scene.script = {
        "start": [{"stderr_bytes": 1_000_000}],
        "turns": [[{"stderr_bytes": 1_000_000}, {"stderr": "the last line"}]],
    }
    scene.run()
    scene.output.close()
    written = (scene.folder / "story.stderr.log").read_text()
    assert written.endswith("e\nthe last line\n")
    assert written.count("e" * 79) == 25_000


def test_a_prompt_that_is_longer_than_a_pipe_holds_arrives_whole(scene: Scene) -> None:
    told = "x" * 1_000_000 + "\x00 \ud800 é"
    scene.agent = spec(prompt=told)
    scene.script = turns([{"say": "Done."}])
    scene.run("y" * 1_000_000)
    first, second = scene.logged("prompt")
    assert first.startswith("x" * 1_000_000 + "\x00 \\ud800 é\n")
    assert second == "y" * 1_000_000


def test_much_that_it_says_is_bounded_in_memory_and_whole_in_its_file(scene: Scene) -> None:
    scene.output = Output(lambda: scene.folder / "story")
    scene.script = turns([{"say_times": ["x", 1_000_000]}, {"say_times": ["y", 1_000_000]}, {"say": "end\n"}])
    scene.run()
    scene.output.close()
    assert (scene.folder / "story.stdout.log").stat().st_size == 2_000_004
    assert scene.work.answer == "y" * 31_996 + "end\n"


def test_what_it_started_ends_with_it(scene: Scene) -> None:
    scene.script = turns([{"spawn": "near.pid"}, {"spawn_away": "away.pid"}, {"say": "Done."}])
    scene.run()
    assert ended(scene.pid_in("near.pid"))
    if os.name == "posix":
        # It has left the tree for good; such a one is found by the run's id once the run has ended.
        os.kill(scene.pid_in("away.pid"), 9)


def test_it_may_clean_up_when_its_input_ends(scene: Scene) -> None:
    scene.script = {"turns": [[{"say": "Done."}]], "end": [{"write": ["cleaned", "yes"]}]}
    scene.run()
    assert (scene.folder / "cleaned").read_text() == "yes"


@pytest.mark.skipif(os.name != "posix", reason="SIGTERM")
def test_one_that_does_not_end_is_ended(scene: Scene) -> None:
    scene.grace = 0.2
    scene.script = {"stubborn": True, "turns": [[{"spawn": "near.pid"}, {"say": "Done."}]]}
    scene.run()
    assert scene.work.answer == "Done."
    assert ended(scene.pid_in("near.pid"))


def test_after_a_failure_outside_of_it_the_agent_ends_too(scene: Scene) -> None:
    async def fails(conversation: Any) -> None:
        await conversation.begin()
        raise ActionFailed("a check failed", "run: false")

    with pytest.raises(ActionFailed, match="a check failed"):
        asyncio.run(scene.play(body=fails))


def test_the_script_of_the_agent_may_stand_in_a_prompt(scene: Scene) -> None:
    scene.agent = spec(prompt=f"steps: {json.dumps([{'say': 'As told.'}])}")
    scene.run()
    assert scene.work.answer == "As told."
