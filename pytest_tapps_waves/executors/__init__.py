"""Where an action runs. A new place is a file here and a line in ``EXECUTORS``, or a ``pytest_epic_executor`` hook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

# Every run has to know their names, few run stories.
if TYPE_CHECKING:
    from .base import Executor, Surroundings


def _local(surroundings: Surroundings) -> Executor:
    from .local import LocalExecutor

    return LocalExecutor()


def _dask(surroundings: Surroundings) -> Executor:
    from .dask import DaskExecutor

    return DaskExecutor.opened(surroundings)


DEFAULT = "local"

EXECUTORS: Mapping[str, Callable[[Surroundings], Executor]] = {DEFAULT: _local, "dask": _dask}
"""By the name that users give. They raise :class:`~pytest_tapps_waves.errors.ExecutorError` if they cannot begin."""
