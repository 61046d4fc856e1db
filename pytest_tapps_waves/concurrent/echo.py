"""``-s`` and ``--capture=tee-sys``: what stories print, shown while it comes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress

import pytest

from ..inert import LiveText

NewEcho = Callable[[], Callable[[str, bytes], None]]


def echo_of(config: pytest.Config) -> NewEcho | None:
    """What makes an echo for each output, if one is asked for.

    Whoever watches may want to see colours, so these pass where pytest itself uses them, which is on a terminal. All
    else that would make a terminal act is shown instead: a command of a story is not to reach the terminal further
    than its text. What a function of this process prints under ``-s`` goes there by itself, as with any test.
    """
    if config.getoption("capture", "no") not in ("no", "tee-sys"):
        return None
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    colours = reporter is not None and bool(reporter.hasmarkup)
    return lambda: Echo(colours=colours)


class Echo:
    """Shows what one output is given."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours
        self._texts: dict[str, LiveText] = {}

    def __call__(self, name: str, data: bytes) -> None:
        # Log records are shown live by pytest's log_cli, if at all.
        stream = {"stdout": sys.__stdout__, "stderr": sys.__stderr__}.get(name)
        if stream is None:
            return
        if name not in self._texts:
            self._texts[name] = LiveText(colours=self._colours)
        text = self._texts[name].feed(data)
        # A terminal that is gone is for pytest to notice; it is no fault of the story, whose report is still true.
        with suppress(OSError, ValueError):
            try:
                stream.write(text)
            except UnicodeEncodeError:
                stream.write(text.encode("ascii", "backslashreplace").decode("ascii"))
            stream.flush()
