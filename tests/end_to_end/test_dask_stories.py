"""Stories on the workers of a Dask cluster that was started by hand: what holds at home holds there."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dask_by_hand import DaskByHand
from project import Project
from repository import WITHOUT_GIT, Repository

pytest.importorskip("distributed")

from pytest_tapps_waves.errors import ExecutorError
from pytest_tapps_waves.executors.base import Surroundings
from pytest_tapps_waves.executors.dask_cluster import Cluster

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a POSIX shell")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskByHand]:
    """Two workers of two threads; one has a GPU, or so it says."""
    made = DaskByHand(tmp_path_factory.mktemp("dask"))
    try:
        made.add_workers(("--nthreads=2",), ("--nthreads=2", "--resources", "gpu=1"))
        yield made
    finally:
        made.close()


@pytest.fixture
def options(cluster: DaskByHand) -> tuple[str, str]:
    return "--epic-executor=dask", f"--epic-dask-scheduler={cluster.address}"


TASKS = """
    import asyncio, logging, os, sys
    import pytest
    from pytest_tapps_waves import StoryContext

    log = logging.getLogger("shop")

    def sync(story: StoryContext):
        print("sync", story.id, story.attempt, story.timeout, story.cwd.name, story.env["COLOUR"])
        print("to stderr", file=sys.stderr)
        log.warning("%s is low", "stock")
        log.info("not to be seen")

    async def on_the_loop(story: StoryContext):
        print("async", story.title)
        await asyncio.sleep(0)
        story.log.error("noted")

    def breaks():
        print("before")
        raise ValueError("no such shard")

    def gives_up():
        pytest.fail("not today")

    def is_skipped():
        pytest.skip("not on Sundays")

    def second_time(story: StoryContext):
        print("attempt", story.attempt)
        assert story.attempt > 1

    def leaves():
        sys.exit(3)
"""

EPIC = """
    epic: {id: shop, circuit_breaker: 0, env: {COLOUR: blue, FOR_ALL: "1"}}
    stories:
      - {id: command, run: "echo out; echo err >&2; echo $STORY_ID $EPIC_ID $STORY_ATTEMPT $COLOUR $EPIC_ROOT"}
      - {id: words, run: [python, -c, "import sys; print(sys.prefix)"]}
      - {id: place, run: "basename $PWD", cwd: inner, env: {COLOUR: red}}
      - {id: status, run: "echo so far; exit 3"}
      - {id: signalled, run: "kill -9 $$"}
      - {id: late, run: "echo begun; exec sleep 60", timeout: 0.5}
      - {id: nowhere, run: "true", cwd: gone}
      - {id: sync, call: "tasks:sync", env: {COLOUR: green}}
      - {id: async, title: On the loop, call: "tasks:on_the_loop"}
      - {id: breaks, call: "tasks:breaks"}
      - {id: gives-up, call: "tasks:gives_up"}
      - {id: skipped, call: "tasks:is_skipped"}
      - {id: leaves, call: "tasks:leaves"}
      - {id: missing, call: "tasks:is_missing"}
      - {id: again, call: "tasks:second_time", retries: 1}
      - {id: again-in-vain, run: "echo $STORY_ATTEMPT; false", retries: 1}
      - id: checked
        run: touch made
        acceptance_criteria:
          - {description: it is there, run: "test -e made"}
          - {description: it is full, run: "echo it is empty; test -s made"}
          - {description: it answers, call: "tasks:on_the_loop"}
      - {id: after, run: "true", dependencies: [status]}
"""

NOTES = """
    import json, re
    from pathlib import Path

    told = {}

    def pytest_runtest_logreport(report):
        if report.when != "call" and report.passed:
            return
        # Where a function was skipped is known at home only.
        words = report.longrepr[2] if report.skipped else str(report.longrepr or "")
        words = re.sub(r"(after|in) [0-9.]+ s", "after a while", words)
        key = report.nodeid + getattr(getattr(report, "context", None), "msg", "")
        told[key] = [report.outcome, words, [list(section) for section in report.sections]]

    def pytest_sessionfinish():
        Path("told.json").write_text(json.dumps(told))
"""


def told(project: Project, *options: str) -> dict[str, Any]:
    """Outcome, words and sections of each report, by story and check."""
    project.run(*options)
    found: dict[str, Any] = json.loads((project.path / "told.json").read_text())
    return found


@pytest.mark.parametrize("way", [(), ("--epic-parallel=4",)], ids=["one by one", "four at once"])
def test_stories_come_out_as_at_home(project: Project, options: tuple[str, str], way: tuple[str, ...]) -> None:
    project.write("tasks.py", TASKS)
    project.write("conftest.py", NOTES)
    (project.path / "inner").mkdir()
    project.epic(EPIC)
    at_home = told(project, *way)
    assert len(at_home) == 21
    assert {outcome for outcome, _, _ in at_home.values()} == {"passed", "failed", "skipped"}
    assert told(project, *way, *options) == at_home


def test_each_run_finds_the_code_as_it_is_by_then(project: Project, options: tuple[str, str]) -> None:
    # The same worker each time.
    project.epic("stories: [{id: a, call: 'colours:show', resources: {gpu: 1}}]")
    for colour in ("blue", "yellow"):
        # Of another size, so that no bytecode is taken for that of the other.
        project.write("colours.py", f"def show(): print('{colour}')\n")
        result = project.run("-rA", *options)
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["*Captured stdout call*", colour])


def test_an_action_of_a_conftest_goes_along_and_one_that_cannot_is_told(
    project: Project, options: tuple[str, str]
) -> None:
    project.write(
        "conftest.py",
        """
        import os, threading

        def helper(): return "helped"

        class Greeting:
            def __init__(self, name): self.name, self.home = name, os.getpid()
            def describe(self): return f"greet: {self.name}"
            async def perform(self, job, output):
                output.write("stdout", f"hello {self.name} {helper()} {os.getpid() != self.home}\\n".encode())

        class Locked(Greeting):
            def __init__(self, name):
                super().__init__(name)
                self.lock = threading.Lock()

        def pytest_epic_action(config, story):
            if "greet" in story.metadata:
                kind = Locked if story.metadata.get("locked") else Greeting
                return kind(story.metadata["greet"])
        """,
    )
    project.epic("stories: [{id: a, greet: you}, {id: b, greet: nobody, locked: true}]")
    result = project.run("-rA", *options)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "its action cannot be sent to a worker (TypeError: cannot pickle '_thread.lock' object), after *",
            "  greet: nobody",
            "hello you helped True",
        ]
    )


def test_output_comes_back_bounded_and_says_what_was_cut(project: Project, options: tuple[str, str]) -> None:
    project.write(
        "tasks.py",
        """
        import logging, sys

        def talks():
            print("the beginning")
            for number in range(100_000):
                print(f"line {number}")
                if not number % 100:
                    logging.warning("record %d", number)
            print("the end")
            print("on stderr", file=sys.stderr)
        """,
    )
    project.write("conftest.py", NOTES)
    project.epic("stories: [{id: a, call: 'tasks:talks'}]")
    sections = told(project, *options)["epic_shop.yaml::a"][2]
    out, err, log = (
        "".join(text for name, text in sections if f" {kind} " in name) for kind in ("stdout", "stderr", "log")
    )
    assert out.startswith("the beginning\nline 0\n")
    assert out.endswith("line 99999\nthe end\n")
    assert len(out) <= 64 * 1024
    assert out.count(" bytes cut on tcp://127.0.0.1:") == 1
    assert "record 0" in log
    assert "record 99900" in log
    assert " log records cut on tcp://127.0.0.1:" in log
    assert err == "on stderr\n"


def test_resources_are_those_of_workers_and_one_that_none_has_is_named(
    project: Project, options: tuple[str, str], cluster: DaskByHand
) -> None:
    work = "echo on >> gpu; test $(sort gpu | uniq -c | wc -l) = 1; echo $PPID >> places; sed -i 1d gpu"
    project.epic(
        f"""
        stories:
          - {{id: a, resources: {{gpu: 1}}, run: "{work}"}}
          - {{id: b, resources: {{gpu: 1}}, run: "{work}"}}
          - {{id: c, resources: {{gpu: 0.5}}, run: "echo $PPID >> places"}}
          - {{id: d, resources: {{gpu: 2, memory: 4e9}}, run: "true"}}
        """
    )
    result = project.run("--epic-parallel=4", *options)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        ["no worker has the resources gpu=2,memory=4e+09; start one with `dask worker --resources gpu=2,memory=4e+09`*"]
    )
    assert len(project.lines("places")) == 3
    assert len(set(project.lines("places"))) == 1


def test_a_story_that_waits_for_a_worker_does_not_use_up_its_time(project: Project, options: tuple[str, str]) -> None:
    project.epic(
        """
        stories:
          - {id: a, resources: {gpu: 1}, run: "echo a >> log; sleep 3"}
          - {id: b, resources: {gpu: 1}, run: "echo b >> log", timeout: 2.5}
        """
    )
    project.run("--epic-parallel=2", *options).assert_outcomes(passed=2)
    assert sorted(project.lines("log")) == ["a", "b"]


@WITHOUT_GIT
def test_stories_in_worktrees_and_their_checks_stay_where_the_repository_is_and_it_is_said(
    project: Project, options: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository(project, monkeypatch)
    repository.epic(
        """
        epic: {isolation: worktree}
        stories:
          - id: a
            run: "echo $PPID > a.txt"
            acceptance_criteria: [{description: here too, run: "test $PPID = $(cat a.txt)"}]
        """
    )
    result = project.run(*options)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["carried out here, and not on a worker, since they are isolated here: a"])
    assert int(repository.on_branch("a.txt")) == os.getpid()


def test_secrets_of_a_worker_are_masked_there(project: Project, options: tuple[str, str]) -> None:
    project.write(
        "tasks.py",
        """
        import logging, os

        def sets(): os.environ["TOKEN"] = "hunter-of-the-worker"

        def shows():
            token = os.environ["TOKEN"]
            logging.warning("it is %s", token)
            print("this is", token)
            raise ValueError(token)
        """,
    )
    project.epic(
        """
        epic: {secrets: [TOKEN, OURS], env: {OURS: hunter-of-the-epic}}
        stories:
          - {id: a, call: "tasks:sets", resources: {gpu: 1}}
          - {id: b, call: "tasks:shows", dependencies: [a], resources: {gpu: 1}}
          - {id: c, run: "echo $OURS $TOKEN", dependencies: [a], resources: {gpu: 1}}
        """
    )
    result = project.run("-rA", *options)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["ValueError: [*][*][*], after *", "this is [*][*][*]", "*it is [*][*][*]"])
    assert "hunter" not in str(result.stdout)


def test_a_function_may_end_the_whole_run(project: Project, options: tuple[str, str]) -> None:
    project.write("tasks.py", "import pytest\ndef ends(): pytest.exit('enough', returncode=7)\n")
    project.epic("stories: [{id: a, call: 'tasks:ends'}, {id: b, run: 'true', dependencies: [a]}]")
    result = project.run(*options)
    assert result.ret == 7
    result.stdout.fnmatch_lines(["*Exit: enough*"])


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tcp://no.such.host.invalid:8786"])
def test_where_no_scheduler_is_it_is_said_in_one_line(
    project: Project, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_tapps_waves.executors.dask_cluster._CONNECTS", 1.0)
    project.epic("stories: [{id: a, run: touch ran}]")
    result = project.run("--epic-executor=dask", f"--epic-dask-scheduler={address}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip().splitlines() == [line for line in result.errlines if line]
    result.stderr.fnmatch_lines(
        [f"ERROR: there is no Dask scheduler at {address} (*); start one with `dask scheduler`, *"]
    )
    assert len([line for line in result.errlines if line.strip()]) == 1
    assert not (project.path / "ran").exists()


def test_versions_that_differ_are_told_in_one_line_before_anything_runs(
    project: Project, options: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Client

    real = Client._get_versions

    async def get_versions(client: Client, **given: Any) -> Any:
        found = await real(client, **given)
        first = min(found["workers"])
        found["workers"][first]["packages"]["distributed"] = "2020.1.0"
        return found

    monkeypatch.setattr(Client, "_get_versions", get_versions)
    project.epic("stories: [{id: a, run: touch ran}]")
    result = project.run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: versions differ: tcp://* has distributed 2020.1.0, this run has *; install *"])
    assert not (project.path / "ran").exists()


def test_a_worker_without_rootdir_is_told_before_anything_runs(cluster: DaskByHand, tmp_path: Path) -> None:
    surroundings = Surroundings(tmp_path / "gone", "a run", 1, 1, scheduler=cluster.address)
    with pytest.raises(
        ExecutorError, match=r"the worker tcp://\S+ has no .*gone: workers need rootdir at the same path"
    ):
        Cluster(surroundings).open()


def test_the_address_without_the_executor_is_a_mistake(project: Project) -> None:
    project.epic("stories: [{id: a, run: touch ran}]")
    result = project.run("--epic-dask-scheduler=tcp://127.0.0.1:8786")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --epic-dask-scheduler means nothing to the executor local; drop one"])


def test_without_dask_it_is_said_how_to_get_it(project: Project) -> None:
    project.epic("stories: [{id: a, run: touch ran}]")
    project.write("conftest.py", "import sys\nsys.modules['distributed'] = None\n")
    result = project.run_process("--epic-executor=dask")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --epic-executor=dask needs distributed: pip install 'pytest-tapps-waves[[]dask]'"]
    )
