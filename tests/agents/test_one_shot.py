"""Agents that are commands: a prompt among their words, an answer on their stdout."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from agent_scenes import Scene, ended, spec

from pytest_tapps_waves.actions.agents.brief import Conversation
from pytest_tapps_waves.errors import ActionFailed

STAYS = (
    "import sys; print('I begin.', flush=True); open('there', 'w').close(); import threading; threading.Event().wait()"
)


def one_shot(folder: Path, program: str, *words: str, **other: Any) -> Scene:
    return Scene(folder, agent=spec([sys.executable, "-c", program, *words], "command", **other))


def test_what_it_prints_is_its_answer(tmp_path: Path) -> None:
    program = (
        "import os, sys; print('Done:', sys.argv[1:], os.getcwd(), os.environ['MINE']); print('hm', file=sys.stderr)"
    )
    scene = one_shot(tmp_path, program, "--text={prompt}", "{other}", prompt="Do it.", env={"MINE": "1"}).run()
    assert scene.work.answer.startswith("Done: ['--text=Do it.\\n\\n")
    assert scene.work.answer.endswith(f", '{{other}}'] {tmp_path} 1")
    assert scene.said.strip() == scene.work.answer
    assert scene.output.text("stderr").split() == ["hm"]
    assert scene.work.iterations == 1
    assert (scene.work.tokens, scene.work.cost) == (None, None)


def test_no_shell_looks_at_the_prompt(tmp_path: Path) -> None:
    scene = one_shot(
        tmp_path, "import sys; print(sys.argv[1])", "{prompt}", prompt="$HOME `ls` \"' ; * {prompt} é"
    ).run()
    assert scene.work.answer.startswith("$HOME `ls` \"' ; * {prompt} é\n")


def test_each_turn_is_a_new_process_that_is_told_all_of_it(tmp_path: Path) -> None:
    program = "import sys; print(len(sys.argv[1]), end='')"
    scene = one_shot(tmp_path, program, "{prompt}").run("- a test failed", "- still")
    assert len(set(scene.pids)) == 3
    assert scene.work.iterations == 3
    assert scene.said.startswith(f"{scene.said.split()[0]}\n[iteration 2]\n")
    assert scene.output.text("stderr") == ""

    program = "import sys; print('ANSWER' if 'checked' not in sys.argv[1] else sys.argv[1])"
    scene = one_shot(tmp_path, program, "{prompt}").run("- a test failed")
    assert scene.work.answer.startswith("# Story 8.1: Create the schema\n")
    assert scene.work.answer.endswith(
        "## What you answered before\n\nANSWER\n\n## What was found when your work was checked\n\n- a test failed"
    )


def test_another_exit_status_is_a_failure(tmp_path: Path) -> None:
    scene = one_shot(tmp_path, "print('half'); raise SystemExit(3)", "{prompt}")
    with pytest.raises(ActionFailed) as raised:
        scene.run()
    assert (raised.value.what, raised.value.exit_status) == ("exit status 3", 3)
    assert raised.value.action.startswith("agent: ")
    assert raised.value.action.endswith("'{prompt}'")
    assert scene.work.answer == "half"


def test_of_a_long_answer_the_end_is_kept(tmp_path: Path) -> None:
    scene = one_shot(tmp_path, "print('é' * 1_000_000 + 'end')", "{prompt}").run()
    assert scene.work.answer == "é" * 31_997 + "end"


def test_a_prompt_that_is_too_long_for_a_word_is_one_clear_line(tmp_path: Path) -> None:
    scene = one_shot(tmp_path, "", "{prompt}", prompt="x" * 10_000_000)
    with pytest.raises(ActionFailed) as raised:
        scene.run()
    assert raised.value.what.startswith("cannot start: a prompt of 10,000,")
    assert raised.value.what.endswith("or use an agent that speaks the Agent Client Protocol (runner: acp)")


def test_a_prompt_that_no_word_can_hold_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ActionFailed, match="cannot start: embedded null"):
        one_shot(tmp_path, "", "{prompt}", prompt="a\0b").run()


def test_without_a_place_for_the_prompt_it_is_not_started(tmp_path: Path) -> None:
    scene = one_shot(tmp_path, "print('what?')")
    with pytest.raises(ActionFailed, match=r"none of its words holds \{prompt\}"):
        scene.run()
    assert scene.pids == []


def test_cancelled_it_ends_and_what_it_printed_is_known(tmp_path: Path) -> None:
    scene = one_shot(tmp_path, STAYS, "{prompt}")

    async def begin(conversation: Conversation) -> None:
        await conversation.begin()

    asyncio.run(scene.cancelled_when((tmp_path / "there").exists, begin))
    assert scene.work.answer == "I begin."
    assert all(map(ended, scene.pids))
    assert scene.pids


def test_it_needs_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert one_shot(tmp_path, "print('Done.')", "{prompt}").run().work.answer == "Done."
    assert os.environ.get("ACP_AGENT") is None
