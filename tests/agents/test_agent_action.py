"""Agents as actions: their names, and why one cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from agent_scenes import Scene, spec

from pytest_tapps_waves.actions.agents import available


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["claude-code-acp"], "agent: claude-code-acp"),
        (["npx", "-y", "an agent", "{prompt}"], "agent: npx -y 'an agent' '{prompt}'"),
    ],
)
def test_it_is_described_as_one_would_type_it(command: list[str], words: str) -> None:
    assert Scene(Path(), agent=spec(command)).action().describe() == words


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(os.name != "posix", reason="what can be run has another name elsewhere")
def test_a_program_is_looked_for_where_its_process_would(tmp_path: Path) -> None:
    there = program(tmp_path / "bin" / "tool")
    path = os.pathsep.join(["/nowhere", str(there.parent)])
    for command in (["tool"], [str(there)], ["./made-by-another-story"], [sys.executable]):
        assert available(spec(command), path) == ""
    assert available(spec(["tool"]), "/nowhere") == (
        "agent: there is no program 'tool' on PATH: install the agent, or correct its command"
    )
    assert available(spec(["/no/tool"], "command"), path) == (
        "agent: there is no program '/no/tool': install the agent, or correct its command"
    )


def test_the_package_is_needed_for_the_protocol_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert available(spec([sys.executable]), "") == (
        "agent: runner: acp needs the package agent-client-protocol, which is not installed: "
        "pip install 'pytest-tapps-waves[agents]'"
    )
    assert available(spec([sys.executable], "command"), "") == ""


def test_neither_the_protocol_nor_psutil_is_imported_before_an_agent_is_started() -> None:
    program = (
        "import sys; from pytest_tapps_waves.actions.agents import AgentAction, available;"
        "print([name for name in ('acp', 'pydantic', 'psutil') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]"]
