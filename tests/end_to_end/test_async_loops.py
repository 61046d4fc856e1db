"""Which loop the code of async tests that run at once finds: the shared one in coroutines, none in synchronous code."""

from __future__ import annotations

from async_project import write
from project import Project


def test_a_sync_fixture_can_call_asyncio_run_while_other_tests_wait(tests: Project) -> None:
    write(
        tests,
        """
        async def work():
            await asyncio.sleep(0)
            async with asyncio.timeout(5):
                return asyncio.current_task()

        @pytest.fixture
        async def inner(): await asyncio.sleep(0)

        @pytest.fixture(params=["before", "after"])
        def runs(inner, request):
            record(f"up {asyncio.run(work()).done()}")
            yield
            record(f"down {asyncio.run(work()).done()}")

        @pytest.fixture(scope="module")
        def shared():
            yield asyncio.run(work())
            asyncio.run(work())

        @pytest.mark.parametrize("number", range(2))
        async def test_it(shared, runs, number):
            await met(4)
            assert asyncio.current_task() is not None
            await asyncio.sleep(0)
        """,
    )
    tests.run("--epic-parallel=4").assert_outcomes(passed=4)
    assert tests.lines("log").count("up") == tests.lines("log").count("down") == 4


def test_synchronous_code_finds_no_running_loop_and_the_async_test_has_one(tests: Project) -> None:
    tests.write(
        "conftest.py",
        """
        import asyncio, pytest

        def check():
            assert asyncio._get_running_loop() is None
            with pytest.raises(RuntimeError):
                asyncio.current_task()

        def pytest_runtest_setup(item): check()
        def pytest_runtest_call(item): check()
        def pytest_runtest_teardown(item): check()

        def pytest_runtest_logreport(report):
            check()
            with open("log", "a") as file:
                print(report.outcome, file=file)
        """,
    )
    write(
        tests,
        """
        from conftest import check

        @pytest.fixture
        async def loop():
            await asyncio.sleep(0)
            yield asyncio.get_running_loop()
            await asyncio.sleep(0)
            asyncio.get_running_loop()

        @pytest.fixture
        def sync(loop):
            check()
            assert asyncio.get_event_loop() is loop
            yield
            check()

        @pytest.mark.parametrize("number", range(3))
        async def test_it(sync, loop, number):
            await met(3)
            assert loop is asyncio.get_running_loop()
            assert asyncio.current_task() in asyncio.all_tasks()
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=3)
    assert tests.lines("log") == ["passed"] * 9


def test_an_async_test_that_asks_for_an_async_fixture_by_getfixturevalue_fails_as_one_by_one(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture
        async def later(): return "late"

        @pytest.mark.parametrize("number", range(2))
        async def test_it(request, number):
            await met(2)
            with pytest.raises(RuntimeError, match="running event loop"):
                request.getfixturevalue("later")
        """,
    )
    tests.run("--epic-parallel=2", "-W", "error").assert_outcomes(passed=2)


def test_a_story_that_is_cancelled_while_its_sync_fixture_runs_a_loop_ends_as_any(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture
        def shared():
            asyncio.run(asyncio.sleep(0))
            yield
            asyncio.run(asyncio.sleep(0))
            record("down")

        async def test_waits(shared):
            await met(2)
            await asyncio.Event().wait()

        async def test_fails(shared):
            await met(2)
            assert False
        """,
    )
    tests.run("--epic-parallel=2", "-x").assert_outcomes(failed=1, skipped=1)
    assert tests.lines("log") == ["down", "down"]


def test_tests_that_never_wait_run_one_after_the_other_and_those_that_do_together(tests: Project) -> None:
    """A test that had to let others go first each time it begins a coroutine would take as long as all of them."""
    write(
        tests,
        """
        @pytest.fixture
        async def thing(request):
            record(f"up {request.node.name}")
            yield
            record(f"down {request.node.name}")

        @pytest.mark.parametrize("number", range(3))
        async def test_it(thing, number):
            record(f"test {number}")

        @pytest.mark.parametrize("number", range(3))
        async def test_waits(thing, number):
            await met(3)
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=6)
    log = (tests.path / "log").read_text().splitlines()
    for number in range(3):
        begin = log.index(f"up test_it[{number}]")
        assert log[begin : begin + 3] == [f"up test_it[{number}]", f"test {number}", f"down test_it[{number}]"]


def test_each_coroutine_of_a_test_has_a_task_of_its_own_as_one_by_one(tests: Project) -> None:
    """Whoever cancels the task of a fixture that has been set up, or its own, cancels nothing else."""
    write(
        tests,
        """
        @pytest.fixture
        async def thing():
            own = asyncio.current_task()
            yield own
            assert asyncio.current_task() is not own
            own.cancel()
            await asyncio.sleep(0)

        async def test_it(thing):
            assert asyncio.current_task() is not thing
            thing.cancel()
            await asyncio.sleep(0)

        async def test_cancels_itself_in_vain(thing):
            asyncio.current_task().cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.sleep(0)

        async def test_cancels_itself(thing):
            asyncio.current_task().cancel()
        """,
    )
    tests.run().assert_outcomes(passed=2, failed=1)
    tests.run("--epic-parallel=3").assert_outcomes(passed=2, failed=1)
