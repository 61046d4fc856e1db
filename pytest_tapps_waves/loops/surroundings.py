"""What holds around a concurrent run: of the process, of the session, of the terminal."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_MOST_OBJECTS = 32
"""So many times its usual number of objects the garbage collector may be given, at most."""


@contextmanager
def warnings_end(session: pytest.Session) -> Iterator[None]:
    """Where warnings are errors, one that belongs to no item ends the run."""
    try:
        yield
    except RuntimeWarning as warning:
        raise session.Interrupted(str(warning)) from None


@contextmanager
def collections_as_rare(at_once: int) -> Iterator[None]:
    """Let the garbage collector look as rarely as if items ran one by one.

    It looks whenever so many more objects were made than were given back. With N items at once N times as many come and
    go together, and it would take them for old, and look through all there is for their sake.
    """
    first, *others = gc.get_threshold()
    gc.set_threshold(first * min(at_once, _MOST_OBJECTS), *others)
    try:
        yield
    finally:
        gc.set_threshold(first, *others)


def keep_width(config: pytest.Config) -> None:
    """While output is captured pytest would ask the file that it goes to for the terminal's width."""
    if config.pluginmanager.has_plugin("terminalreporter"):
        writer = config.get_terminal_writer()
        writer.fullwidth = writer.fullwidth
