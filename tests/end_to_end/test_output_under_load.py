"""Stories that print without end, to full disks, through pipes that others hold: the run and the report stand."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import Project

from pytest_tapps_waves.actions.output import HEAD, TAIL

Run = Callable[..., pytest.RunResult]

posix = pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a POSIX shell")
linux = pytest.mark.skipif(sys.platform != "linux", reason="it is measured where Linux tells it")

MUCH = 200_000_000


@linux
def test_a_story_that_prints_without_end_takes_neither_memory_nor_the_loop(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        def peak():
            with open("/proc/self/status") as status:
                return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

        def pytest_collection_finish(session):
            session.config.peak = peak()

        def pytest_sessionfinish(session):
            with open("growth", "w") as file:
                file.write(str(peak() - session.config.peak))
        """,
    )
    project.write(
        "shop.py",
        f"""
        import asyncio
        import os
        import sys

        async def turns():
            for _ in range(100):
                await asyncio.sleep(0.001)
            open("turned", "w").close()

        if __name__ == "__main__":
            piece, written = bytes(65_536), 0
            while written < {MUCH} or not os.path.exists("turned"):
                written += os.write(1, piece)
            sys.exit(3)
        """,
    )
    project.epic("stories: [{id: floods, run: python shop.py, timeout: 120}, {id: turns, call: 'shop:turns'}]")
    result = project.run_process("--epic-parallel=2", "-o", "epic_output_limit=2")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "exit status 3, after *",
            "*bytes cut; it is longer than epic_output_limit; its first 2,097,152 bytes: *floods*.stdout.log ...]",
        ]
    )
    (file,) = project.path.glob(".pytest_cache/**/*.log")
    assert file.stat().st_size == 2 * 1024 * 1024
    assert len(result.stdout.str()) < 5 * (HEAD + TAIL)
    assert int((project.path / "growth").read_text()) < 40_000, "KiB"


@posix
def test_a_story_that_prints_without_end_runs_out_of_time(both_ways: Run, project: Project) -> None:
    project.epic("stories: [{id: a, run: 'yes', timeout: 0.5}, {id: b, run: 'true', dependencies: [a]}]")
    result = both_ways("--failed-dependency-action=run", "-o", "epic_output_limit=1")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["timed out after 0.5 s, after *"])


@pytest.mark.parametrize(
    ("value", "words"),
    [("many", "must be a whole number of MiB, 0 for none; not 'many'"), ("-1", "must be a whole number of MiB*")],
)
def test_a_wrong_limit_is_refused(project: Project, value: str, words: str) -> None:
    project.epic("stories: [{id: a, run: 'true'}]")
    result = project.run("-o", f"epic_output_limit={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*the ini option epic_output_limit {words}"])


def test_files_that_earlier_runs_left_are_removed_after_a_week(project: Project, both_ways: Run) -> None:
    folder = project.path / ".pytest_cache" / "d" / "epics"
    old, new = (project.write(f".pytest_cache/d/epics/epic_x.yaml_{name}.stdout.log", "x") for name in "ab")
    long_ago = time.time() - 8 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    project.epic("stories: [{id: a, run: 'true'}]")
    both_ways().assert_outcomes(passed=1)
    assert list(folder.glob("*.log")) == [new]


PRINTS = 'run: "python -c \\"print(\'x\' * 3_000_000); raise SystemExit(3)\\""'


@posix
@pytest.mark.parametrize("options", [(), ("--epic-parallel=2",)])
def test_a_file_that_may_not_grow_costs_the_file_and_nothing_else(project: Project, options: tuple[str, ...]) -> None:
    project.write(
        "conftest.py",
        """
        import resource

        def pytest_sessionstart():
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        """,
    )
    project.epic(f"stories: [{{id: a, {PRINTS}}}, {{id: b, run: 'true'}}]")
    result = project.run_process(*options)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*bytes cut; it could not be kept whole: *File too large ...]"])


@pytest.fixture
def full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of 1 MiB. What is not put there goes to a folder of the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


@linux
def test_a_disk_that_gets_full_costs_the_file_and_nothing_else(
    project: Project, both_ways: Run, full_disk: Path
) -> None:
    project.epic(f"stories: [{{id: a, {PRINTS}}}, {{id: b, run: 'true'}}]")
    result = both_ways("-o", f"cache_dir={full_disk}/cache")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*bytes cut; it could not be kept whole: *No space left on device ...]"])
    assert "PytestCacheWarning" not in result.stdout.str()
    both_ways("-o", f"cache_dir={full_disk}/cache", "--lf").assert_outcomes(failed=1)


@linux
@pytest.mark.parametrize("made", [False, True], ids=["the folder is not there", "the folder is there"])
def test_on_a_disk_that_is_full_everything_runs(project: Project, both_ways: Run, full_disk: Path, made: bool) -> None:
    if made:
        (full_disk / "cache" / "d" / "epics").mkdir(parents=True)
    with contextlib.suppress(OSError), (full_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    # Not even another name fits.
    with contextlib.suppress(OSError):
        for number in range(10_000):
            (full_disk / f"{number}{'x' * 200}").mkdir()
    project.epic(f"stories: [{{id: a, {PRINTS}}}, {{id: b, run: 'true', dependencies: [c]}}, {{id: c, run: 'true'}}]")
    for _ in range(2):
        result = both_ways("-o", f"cache_dir={full_disk}/cache", "-W", "ignore::pytest.PytestCacheWarning")
        result.assert_outcomes(passed=2, failed=1)
        result.stdout.fnmatch_lines(["*bytes cut; *"])
        assert "INTERNALERROR" not in result.stdout.str()


@posix
def test_a_story_that_closes_its_output_is_waited_for(project: Project, both_ways: Run) -> None:
    project.epic(
        """
        stories:
          - {id: a, run: "exec >&- 2>&-; python -c 'open(\\"done\\", \\"w\\")'; exit 4"}
          - {id: b, run: "test -e done", dependencies: [a]}
        """
    )
    both_ways("--failed-dependency-action=run").assert_outcomes(passed=1, failed=1)


@posix
@pytest.mark.parametrize("pipes", ["", ">/dev/null 2>&1"], ids=["holds the pipes", "has let the pipes go"])
def test_a_process_that_goes_its_own_way_holds_up_no_report(project: Project, both_ways: Run, pipes: str) -> None:
    child = project.write("child.py", "import os; os.setsid(); open('pid', 'w').write(f'{os.getpid()}\\n'); input()")
    project.write(
        "leaves.py",
        f"""
        import os
        import subprocess
        import time

        print("said", flush=True)
        os.mkfifo("held")
        subprocess.Popen("python {child} < held {pipes} & exec 9> held", shell=True, start_new_session=True)
        os.open("held", os.O_WRONLY)
        while not os.path.exists("pid") or not open("pid").read().endswith("\\n"):
            time.sleep(0.01)
        """,
    )
    project.epic("stories: [{id: a, run: python leaves.py && exit 3, timeout: 30}]")
    try:
        result = both_ways()
    finally:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            os.kill(int((project.path / "pid").read_text()), signal.SIGKILL)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["exit status 3, after *", "*| said"])


@pytest.mark.parametrize("after", ["call: 'late:comes_after'", "run: python late.py"], ids=["a function", "a command"])
def test_what_a_function_prints_after_its_story_is_in_nobodys_report(
    project: Project, both_ways: Run, after: str
) -> None:
    project.write(
        "late.py",
        """
        import os
        import time

        def until(name):
            deadline = time.monotonic() + 60
            while not os.path.exists(name) and time.monotonic() < deadline:
                time.sleep(0.01)

        def goes_on():
            print("in time")
            until("given up")
            for _ in range(200):
                print("too late" * 100)
            open("done", "w").close()

        def comes_after():
            open("given up", "w").close()
            until("done")
            print("another")
            assert False

        if __name__ == "__main__":
            comes_after()
        """,
    )
    project.epic(
        f"""
        stories:
          - {{id: a, call: "late:goes_on", timeout: 0.3}}
          - {{id: b, {after}, dependencies: [a]}}
        """
    )
    result = both_ways("--failed-dependency-action=run")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["timed out after 0.3 s*", "*goes on in its thread, and what it prints from now on*"])
    shown = result.stdout.str()
    assert "in time" in shown
    assert "another" in shown
    assert "too late" not in shown.replace('print("too late" * 100)', "")
    assert not list(project.path.glob(".pytest_cache/**/*.log"))
