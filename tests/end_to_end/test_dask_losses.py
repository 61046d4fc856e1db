"""What ends in the midst of a run on a Dask cluster: a story, a worker, the scheduler, pytest. Nothing stays behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from dask_by_hand import DaskByHand
from project import Project
from running import Run, ended, until

pytest.importorskip("distributed")

from distributed import Client

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a POSIX shell"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc"),
]

TASKS = """
    import asyncio, subprocess, threading
    from pytest_tapps_waves import StoryContext

    def has_a_child(story: StoryContext):
        child = subprocess.Popen(["sleep", "300"])
        (story.cwd / "child.pid").write_text(f"{child.pid}\\n")
        child.wait()

    async def hangs(story: StoryContext):
        (story.cwd / "hangs.txt").write_text("1")
        try:
            await asyncio.Event().wait()
        finally:
            print("let go")

    def hangs_in_its_thread(story: StoryContext):
        (story.cwd / "thread.txt").write_text("1")
        threading.Event().wait(30)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskByHand]:
    """Two workers of four threads, which their nannies start again when they are killed."""
    made = DaskByHand(tmp_path_factory.mktemp("dask"))
    try:
        made.add_workers(("--nthreads=4",), ("--nthreads=4",))
        yield made
    finally:
        made.close()


@pytest.fixture
def options(cluster: DaskByHand) -> tuple[str, ...]:
    return "--epic-executor=dask", f"--epic-dask-scheduler={cluster.address}", "--epic-parallel=4"


@pytest.fixture
def run(project: Project) -> Iterator[Run]:
    project.write("tasks.py", TASKS)
    made = Run(project)
    yield made
    made.clean_up()


LOSES = {
    "a command": 'run: "echo begun >> log; sleep 300 & echo $! > child.pid; echo $$ > a.pid; wait"',
    "a function with a child of its own": 'call: "tasks:has_a_child"',
}


def worker_of(pid: int) -> int:
    """The process of the worker that a story's process stems from."""
    # Without a nanny it is the command `dask worker` itself.
    return next(
        one.pid
        for one in psutil.Process(pid).parents()
        if "dask" in one.cmdline() or "spawn_main" in str(one.cmdline())
    )


@pytest.mark.parametrize("action", LOSES.values(), ids=LOSES.keys())
def test_a_worker_that_is_killed_fails_its_story_once_and_takes_its_children_along(
    project: Project, run: Run, options: tuple[str, ...], action: str
) -> None:
    project.epic(
        f"""
        stories:
          - {{id: a, {action}}}
          - {{id: b, run: "until test -e go; do sleep 0.05; done"}}
        """
    )
    run.start(*options, waits_for=("child",))
    os.kill(worker_of(run.pid("child")), signal.SIGKILL)
    assert until(lambda: ended(run.pid("child")))
    (project.path / "go").touch()
    assert run.end() == pytest.ExitCode.TESTS_FAILED, run.output
    assert "FAILED epic_shop.yaml::a - worker lost: tcp://127.0.0.1:" in run.output
    assert project.lines("log") in (["begun"], [])
    # Whether b was carried out by the same worker is for Dask to say.
    assert "worker lost" in run.output
    assert run.output.count("FAILED epic_shop.yaml::b") <= 1


def test_with_retries_the_story_of_a_lost_worker_runs_again(
    project: Project, run: Run, options: tuple[str, ...]
) -> None:
    project.epic(
        """
        stories:
          - id: a
            retries: 1
            run: "echo $STORY_ATTEMPT >> log; test -e first || { touch first; echo $$ > a.pid; sleep 300; }"
        """
    )
    run.start(*options)
    os.kill(worker_of(run.pid("a")), signal.SIGKILL)
    assert run.end() == pytest.ExitCode.OK, run.output
    assert "passed only after retries: a (attempt 2)" in run.output
    assert project.lines("log") == ["1", "2"]


def test_a_worker_that_is_lost_for_good_is_not_waited_for(
    project: Project, run: Run, options: tuple[str, ...], cluster: DaskByHand
) -> None:
    project.epic('stories: [{id: a, resources: {lone: 1}, run: "echo $$ > a.pid; exec sleep 300"}]')
    cluster.add_workers(("--nthreads=1", "--resources", "lone=1", "--no-nanny"))
    run.start(*options)
    os.kill(worker_of(run.pid("a")), signal.SIGKILL)
    assert run.end() == pytest.ExitCode.TESTS_FAILED, run.output
    assert "FAILED epic_shop.yaml::a - worker lost: tcp://127.0.0.1:" in run.output


def test_a_worker_that_retires_has_its_story_run_nowhere_else(
    project: Project, run: Run, options: tuple[str, ...], cluster: DaskByHand
) -> None:
    project.epic('stories: [{id: a, resources: {old: 1}, run: "echo begun >> log; echo $$ > a.pid; exec sleep 300"}]')
    old = ("--nthreads=1", "--resources", "old=1", "--no-nanny")
    cluster.add_workers(old, old)
    run.start(*options)
    with Client(cluster.address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        client.retire_workers([worker for worker, tasks in client.processing().items() if tasks])
    assert run.end() == pytest.ExitCode.TESTS_FAILED, run.output
    assert "FAILED epic_shop.yaml::a - worker lost: " in run.output
    assert project.lines("log") == ["begun"]
    assert ended(run.pid("a"))


def test_what_is_cancelled_may_clean_up_and_has_ended_when_the_run_ends(
    project: Project, run: Run, options: tuple[str, ...]
) -> None:
    project.epic(
        """
        stories:
          - id: a
            run: "trap 'touch cleaned; exit 1' TERM; sleep 300 & echo $! > child.pid; echo $$ > a.pid; wait"
          - {id: stubborn, run: "trap '' TERM; echo $$ > stubborn.pid; while :; do sleep 0.1; done"}
          - {id: hangs, call: "tasks:hangs"}
          - id: thread
            call: "tasks:hangs_in_its_thread"
          - id: critical
            critical: true
            run: "until test -s a.pid -a -s stubborn.pid -a -s hangs.txt -a -s thread.txt; do sleep 0.05; done; exit 1"
        """
    )
    run.start(*options[:-1], "--epic-parallel=5", "-rA", waits_for=("a", "child", "stubborn"))
    assert run.end() == pytest.ExitCode.TESTS_FAILED, run.output
    assert "1 failed, 4 skipped" in run.output
    assert "cancelled: critical story critical failed" in run.output
    assert (project.path / "cleaned").exists()
    assert all(ended(run.pid(name)) for name in ("a", "child", "stubborn"))


@pytest.mark.parametrize("way", [(), ("--epic-parallel=4",)], ids=["one by one", "four at once"])
def test_ctrl_c_ends_the_stories_on_workers_and_the_workers_stay(
    project: Project, run: Run, options: tuple[str, ...], way: tuple[str, ...]
) -> None:
    project.epic('stories: [{id: a, run: "sleep 300 & echo $! > child.pid; echo $$ > a.pid; wait"}]')
    run.start(*options[:-1], *way)
    worker = worker_of(run.pid("a"))
    run.signal(signal.SIGINT)
    assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    assert ended(run.pid("a"))
    assert ended(run.pid("child"))
    assert not ended(worker)
    for noise in ("INTERNALERROR", "Traceback", "never retrieved", "Warning"):
        assert noise not in run.output


def test_pytest_killed_leaves_no_process_of_a_story_on_a_worker(
    project: Project, run: Run, options: tuple[str, ...]
) -> None:
    project.epic('stories: [{id: a, run: "sleep 300 & echo $! > child.pid; echo $$ > a.pid; wait"}]')
    run.start(*options)
    worker = worker_of(run.pid("a"))
    run.signal(signal.SIGKILL)
    run.end()
    assert until(lambda: ended(run.pid("a")) and ended(run.pid("child")))
    assert not ended(worker)


def test_what_a_story_leaves_behind_ends_with_it(project: Project, run: Run, options: tuple[str, ...]) -> None:
    project.epic(
        """
        stories:
          - {id: left, run: "setsid sh -c 'sleep 300 >/dev/null 2>&1 & echo $! > left.pid'"}
          - {id: b, run: "echo $$ > b.pid; until test -e go; do sleep 0.05; done", dependencies: [left]}
        """
    )
    run.start(*options, waits_for=("left", "b"))
    assert ended(run.pid("left"))
    (project.path / "go").touch()
    assert run.end() == pytest.ExitCode.OK, run.output


def test_a_scheduler_that_is_gone_ends_the_run_and_the_journal_is_true(
    project: Project, run: Run, tmp_path: Path
) -> None:
    project.epic(
        """
        stories:
          - {id: done, run: "echo done >> log"}
          - {id: a, run: "echo a >> log; test -e free && exit; echo $$ > a.pid; exec sleep 300", dependencies: [done]}
          - {id: after, run: "echo after >> log", dependencies: [a]}
        """
    )
    place = tmp_path / "dask"
    place.mkdir()
    cluster = DaskByHand(place)
    try:
        cluster.add_workers(("--nthreads=2",))
        run.start("--epic-executor=dask", f"--epic-dask-scheduler={cluster.address}", "--epic-parallel=2")
        cluster.scheduler.kill()
        assert run.end() == pytest.ExitCode.INTERRUPTED, run.output
    finally:
        cluster.close()
    assert f"Exit: the Dask scheduler at {cluster.address} is gone" in run.output
    for noise in ("INTERNALERROR", "Traceback", "never retrieved", "Warning", "distributed."):
        assert noise not in run.output
    assert until(lambda: ended(run.pid("a")))
    (project.path / "free").touch()
    status = project.run("--epic-status")
    status.stdout.fnmatch_lines(["*done *passed*", "*a *cancelled*", "*after *not run*"])
    resumed = project.run("--epic-resume")
    resumed.assert_outcomes(passed=2, skipped=1)
    assert project.lines("log") == ["done", "a", "a", "after"]


# A cluster that the run starts for itself.


def listens_at(process: psutil.Process) -> list[str]:
    try:
        connections = process.net_connections(kind="inet")
    except (psutil.Error, OSError):  # one of those that are gone by now
        return []
    return [connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN]


def test_without_an_address_a_cluster_is_there_for_the_run_and_heard_of_no_more(project: Project, run: Run) -> None:
    project.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n")
    work = "echo $PPID >> places; echo $$ > {0}.pid; until test -e go; do sleep 0.05; done"
    project.epic(f'stories: [{{id: a, run: "{work.format("a")}"}}, {{id: b, run: "{work.format("b")}"}}]')
    run.start("--epic-executor=dask", "--epic-parallel=2", "-s", waits_for=("a", "b"))
    assert run.process is not None
    family = psutil.Process(run.process.pid).children(recursive=True)
    listening = [address for process in (psutil.Process(run.process.pid), *family) for address in listens_at(process)]
    assert set(listening) == {"127.0.0.1"}
    (project.path / "go").touch()
    assert run.end() == pytest.ExitCode.OK, run.output
    assert len(set(project.lines("places"))) == min(2, len(os.sched_getaffinity(0)))
    assert until(lambda: not any(process.is_running() for process in family))
    for noise in ("distributed", "Traceback", "Warning", "tcp://"):
        assert noise not in run.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_a_cluster_of_the_run_ends_with_it_however_that_ends(
    project: Project, run: Run, number: signal.Signals
) -> None:
    project.epic('stories: [{id: a, run: "trap : INT; sleep 300 & echo $! > child.pid; echo $$ > a.pid; wait"}]')
    run.start("--epic-executor=dask", "--epic-parallel=2")
    assert run.process is not None
    worker = worker_of(run.pid("a"))
    family = psutil.Process(run.process.pid).children(recursive=True)
    if number == signal.SIGINT:
        # As a terminal does: to all of them.
        for pid in {worker, run.process.pid}:
            os.kill(pid, number)
    else:
        run.signal(number)
    assert run.end() in (pytest.ExitCode.INTERRUPTED, -signal.SIGKILL), run.output
    assert until(lambda: ended(run.pid("a")) and ended(run.pid("child")) and ended(worker))
    assert until(lambda: all(ended(process.pid) for process in family))
    assert "worker lost" not in run.output


def test_functions_on_a_cluster_of_the_run_may_have_processes_of_their_own(project: Project) -> None:
    project.write(
        "tasks.py",
        """
        import multiprocessing

        def work(): pass

        def spreads():
            child = multiprocessing.get_context("spawn").Process(target=work)
            child.start()
            child.join()
            assert child.exitcode == 0
        """,
    )
    project.epic("stories: [{id: a, call: 'tasks:spreads'}]")
    project.run_process("--epic-executor=dask").assert_outcomes(passed=1)


def test_a_guardian_stays_on_no_worker(cluster: DaskByHand, project: Project, options: tuple[str, ...]) -> None:
    project.epic("stories: [{id: a, run: 'true'}]")
    project.run(*options).assert_outcomes(passed=1)
    workers = [
        child
        for process in psutil.process_iter(["cmdline"])
        if cluster.address in (process.info["cmdline"] or ())
        for child in process.children(recursive=True)
    ]
    assert workers
    assert not any("guardian.py" in word for process in workers for word in process.cmdline())
