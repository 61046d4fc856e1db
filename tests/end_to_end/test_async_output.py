"""What async tests that run at once print, log and warn of lands on the right test and phase."""

from __future__ import annotations

import json

import pytest
from async_project import INI, write
from project import Project

CONFTEST = """
    import json
    from pathlib import Path

    def pytest_runtest_logreport(report):
        if report.when == "teardown":
            with Path("sections").open("a") as file:
                file.write(json.dumps([report.location[2], report.sections]) + "\\n")

    def pytest_warning_recorded(warning_message, nodeid, when):
        with Path("warned").open("a") as file:
            file.write(f"{nodeid}-{warning_message.message}\\n")
"""

TALKS = """
    import logging, sys, warnings

    async def say(what, name):
        for stream in (sys.stdout, sys.stderr):
            print(what, name, file=stream)
            await asyncio.sleep(0)
        logging.getLogger("test").warning("%s %s", what, name)

    @pytest.fixture
    async def talks(request):
        await say("up", request.node.name)
        yield
        await met(3, "down")
        await say("down", request.node.name)

    @pytest.mark.parametrize("number", range(3))
    async def test_it(talks, request, number):
        await met(3)
        async with asyncio.TaskGroup() as group:
            group.create_task(say("call", request.node.name))
        await asyncio.to_thread(print, "thread", request.node.name)
        warnings.warn(f"warn-{number}")
"""


def test_each_phase_of_each_test_has_its_own_output(tests: Project) -> None:
    tests.write("conftest.py", CONFTEST)
    write(tests, TALKS)
    tests.run_process("--epic-parallel=3").assert_outcomes(passed=3, warnings=3)
    lines = (tests.path / "sections").read_text().splitlines()
    assert len(lines) == 3
    for name, sections in map(json.loads, lines):
        found = {title: text.split("\n") for title, text in sections}
        for phase, word in (("setup", "up"), ("call", "call"), ("teardown", "down")):
            thread = [f"thread {name}"] if phase == "call" else []
            assert found[f"Captured stdout {phase}"] == [f"{word} {name}", *thread, ""]
            assert found[f"Captured stderr {phase}"] == [f"{word} {name}", ""]
            assert found[f"Captured log {phase}"][0].endswith(f"{word} {name}")
            assert len(found[f"Captured log {phase}"]) == 1


def test_a_warning_names_the_test_that_it_came_from(tests: Project) -> None:
    tests.write("conftest.py", CONFTEST)
    write(tests, TALKS)
    tests.run_process("--epic-parallel=3")
    assert sorted(tests.lines("warned")) == [f"test_it.py::test_it[{number}]-warn-{number}" for number in range(3)]


def test_a_warning_that_is_an_error_fails_the_test_that_gives_it(tests: Project) -> None:
    tests.write("pytest.ini", INI + "    filterwarnings = error\n")
    write(tests, TALKS)
    result = tests.run_process("--epic-parallel=3")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines_random([f"FAILED test_it.py::test_it?{n}? - UserWarning: warn-{n}" for n in range(3)])


def test_a_failure_shows_the_output_of_its_test_only(tests: Project) -> None:
    write(
        tests,
        """
        async def test_fails():
            print("from the failing one")
            await met(2)
            assert 0

        async def test_passes():
            print("from the passing one")
            await met(2)
        """,
    )
    result = tests.run("--epic-parallel=3")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["from the failing one"])
    result.stdout.no_fnmatch_line("from the passing one")


def test_an_assertion_is_explained_as_ever(tests: Project) -> None:
    tests.write(
        "conftest.py",
        """
        def pytest_assertrepr_compare(op, left, right):
            return [f"explained: {left} {op} {right}"] if isinstance(left, int) else None
        """,
    )
    write(
        tests,
        """
        async def test_a():
            await met(2)
            assert 1 == 2

        async def test_b():
            await met(2)
            assert {"a": 1} == {"a": 2}
        """,
    )
    result = tests.run("--epic-parallel=2")
    result.stdout.fnmatch_lines_random(["E *explained: 1 == 2", "E *{'a': 1} != {'a': 2}"])


def test_dash_s_prints_as_it_comes(tests: Project) -> None:
    write(tests, TALKS)
    result = tests.run_process("--epic-parallel=3", "-s")
    result.assert_outcomes(passed=3, warnings=3)
    shown = result.stdout.str()
    assert all(shown.count(f"{word} test_it[{n}]") == 1 for word in ("up", "call", "down") for n in range(3))


def test_live_logs_are_shown_and_break_nothing(tests: Project) -> None:
    write(tests, TALKS)
    result = tests.run_process("--epic-parallel=3", "-o", "log_cli=true", "-o", "log_cli_level=INFO")
    result.assert_outcomes(passed=3, warnings=3)
    shown = result.stdout.str()
    assert all(shown.count(f"{word} test_it[{n}]") == 1 for word in ("up", "call", "down") for n in range(3))


def test_a_log_file_has_the_records_of_all_tests(tests: Project) -> None:
    write(tests, TALKS)
    result = tests.run_process("--epic-parallel=3", "--log-file=all.log", "--log-file-level=INFO")
    result.assert_outcomes(passed=3, warnings=3)
    records = (tests.path / "all.log").read_text()
    assert all(records.count(f"{word} test_it[{n}]") == 1 for word in ("up", "call", "down") for n in range(3))


def test_setup_show_tells_of_each_fixture_once(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture(scope="module")
        async def shared(): yield await asyncio.sleep(0)

        @pytest.fixture
        async def own(): yield await asyncio.sleep(0)

        async def test_a(shared, own): await met(2)
        async def test_b(shared, own): await met(2)
        """,
    )
    result = tests.run_process("--epic-parallel=2", "--setup-show")
    result.assert_outcomes(passed=2)
    shown = result.stdout.str()
    assert (shown.count("SETUP    M shared"), shown.count("TEARDOWN M shared")) == (1, 1)
    assert (shown.count("SETUP    F own"), shown.count("TEARDOWN F own")) == (2, 2)


@pytest.mark.parametrize("method", ["fd", "sys", "tee-sys"])
def test_every_way_to_capture_works(tests: Project, method: str) -> None:
    write(tests, TALKS)
    tests.run_process("--epic-parallel=3", f"--capture={method}").assert_outcomes(passed=3, warnings=3)
