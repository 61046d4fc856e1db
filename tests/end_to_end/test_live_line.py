"""The line under pytest's own that says how far a run is, in a real terminal."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from project import PLUGINS, Project

EPIC = """
    epic: {max_parallel_stories: 3}
    stories:
      - {id: "8.1", run: "until test -e fail; do sleep 0.05; done; exit 1"}
      - {id: "8.2", run: "until test -e go; do sleep 0.05; done"}
      - {id: "8.3", run: "until test -e go; do sleep 0.05; done"}
      - {id: "8.4", run: exit 0, dependencies: ["8.1"]}
      - {id: "8.5", run: "until test -e on; do sleep 0.05; done", dependencies: ["8.2"]}
"""
NAMES = ("fail", "go", "on")
"""The files that stories wait for."""


class Terminal:
    """pytest in a terminal of its own."""

    def __init__(self, project: Project, tmux: str) -> None:
        self._folder = project.path
        # The name of a socket must be short.
        self._sockets = tempfile.TemporaryDirectory(prefix="epics-")
        self._tmux = [tmux, "-S", f"{self._sockets.name}/tmux", "-f", os.devnull]

    def start(self, *args: str, width: int = 70) -> None:
        dropped = [
            word
            for name in ("CI", "BUILD_NUMBER", "COLUMNS", "LINES", "NO_COLOR", "PY_COLORS")
            for word in ("-u", name)
        ]
        command = [sys.executable, "-m", "pytest", *PLUGINS, *args]
        line = f"{shlex.join(['env', *dropped, *command])}; echo ended; exec sleep 60"
        size = ["-x", str(width), "-y", "40"]
        subprocess.run([*self._tmux, "new-session", "-d", *size, "-c", str(self._folder), line], check=True)

    def press(self, key: str) -> None:
        subprocess.run([*self._tmux, "send-keys", key], check=True)

    def screen(self) -> list[str]:
        done = subprocess.run([*self._tmux, "capture-pane", "-p"], check=True, capture_output=True, encoding="utf-8")
        return [line.rstrip() for line in done.stdout.splitlines() if line.strip()] or [""]

    def until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        """The screen, once it is as it should be."""
        deadline = time.monotonic() + 30
        while not holds(screen := self.screen()):
            assert time.monotonic() < deadline, "\n".join(screen)
            # tmux has no event for what an application draws.
            time.sleep(0.02)
        return screen

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)
        self._sockets.cleanup()


@pytest.fixture
def terminal(project: Project) -> Iterator[Terminal]:
    tmux = shutil.which("tmux")
    if tmux is None:
        pytest.skip("needs tmux")
    project.epic(EPIC)
    terminal = Terminal(project, tmux)
    yield terminal
    finish(project)
    terminal.close()


def finish(project: Project) -> None:
    """Let all stories end."""
    for name in NAMES:
        Path(project.path, name).touch()


def live(line: str) -> str:
    """Without the ages of stories, which are what they are."""
    return re.sub(r"\d+ s\b", "N s", line)


def test_it_says_how_far_the_run_is_and_leaves_pytests_own_lines_as_they_are(
    project: Project, terminal: Terminal
) -> None:
    terminal.start("--epic-parallel=3")
    terminal.until(lambda screen: screen[-1].startswith("wave 1/2 | 0/5"))
    Path(project.path, "fail").touch()
    screen = terminal.until(lambda screen: screen[-1].startswith("wave 1/2 | 2/5"))
    assert live(screen[-1]) == "wave 1/2 | 2/5 | 1 failed | 1 skipped | 8.2 N s, 8.3 N s"
    assert screen[-2] == "epic_shop.yaml Fs"
    Path(project.path, "go").touch()
    screen = terminal.until(lambda screen: screen[-1].startswith("wave 2/2 | 4/5"))
    assert live(screen[-1]) == "wave 2/2 | 4/5 | 1 failed | 1 skipped | 8.5 N s"
    assert screen[-2] == "epic_shop.yaml Fs.."
    Path(project.path, "on").touch()
    screen = terminal.until(lambda screen: screen[-1] == "ended")
    assert not [line for line in screen if "wave 1" in line or "wave 2" in line]
    assert f"epic_shop.yaml Fs...{'[100%]':>49}" in screen


def test_ages_grow_while_nothing_else_happens(terminal: Terminal) -> None:
    terminal.start("--epic-parallel=3")
    terminal.until(lambda screen: "8.2 1 s, 8.3 1 s" in screen[-1])


def test_the_width_of_the_terminal_is_known_while_output_is_captured(project: Project, terminal: Terminal) -> None:
    project.epic("stories: [{id: a, run: exit 0}]", "epic_b.yaml")
    terminal.start("--epic-parallel=3", "--epic-strategy=asyncio", width=100)
    terminal.until(lambda screen: screen[-1].startswith("wave 1/2 | 1/6"))
    finish(project)
    screen = terminal.until(lambda screen: screen[-1] == "ended")
    lines = [line for line in screen if line.endswith("%]")]
    assert len(lines) == 2
    assert {len(line) for line in lines} == {99}


@pytest.mark.parametrize("options", [("-v",), ("-v", "--epic-parallel=3")])
def test_verbose_lines_stay_whole_and_say_the_wave_and_the_duration(
    project: Project, terminal: Terminal, options: tuple[str, ...]
) -> None:
    terminal.start(*options)
    terminal.until(lambda screen: screen[-1].startswith("wave 1/2"))
    finish(project)
    screen = terminal.until(lambda screen: screen[-1] == "ended")
    told = {
        found[1]: re.sub(r"[\d.]+ s", "N s", found[2])
        for line in screen
        if (found := re.fullmatch(r"epic_shop\.yaml::(\S+) (.*?) +\[ *\d+%\]", line))
    }
    assert told == {
        "8.1": "FAILED (wave 1, N s)",
        "8.2": "PASSED (wave 1, N s)",
        "8.3": "PASSED (wave 1, N s)",
        "8.4": "SKIPPED (8.4 depends on 8.1, which failed)",
        "8.5": "PASSED (wave 2, N s)",
    }
    assert any(line.startswith("FAILED epic_shop.yaml::8.1 ") for line in screen)


def test_it_knows_from_earlier_runs_how_long_it_will_still_take(project: Project, terminal: Terminal) -> None:
    finish(project)
    project.run("--epic-parallel=3")
    for name in NAMES:
        Path(project.path, name).unlink()
    terminal.start("--epic-parallel=3")
    terminal.until(lambda screen: "| about 1 s left |" in screen[-1])


def test_one_at_a_time_it_says_what_runs(project: Project, terminal: Terminal) -> None:
    terminal.start("epic_shop.yaml::8.2")
    screen = terminal.until(lambda screen: screen[-1].startswith("wave 1/1 | 0/1"))
    assert live(screen[-1]) == "wave 1/1 | 0/1 | 8.2 N s"


def test_ctrl_c_is_answered_above_it(project: Project, terminal: Terminal) -> None:
    waits = "trap true INT TERM; until test -e go; do sleep 0.05; done"
    ids = [f"a-story-of-a-long-name-{number}" for number in range(4)]
    project.epic("stories:\n" + "".join(f"  - {{id: {name}, run: '{waits}'}}\n" for name in ids))
    terminal.start("--epic-parallel=4", width=150)
    terminal.until(lambda screen: screen[-1].startswith("wave 1/1") and len(screen[-1]) > 120)
    terminal.press("C-c")
    said = "stopping: stories are asked to end; once more (Ctrl-C) stops them at once"
    # The terminal itself shows ^C before it.
    terminal.until(lambda screen: any(line.endswith(said) for line in screen))
    Path(project.path, "go").touch()
    screen = terminal.until(lambda screen: screen[-1] == "ended")
    assert any(line.endswith(said) for line in screen)
    assert not [line for line in screen if line.startswith("wave 1/1")]


def on_a_terminal(*args: str, **variables: str) -> tuple[int, bytes]:
    """The exit status of pytest, and all that it writes on a terminal."""
    if sys.platform == "win32":
        pytest.skip("has no pseudo-terminals of this kind")
    import pty

    ours, theirs = pty.openpty()
    dropped = ("CI", "BUILD_NUMBER", "NO_COLOR", "PY_COLORS")
    inherited = {name: value for name, value in os.environ.items() if name not in dropped}
    environment = {**inherited, "TERM": "xterm", **variables}
    command = [sys.executable, "-m", "pytest", *PLUGINS, *args]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        written = b""
        with suppress(OSError):  # is how a terminal says that nobody writes any more
            while piece := os.read(ours, 4096):
                written += piece
    os.close(ours)
    return process.returncode, written


def test_the_progress_that_pytest_tells_the_terminal_goes_through(project: Project) -> None:
    project.epic("stories: [{id: a, run: sleep 0.5}, {id: b, run: exit 0, dependencies: [a]}]")
    status, written = on_a_terminal("-p", "terminalprogress", "--epic-parallel=3")
    assert status == 0
    assert b"\x1b[1mwave 1/2\x1b[0m | 0/2" in written
    # https://conemu.github.io/en/AnsiEscapeCodes.html#ConEmu_specific_OSC
    assert b"\x1b]9;4;1;50\x1b\\" in written
    assert written.rindex(b"\x1b]9;4;0;\x1b\\") > written.rindex(b"wave 1/2")


@pytest.mark.parametrize(
    ("plugin", "there"),
    [("cacheprovider", True), ("logging", True), ("debugging", True), ("setuponly", True), ("capture", False)],
)
@pytest.mark.parametrize("options", [(), ("--epic-parallel=3",)])
def test_it_needs_no_other_plugin(project: Project, plugin: str, there: bool, options: tuple[str, ...]) -> None:
    project.epic("stories: [{id: a, run: sleep 0.5}]")
    status, written = on_a_terminal("-p", f"no:{plugin}", *options)
    assert status == 0, written.decode()
    assert (b"wave 1/1" in written) is there


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (("-q",), {}),
        (("-s",), {}),
        (("--color=no",), {}),
        (("-o", "log_cli=true"), {}),
        (("--log-cli-level=INFO",), {}),
        (("--setup-show",), {}),
        (("--pdb",), {}),
        ((), {"CI": "true"}),
        (("--color=yes",), {"TERM": "dumb"}),
    ],
    ids=" ".join,
)
def test_it_is_not_there_where_it_would_be_in_the_way(
    project: Project, options: tuple[str, ...], variables: dict[str, str]
) -> None:
    project.epic("stories: [{id: a, run: sleep 0.5}]")
    status, written = on_a_terminal("--epic-parallel=3", *options, **variables)
    assert status == 0, written.decode()
    assert b"wave 1/1" not in written


def test_a_pipe_gets_none_of_it(project: Project) -> None:
    told = "import pytest\n@pytest.hookimpl(trylast=True)\ndef pytest_sessionfinish(session):\n    "
    project.write("conftest.py", f"{told}print('there:', session.config.pluginmanager.has_plugin('epics-live-line'))")
    project.epic("stories: [{id: a, run: sleep 0.5}]")
    assert b"there: True" in on_a_terminal("--epic-parallel=3")[1]
    result = project.run_process("--epic-parallel=3", "--color=yes")
    result.stdout.fnmatch_lines(["*there: False"])
    assert "wave 1/1" not in result.stdout.str()
