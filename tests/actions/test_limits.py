"""Commands that the system has no room for: waited for while others run, else a failure that names the limit."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import threading
from pathlib import Path

import psutil
import pytest
from project import Project
from running import until

from pytest_tapps_waves.actions import limits, processes
from pytest_tapps_waves.actions.children import can_watch
from pytest_tapps_waves.actions.limits import Shortage, with_room
from pytest_tapps_waves.actions.output import Output
from pytest_tapps_waves.actions.processes import ProcessTree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has none of these limits")

LIMITS = {
    errno.EMFILE: r"too many open files \(RLIMIT_NOFILE is \d+\)",
    errno.ENFILE: "too many open files in the whole system",
    errno.EAGAIN: r"too many processes \(RLIMIT_NPROC is (\d+|unlimited)\)",
}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_LONGEST_PAUSE", 0.001)


class Starts:
    """A start that fails so many times."""

    def __init__(self, failures: int, number: int = errno.EMFILE) -> None:
        self.left = failures
        self.number = number
        self.tries = 0

    async def __call__(self) -> str:
        self.tries += 1
        if self.left:
            self.left -= 1
            raise OSError(self.number, os.strerror(self.number))
        return "started"


@pytest.mark.parametrize(("number", "words"), LIMITS.items())
def test_with_nobody_to_wait_for_there_is_an_end_to_trying(number: int, words: str) -> None:
    starts, told = Starts(1000, number), list[str]()
    with pytest.raises(Shortage, match=f"^{words}$"):
        asyncio.run(with_room(starts, lambda: False, told.append))
    assert starts.tries == limits._TRIES
    assert len(told) == 1


@pytest.mark.parametrize("number", LIMITS)
def test_while_others_run_they_are_waited_for(number: int) -> None:
    starts = Starts(3 * limits._TRIES, number)
    assert asyncio.run(with_room(starts, lambda: True, lambda what: None)) == "started"


def test_what_waiting_does_not_help_is_raised_at_once() -> None:
    starts = Starts(1, errno.EACCES)
    with pytest.raises(PermissionError):
        asyncio.run(with_room(starts, lambda: True, lambda what: None))
    assert starts.tries == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_commands_leave_descriptors_to_the_rest_of_the_run() -> None:
    import resource

    starts = Starts(0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def scene() -> None:
        # Whatever ran before in this process may have left holes among its descriptors.
        highest = max(20, *(int(path.name) for path in Path("/proc/self/fd").iterdir()))  # noqa: ASYNC240
        opened = [os.open(os.devnull, os.O_RDONLY)]
        try:
            while opened[-1] < highest:
                opened.append(os.open(os.devnull, os.O_RDONLY))
            resource.setrlimit(resource.RLIMIT_NOFILE, (opened[-1] + 12, hard))
            await with_room(starts, lambda: False, lambda what: None)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in opened:
                os.close(descriptor)

    with pytest.raises(Shortage, match="RLIMIT_NOFILE"):
        asyncio.run(scene())
    assert starts.tries == 0


def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


def no_handles(monkeypatch: pytest.MonkeyPatch, number: int, asked_for: list[int]) -> None:
    def pidfd_open(pid: int, flags: int = 0) -> int:
        # Of itself asyncio asks to see whether there are any.
        if pid != os.getpid():
            asked_for.append(pid)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pidfd_open", pidfd_open, raising=False)


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "by asyncio"])
@pytest.mark.parametrize("number", [errno.EMFILE, errno.EAGAIN])
def test_a_start_that_fails_half_way_leaves_neither_a_process_nor_a_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, watched: bool
) -> None:
    # How asyncio waits for children depends on the version of Python: by a thread, or by a handle.
    if watched and not can_watch():
        pytest.skip("this system has no descriptors for processes")
    monkeypatch.setattr(processes, "can_watch", lambda: watched)
    started: list[int] = []

    def descriptors() -> int:
        return psutil.Process().num_fds()

    async def scene() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        before = descriptors()
        with monkeypatch.context() as patch:
            no_threads(patch)
            no_handles(patch, number, started)
            with pytest.raises(OSError, match=r".") as raised:
                await ProcessTree.start(
                    "sleep 300 & wait",
                    cwd=tmp_path,
                    env=os.environ,
                    write=Output().write,
                    on_start=started.append,
                )
            assert raised.value.errno in (errno.EMFILE, errno.EAGAIN)
        for _ in range(20):
            await asyncio.sleep(0)
        assert loop.is_running()
        return before, descriptors()

    before, after = asyncio.run(scene())
    assert after == before
    assert len(set(started)) == 1
    assert until(lambda: not psutil.pid_exists(started[0]))
    assert not ProcessTree.any_runs()


FEW = """
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
"""


def few_descriptors(project: Project, limit: int, stories: int) -> None:
    project.write("conftest.py", FEW.format(limit=limit))
    lines = "".join(f"  - {{id: s{number}, run: 'sleep 0.05; echo {number}'}}\n" for number in range(stories))
    project.epic(f"epic: {{circuit_breaker: 0}}\nstories:\n{lines}")


def test_many_commands_at_once_share_few_descriptors(project: Project) -> None:
    few_descriptors(project, 64, 200)
    result = project.run_process("-q", "--epic-parallel=64")
    result.assert_outcomes(passed=200)


def test_without_descriptors_stories_fail_and_name_the_limit(project: Project) -> None:
    few_descriptors(project, 20, 3)
    result = project.run_process("-q", "--epic-parallel=64")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["cannot start: too many open files (RLIMIT_NOFILE is 20)*"])
    assert "INTERNALERROR" not in str(result.stdout)


def test_the_timeout_of_a_story_holds_while_it_waits(project: Project) -> None:
    few_descriptors(project, 64, 0)
    many = "".join(f"  - {{id: s{number}, run: 'until test -e go; do sleep 0.1; done'}}\n" for number in range(30))
    wait = "  - {id: late, run: echo late, timeout: 0.5}\n  - {id: go, call: 'work:go'}\n"
    project.write("work.py", "import time\n\ndef go():\n    time.sleep(1)\n    open('go', 'w').close()\n")
    project.epic(f"epic: {{circuit_breaker: 0}}\nstories:\n{many}{wait}")
    result = project.run_process("-q", "--epic-parallel=64")
    result.assert_outcomes(passed=31, failed=1)
    result.stdout.fnmatch_lines(["timed out after 0.5 s*", "*waits for others to end: too many open files*"])
