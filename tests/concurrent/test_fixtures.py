"""Each test has function fixtures of its own; wider ones are shared, and set up by one task at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from _pytest.fixtures import FixtureDef

from pytest_tapps_waves.concurrent.fixtures import PROCESS_WIDE, _Shared, shared_fixtures
from pytest_tapps_waves.concurrent.outside import wait_outside
from pytest_tapps_waves.concurrent.portal import SharedLoop

TESTS = """
    import pytest

    @pytest.fixture
    def own(): return object()

    @pytest.fixture
    def later(): return object()

    @pytest.fixture(scope="module")
    def shared(): return object()

    def test_a(own, shared): pass
    def test_b(own, shared): pass
"""


@pytest.fixture
def items(pytester: pytest.Pytester) -> list[Any]:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(TESTS)
    found, _ = pytester.inline_genitems("-p", "no:cacheprovider")
    return sorted(found, key=lambda item: str(item.name))


def _why(key: str) -> BaseException:
    return pytest.skip.Exception("cancelled: by the test")


def _definition(item: Any, name: str) -> FixtureDef[Any]:
    found: FixtureDef[Any] = item._fixtureinfo.name2fixturedefs.get(name)[-1]
    return found


def test_a_function_fixture_is_copied_for_each_test_and_a_wider_one_is_not(items: list[Any]) -> None:
    with shared_fixtures(_why) as fixtures:
        for item in items:
            fixtures.give(item)
        first, second = items
        assert _definition(first, "own") is not _definition(second, "own")
        assert _definition(first, "shared") is _definition(second, "shared")


def test_a_copy_begins_without_a_value_and_without_finalizers(items: list[Any]) -> None:
    original = _definition(items[0], "own")
    original.cached_result = ("value", 0, None)
    original.addfinalizer(lambda: None)
    with shared_fixtures(_why) as fixtures:
        fixtures.give(items[0])
        assert _definition(items[0], "own").cached_result is None
        assert vars(_definition(items[0], "own"))["_finalizers"] == []
    assert len(vars(original)["_finalizers"]) == 1


def test_a_fixture_that_is_asked_for_later_is_the_tests_own_too(items: list[Any]) -> None:
    with shared_fixtures(_why) as fixtures:
        for item in items:
            fixtures.give(item)
        first, second = items
        assert _definition(first, "later") is _definition(first, "later")
        assert _definition(first, "later") is not _definition(second, "later")


def test_a_fixture_that_does_not_exist_is_not_found(items: list[Any]) -> None:
    with shared_fixtures(_why) as fixtures:
        fixtures.give(items[0])
        assert items[0]._fixtureinfo.name2fixturedefs.get("nothing") is None


def test_what_needs_the_process_cannot_be_asked_for_later(items: list[Any]) -> None:
    with shared_fixtures(_why) as fixtures:
        fixtures.give(items[0])
        for name in PROCESS_WIDE:
            with pytest.raises(pytest.fail.Exception, match=rf"^{name} is asked for by getfixturevalue\(\)"):
                items[0]._fixtureinfo.name2fixturedefs.get(name)


def test_the_names_that_a_test_adds_are_its_own(items: list[Any]) -> None:
    first, second = items
    with shared_fixtures(_why) as fixtures:
        for item in items:
            fixtures.give(item)
    first.fixturenames.append("more")
    assert "more" not in second.fixturenames
    assert "more" in first._fixtureinfo.names_closure


def test_a_test_that_has_ended_keeps_nothing_of_its_own(items: list[Any]) -> None:
    first, second = items
    before = first._fixtureinfo
    with shared_fixtures(_why) as fixtures:
        take_back = fixtures.give(first)
        assert first._fixtureinfo is not before
        take_back()
        fixtures.give(second)
    assert first._fixtureinfo is before
    assert first.fixturenames is before.names_closure


def test_wider_fixtures_are_as_before_in_the_end(items: list[Any]) -> None:
    definition = _definition(items[0], "shared")
    with shared_fixtures(_why) as fixtures:
        fixtures.give(items[0])
        assert "execute" in vars(definition)
    assert not {"execute", "finish"} & set(vars(definition))


def _shared(item: Any, execute: Callable[[Any], Any]) -> Any:
    """What :class:`SharedFixtures` puts in the place of ``execute`` of the item's wider fixture."""
    definition: Any = _definition(item, "shared")
    vars(definition)["execute"] = execute
    return _Shared(definition, _why).execute


async def _in_portal(function: Callable[[Any], Any], argument: Any) -> Any:
    return await SharedLoop().enter(partial(function, argument))


def test_a_wider_fixture_is_set_up_by_one_task_while_the_others_wait(items: list[Any]) -> None:
    log: list[str] = []

    def execute(request: int) -> int:
        log.append(f"up {request}")
        wait_outside(asyncio.sleep(0))
        log.append(f"done {request}")
        return request

    shared = _shared(items[0], execute)

    async def run() -> list[int]:
        async with asyncio.timeout(10):
            return list(await asyncio.gather(*(_in_portal(shared, number) for number in range(3))))

    assert asyncio.run(run()) == [0, 1, 2]
    assert log == ["up 0", "done 0", "up 1", "done 1", "up 2", "done 2"]


def test_the_task_that_sets_it_up_may_enter_again(items: list[Any]) -> None:
    shared: Any = _shared(items[0], lambda request: shared(request - 1) + 1 if request else 0)

    async def run() -> int:
        async with asyncio.timeout(10):
            return int(await _in_portal(shared, 3))

    assert asyncio.run(run()) == 3


def test_a_set_up_that_fails_lets_the_next_task_in(items: list[Any]) -> None:
    def execute(request: str) -> str:
        wait_outside(asyncio.sleep(0))
        if request == "bad":
            raise ValueError(request)
        return request

    shared = _shared(items[0], execute)

    async def run() -> list[Any]:
        async with asyncio.timeout(10):
            both = (_in_portal(shared, "bad"), _in_portal(shared, "good"))
            return list(await asyncio.gather(*both, return_exceptions=True))

    failure, value = asyncio.run(run())
    assert isinstance(failure, ValueError)
    assert value == "good"


def test_a_test_that_is_cancelled_while_it_waits_ends_with_the_reason(items: list[Any]) -> None:
    shared = _shared(items[0], lambda request: wait_outside(asyncio.Event().wait()))

    async def run() -> tuple[BaseException, int]:
        owner = asyncio.create_task(_in_portal(shared, None))
        waits = asyncio.create_task(_in_portal(shared, None))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waits.cancel()
        await asyncio.wait({waits}, timeout=10)
        owner.cancel()
        await asyncio.wait({owner}, timeout=10)
        failure = waits.exception()
        assert failure is not None
        return failure, waits.cancelling()

    failure, cancelling = asyncio.run(run())
    assert str(failure) == "cancelled: by the test"
    assert cancelling == 0


@pytest.mark.parametrize(
    ("kept", "param", "needs", "executed"),
    [
        (("kept", None, None), None, (), False),
        (("kept", None, None), None, ("request",), False),
        (("kept", None, None), None, ("request", "another"), True),
        (("kept", "a", None), "b", (), True),
        ((None, None, (ValueError(), None)), None, (), True),
        (None, None, (), True),
    ],
    ids=["as it is", "for a request", "what it needs may change", "another parameter", "failed", "not set up"],
)
def test_what_is_set_up_and_needs_nothing_is_handed_out_without_asking_again(
    items: list[Any], kept: Any, param: Any, needs: tuple[str, ...], executed: bool
) -> None:
    shared = _shared(items[0], lambda request: "executed")
    definition: Any = _definition(items[0], "shared")
    vars(definition).update(cached_result=kept, argnames=needs)
    request = type("Request", (), {"param": param})()
    assert asyncio.run(_in_portal(shared, request)) == ("executed" if executed else "kept")


def test_outside_of_a_portal_it_is_set_up_at_once(items: list[Any]) -> None:
    shared = _shared(items[0], lambda request: request)
    assert shared("no loop") == "no loop"

    async def run() -> Any:
        return shared("no portal")

    assert asyncio.run(run()) == "no portal"
