"""Async tests under ``--epic-parallel`` really run at once, and in the order that the plan says."""

from __future__ import annotations

from async_project import INI, write
from project import Project


def test_as_many_tests_as_allowed_are_under_way_at_once_and_no_more(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.mark.parametrize("number", range(12))
        async def test_meets(number):
            async with counted():
                await met(4)
                assert RUNNING[1] == 4
        """,
    )
    tests.run("--epic-parallel=4").assert_outcomes(passed=12)


def test_only_marked_tests_run_at_once_unless_all_are_asked_for(tests: Project) -> None:
    tests.write("pytest.ini", INI.replace("epic_async_tests = true", ""))
    write(
        tests,
        """
        async def test_unmarked():
            async with counted():
                await asyncio.sleep(0)
                assert RUNNING[1] == 1

        async def test_unmarked_too(): await test_unmarked()

        @pytest.mark.depends(name="a")
        async def test_named():
            async with counted(): await met(2)

        @pytest.mark.depends(name="b")
        async def test_named_too():
            async with counted(): await met(2)
        """,
    )
    tests.run("--epic-parallel=4").assert_outcomes(passed=4)


def test_an_epic_file_alone_can_let_async_tests_run_at_once(tests: Project) -> None:
    tests.epic("""
        epic: {id: "1", parallel_strategy: asyncio, max_parallel_stories: 3}
        stories: [{id: "1.1", run: "exit 0"}]
    """)
    write(
        tests,
        """
        async def test_a(): await met(2)
        async def test_b(): await met(2)
        """,
    )
    tests.run().assert_outcomes(passed=3)


def test_async_tests_without_dependencies_do_not_hinder_xdist(tests: Project) -> None:
    write(tests, "async def test_a(): pass\n@pytest.mark.depends(name='b')\nasync def test_b(): pass\n")
    tests.run_process("-n1", plugins=("xdist",)).assert_outcomes(passed=2)


def test_set_ups_and_tear_downs_run_at_once_too(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture
        async def thing():
            await met(3, "up")
            yield
            await met(3, "down")

        @pytest.mark.parametrize("number", range(3))
        async def test_meets(thing, number): pass
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=3)


def test_a_test_begins_when_those_it_depends_on_have_been_torn_down(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture
        async def thing(request):
            yield
            await asyncio.sleep(0.01)
            record(f"down-{request.node.name}")

        @pytest.mark.depends(on=["test_a", "test_b"])
        async def test_c(): record("test_c")

        async def test_a(thing): await met(2)
        async def test_b(thing): await met(2)
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=3)
    log = tests.lines("log")
    assert sorted(log[:2]) == ["down-test_a", "down-test_b"]
    assert log[2:] == ["test_c"]


def test_what_depends_on_a_failed_test_is_skipped_before_its_fixtures(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture
        async def thing(): record("up")

        async def test_a(): assert 0

        @pytest.mark.depends(on="test_a")
        async def test_b(thing): pass
        """,
    )
    result = tests.run("--epic-parallel=3", "-rs")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*test_b* depends on *test_a*, which failed"])
    assert tests.lines("log") == []


def test_a_wave_begins_when_the_one_before_has_ended(tests: Project) -> None:
    write(
        tests,
        """
        async def test_a(): record("a")

        async def test_slow():
            await asyncio.sleep(0.05)
            record("slow")

        @pytest.mark.depends(on="test_a")
        async def test_b(): record("b")
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=3)
    assert tests.lines("log") == ["a", "slow", "b"]
