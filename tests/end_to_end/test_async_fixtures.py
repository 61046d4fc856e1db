"""The fixtures of async tests that run at once: wider ones are shared, the rest is each test's own."""

from __future__ import annotations

import pytest
from async_project import write
from project import Project


def test_a_wider_fixture_is_shared_set_up_once_and_torn_down_after_its_last_test(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture(scope="module")
        async def shared():
            record("up")
            await asyncio.sleep(0.01)
            yield object()
            record("down")

        @pytest.mark.parametrize("number", range(3))
        async def test_at_once(shared, number):
            await met(3)
            record("test")
        """,
    )
    write(tests, "async def test_after(): pass", "test_later.py")
    tests.run("--epic-parallel=3").assert_outcomes(passed=4)
    assert tests.lines("log") == ["up", "test", "test", "test", "down"]


@pytest.mark.parametrize("mark", ["", "@pytest.mark.depends(on='test_async[0]')"], ids=["unmarked", "marked"])
def test_a_sync_test_shares_the_wider_fixtures_of_async_ones(tests: Project, mark: str) -> None:
    write(
        tests,
        f"""
        @pytest.fixture(scope="module")
        async def shared():
            record("up")
            yield
            record("down")

        @pytest.mark.parametrize("number", range(2))
        async def test_async(shared, number): await met(2)

        {mark}
        def test_sync(shared): pass
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=3)
    assert tests.lines("log") == ["up", "down"]


def test_each_test_has_function_fixtures_and_an_instance_of_its_own(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture(autouse=True)
        async def always(request):
            request.node.always = True

        class TestThem:
            @pytest.fixture(autouse=True, scope="class")
            def of_class(self, request):
                record("class-up")
                request.cls.shared = "shared"
                yield
                record("class-down")

            def setup_method(self, method):
                self.mine = method.__name__

            def teardown_method(self, method):
                record(f"down-{self.mine}")

            @pytest.fixture
            async def own(self, request, tmp_path):
                await asyncio.sleep(0)
                (tmp_path / "file").write_text(request.node.name)
                return [request.node.name]

            async def test_a(self, own, tmp_path, request):
                await met(2)
                assert (own, self.mine, self.shared) == (["test_a"], "test_a", "shared")
                assert request.node.always and (tmp_path / "file").read_text() == "test_a"

            async def test_b(self, own, tmp_path, request):
                await met(2)
                assert (own, self.mine, self.shared) == (["test_b"], "test_b", "shared")
                assert request.node.always and (tmp_path / "file").read_text() == "test_b"
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=2)
    log = tests.lines("log")
    assert (log[0], log[-1]) == ("class-up", "class-down")
    assert sorted(log[1:-1]) == ["down-test_a", "down-test_b"]


def test_each_test_and_its_fixtures_see_its_own_parameters(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture
        def number(request): return request.param * 10

        @pytest.fixture
        async def upper(name): return name.upper()

        @pytest.mark.parametrize("number", [1, 2], indirect=True)
        @pytest.mark.parametrize("name", ["a", "b"])
        async def test_it(number, name, upper):
            await met(4)
            record(f"{name}{upper}{number}")
        """,
    )
    tests.run("--epic-parallel=4").assert_outcomes(passed=4)
    assert sorted(tests.lines("log")) == ["aA10", "aA20", "bB10", "bB20"]


def test_fixtures_can_be_asked_for_in_set_up_and_in_the_test(tests: Project) -> None:
    write(
        tests,
        """
        @pytest.fixture
        def own(request):
            record(f"up-{request.node.name}")
            yield [request.node.name]
            record(f"down-{request.node.name}")

        @pytest.fixture(scope="module")
        def shared():
            record("shared")
            return object()

        @pytest.fixture
        async def waits(): return "waited"

        @pytest.fixture
        def asks(request): return request.getfixturevalue("own"), request.getfixturevalue("waits")

        async def test_a(request, asks):
            await met(2)
            assert asks == (["test_a"], "waited")
            assert request.getfixturevalue("own") is asks[0]
            assert request.getfixturevalue("shared") is request.getfixturevalue("shared")

        async def test_b(request):
            await met(2)
            assert request.getfixturevalue("own") == ["test_b"]
            request.getfixturevalue("shared")
            request.addfinalizer(lambda: record("finalizer"))
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=2)
    expected = ["down-test_a", "down-test_b", "finalizer", "shared", "up-test_a", "up-test_b"]
    assert sorted(tests.lines("log")) == expected


def test_what_fixtures_set_in_context_variables_is_seen_by_their_tests_alone(tests: Project) -> None:
    write(
        tests,
        """
        WHO = ContextVar("WHO", default="nobody")

        @pytest.fixture
        def sync_sets(request):
            token = WHO.set(request.node.name)
            yield
            WHO.reset(token)

        @pytest.fixture
        async def async_sets(request): WHO.set(request.node.name)

        async def test_a(sync_sets):
            await met(3)
            assert WHO.get() == "test_a"

        async def test_b(async_sets):
            await met(3)
            assert WHO.get() == "test_b"

        async def test_c():
            await met(3)
            assert WHO.get() == "nobody"
        """,
    )
    tests.run("--epic-parallel=3").assert_outcomes(passed=3)


def test_context_variables_of_a_wider_fixture_are_seen_by_all_its_tests(tests: Project) -> None:
    write(
        tests,
        """
        WHO = ContextVar("WHO", default="nobody")

        @pytest.fixture(scope="module")
        async def shared():
            WHO.set("shared")
            yield

        @pytest.mark.parametrize("number", range(2))
        async def test_it(shared, number):
            await met(2)
            assert WHO.get() == "shared"
        """,
    )
    tests.run("--epic-parallel=2").assert_outcomes(passed=2)


def test_context_variables_of_a_wider_fixture_are_put_back_whichever_test_is_the_last(tests: Project) -> None:
    write(
        tests,
        """
        WHO = ContextVar("WHO", default="nobody")

        @pytest.fixture(scope="module")
        async def shared():
            WHO.set("shared")
            yield
            record(WHO.get())

        async def test_first(shared): await met(2)

        async def test_last(shared):
            await met(2)
            await asyncio.sleep(0.05)
        """,
    )
    tests.run("--epic-parallel=2").assert_outcomes(passed=2)
    assert tests.lines("log") == ["shared"]


def test_context_variables_of_a_fixture_that_another_needs_are_put_back_after_tests_that_run_alone(
    tests: Project,
) -> None:
    write(
        tests,
        """
        WHO = ContextVar("WHO", default="nobody")

        @pytest.fixture(scope="class")
        async def inner():
            WHO.set("inner")
            yield

        @pytest.fixture(scope="class")
        async def outer(inner): yield

        class TestThem:
            def test_sync(self, outer): assert WHO.get() == "inner"
            def test_again(self, inner): assert WHO.get() == "inner"

        def test_without(): assert WHO.get() == "nobody"

        async def test_async(): assert WHO.get() == "nobody"
        """,
    )
    tests.run("--epic-parallel=2").assert_outcomes(passed=4)
