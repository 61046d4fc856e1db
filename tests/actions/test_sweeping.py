"""What dead runs left behind is found by what it carries, and nothing else is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import ended, pid_in, until

from pytest_tapps_waves.actions import guardian, sweeping
from pytest_tapps_waves.actions.sweeping import identity_of, is_alive, sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a POSIX shell")

BOTH = pytest.mark.parametrize("has_proc", [True, False], ids=["by /proc", "by psutil"])

Start = Callable[..., int]


@pytest.fixture
def run() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a shell, and answers with the pid that it has written to its file ``pid``."""
    shells: list[subprocess.Popen[bytes]] = []

    def start(command: str, **variables: str) -> int:
        folder = tmp_path / str(len(shells))
        folder.mkdir()
        environment = {**os.environ, **variables}
        shells.append(subprocess.Popen(command, shell=True, cwd=folder, env=environment, start_new_session=True))
        assert until(lambda: pid_in(folder / "pid") is not None)
        return pid_in(folder / "pid") or 0

    yield start
    for path in tmp_path.glob("*/pid"):
        pid = pid_in(path)
        if pid is not None and not ended(pid):
            os.kill(pid, signal.SIGKILL)
    for shell in shells:
        shell.kill()
        shell.wait()


SLEEPS = "echo $$ > pid; exec sleep 300"
LEFT = {
    "a process": SLEEPS,
    "a grandchild": "sh -c 'sleep 300 & echo $! > pid; wait'; true",
    "one that ignores SIGTERM": "trap '' TERM; echo $$ > pid; while true; do sleep 0.05; done",
    "one in a session of its own whose parent has ended": "setsid sh -c 'sleep 300 & echo $! > pid' & true",
    "one with another environment": "env -i sleep 300 & echo $! > pid; wait",
    "one with another environment whose parent has ended": "(env -i sleep 300 & echo $! > pid); sleep 300",
}


@pytest.mark.skipif(not sweeping.HAS_PROC, reason="needs /proc")
@pytest.mark.parametrize("command", LEFT.values(), ids=LEFT.keys())
def test_what_stems_from_a_dead_run_is_ended(start: Start, run: str, command: str) -> None:
    pid = start(command, EPIC_RUN=run)
    assert pid in sweep([run])
    assert ended(pid)
    assert sweep([run]) == []


@BOTH
def test_other_runs_and_other_processes_are_left_alone(
    start: Start, run: str, monkeypatch: pytest.MonkeyPatch, has_proc: bool
) -> None:
    monkeypatch.setattr(sweeping, "HAS_PROC", has_proc and sweeping.HAS_PROC)
    first, second = start(SLEEPS, EPIC_RUN=run), start(SLEEPS, EPIC_RUN="an older one")
    others = [
        start(SLEEPS, EPIC_RUN=f"{run}0"),
        start(SLEEPS, EPIC_RUN=run[1:]),
        start(SLEEPS, OLD_EPIC_RUN=run),
        start(SLEEPS),
        start(SLEEPS, EPIC_RUN=run, EPIC_GUARDIAN="of a run in a story"),
    ]
    assert sweep([]) == []
    part = start(SLEEPS, EPIC_RUN=f"{run}.worker.1")
    assert sorted(sweep([run, "an older one", "one that left nothing"])) == sorted([first, second, part])
    assert [pid for pid in others if ended(pid)] == []


@BOTH
def test_what_may_clean_up_does_so_first(
    start: Start, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_proc: bool
) -> None:
    monkeypatch.setattr(sweeping, "HAS_PROC", has_proc and sweeping.HAS_PROC)
    pid = start("trap 'echo > cleaned; exit' TERM; echo $$ > pid; while true; do sleep 0.05; done", EPIC_RUN=run)
    assert pid in sweep([run], grace=60)
    assert (tmp_path / "0" / "cleaned").exists()


def test_it_spares_the_processes_that_it_stems_from(start: Start, run: str) -> None:
    program = f"from pytest_tapps_waves.actions.sweeping import sweep; sweep([{run!r}])"
    # The shell that waits for it carries the id, and so does it itself.
    pid = start(f"'{sys.executable}' -c '{program}'; echo $$ > pid; sleep 300", EPIC_RUN=run)
    assert not ended(pid)


def test_a_pid_that_has_been_given_to_another_process_is_not_signalled(start: Start) -> None:
    pid = start(SLEEPS)
    fields = guardian.stat_fields(pid)
    assert fields is not None
    assert not guardian.send(pid, f"{int(fields[19]) - 1}", signal.SIGKILL)
    assert not ended(pid)
    assert guardian.send(pid, fields[19].decode(), signal.SIGKILL)
    assert until(lambda: ended(pid))
    assert not guardian.send(pid, fields[19].decode(), signal.SIGKILL)


def test_without_a_handle_of_the_process_its_start_time_decides(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    test_a_pid_that_has_been_given_to_another_process_is_not_signalled(start)


@BOTH
def test_an_identity_is_of_one_process_while_it_lives(
    start: Start, monkeypatch: pytest.MonkeyPatch, has_proc: bool
) -> None:
    monkeypatch.setattr(sweeping, "HAS_PROC", has_proc and sweeping.HAS_PROC)
    pid = start(SLEEPS)
    identity = identity_of(pid)
    assert identity_of(pid) == identity
    assert identity != identity_of(os.getpid())
    assert is_alive(pid, identity)
    assert not is_alive(pid, identity_of(os.getpid()))
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: not is_alive(pid, identity))
    assert identity_of(pid) == ""
    assert not is_alive(pid, "")


def test_names_of_processes_may_hold_anything(start: Start, tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 ( b"
    program.symlink_to("/bin/sleep")
    pid = start(f"'{program}' 300 & echo $! > pid; wait")
    assert until(lambda: Path(f"/proc/{pid}/comm").read_text().startswith("a) R"))
    fields = guardian.stat_fields(pid)
    assert fields is not None
    assert fields[0] in (b"S", b"R")
