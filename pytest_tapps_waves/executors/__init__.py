"""Where an action runs. A new place is a file here and a line in ``EXECUTORS``, or a ``pytest_epic_executor`` hook."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .base import Executor, Surroundings, Telling, paths_of
from .local import LocalExecutor


def _local(surroundings: Surroundings) -> Executor:
    return LocalExecutor()


def _dask(surroundings: Surroundings) -> Executor:
    # What it imports takes half a second, and is not there without the extra.
    from .dask import DaskExecutor

    return DaskExecutor.opened(surroundings)


EXECUTORS: Mapping[str, Callable[[Surroundings], Executor]] = {"local": _local, "dask": _dask}
"""By the name that users give. They raise :class:`~pytest_tapps_waves.errors.ExecutorError` if they cannot begin."""

__all__ = ["EXECUTORS", "Executor", "LocalExecutor", "Surroundings", "Telling", "paths_of"]
