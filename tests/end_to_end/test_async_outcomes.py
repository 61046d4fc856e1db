"""What async tests may do to end as they like, and what they may use that they cannot share: all as one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from async_project import INI, write
from project import Project


@pytest.fixture(params=[(), ("--epic-parallel=3",)], ids=["one by one", "at once"])
def run(request: pytest.FixtureRequest, tests: Project) -> Callable[..., pytest.RunResult]:
    """Runs the project sequentially and, in another test, concurrently."""
    return lambda *args: tests.run(*request.param, *args)


def test_every_way_to_end_counts_as_in_any_test(tests: Project, run: Callable[..., pytest.RunResult]) -> None:
    write(
        tests,
        """
        @pytest.fixture
        async def skips(): pytest.skip("in the fixture")

        @pytest.mark.xfail(reason="known", strict=True)
        async def test_xfail(): assert 0

        @pytest.mark.xfail(strict=True)
        async def test_xpass(): pass

        async def test_xfail_inside(): pytest.xfail("found out")

        @pytest.mark.skip
        async def test_skip(): pass

        async def test_skip_inside(): pytest.skip("not here")

        async def test_skip_in_fixture(skips): pass

        async def test_fail(): pytest.fail("on purpose", pytrace=False)

        async def test_cancelled(): raise asyncio.CancelledError("by itself")

        async def test_group():
            async with asyncio.TaskGroup() as group:
                group.create_task(breaks())
                group.create_task(breaks())

        async def breaks(): raise ValueError("broken")

        @pytest.mark.parametrize("number", [1, 2, 3])
        async def test_number(number): assert number != 2
        """,
    )
    result = run("-rfsxX")
    result.assert_outcomes(passed=2, failed=5, skipped=3, xfailed=2)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED*test_it.py:*: not here",
            "SKIPPED*: in the fixture",
            "XFAIL test_it.py::test_xfail - known",
            "XFAIL test_it.py::test_xfail_inside - found out",
            "FAILED test_it.py::test_xpass - *",
            "FAILED test_it.py::test_fail - Failed: on purpose",
            "FAILED test_it.py::test_cancelled - *CancelledError: by itself",
            "FAILED test_it.py::test_group - *ExceptionGroup: *",
            "*ValueError: broken",
            "FAILED test_it.py::test_number?2? - assert 2 != 2",
        ]
    )


def test_what_cannot_be_shared_is_used_alone_and_works(tests: Project, run: Callable[..., pytest.RunResult]) -> None:
    write(
        tests,
        """
        import logging, os, sys, warnings
        from hypothesis import given, settings, strategies

        @pytest.fixture(autouse=True)
        async def alone(request):
            async with counted():
                yield
            assert RUNNING[1] == 1

        async def test_capsys(capsys):
            print("mine")
            await asyncio.sleep(0)
            assert capsys.readouterr().out == "mine\\n"

        async def test_capfd(capfd):
            os.write(1, b"mine")
            await asyncio.sleep(0)
            assert capfd.readouterr().out == "mine"

        async def test_caplog(caplog):
            logging.warning("mine")
            await asyncio.sleep(0)
            assert caplog.messages == ["mine"]

        async def test_monkeypatch(monkeypatch):
            monkeypatch.setenv("MINE", "yes")
            await asyncio.sleep(0)
            assert os.environ["MINE"] == "yes"

        async def test_monkeypatch_is_undone(monkeypatch):
            assert "MINE" not in os.environ

        async def test_recwarn(recwarn):
            warnings.warn("mine")
            await asyncio.sleep(0)
            assert [str(found.message) for found in recwarn] == ["mine"]

        async def test_subtests(subtests):
            for number in range(3):
                with subtests.test(number=number):
                    await asyncio.sleep(0)
                    assert number != 1

        @pytest.mark.filterwarnings("error:mine")
        async def test_filter():
            with pytest.raises(UserWarning):
                warnings.warn("mine")

        @settings(max_examples=5, database=None)
        @given(number=strategies.integers())
        async def test_hypothesis(number):
            await asyncio.sleep(0)
            assert isinstance(number, int)
        """,
    )
    result = run()
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 2, "the subtest, and its test"
    assert "errors" not in outcomes
    result.stdout.fnmatch_lines(["*SUBFAILED*number=1*"])
    assert outcomes["passed"] == 8


def test_a_fixture_that_needs_the_process_cannot_be_asked_for_in_the_midst(tests: Project) -> None:
    write(tests, "async def test_asks(request): request.getfixturevalue('capsys')")
    result = tests.run("--epic-parallel=2")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*capsys is asked for by getfixturevalue() in a test that runs beside others*"])


def test_other_tests_go_on_at_once_before_and_after_one_that_runs_alone(tests: Project) -> None:
    write(
        tests,
        """
        async def test_a():
            async with counted(): await met(2)
        async def test_b():
            async with counted(): await met(2)
        async def test_alone(capsys):
            assert RUNNING[0] == 0
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=3)


def test_strict_mode_runs_marked_tests_at_once(tests: Project) -> None:
    tests.write("pytest.ini", INI.replace("asyncio_mode = auto", "asyncio_mode = strict"))
    write(
        tests,
        """
        import pytest_asyncio

        @pytest_asyncio.fixture
        async def thing(): return "thing"

        @pytest.mark.asyncio
        @pytest.mark.parametrize("number", range(3))
        async def test_it(thing, number):
            await met(3)
            assert thing == "thing"
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=3)


def test_a_hypothesis_test_runs_all_its_examples_in_one_loop(tests: Project) -> None:
    write(
        tests,
        """
        from hypothesis import given, settings, strategies
        LOOPS = set()

        @settings(max_examples=5, database=None)
        @given(number=strategies.integers())
        async def test_it(number): LOOPS.add(id(asyncio.get_running_loop()))

        @pytest.mark.depends(on="test_it")
        async def test_then(): assert LOOPS == {id(asyncio.get_running_loop())}
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=2)
