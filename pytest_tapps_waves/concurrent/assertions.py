"""Explanations of failed assertions, for tests that run at once: pytest keeps the hooks for them once per process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

# Tested with pytest 9.1, 9.2: `_reprcompare` and `_assertion_pass`, and the wrapper that sets them for an item.
# Noticed by tests/test_private_api.py.
from _pytest import assertion
from _pytest.assertion import util

_Explain = Callable[..., Any]
_COMPARE: ContextVar[_Explain | None] = ContextVar("_COMPARE", default=None)
_PASSED: ContextVar[_Explain | None] = ContextVar("_PASSED", default=None)


def explain_assertions_of(item: pytest.Item) -> None:
    """From here on, in this context, failed assertions are explained by the hooks that ``item`` sees."""
    outside = util._reprcompare, util._assertion_pass
    util._assertion_pass = None
    wrapper = assertion.pytest_runtest_protocol(item)
    next(wrapper)
    _COMPARE.set(util._reprcompare)
    _PASSED.set(util._assertion_pass)
    wrapper.close()
    util._reprcompare, util._assertion_pass = outside
    util._config = item.config


@contextmanager
def routed_assertions(config: pytest.Config) -> Iterator[None]:
    """Let each test's assertions be explained by its own hooks."""
    saved = util._reprcompare, util._assertion_pass, util._config

    def compare(op: str, left: object, right: object) -> Any:
        explain = _COMPARE.get()
        return explain(op, left, right) if explain is not None else None

    def passed(lineno: int, original: str, explanation: str) -> None:
        explain = _PASSED.get()
        if explain is not None:
            explain(lineno, original, explanation)

    util._reprcompare = compare
    if config.hook.pytest_assertion_pass.get_hookimpls():
        util._assertion_pass = passed
    util._config = config
    try:
        yield
    finally:
        util._reprcompare, util._assertion_pass, util._config = saved
