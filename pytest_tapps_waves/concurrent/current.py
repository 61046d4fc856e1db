"""Which item the running code belongs to."""

from __future__ import annotations

from contextvars import ContextVar

import pytest

RUNS_ALONE: ContextVar[bool] = ContextVar("RUNS_ALONE", default=False)
"""Whether the running code belongs to an item that has the thread for itself."""

CURRENT_ITEM: ContextVar[pytest.Item | None] = ContextVar("CURRENT_ITEM", default=None)
"""The item whose protocol is running here, while items run at once. Tasks and threads inherit it."""
