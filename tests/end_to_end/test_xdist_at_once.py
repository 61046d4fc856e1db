"""Several stories at once in each worker of pytest-xdist: ``-n`` and ``--epic-parallel`` together."""

from __future__ import annotations

import pytest
from project import Project
from workers_project import NOTE_REPORTS, XDIST, reports

MIXED = """
    import asyncio
    import pytest

    @pytest.fixture(scope="module")
    def noted():
        with open("LOG", "a") as file:
            file.write("up ")
        yield
        with open("LOG", "a") as file:
            file.write("down ")

    def test_first(noted):
        pass

    @pytest.mark.asyncio
    @pytest.mark.depends(on="test_first")
    @pytest.mark.parametrize("number", range(5))
    async def test_async(noted, number):
        print("printed by", number)
        await asyncio.sleep(0.01)
        assert number != 3, "this one fails"

    @pytest.mark.depends(on="test_async[3]")
    def test_skipped():
        pass

    @pytest.mark.depends(on="test_async[4]")
    def test_last(noted, capsys):
        print("caught")
        assert capsys.readouterr().out == "caught\\n"

    @pytest.mark.parametrize("number", range(6))
    def test_plain(number):
        pass

    @pytest.mark.asyncio
    async def test_plain_async():
        await asyncio.sleep(0)
"""
EPIC = """
    stories:
      - {id: a, run: "echo a >> ORDER"}
      - {id: b, run: "echo b >> ORDER; exit 1", dependencies: [a]}
      - {id: c, run: "echo c >> ORDER", dependencies: [b]}
      - {id: d, call: "tasks:work", dependencies: [a, "test_it.py::test_last"]}
      - {id: e, title: words}
"""


@pytest.mark.parametrize("options", [("-n2", "--epic-parallel=3"), ("-n1", "--epic-parallel=2")])
def test_reports_are_those_of_one_process(project: Project, options: tuple[str, ...]) -> None:
    project.write("conftest.py", NOTE_REPORTS)
    project.write("tasks.py", "async def work():\n    print('at work')\n")
    project.write("test_it.py", MIXED)
    project.epic(EPIC)
    alone = reports(project, "--epic-parallel=3")
    (project.path / "LOG").unlink()
    assert len(alone) > 50
    assert reports(project, *options) == alone
    log = project.lines("LOG")
    assert log.count("up") == log.count("down")
    assert 1 <= log.count("up") <= int(options[0][-1])


def test_commands_of_one_worker_run_at_the_same_time(project: Project) -> None:
    # Each waits until all have begun.
    stories = ", ".join(
        f"{{id: s{number}, run: 'touch HERE{number}; until [ $(ls HERE* | wc -l) = 4 ]; do sleep 0.01; done'}}"
        for number in range(4)
    )
    project.epic(f"stories: [{stories}]")
    result = project.run_process("-n2", "--epic-parallel=2", "--epic-timeout=60", plugins=XDIST)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["epics: 1 epic, 4 stories, 1 wave, 4 at once, waves schedule"])


def test_all_that_ran_in_a_worker_that_dies_has_failed(project: Project) -> None:
    project.write(
        "tasks.py",
        """
        import asyncio, os, pathlib

        async def begun():
            pathlib.Path(f"BEGUN-{os.getpid()}").touch()
            await asyncio.sleep(100)

        async def kill():
            while not pathlib.Path(f"BEGUN-{os.getpid()}").exists():
                await asyncio.sleep(0.01)
            os.kill(os.getpid(), 9)
        """,
    )
    project.epic("""
        epic: {circuit_breaker: 0}
        stories:
          - {id: other, call: "tasks:begun"}
          - {id: killer, call: "tasks:kill"}
          - {id: after, run: "true", dependencies: [other]}
          - {id: fine, run: "true"}
          - {id: later, run: "true", dependencies: [fine]}
    """)
    result = project.run_process("-n1", "--epic-parallel=2", "-rfs", plugins=XDIST)
    result.assert_outcomes(failed=2, skipped=1, passed=2)
    told = result.stdout.str()
    for story in ("other", "killer"):
        assert f"worker 'gw0' crashed while running 'epic_shop.yaml::{story}'" in told
    assert "after depends on other, which failed" in told


def test_a_critical_failure_cancels_what_runs_beside_it(project: Project) -> None:
    project.epic("""
        stories:
          - {id: long, run: "touch BEGUN; sleep 100; touch ENDED"}
          - {id: critical, run: "while [ ! -e BEGUN ]; do sleep 0.01; done; exit 1", critical: true}
          - {id: later, run: "true", dependencies: [long]}
    """)
    result = project.run_process("-n1", "--epic-parallel=2", "-rs", plugins=XDIST)
    result.assert_outcomes(failed=1, skipped=2)
    assert not (project.path / "ENDED").exists()
    result.stdout.fnmatch_lines(["epic_shop.yaml: 1 failed, 1 skipped, 1 cancelled"])


def test_exit_first_cancels_what_runs_in_all_workers(project: Project) -> None:
    wait = "until [ -e BEGUN1 -a -e BEGUN2 ]; do sleep 0.01; done"
    project.epic(f"""
        stories:
          - {{id: one, run: "touch BEGUN1; sleep 100; touch ENDED"}}
          - {{id: two, run: "touch BEGUN2; sleep 100; touch ENDED"}}
          - {{id: fails, run: "{wait}; exit 1"}}
          - {{id: later, run: "touch LATER", dependencies: [one]}}
    """)
    result = project.run_process("-n2", "--epic-parallel=2", "-x", plugins=XDIST)
    result.assert_outcomes(failed=1, skipped=2)
    assert not (project.path / "ENDED").exists()
    assert not (project.path / "LATER").exists()
    result.stdout.fnmatch_lines(["to go on where it stopped: *"])


def test_an_epic_that_asks_for_asyncio_has_it_in_each_worker(project: Project) -> None:
    stories = ", ".join(
        f"{{id: s{number}, run: 'touch HERE{number}; until [ $(ls HERE* | wc -l) = 3 ]; do sleep 0.01; done'}}"
        for number in range(3)
    )
    header = "{parallel_strategy: asyncio, max_parallel_stories: 3, timeout: 60}"
    project.epic(f"{{epic: {header}, stories: [{stories}]}}")
    project.run_process("-n2", plugins=XDIST).assert_outcomes(passed=3)
