"""Prints, log records and warnings of stories that run at once, each to the story that made it.

pytest's capture stays on for the whole concurrent run, so that what children and C code write to the file descriptors
does not reach the terminal; the terminal reporter writes past it. ``sys.stdout`` and ``sys.stderr`` look up the story
of the code that writes (a context variable) and fall back to that capture.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import pytest

# Tested with pytest 9.1, 9.2: the plugins "capturemanager" (`_method`, `resume_global_capture`,
# `suspend_global_capture`, `read_global_capture`, `_global_capturing` and the `resume` of its parts) and
# "logging-plugin" (`formatter`, `log_level`, `log_cli_handler`, `caplog_handler`, `report_handler`),
# the context manager `catching_logs`, `apply_warning_filters`, `TerminalReporter._tw` and its `_file`. Noticed by
# tests/test_private_api.py.
from _pytest.config import apply_warning_filters
from _pytest.logging import catching_logs

from ..actions.output import CURRENT_OUTPUT, Output, as_bytes
from ..actions.routed import RoutedText
from .current import CURRENT_ITEM
from .echo import echo_of

if TYPE_CHECKING:
    from ..actions.secrets import Masker


class _RoutedLog(logging.Handler):
    """Hands each record to the story that made it."""

    def emit(self, record: logging.LogRecord) -> None:
        output = CURRENT_OUTPUT.get()
        if output is not None:
            output.write("log", as_bytes(self.format(record) + "\n"))


def with_output(config: pytest.Config) -> Callable[[pytest.Item, str, Callable[[], Any]], Any]:
    """What runs one phase of an item, and adds what it prints to the item's report."""
    new_echo = echo_of(config)

    def run(item: pytest.Item, when: str, phase: Callable[[], Any]) -> Any:
        __tracebackhide__ = True
        output = Output(echo=new_echo and new_echo())
        token = CURRENT_OUTPUT.set(output)
        try:
            return phase()
        finally:
            CURRENT_OUTPUT.reset(token)
            output.close()
            for name, text in output.texts():
                item.add_report_section(when, name, text.strip() if name == "log" else text)

    return run


@contextmanager
def routed_output(config: pytest.Config, strays: list[str], masker: Masker | None) -> Iterator[None]:
    """While this holds, every story has its own output.

    :param strays: receives, at the end, what no story in particular wrote to stdout and to stderr.
    :param masker: for that, if stories have secrets.
    """
    capture = config.pluginmanager.get_plugin("capturemanager")
    with ExitStack() as stack:
        method = config.getoption("capture", "no")
        if capture is not None and method != "no":
            _write_past_capture(config, stack)
            capture.resume_global_capture()
            stack.callback(_stop_capture, capture, strays)
            _route_capture(capture._global_capturing, stack, masker)
        else:
            stack.enter_context(RoutedStreams(config, masker))
        _route_log(config, stack)
        _route_warnings(config, stack)
        yield


class RoutedStreams(AbstractContextManager[None]):
    """While it is entered, what is written to ``sys.stdout`` and ``sys.stderr`` goes to the current output.

    Under ``-s``, only that of stories that have secrets. It may be entered again and again.
    """

    def __init__(self, config: pytest.Config, masker: Masker | None = None) -> None:
        """:param masker: for what belongs to no story, if stories have secrets."""
        self._masker = masker
        self._takes: type[Output] | None = Output
        if config.getoption("capture", "no") == "no":
            self._takes = None
            if masker is not None:
                from ..actions.secrets import MaskedOutput

                self._takes = MaskedOutput
        self._beside: tuple[TextIO, TextIO] | None = None
        self._routed: tuple[Any, Any] = (None, None)

    def __enter__(self) -> None:
        if self._takes is None:
            return
        beside = sys.stdout, sys.stderr
        if beside != self._beside:
            self._beside = beside
            self._routed = (
                RoutedText("stdout", beside[0], self._masker, self._takes),
                RoutedText("stderr", beside[1], self._masker, self._takes),
            )
        sys.stdout, sys.stderr = self._routed

    def __exit__(self, *error: object) -> None:
        if self._beside is not None:
            sys.stdout, sys.stderr = self._beside


@contextmanager
def own_output(config: pytest.Config, strays: list[str]) -> Iterator[None]:
    """Let pytest capture as it does by itself, in the midst of :func:`routed_output`, for an item that runs alone.

    Only what other stories print meanwhile still goes to them.
    """
    capture = config.pluginmanager.get_plugin("capturemanager")
    if capture is None or not capture.is_globally_capturing():
        yield
        return
    _stop_capture(capture, strays)
    try:
        yield
    finally:
        capture.resume_global_capture()


def _stop_capture(capture: Any, strays: list[str]) -> None:
    capture.suspend_global_capture(in_=False)
    out, err = capture.read_global_capture()
    strays[:] = [strays[0] + out, strays[1] + err]


def _route_capture(capturing: Any, stack: ExitStack, masker: Masker | None) -> None:
    """Put our streams before those that the capture puts in place whenever it is resumed."""
    for name, stream in (("stdout", capturing.out), ("stderr", capturing.err)):
        switch = getattr(stream, "syscapture", stream)
        captured = getattr(sys, name)
        routed = RoutedText(name, captured, masker)

        def resume(resume: Any = switch.resume, name: str = name, routed: RoutedText = routed) -> None:
            resume()
            setattr(sys, name, routed)

        switch.resume = resume
        setattr(sys, name, routed)
        stack.callback(setattr, sys, name, captured)
        stack.callback(vars(switch).pop, "resume")


def _write_past_capture(config: pytest.Config, stack: ExitStack) -> None:
    """Let the terminal reporter write to what file descriptor 1 was before the capture."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    writer = reporter._tw
    try:
        descriptor = writer._file.fileno()
    except (OSError, ValueError, AttributeError):
        return
    if descriptor not in (1, 2):
        return
    original = writer._file
    original.flush()
    past = os.fdopen(
        os.dup(descriptor), "w", encoding=original.encoding, errors=original.errors, newline=original.newlines
    )
    writer._file = past

    def restore() -> None:
        writer._file = original
        past.close()

    stack.callback(restore)


def _route_log(config: pytest.Config, stack: ExitStack) -> None:
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    if plugin is None:
        return
    handler = _RoutedLog()
    handler.setFormatter(plugin.formatter)
    stack.enter_context(catching_logs(handler, level=plugin.log_level))
    for theirs in (plugin.caplog_handler, plugin.report_handler):
        theirs.addFilter(_of_no_story)
        stack.callback(theirs.removeFilter, _of_no_story)
    live = plugin.log_cli_handler
    if getattr(live, "capture_manager", None) is not None:
        # It would switch the capture of all stories off and on; the terminal is written past it now.
        stack.callback(setattr, live, "capture_manager", live.capture_manager)
        live.capture_manager = None


def _of_no_story(record: logging.LogRecord) -> bool:
    return CURRENT_OUTPUT.get() is None


def _route_warnings(config: pytest.Config, stack: ExitStack) -> None:
    if not config.pluginmanager.has_plugin("warnings"):
        return
    stack.enter_context(warnings.catch_warnings())
    if not sys.warnoptions:
        warnings.filterwarnings("always", category=DeprecationWarning)
        warnings.filterwarnings("always", category=PendingDeprecationWarning)
    apply_warning_filters(config.getini("filterwarnings"), config.known_args_namespace.pythonwarnings or [])

    def show(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
        item = CURRENT_ITEM.get()
        config.hook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": warnings.WarningMessage(message, category, filename, lineno, file, line),
                "nodeid": item.nodeid if item is not None else "",
                "when": "runtest",
                "location": None,
            }
        )

    warnings.showwarning = show
