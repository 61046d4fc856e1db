"""The executor of a run, and what comes out of it, as pytest knows it."""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from .actions.base import Action, Job
from .actions.call import LET_THROUGH, user_traceback, was_elsewhere
from .actions.output import Output
from .concurrent.outcomes import skipped
from .errors import ActionFailed, ExecutorError
from .executors import EXECUTORS
from .executors.base import Executor, Surroundings, paths_of
from .inert import inert
from .options import usable_cores
from .settings import Settings

LET_THROUGH.append(pytest.exit.Exception)


def _outcome(name: str, state: dict[str, Any]) -> BaseException:
    error: BaseException = _OUTCOMES[name].__new__(_OUTCOMES[name])
    vars(error).update(state)
    return error


def _reduced(error: BaseException) -> tuple[Callable[..., BaseException], tuple[str, dict[str, Any]]]:
    return _outcome, (type(error).__name__, dict(vars(error)))


_OUTCOMES: Mapping[str, type[BaseException]] = {
    kind.__name__: kind for kind in (pytest.fail.Exception, pytest.skip.Exception)
}


def know_outcomes() -> None:
    """Have these pickled. They call themselves builtins, for the sake of tracebacks, and are not found by that name."""
    for kind in _OUTCOMES.values():
        # Said anew each time: tblib, which Dask brings along, says otherwise of all errors when it is imported.
        copyreg.pickle(kind, _reduced)


KNOWS = f"{__name__}:{know_outcomes.__name__}"


class OutcomesKnown:
    """An executor to which ``pytest.fail()`` in a story's function is a failure like any other."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.close = executor.close

    async def run(self, action: Action, job: Job, output: Output) -> None:
        """
        :raises pytest.exit.Exception: if nothing more can be carried out.
        """
        try:
            await self._executor.run(action, job, output)
        except (pytest.skip.Exception, pytest.xfail.Exception) as error:
            error.msg = inert(error.msg or "")
            if was_elsewhere(error) and isinstance(error, pytest.skip.Exception):
                raise skipped(error.msg) from None
            raise
        except pytest.fail.Exception as error:
            detail = user_traceback(error) if error.pytrace else ""
            raise ActionFailed(f"Failed: {error.msg}", action.describe(), detail) from None
        except ExecutorError as error:
            raise pytest.exit.Exception(inert(str(error)), pytest.ExitCode.INTERRUPTED) from None


def executor_of(config: pytest.Config, settings: Settings, run: str, at_once: int) -> Executor:
    """The executor that the settings name, of ours or of a hook.

    :param run: the id of the run.
    :param at_once: how many stories it carries out at once, at most.
    :raises pytest.UsageError: if there is none, or it cannot begin.
    """
    name = settings.executor
    found: Executor | None = config.hook.pytest_epic_executor(config=config, name=name)
    if found is not None:
        return found
    if name not in EXECUTORS:
        known = ", ".join(EXECUTORS)
        raise pytest.UsageError(f"there is no executor {name!r}; known are {known}, and what a hook of yours knows")
    pythonpath: list[Path] = config.getini("pythonpath")
    paths = paths_of(config.rootpath, list(map(str, pythonpath)))
    surroundings = Surroundings(config.rootpath, run, at_once, usable_cores(), paths, KNOWS, settings.dask_scheduler)
    try:
        return EXECUTORS[name](surroundings)
    except ExecutorError as error:
        raise pytest.UsageError(inert(str(error))) from None
