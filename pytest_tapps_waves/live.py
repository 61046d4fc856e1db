"""On a terminal, one line under pytest's own that says how far the run is.

Pytest may be in the midst of a line of its own. So this one is drawn in the row below, and the cursor goes back to
where it was; before pytest writes anything, all below its cursor is cleared.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from .core.forecast import Outlook
from .core.graph import numbers_of
from .core.plan import Plan
from .preparation import Prepared
from .reports.progress import Progress, progress_line

_EVERY = 0.2
"""Seconds from one drawing to the next while nothing happens."""
_AT_LEAST = 0.1
"""Seconds between two drawings, however much happens."""


class LiveLine:
    """The plugin object that draws it."""

    def __init__(self, config: pytest.Config) -> None:
        self._writer = config.get_terminal_writer()
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._terminal = -1
        self._drawn = False
        self._next = 0.0
        self._watch: _Watch | None = None
        self._thread = threading.Thread(target=self._go_on, name="epics-live-line", daemon=True)

    def begin(self, found: Prepared, plan: Plan, outlook: Outlook | None) -> None:
        """The run begins.

        :param outlook: how long it is going to take, if anything is known of that.
        """
        # By now nothing is captured, and later all that is written to the old one may be.
        self._terminal = os.dup(sys.__stdout__.fileno()) if sys.__stdout__ is not None else -1
        self._watch = _Watch(found, plan, outlook)
        self._thread.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self) -> Generator[None, Any, Any]:
        """Called when an item begins: pytest writes its name."""
        with self.away():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        """Called for each report: pytest writes its letter or word."""
        if self._watch is not None:
            self._watch.reported(report)
        with self.away():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> Generator[None, Any, Any]:
        """Called when an item has ended: pytest writes how many have."""
        if self._watch is not None:
            self._watch.ended(nodeid)
        with self.away():
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_enter_pdb(self) -> None:
        """Called when a debugger begins to talk on the terminal."""
        self.end()

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self) -> None:
        """Called before an error of pytest itself is shown."""
        self.end()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Called when the run is over, before its summary."""
        self.end()

    @contextmanager
    def away(self) -> Iterator[None]:
        """While this holds the line is not there, so that others may write."""
        with self._lock:
            self._clear()
            yield
            if time.monotonic() >= self._next:
                self._draw()

    def end(self) -> None:
        """The line is not going to be there any more. A second time does nothing."""
        self._over.set()
        with self._lock:
            self._clear()
            self._watch = None
            if self._terminal >= 0:
                os.close(self._terminal)
                self._terminal = -1
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _go_on(self) -> None:
        """Runs in a thread of its own: a test may hold up all others."""
        while not self._over.wait(_EVERY):
            # Whoever holds it is writing, and draws afterwards.
            if self._lock.acquire(blocking=False):
                try:
                    self._draw()
                finally:
                    self._lock.release()

    def _draw(self) -> None:
        if self._watch is None or self._terminal < 0:
            return
        try:
            # Some say nothing of their width.
            width = os.get_terminal_size(self._terminal).columns or self._writer.fullwidth
        except OSError:
            return
        column = self._writer.width_of_current_line % width
        line = progress_line(self._watch.progress(), width)
        begin, back = ("\r", "\r") if not column else ("\n\r", f"\x1b[1A\x1b[{column + 1}G")
        self._write(f"{begin}\x1b[2K{line}{back}")
        self._drawn = True
        self._next = time.monotonic() + _AT_LEAST

    def _clear(self) -> None:
        if self._drawn:
            self._write("\x1b[J")
            self._drawn = False

    def _write(self, text: str) -> None:
        # A terminal that is gone is for pytest to notice.
        with suppress(OSError):
            os.write(self._terminal, text.encode("utf-8", "replace"))


class _Watch:
    """Knows how far a run is. It is asked from a thread of its own."""

    def __init__(self, found: Prepared, plan: Plan, outlook: Outlook | None) -> None:
        self._plan = plan
        self._stories = found.graph.stories
        self._position = found.graph.position
        has_waves = found.schedule == "waves" or not found.concurrent
        self._waves = len(found.waves) if has_waves else 0
        self._wave = 1 if has_waves else 0
        self._wave_of = numbers_of(found.waves)
        self._outlook = outlook
        self._work = self._left_work = sum(outlook.durations.values()) if outlook is not None else 0.0
        self._ended: set[str] = set()
        self._failed: set[str] = set()
        self._skipped: set[str] = set()
        self._since: dict[str, float] = {}

    def reported(self, report: pytest.TestReport) -> None:
        if report.nodeid not in self._stories or isinstance(report, pytest.SubtestReport):
            return
        if report.failed:
            self._failed.add(report.nodeid)
        elif report.skipped and not hasattr(report, "wasxfail"):
            self._skipped.add(report.nodeid)

    def ended(self, key: str) -> None:
        if key in self._stories and key not in self._ended:
            self._ended.add(key)
            if self._outlook is not None:
                self._left_work -= self._outlook.durations.get(key, 0.0)

    def progress(self) -> Progress:
        now = time.monotonic()
        # This copy is one step of the interpreter, which no other thread can come between.
        running = list(self._plan.running)
        self._since = {key: self._since.get(key, now) for key in sorted(running, key=self._position.__getitem__)}
        if self._waves:
            self._wave = max([self._wave, *(self._wave_of[key] for key in running)])
        ages = sorted(((key, now - since) for key, since in self._since.items()), key=lambda pair: -pair[1])
        return Progress(
            wave=self._wave,
            waves=self._waves,
            ended=len(self._ended),
            stories=len(self._stories),
            failed=len(self._failed),
            skipped=len(self._skipped - self._failed) if self._failed else len(self._skipped),
            running=[(self._stories[key].id, age) for key, age in ages],
            left=self._left(ages),
        )

    def _left(self, ages: Sequence[tuple[str, float]]) -> float | None:
        """What the run would take, in proportion to the work that is left of it."""
        if self._outlook is None or not self._work:
            return None
        durations = self._outlook.durations
        begun = sum(min(age, durations.get(key, 0.0)) for key, age in ages)
        return self._outlook.makespan * max(0.0, self._left_work - begun) / self._work
