"""The options of pytest and of other plugins, on async tests that run at once."""

from __future__ import annotations

import re
import signal
import sys
from xml.etree import ElementTree as ET

import pytest
import pytest_asyncio.plugin
from async_project import write
from project import Project

RUNS_ON = """
    @pytest.fixture
    async def thing(request):
        yield
        await asyncio.sleep(0)
        record(f"down-{request.node.name}")

    async def test_fails():
        await met(3)
        assert 0

    @pytest.mark.parametrize("number", range(2))
    async def test_runs(thing, number):
        await met(3)
        record("began")
        async with asyncio.timeout(20):
            await asyncio.Event().wait()

    async def test_later(): record("later")
"""


@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_an_early_end_cancels_what_runs_and_tears_it_down(tests: Project, option: str) -> None:
    write(tests, RUNS_ON)
    result = tests.run("--epic-parallel=3", "-rs", option)
    result.assert_outcomes(failed=1, skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED * cancelled: stopping after 1 failures"])
    assert sorted(tests.lines("log")) == ["began", "began", "down-test_runs[0]", "down-test_runs[1]"]


def test_an_early_end_cancels_set_ups_and_those_that_wait_for_one(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture(scope="module")
        async def shared():
            await met(2)
            try:
                async with asyncio.timeout(20):
                    await asyncio.Event().wait()
            finally:
                record("shared")

        async def test_fails():
            await met(2)
            await asyncio.sleep(0.01)
            assert 0

        @pytest.mark.parametrize("number", range(3))
        async def test_waits(shared, number): pass
        """,
    )
    result = tests.run("--epic-parallel=4", "-rs", "-x")
    result.assert_outcomes(failed=1, skipped=3)
    result.stdout.fnmatch_lines(["SKIPPED * cancelled: stopping after 1 failures"])
    assert tests.lines("log") == ["shared"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_ctrl_c_cancels_what_runs_and_tears_it_down(tests: Project) -> None:
    write(tests, RUNS_ON.replace("assert 0", "print('READY', flush=True); await asyncio.Event().wait()"))
    process = tests.start("--epic-parallel=3", "-s", "-rs")
    assert process.stdout is not None
    for line in process.stdout:
        if "READY" in line:
            break
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "cancelled: interrupted" in output
    down = [line for line in tests.lines("log") if line.startswith("down")]
    assert sorted(down) == ["down-test_runs[0]", "down-test_runs[1]"]


def test_last_failed_runs_those_that_failed(tests: Project) -> None:
    write(
        tests,
        """
        async def test_a(): assert 0
        async def test_b(): pass
        """,
    )
    tests.run("--epic-parallel=2").assert_outcomes(passed=1, failed=1)
    tests.run("--epic-parallel=2", "--lf").assert_outcomes(failed=1)


def test_durations_are_each_tests_own(tests: Project) -> None:
    write(
        tests,
        """
        async def test_slow():
            await met(2)
            await asyncio.sleep(0.3)

        async def test_quick(): await met(2)
        """,
    )
    result = tests.run("--epic-parallel=2", "--durations=0", "-vv")
    result.assert_outcomes(passed=2)
    lines = re.findall(r"([\d.]+)s call +test_it.py::(\w+)", result.stdout.str())
    seconds = {name: float(time) for time, name in lines}
    assert seconds["test_slow"] >= 0.3 > seconds["test_quick"]


def test_junitxml_has_the_same_cases_as_one_by_one(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture
        async def broken(): raise ValueError("broken")

        @pytest.mark.parametrize("number", range(3))
        async def test_number(number, record_property):
            print("number", number)
            record_property("number", number)
            assert number != 1

        async def test_skip(): pytest.skip("no")
        async def test_error(broken): pass
        """,
    )
    found = []
    for name, options in (("alone.xml", ()), ("at_once.xml", ("--epic-parallel=3",))):
        tests.run(f"--junitxml={name}", "-o", "junit_logging=all", *options)
        suite = ET.parse(tests.path / name).getroot()[0]
        for element in suite.iter():
            for key in ("time", "timestamp"):
                element.attrib.pop(key, None)
        cases = sorted(ET.tostring(case, encoding="unicode") for case in suite.iter("testcase"))
        found.append((suite.attrib, [re.sub("0x[0-9a-f]+", "0x…", case) for case in cases]))
    assert len(found[0][1]) == 5
    assert found[1] == found[0]


def test_the_debugger_has_one_test_at_a_time(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.mark.parametrize("number", range(3))
        async def test_it(number):
            async with counted():
                await asyncio.sleep(0.01)
                assert RUNNING[1] == 1
        """,
    )
    result = tests.run("--epic-parallel=3", "--pdb")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["one story at a time, since --pdb was given"])


def test_failed_tests_are_rerun_with_fixtures_of_their_own(tests: Project) -> None:
    write(
        tests,
        """
        TRIES = {}

        @pytest.fixture
        async def thing(request):
            record("up")
            yield
            record("down")

        @pytest.mark.parametrize("number", range(3))
        async def test_it(thing, number):
            TRIES[number] = TRIES.get(number, 0) + 1
            if TRIES[number] == 1:
                await met(3)
                assert 0

        @pytest.mark.depends(on="test_it")
        async def test_then(): assert set(TRIES.values()) == {2}
        """,
    )
    result = tests.run("--epic-parallel=3", "--reruns=1", plugins=("pytest_rerunfailures",))
    result.assert_outcomes(passed=4)
    assert result.parseoutcomes()["rerun"] == 3
    assert sorted(tests.lines("log")) == ["down"] * 6 + ["up"] * 6


@pytest.mark.parametrize("where", ["option", "mark"])
def test_a_test_that_hangs_fails_after_its_timeout_while_others_go_on(tests: Project, where: str) -> None:
    mark = "@pytest.mark.timeout(1)" if where == "mark" else ""
    write(
        tests,
        f"""
        {mark}
        async def test_hangs():
            await met(2)
            await asyncio.sleep(8)

        async def test_passes(): await met(2)
        """,
    )
    options = ("--timeout=1",) if where == "option" else ()
    result = tests.run_process("--epic-parallel=3", *options, plugins=("pytest_timeout",))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Timeout (>1*s)*"])


def test_a_timeout_that_is_not_reached_changes_nothing(tests: Project) -> None:
    write(tests, "async def test_a(): await asyncio.sleep(0)")
    tests.run_process("--epic-parallel=3", "--timeout=20", plugins=("pytest_timeout",)).assert_outcomes(passed=1)


def test_the_debug_mode_of_pytest_asyncio_holds_for_the_shared_loop(tests: Project) -> None:
    write(
        tests,
        """
        async def test_a():
            await met(2)
            assert asyncio.get_running_loop().get_debug()

        async def test_b(): await met(2)
        """,
    )
    tests.run("--epic-parallel=2", "--asyncio-debug").assert_outcomes(passed=2)
    tests.run("--epic-parallel=2").assert_outcomes(passed=1, failed=1)


@pytest.mark.skipif(
    not hasattr(pytest_asyncio.plugin, "PytestAsyncioSpecs"), reason="this pytest-asyncio has no loop factories yet"
)
def test_loops_of_factories_are_used_by_tests_that_run_alone(tests: Project) -> None:
    tests.write(
        "conftest.py",
        """
        import asyncio

        class Loop(asyncio.SelectorEventLoop): pass

        def pytest_asyncio_loop_factories(config, item): return {"own": Loop}
        """,
    )
    write(
        tests,
        """
        @pytest.fixture
        async def loop(): return asyncio.get_running_loop()

        @pytest.mark.parametrize("number", range(2))
        async def test_it(loop, number):
            async with counted():
                await asyncio.sleep(0)
                assert (type(loop).__name__, RUNNING[1]) == ("Loop", 1)
        """,
    )
    tests.run("--epic-parallel=2").assert_outcomes(passed=2)
