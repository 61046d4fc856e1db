"""Where an action runs. A new place is a file here and a line in ``EXECUTORS``, or a ``pytest_epic_executor`` hook."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .local import Executor, LocalExecutor

EXECUTORS: Mapping[str, Callable[[], Executor]] = {"local": LocalExecutor}
"""By the name that users give."""

__all__ = ["EXECUTORS", "Executor", "LocalExecutor"]
