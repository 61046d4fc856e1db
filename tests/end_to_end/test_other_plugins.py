"""The plugins that most projects have beside ours, each alone and all together, in real runs."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import parse

import psutil
import pytest
from project import Project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a POSIX shell")

COV = ("pytest_cov",)
HTML = ("pytest_metadata.plugin", "pytest_html.plugin")
TIMEOUT = ("pytest_timeout",)
RERUN = ("pytest_rerunfailures",)
RANDOMLY = ("pytest_randomly",)
XDIST = ("xdist.plugin",)
ALL = (*COV, *HTML, *TIMEOUT, *RERUN, *RANDOMLY, *XDIST)

Run = Callable[..., pytest.RunResult]


@pytest.fixture(params=[(), ("--epic-parallel=3",)], ids=["one by one", "three at once"])
def run(request: pytest.FixtureRequest, project: Project) -> Run:
    """Runs the project with the plugins given, in a process, one by one and in another test concurrently."""
    options: tuple[str, ...] = request.param

    def run(*args: str, plugins: tuple[str, ...]) -> pytest.RunResult:
        result = project.run_process(*options, *args, plugins=plugins)
        told = result.stdout.str() + result.stderr.str()
        assert "INTERNALERROR" not in told
        assert "Traceback" not in told
        return result

    return run


WORK = """
    import asyncio
    import threading

    def work():
        first = 1
        return first

    async def later():
        await asyncio.sleep(0)
        second = 2
        return second

    def never():
        return 3

    def hangs():
        threading.Event().wait()
"""


def test_cov_measures_functions_of_stories(project: Project, run: Run) -> None:
    path = project.write("work.py", WORK)
    project.epic("stories: [{id: a, call: 'work:work'}, {id: b, call: 'work:later'}, {id: c, call: 'work:work'}]")
    run("--cov=work", "--cov-report=xml", plugins=COV).assert_outcomes(passed=3)
    lines = path.read_text().splitlines()
    hit = {
        lines[int(line.get("number", 0)) - 1].strip()
        for line in parse(project.path / "coverage.xml").iter("line")
        if line.get("hits") != "0"
    }
    assert {"first = 1", "return first", "second = 2", "return second"} <= hit
    assert "return 3" not in hit


EPIC = """
    stories:
      - {id: passes, run: echo seen}
      - {id: fails, run: "echo heard; exit 3"}
      - {id: waits, run: "true", dependencies: [fails]}
      - {id: text}
      - {id: slow, run: "sleep 0.1", dependencies: [passes]}
"""


def test_html_shows_each_story_with_what_it_printed(project: Project, run: Run) -> None:
    project.epic(EPIC)
    run("--html=report.html", "--self-contained-html", plugins=HTML).assert_outcomes(passed=2, failed=1, skipped=2)
    page = (project.path / "report.html").read_text()
    for part in ("epic_shop.yaml::passes", "epic_shop.yaml::fails", "exit status 3", "depends on fails, which failed"):
        assert part in page


@pytest.fixture
def slow_pid(project: Project) -> Iterator[Callable[[], int]]:
    path = project.path / "slow.pid"
    yield lambda: int(path.read_text())
    if path.exists() and not ended(int(path.read_text())):
        os.kill(int(path.read_text()), signal.SIGKILL)


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_timeout_fails_a_story_and_ends_its_process(project: Project, run: Run, slow_pid: Callable[[], int]) -> None:
    project.epic(
        "stories: [{id: slow, run: 'echo $$ > slow.pid; sleep 300', timeout: 200}, {id: b, run: sleep 0.1}]",
    )
    result = run("--timeout=1", plugins=TIMEOUT)
    result.assert_outcomes(passed=1, failed=1)
    assert re.search(r"[Tt]ime(out|d out)", result.stdout.str())
    deadline = time.monotonic() + 20
    while not ended(slow_pid()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ended(slow_pid())


def test_timeout_ends_a_function_that_hangs(project: Project, run: Run) -> None:
    project.write("work.py", WORK)
    project.epic("stories: [{id: slow, call: 'work:hangs'}, {id: b, run: 'true'}]")
    run("--timeout=1", plugins=TIMEOUT).assert_outcomes(passed=1, failed=1)


def test_a_longer_timeout_leaves_the_storys_own(project: Project, run: Run) -> None:
    project.epic("stories: [{id: slow, run: sleep 300, timeout: 0.5}]")
    result = run("--timeout=100", plugins=TIMEOUT)
    result.stdout.fnmatch_lines(["*timed out after 0.5 s*"])


SECOND_TIME = "echo x >> COUNT; test $(wc -l < COUNT) -ge 2"


def second_time(name: str) -> str:
    return SECOND_TIME.replace("COUNT", name)


def test_rerunfailures_runs_a_story_again(project: Project, run: Run) -> None:
    project.epic(
        f"stories: [{{id: a, run: '{second_time('a')}'}}, {{id: b, run: 'echo > ran', dependencies: [a]}}]",
    )
    assert run("--reruns=2", plugins=RERUN).parseoutcomes() == {"passed": 2, "rerun": 1}
    assert project.lines("a") == ["x", "x"]
    assert (project.path / "ran").exists()


def test_rerunfailures_gives_up(project: Project, run: Run) -> None:
    project.epic("stories: [{id: a, run: 'echo x >> a; exit 1'}, {id: b, run: 'echo > ran', dependencies: [a]}]")
    assert run("--reruns=2", plugins=RERUN).parseoutcomes() == {"failed": 1, "skipped": 1, "rerun": 2}
    assert project.lines("a") == ["x"] * 3


def test_a_story_with_the_tag_flaky_runs_again(project: Project, run: Run) -> None:
    project.epic(
        f"stories: [{{id: a, tags: flaky, run: '{second_time('a')}'}}, {{id: b, run: '{second_time('b')}'}}]",
    )
    assert run(plugins=RERUN).parseoutcomes() == {"passed": 1, "failed": 1, "rerun": 1}
    assert project.lines("b") == ["x"]


def test_rerunfailures_runs_a_story_again_whose_check_failed(project: Project, run: Run) -> None:
    check = f"acceptance_criteria: [{{description: holds, run: '{second_time('a')}'}}]"
    project.epic(f"stories: [{{id: a, run: echo y >> y, {check}}}, {{id: b, run: 'echo > ran', dependencies: [a]}}]")
    result = run("--reruns=2", plugins=RERUN)
    assert project.lines("a") == ["x", "x"]
    assert project.lines("y") == ["y", "y"]
    assert result.parseoutcomes() == {"passed": 2, "rerun": 1}
    assert result.ret == pytest.ExitCode.OK
    assert (project.path / "ran").exists()


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_randomly_keeps_dependencies_first(project: Project, run: Run, seed: int) -> None:
    stories = [f"{{id: s{n}, run: echo {n} >> order, dependencies: [{f's{n - 1}' if n else ''}]}}" for n in range(8)]
    project.epic(f"stories: [{', '.join(reversed(stories))}]")
    project.write("test_plain.py", "def test_one(): pass\ndef test_two(): pass\n")
    run(f"--randomly-seed={seed}", plugins=RANDOMLY).assert_outcomes(passed=10)
    assert project.lines("order") == [str(number) for number in range(8)]


def test_all_of_them_together(project: Project, run: Run) -> None:
    project.write("work.py", WORK)
    project.write("test_plain.py", "def test_one(): pass\n")
    project.epic(EPIC + f"      - {{id: again, tags: flaky, run: '{second_time('again')}'}}\n")
    project.epic("stories: [{id: a, call: 'work:work'}]", "epic_b.yaml")
    result = run(
        "--cov=work", "--html=report.html", "--timeout=60", "--randomly-seed=3", "--junitxml=out.xml", plugins=ALL
    )
    counts = result.parseoutcomes()
    assert {word: counts.get(word) for word in ("passed", "failed", "skipped", "rerun", "error", "errors")} == {
        "passed": 5,
        "failed": 1,
        "skipped": 2,
        "rerun": 1,
        "error": None,
        "errors": None,
    }
    assert len(list(parse(project.path / "out.xml").iter("testcase"))) == 9
    assert "epic_b.yaml::a" in (project.path / "report.html").read_text()
    result.stdout.fnmatch_lines(["work.py*"])


def test_all_of_them_together_change_nothing_without_stories(project: Project) -> None:
    project.write("test_plain.py", "def test_one(): pass\n")
    project.run_process("--randomly-seed=3", "--timeout=60", plugins=ALL).assert_outcomes(passed=1)


RETRY = """
    import pytest

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(item, call):
        outcome = yield
        report = outcome.get_result()
        if call.when == "call" and report.failed:
            following = pytest.Class.from_parent(item.session, name="Nothing")
            item.ihook.pytest_runtest_teardown(item=item, nextitem=following)
            item._initrequest()
            item.ihook.pytest_runtest_setup(item=item)
            again = pytest.CallInfo.from_call(lambda: item.ihook.pytest_runtest_call(item=item), when="call")
            made = pytest.TestReport.from_item_and_call(item, again)
            report.outcome, report.longrepr = made.outcome, made.longrepr
"""


def test_a_story_is_run_again_from_within_its_report_as_pytest_retry_does(run: Run, project: Project) -> None:
    project.write("conftest.py", RETRY)
    project.epic("""
        epic: {title: Shop}
        stories:
          - {id: "1", run: "test -e flag || { touch flag; exit 1; }"}
          - {id: "2", run: "true", dependencies: ["1"]}
          - {id: "3", run: "exit 1"}
    """)
    result = run(plugins=())
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["FAILED epic_shop.yaml::3 - exit status 1*"])
