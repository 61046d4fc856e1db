"""What goes wrong in a run across workers of pytest-xdist has the same consequences as in one process."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from textwrap import dedent

import pytest
from project import Project
from running import Run, ended, until
from workers_project import NOTE_REPORTS, XDIST, reports

KILLS_ITSELF = """
    import os
    import pytest

    def note(name):
        with open("RAN", "a") as file:
            file.write(name + " ")

    def test_kills():
        note("kills")
        os.kill(os.getpid(), 9)

    @pytest.mark.depends(on="test_kills")
    def test_after():
        note("after")

    @pytest.mark.depends(on="test_after")
    def test_after_that():
        note("after_that")

    @pytest.mark.parametrize("number", range(6))
    def test_plain(number):
        note(f"plain{number}")

    def test_up():
        note("up")

    @pytest.mark.depends(on="test_up")
    @pytest.mark.parametrize("number", range(6))
    def test_upon(number):
        note(f"upon{number}")
"""
EACH = sorted(["kills", "up", *(f"{name}{number}" for name in ("plain", "upon") for number in range(6))])


def test_a_worker_that_dies_fails_its_story_and_skips_the_dependents(project: Project) -> None:
    project.write("test_it.py", KILLS_ITSELF)
    result = project.run_process("-n2", "-rs", plugins=XDIST)
    result.assert_outcomes(failed=1, skipped=2, passed=13)
    assert sorted(project.lines("RAN")) == EACH
    result.stdout.fnmatch_lines(["worker 'gw?' crashed while running 'test_it.py::test_kills'"])
    told = result.stdout.str()
    assert "test_it.py::test_after depends on test_it.py::test_kills, which failed" in told
    assert "test_it.py::test_after_that depends on test_it.py::test_after, which was skipped" in told


def test_where_no_worker_is_restarted_the_run_says_how_to_go_on(project: Project) -> None:
    project.write("test_it.py", KILLS_ITSELF)
    result = project.run_process("-n1", "--max-worker-restart=0", plugins=XDIST)
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["to go on where it stopped: pytest *-n1 --max-worker-restart=0 --epic-resume"])


def test_a_plugin_may_let_a_crashed_story_run_again(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        def pytest_handlecrashitem(crashitem, report, sched):
            sched.mark_test_pending(crashitem)
            report.outcome = "rerun"
        """,
    )
    project.write(
        "test_it.py",
        """
        import os
        import pytest

        def test_first():
            if not os.path.exists("AGAIN"):
                open("AGAIN", "w").close()
                os.kill(os.getpid(), 9)

        @pytest.mark.depends(on="test_first")
        def test_second():
            pass
        """,
    )
    project.run_process("-n2", plugins=XDIST).assert_outcomes(passed=2)


def test_a_worker_that_collects_something_else_in_the_place_of_another_is_not_used(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import os
        import pytest

        @pytest.mark.parametrize("number", [1, 2] if os.path.exists("CHANGED") else [1])
        def test_first(number):
            open("CHANGED", "w").close()
            os.kill(os.getpid(), 9)

        @pytest.mark.depends(on="test_first")
        def test_second():
            pass

        def test_plain():
            pass
        """,
    )
    result = project.run_process("-n1", plugins=XDIST)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    told = result.stdout.str()
    assert "no worker is left that could go on: worker gw1 has collected other items" in told
    assert "INTERNALERROR" not in told


def test_exit_first_starts_nothing_more_in_any_worker(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        def test_fails():
            assert 0

        @pytest.mark.depends(on="test_fails")
        def test_after():
            pass

        @pytest.mark.parametrize("number", range(200))
        def test_plain(number):
            pass
        """,
    )
    result = project.run_process("-n2", "-x", plugins=XDIST)
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    assert outcomes.get("passed", 0) < 200
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])
    assert "INTERNALERROR" not in result.stdout.str()


CONFLICT = """
    epic: {conflict_detection: POLICY}
    stories:
      - {id: a, run: "mkdir LOCK && sleep 0.05 && rmdir LOCK", files_affected: [src/one.py]}
      - {id: b, run: "mkdir LOCK && sleep 0.05 && rmdir LOCK", files_affected: [src/*.py]}
      - {id: c, run: "true", dependencies: [a]}
"""


def test_a_conflict_is_reported_as_in_one_process(project: Project) -> None:
    project.write("conftest.py", NOTE_REPORTS)
    project.epic(CONFLICT.replace("POLICY", "fail"))
    alone = reports(project)
    assert sum("both affect" in line for line in alone) == 2
    assert reports(project, "-n2") == alone


def test_a_serialized_conflict_never_overlaps_across_workers(project: Project) -> None:
    project.epic(CONFLICT.replace("POLICY", "serialize"))
    result = project.run_process("-n3", plugins=XDIST)
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["serialized: a and b are both in wave 1 and both affect *"])


def test_what_is_refused_is_reported_as_in_one_process(project: Project) -> None:
    project.write("conftest.py", NOTE_REPORTS)
    project.write("test_it.py", KILLS_ITSELF.replace("os.kill(os.getpid(), 9)", "assert 0"))
    options = ("--failed-dependency-action=fail", "--epic-breaker=0")
    alone = reports(project, *options)
    assert sum("depends on" in line for line in alone) == 2
    assert reports(project, *options, "-n2") == alone


def test_refused_stories_count_for_maxfail(project: Project) -> None:
    project.epic(CONFLICT.replace("POLICY", "fail"))
    result = project.run_process("-n2", "-x", plugins=XDIST)
    result.assert_outcomes(failed=2, skipped=1)
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])


def test_a_breaker_counts_the_failures_of_all_workers(project: Project) -> None:
    stories = ", ".join(f"{{id: s{number}, run: exit 1}}" for number in range(12))
    project.epic(f"{{epic: {{circuit_breaker: 3}}, stories: [{stories}]}}")
    result = project.run_process("-n2", "-rfs", plugins=XDIST)
    outcomes = result.parseoutcomes()
    # One more may have been running when it opened, and the breaker is a failure of its own.
    assert outcomes["failed"] in (4, 5)
    assert outcomes["failed"] + outcomes["skipped"] == 13
    result.stdout.fnmatch_lines(["FAILED epic_shop.yaml::circuit-breaker*"])
    result.stdout.fnmatch_lines(["SKIPPED *: circuit breaker open"])


def test_a_critical_failure_cancels_what_runs_in_other_workers(project: Project) -> None:
    project.epic("""
        stories:
          - {id: long, run: "touch BEGUN; sleep 100; touch ENDED"}
          - {id: critical, run: "while [ ! -e BEGUN ]; do sleep 0.01; done; exit 1", critical: true}
          - {id: later, run: "true", dependencies: [long]}
    """)
    result = project.run_process("-n2", "-rs", plugins=XDIST)
    result.assert_outcomes(failed=1, skipped=2)
    assert not (project.path / "ENDED").exists()
    result.stdout.fnmatch_lines(["epic_shop.yaml: 1 failed, 1 skipped, 1 cancelled"])


@pytest.mark.parametrize("then", ["ends", "dies"])
def test_a_story_that_waits_in_a_worker_is_cancelled_before_it_begins(project: Project, then: str) -> None:
    project.epic("""
        stories:
          - {id: first, run: "until [ -e BUSY ]; do sleep 0.01; done"}
          - {id: critical, run: "exit 1", critical: true, dependencies: [first]}
          - {id: waits, run: "touch RAN", dependencies: [first]}
          - {id: rest, run: "true", dependencies: [waits]}
    """)
    # The controller reports `rest` after it has cancelled `waits`, which was sent to the worker that is busy.
    project.write(
        "conftest.py",
        """
        import pathlib

        def pytest_runtest_logreport(report):
            if report.nodeid.endswith("::rest"):
                pathlib.Path("GO").touch()

        def pytest_epic_story_started(story):
            with open("STARTED", "a") as file:
                file.write(story.name + " ")
        """,
    )
    project.write(
        "test_it.py",
        f"""
        import os, pathlib, time

        def test_busy():
            pathlib.Path("BUSY").touch()
            while not pathlib.Path("GO").exists():
                time.sleep(0.01)
            if {then == "dies"}:
                os._exit(3)
        """,
    )
    result = project.run_process("-n2", "--timeout=60", "-rs", plugins=(*XDIST, "pytest_timeout"))
    died = then == "dies"
    result.assert_outcomes(passed=2 - died, failed=1 + died, skipped=2)
    assert not (project.path / "RAN").exists()
    assert sorted(project.lines("STARTED")) == ["critical", "first"]
    result.stdout.fnmatch_lines(["epic_shop.yaml: 1 passed, 1 failed, 1 skipped, 1 cancelled"])


def test_eager_lets_a_chain_overtake_a_long_story(project: Project) -> None:
    project.epic("""
        stories:
          - {id: long, run: "while [ ! -e THIRD ]; do sleep 0.01; done", timeout: 60}
          - {id: first, run: "true"}
          - {id: second, run: "true", dependencies: [first]}
          - {id: third, run: "touch THIRD", dependencies: [second]}
    """)
    result = project.run_process("-n2", "--epic-schedule=eager", plugins=XDIST)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["epics: 1 epic, 4 stories, 3 waves, 2 at once, eager schedule"])


def test_what_a_module_cannot_tear_down_is_an_error_of_its_last_item(project: Project) -> None:
    for name in ("a", "b"):
        project.write(
            f"test_{name}.py",
            """
            import pytest

            @pytest.fixture(scope="module")
            def broken():
                yield
                print("said while torn down")
                raise RuntimeError("torn down badly")

            @pytest.mark.depends(name="one")
            def test_one(broken):
                pass

            @pytest.mark.depends(on="test_one")
            def test_two(broken):
                pass
            """,
        )
    result = project.run_process("-n2", plugins=XDIST)
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == 4
    # One for each module and each worker that ran a test of it.
    assert 2 <= outcomes["errors"] <= 4
    told = result.stdout.str()
    assert told.count("ERROR at teardown of") == told.count("\nsaid while torn down") == outcomes["errors"]
    assert "INTERNALERROR" not in told


SHARED = """
    import pytest

    @pytest.fixture(scope="module")
    def noted():
        note("up_NAME")
        yield
        note("down_NAME")

    def note(what):
        with open("LOG", "a") as file:
            file.write(what + " ")

    @pytest.mark.parametrize("number", range(3))
    def test_any(noted, number):
        note("NAME")
"""
DEPENDENT = """
    @pytest.mark.depends(on="test_any")
    def test_after(noted):
        note("after_NAME")
"""


def test_what_stories_of_a_module_share_is_set_up_once_and_torn_down_after_the_last(project: Project) -> None:
    for name in ("a", "b"):
        project.write(f"test_{name}.py", dedent(SHARED + DEPENDENT).replace("NAME", name))
    project.write("test_z.py", "import pytest\n@pytest.mark.depends(on='test_b.py')\ndef test_end(): pass\n")
    project.run_process("-n1", plugins=XDIST).assert_outcomes(passed=9)
    log = project.lines("LOG")
    for name in ("a", "b"):
        assert log.count(f"up_{name}") == log.count(f"down_{name}") == 1
    # The stories of the second wave come after all of the first.
    assert log.index("down_a") < log.index("after_b")


def test_what_stories_share_is_torn_down_in_every_worker_after_the_last_of_them(project: Project) -> None:
    project.write(
        "meeting.py",
        """
        import pathlib, time

        def note(what):
            with open("LOG", "a") as file:
                file.write(what + " ")

        def meet(place, number):
            pathlib.Path(f"{place}{number}").touch()
            while not pathlib.Path(f"{place}{1 - number}").exists():
                time.sleep(0.01)
        """,
    )
    project.write(
        "test_a.py",
        """
        import pytest
        from meeting import meet, note

        @pytest.fixture(scope="module")
        def noted():
            note("up")
            yield
            note("down")

        @pytest.mark.parametrize("number", [0, 1])
        def test_any(noted, number):
            meet("a", number)
        """,
    )
    project.write(
        "test_b.py",
        """
        import pytest
        from meeting import meet

        @pytest.mark.depends(on="test_a.py")
        @pytest.mark.parametrize("number", [0, 1])
        def test_after(number):
            meet("b", number)
            assert open("LOG").read().split() == ["up", "up", "down", "down"]
        """,
    )
    project.write("pytest.ini", "[pytest]\npythonpath = .\nasyncio_default_fixture_loop_scope = function\n")
    project.run_process("-n2", plugins=XDIST).assert_outcomes(passed=4)


def test_what_other_tests_of_a_module_share_is_torn_down_before_another_module(project: Project) -> None:
    for name in ("a", "b"):
        project.write(f"test_{name}.py", SHARED.replace("NAME", name))
    project.epic("stories: [{id: a, run: 'true'}]")
    project.run_process("-n1", plugins=XDIST).assert_outcomes(passed=7)
    log = " ".join(project.lines("LOG"))
    assert log == "up_a a a a down_a up_b b b b down_b"


@pytest.fixture
def run(project: Project) -> Iterator[Run]:
    made = Run(project)
    yield made
    made.clean_up()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("options", [(), ("--epic-parallel=2",)], ids=["one by one", "two at once"])
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_what_runs_in_workers_ends_with_the_controller(
    project: Project, run: Run, options: tuple[str, ...], number: str
) -> None:
    project.epic("""
        stories:
          - {id: a, run: "echo $$ > a.pid; exec sleep 300"}
          - {id: b, run: "echo $$ > b.pid; exec sleep 300"}
          - {id: c, run: "touch never", dependencies: [a]}
    """)
    run.start("-p", "xdist.plugin", "-n2", *options, waits_for=("a", "b"))
    run.signal(getattr(signal, number))
    status = run.end()
    assert until(lambda: ended(run.pid("a")) and ended(run.pid("b")))
    assert not (project.path / "never").exists()
    if number == "SIGINT":
        assert status == pytest.ExitCode.INTERRUPTED, run.output
        assert "INTERNALERROR" not in run.output
        assert "to go on where it stopped: pytest" in run.output
    result = project.run_process("--epic-status", plugins=XDIST)
    result.stdout.no_fnmatch_line("* passed *")


def test_the_journal_knows_one_run_and_resumes_it(project: Project) -> None:
    project.epic("""
        stories:
          - {id: a, run: "echo a >> ORDER"}
          - {id: b, run: "test -e MENDED", dependencies: [a], retries: 1}
          - {id: c, run: "echo c >> ORDER", dependencies: [b]}
    """)
    project.run_process("-n2", plugins=XDIST).assert_outcomes(passed=1, failed=1, skipped=1)
    status = project.run_process("--epic-status", plugins=XDIST)
    status.stdout.fnmatch_lines(["*a *passed*", "*b *failed*", "*c *skipped*"])
    project.write("MENDED", "")
    result = project.run_process("-n2", "--epic-resume", "-rs", plugins=XDIST)
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * epic_shop.yaml:?: done in run *"])
    assert project.lines("ORDER") == ["a", "c"]
    project.run_process("--epic-resume", plugins=XDIST).assert_outcomes(skipped=3)
    project.run_process("-n2", "--epic-resume", plugins=XDIST).assert_outcomes(skipped=3)
