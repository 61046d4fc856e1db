"""The hooks of an item's protocol while items run at once.

pytest hands an item its hooks through ``session.gethookproxy``. While stories run concurrently ours answers instead,
and leaves out the plugins whose wrappers keep one state per process; what they do is done per story by ``output``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from ..actions.output import CURRENT_OUTPUT
from .current import RUNS_ALONE
from .live_line import live_line_away

# Tested with pytest 9.1, 9.2: the names under which pytest registers these plugins, and `remove_mods` of the
# proxy that `session.gethookproxy` answers with. Noticed by tests/test_private_api.py.
_TIMEOUT = ("timeout", "pytest_timeout")  # as installed, and as loaded by -p
_PER_PROCESS = {
    "pytest_runtest_protocol": ("warnings", "faulthandler", "assertion", *_TIMEOUT),
    "pytest_runtest_setup": ("capturemanager", "logging-plugin"),
    "pytest_runtest_call": ("capturemanager", "logging-plugin", *_TIMEOUT),
    "pytest_runtest_teardown": ("capturemanager", "logging-plugin"),
    "pytest_runtest_logstart": ("terminalreporter",),
    "pytest_exception_interact": _TIMEOUT,
}

Phase = Callable[[pytest.Item, str, Callable[[], Any]], Any]
"""Runs a phase (``setup``, ``call`` or ``teardown``) of an item, and captures what it prints."""


class HookRelay:
    """What :attr:`pytest.Item.ihook` is, less the plugins that are left out of single hooks."""

    left_out_of: Mapping[str, Sequence[str]] = {}
    """Names of plugins, by the hook."""

    def __init__(self, config: pytest.Config, left_out: frozenset[object]) -> None:
        """:param left_out: plugins that are left out of all hooks: conftests that do not see the item."""
        self._config = config
        self._left_out = left_out

    def __getattr__(self, name: str) -> Callable[..., Any]:
        manager = self._config.pluginmanager
        plugins = [manager.get_plugin(plugin) for plugin in self.left_out_of.get(name, ())]
        left_out = self._left_out.union(plugin for plugin in plugins if plugin is not None)
        caller = self.wrapped(name, manager.subset_hook_caller(name, left_out))
        self.__dict__[name] = caller
        return caller

    def wrapped(self, name: str, caller: Callable[..., Any]) -> Callable[..., Any]:
        """What is done around a hook."""
        return caller


class StoryHooks(HookRelay):
    """A hook relay that calls everything but the plugins that cannot be shared."""

    left_out_of = _PER_PROCESS

    def __init__(
        self, config: pytest.Config, left_out: frozenset[object], phase: Phase, quiet: Set[pytest.Collector]
    ) -> None:
        super().__init__(config, left_out)
        self._phase = phase
        self._quiet = quiet

    def wrapped(self, name: str, caller: Callable[..., Any]) -> Callable[..., Any]:
        if name in ("pytest_runtest_setup", "pytest_runtest_call", "pytest_runtest_teardown"):
            return self._captured(caller, name.removeprefix("pytest_runtest_"))
        return self._reported(caller) if name == "pytest_runtest_logreport" else caller

    def _captured(self, caller: Callable[..., Any], when: str) -> Callable[..., Any]:
        def call(*, item: pytest.Item, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if when != "call" and item.parent in self._quiet:
                return caller(item=item, **kwargs)
            return self._phase(item, when, partial(caller, item=item, **kwargs))

        return call

    def _reported(self, caller: Callable[..., Any]) -> Callable[..., Any]:
        """The terminal is told of an item's start only when there is something to print of it, so that the lines of
        items that run at once do not mix."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        begins_lines = reporter is not None and not reporter.showlongtestinfo
        path: str | None = None
        line: object = None

        def call(*, report: pytest.TestReport) -> Any:
            nonlocal path, line
            token = CURRENT_OUTPUT.set(None)
            try:
                shown = begins_lines and (report.when == "call" or not report.passed)
                if shown and (path != report.location[0] or line is not reporter.currentfspath):
                    with live_line_away(self._config):
                        reporter.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
                    path, line = report.location[0], reporter.currentfspath
                return caller(report=report)
            finally:
                CURRENT_OUTPUT.reset(token)

        return call


@contextmanager
def story_hooks(
    session: pytest.Session, phase: Phase, quiet: Set[pytest.Collector]
) -> Iterator[Callable[[pytest.Item], Any]]:
    """Let items have :class:`StoryHooks`; yields what runs an item's protocol with them.

    :param quiet: the files in the set-up and teardown of whose items nobody prints.
    """
    original = session.gethookproxy
    relays: dict[frozenset[object], StoryHooks] = {}
    relay_of: dict[Any, StoryHooks] = {}

    def gethookproxy(fspath: Any) -> Any:
        if RUNS_ALONE.get():
            return original(fspath)
        relay = relay_of.get(fspath)
        if relay is None:
            left_out = frozenset(getattr(original(fspath), "remove_mods", ()))
            if left_out not in relays:
                relays[left_out] = StoryHooks(session.config, left_out, phase, quiet)
            relay = relay_of[fspath] = relays[left_out]
        return relay

    def protocol(item: pytest.Item) -> Any:
        # pytest calls this hook with every conftest's plugins, not only those that see the item.
        return everyone.pytest_runtest_protocol(item=item, nextitem=None)

    everyone = StoryHooks(session.config, frozenset(), phase, quiet)
    session.gethookproxy = gethookproxy  # type: ignore[method-assign]
    try:
        yield protocol
    finally:
        del session.gethookproxy
