"""The hooks of an epic's stories that run one by one: pytest's own, without what has nothing to do in them.

The set-up and the teardown of such a story only ask the plan. Nobody prints or logs in them unless a plugin does, and
to capture that nothing is a tenth of what a small story costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, TypeVar

import pytest

# Tested with pytest 9.1, 9.2: the stash keys that the logging plugin keeps from an item's set-up to its teardown.
# Noticed by tests/test_private_api.py.
from _pytest.logging import caplog_handler_key, caplog_records_key

from .hooks import HookRelay

_File = TypeVar("_File", bound=pytest.File)

_KEYS: tuple[pytest.StashKey[Any], ...] = (caplog_records_key, caplog_handler_key)
_PHASES = ("pytest_runtest_setup", "pytest_runtest_teardown")
_CAPTURES = ("capturemanager", "logging-plugin")
_PRINT_NOTHING = frozenset(
    {
        "_pytest.capture",
        "_pytest.logging",
        "_pytest.runner",
        "_pytest.skipping",
        "_pytest.threadexception",
        "_pytest.unraisableexception",
        "pytest_cov.plugin",
        "pytest_rerunfailures",
        "pytest_tapps_waves.run",
    }
)
"""Modules whose hooks around the set-up and the teardown of a story neither print nor log."""


class LeanHooks(HookRelay):
    """A hook relay that captures nothing around set-up and teardown."""

    left_out_of = dict.fromkeys(_PHASES, _CAPTURES)

    def wrapped(self, name: str, caller: Callable[..., Any]) -> Callable[..., Any]:
        if name == "pytest_runtest_setup":
            return _with_records(caller)
        return _without_records(caller) if name == "pytest_runtest_teardown" else caller


def _with_records(caller: Callable[..., Any]) -> Callable[..., Any]:
    def setup(*, item: pytest.Item) -> Any:
        __tracebackhide__ = True
        item.stash[caplog_records_key] = {}
        return caller(item=item)

    return setup


def _without_records(caller: Callable[..., Any]) -> Callable[..., Any]:
    def teardown(*, item: pytest.Item, nextitem: pytest.Item | None) -> Any:
        __tracebackhide__ = True
        try:
            return caller(item=item, nextitem=nextitem)
        finally:
            for key in _KEYS:
                if key in item.stash:
                    del item.stash[key]

    return teardown


def lean_hooks_of(session: pytest.Session, files: Iterable[_File]) -> Mapping[_File, LeanHooks]:
    """The relays for the stories of the :func:`quiet_files` among these."""
    relays: dict[frozenset[object], LeanHooks] = {}
    found: dict[_File, LeanHooks] = {}
    for file in quiet_files(session.config, files):
        left_out = frozenset(getattr(session.gethookproxy(file.path), "remove_mods", ()))
        found[file] = relays.setdefault(left_out, LeanHooks(session.config, left_out))
    return found


def quiet_files(config: pytest.Config, files: Iterable[_File]) -> Set[_File]:
    """The epics around whose stories' set-up and teardown no plugin may print."""
    return {file for file in files if _is_quiet(config, file)}


def _is_quiet(config: pytest.Config, file: pytest.File) -> bool:
    # The set-up of a package runs code of users.
    if any(isinstance(node, pytest.Package) for node in file.listchain()):
        return False
    return all(
        implementation.function.__module__ in _PRINT_NOTHING
        for name in _PHASES
        for implementation in getattr(config.hook, name).get_hookimpls()
    )
