"""pytest's fixtures for tests that run at once.

A ``FixtureDef`` keeps one value. A test that runs beside others gets copies of its own of those that live as long as a
test; wider ones stay shared, and are set up by one test while the others wait.
"""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

# Tested with pytest 9.1, 9.2: `_fixtureinfo` and `_initrequest` of a Function, `FuncFixtureInfo`, `execute`,
# `finish`, `cached_result` and `_finalizers` of a FixtureDef, `getfixturedefs` of the session's fixture manager, and
# that a request looks definitions up by `get`, and the function of a parameter's fixture. Noticed by
# tests/test_private_api.py.
from _pytest.fixtures import FixtureDef
from _pytest.python import get_direct_param_fixture_func

from ..actions.output import CURRENT_OUTPUT
from .current import CURRENT_ITEM, RUNS_ALONE
from .outside import wait_outside, waiting_task

PROCESS_WIDE = frozenset(
    {
        *(
            "capfd",
            "capfdbinary",
            "caplog",
            "capsys",
            "capsysbinary",
            "capteesys",
            "monkeypatch",
            "recwarn",
            "subtests",
        ),
        *("pytester", "testdir", "mocker", "class_mocker", "module_mocker", "package_mocker", "session_mocker"),
        *("freezer", "time_machine", "httpx_mock", "requests_mock", "respx_mock", "aioresponses", "benchmark"),
    }
)
"""Fixtures that change or watch the whole process: whoever uses them has it for themselves."""


_WITHIN_ANOTHER: contextvars.ContextVar[bool] = contextvars.ContextVar("_WITHIN_ANOTHER", default=False)
"""Whether code runs in the context of a wider fixture, because that fixture needs it."""


_NEEDS_NOTHING: tuple[Sequence[str], ...] = ((), ("request",))
"""The names that a fixture takes which are no other fixture's."""


class _OwnFixtures(dict[str, Any]):
    """The fixture definitions that one test sees, those included that it asks for later, by ``getfixturevalue``."""

    def __init__(self, item: Any, seen: dict[str, Any], share: Callable[[FixtureDef[Any]], None]) -> None:
        super().__init__()
        self._item = item
        self._share = share
        for name, definitions in seen.items():
            self[name] = self._own(definitions)

    def get(self, name: str, default: Any = None) -> Any:
        if name not in self:
            if name in PROCESS_WIDE:
                pytest.fail(
                    f"{name} is asked for by getfixturevalue() in a test that runs beside others: name it among the "
                    "test's parameters, so that the test runs alone",
                    pytrace=False,
                )
            found = self._item.session._fixturemanager.getfixturedefs(name, self._item)
            if found is None:
                return default
            self[name] = self._own(found)
        return self[name]

    def _own(self, definitions: Any) -> tuple[FixtureDef[Any], ...]:
        return tuple(self._copy(found) for found in definitions)

    def _copy(self, definition: FixtureDef[Any]) -> FixtureDef[Any]:
        if definition.scope != "function":
            self._share(definition)
            return definition
        own: FixtureDef[Any] = object.__new__(type(definition))
        vars(own).update(vars(definition), cached_result=None, _finalizers=[])
        if definition.func is get_direct_param_fixture_func:
            # It takes `request`, of which pytest would make a definition: see _Shared._kept_for.
            value = self._item.callspec.params[definition.argname]
            vars(own).update(func=lambda: value, argnames=())
        return own


class _Shared:
    """A wider fixture's ``execute`` and ``finish``, for one task at a time; the task that has it may enter again.

    Both run in a context of the fixture's own, since the test that needs it last may be another than the one that set
    it up: what it puts into a context variable it can put back. All its tests see what it left in context variables.
    """

    def __init__(self, definition: FixtureDef[Any], why_cancelled: Callable[[str], BaseException]) -> None:
        self._definition = definition
        self._execute = definition.execute
        self._finish = definition.finish
        self._why_cancelled = why_cancelled
        self._lock = asyncio.Lock()
        self._owner: asyncio.Task[Any] | None = None
        self._context: contextvars.Context | None = None
        self._changes: list[tuple[contextvars.ContextVar[Any], Any]] = []
        self._alone_tokens: list[tuple[contextvars.ContextVar[Any], contextvars.Token[Any]]] = []

    def execute(self, request: Any) -> Any:
        """Called by pytest for each test that needs the fixture."""
        __tracebackhide__ = True
        kept = self._kept_for(request)
        if kept is not None:
            self._pass_on()
            return kept[0]
        task = waiting_task()
        if task is None or task is self._owner:
            return self._in_own_context(request)
        try:
            wait_outside(self._lock.acquire())
        except asyncio.CancelledError:
            item = CURRENT_ITEM.get()
            raise self._why_cancelled(item.nodeid if item is not None else "") from None
        self._owner = task
        try:
            return self._in_own_context(request)
        finally:
            self._owner = None
            self._lock.release()

    def _kept_for(self, request: Any) -> tuple[Any, ...] | None:
        """What is kept of the set-up, if it is what the request wants and nothing that it needs can have changed since.

        pytest asks for all that a fixture needs before it hands out what it keeps; for ``request`` it makes a
        definition each time, and inspects its signature: a twentieth of a small test.
        """
        kept = self._definition.cached_result
        if kept is None or kept[2] is not None or self._definition.argnames not in _NEEDS_NOTHING:
            return None
        return kept if kept[1] is getattr(request, "param", None) else None

    def _in_own_context(self, request: Any) -> Any:
        __tracebackhide__ = True
        before, cached = contextvars.copy_context(), self._definition.cached_result
        context = contextvars.copy_context()
        context.run(_WITHIN_ANOTHER.set, True)
        try:
            return context.run(self._execute, request)
        finally:
            if self._definition.cached_result is not cached:
                self._context = context
                self._changes = [
                    (variable, value)
                    for variable, value in context.items()
                    if variable is not _WITHIN_ANOTHER and (variable not in before or before[variable] is not value)
                ]
            self._pass_on()

    def _pass_on(self) -> None:
        """Let the running test see what the fixture left in context variables."""
        tokens = [
            (variable, variable.set(value)) for variable, value in self._changes if variable.get(None) is not value
        ]
        if RUNS_ALONE.get() and not _WITHIN_ANOTHER.get():
            # The context of these tests is one, and outlives the fixture.
            self._alone_tokens += tokens

    def finish(self, request: Any) -> None:
        """Called by pytest when nothing needs the fixture any more, and before it is set up with another parameter."""
        __tracebackhide__ = True
        if RUNS_ALONE.get() and not _WITHIN_ANOTHER.get():
            while self._alone_tokens:
                variable, token = self._alone_tokens.pop()
                variable.reset(token)
        context, self._context = self._context, None
        if context is None:
            self._finish(request)
            return
        current: tuple[contextvars.ContextVar[Any], ...] = (CURRENT_ITEM, CURRENT_OUTPUT, RUNS_ALONE)
        for variable in current:
            context.run(variable.set, variable.get())
        context.run(self._finish, request)


class SharedFixtures:
    """The wider fixtures of one concurrent run."""

    def __init__(self, why_cancelled: Callable[[str], BaseException]) -> None:
        """:param why_cancelled: what to raise in the test of a node id that found itself cancelled."""
        self._why_cancelled = why_cancelled
        self._shared: list[FixtureDef[Any]] = []

    def give(self, item: Any) -> Callable[[], None]:
        """Give a test function fixtures of its own. Called before it is set up.

        :return: takes them back, when it has ended: an item lives as long as the session.
        """
        info = item._fixtureinfo
        own = _OwnFixtures(item, info.name2fixturedefs, self._share)
        item._fixtureinfo = dataclasses.replace(info, names_closure=list(info.names_closure), name2fixturedefs=own)
        item.fixturenames = item._fixtureinfo.names_closure
        item._initrequest()
        return partial(_take_back, item, info)

    def give_alone(self, item: Any) -> None:
        """Let a test that runs alone share the wider fixtures. Called before it is set up."""
        for definitions in item._fixtureinfo.name2fixturedefs.values():
            for definition in definitions:
                if definition.scope != "function":
                    self._share(definition)

    def _share(self, definition: FixtureDef[Any]) -> None:
        if "execute" not in vars(definition):
            shared = _Shared(definition, self._why_cancelled)
            vars(definition).update(execute=shared.execute, finish=shared.finish)
            self._shared.append(definition)

    def close(self) -> None:
        for definition in self._shared:
            del vars(definition)["execute"], vars(definition)["finish"]


def _take_back(item: Any, info: Any) -> None:
    item._fixtureinfo, item.fixturenames = info, info.names_closure


@contextmanager
def shared_fixtures(why_cancelled: Callable[[str], BaseException]) -> Iterator[SharedFixtures]:
    """Share wider fixtures while this holds."""
    shared = SharedFixtures(why_cancelled)
    try:
        yield shared
    finally:
        shared.close()
