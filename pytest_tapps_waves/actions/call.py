"""``call``: a Python function, synchronous ones in a thread, asynchronous ones on the loop."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
import traceback
import typing
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from ..errors import ActionFailed
from .base import Job, StoryContext
from .output import Output
from .threads import DaemonThreads

_PACKAGE = str(Path(__file__).resolve().parent.parent)

_GOES_ON = b"[a function cannot be ended: it goes on in its thread, and what it prints from now on is not shown here]\n"

_GENERATORS = (GeneratorType, AsyncGeneratorType)

THREADS = DaemonThreads()
"""The threads of this process in which synchronous functions run."""

LET_THROUGH: list[type[Exception]] = []
"""What a function raises to end the whole run, rather than because it failed."""


class Call:
    """A function that works if it returns. What it returns is not looked at, unless that is still to be run."""

    def __init__(self, target: str) -> None:
        """:param target: ``package.module:function``."""
        self._target = target

    def describe(self) -> str:
        return f"call: {self._target}"

    async def perform(self, job: Job, output: Output) -> None:
        try:
            function = self._imported()
            if inspect.iscoroutinefunction(function):
                result = self._enter(function, job.context)
            else:
                result = await self._in_thread(job.context, output)
            if inspect.isawaitable(result):
                await result
            elif isinstance(result, _GENERATORS):
                raise ActionFailed(
                    "it is a generator, nothing of which has run: a story's function must not yield", self.describe()
                )
        except (ActionFailed, KeyboardInterrupt):
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled the story: the function let out the cancellation of something of its own.
            raise ActionFailed("CancelledError", self.describe(), user_traceback(error)) from None
        except SystemExit as error:
            raise ActionFailed(f"SystemExit: {error.code}", self.describe(), user_traceback(error)) from None
        except Exception as error:
            if isinstance(error, tuple(LET_THROUGH)):
                raise
            what = "".join(traceback.format_exception_only(error)).strip().splitlines()
            raise ActionFailed(
                what[0] if what else type(error).__name__, self.describe(), user_traceback(error)
            ) from None

    async def _in_thread(self, context: StoryContext, output: Output) -> Any:
        try:
            return await THREADS.run(lambda: self._enter(self._resolve(), context))
        except asyncio.CancelledError:
            output.write("stderr", _GOES_ON)
            raise

    def _imported(self) -> Any:
        """The function, if its module has been imported already: an import may take long, and belongs into a thread."""
        module_name, _, path = self._target.partition(":")
        module = sys.modules.get(module_name)
        return getattr(module, path, None) if module is not None else None

    def _enter(self, function: Callable[..., Any], context: StoryContext) -> Any:
        """Call the function; of an asynchronous one, that only makes the coroutine."""
        receiving, unknown = _receiving(function)
        if unknown is not None:
            raise ActionFailed(
                f"its parameter {unknown!r} has no value: a story's function takes nothing but a StoryContext",
                self.describe(),
            )
        return function(**dict.fromkeys(receiving, context))

    def _resolve(self) -> Callable[..., Any]:
        module_name, _, path = self._target.partition(":")
        try:
            # One that another thread is importing is there already, but not whole: an import waits for that.
            known = sys.modules.get(module_name)
            whole = known is not None and not getattr(getattr(known, "__spec__", None), "_initializing", False)
            found: Any = known if whole else importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise
            hint = "modules are looked for in rootdir and in the ini option pythonpath"
            raise ActionFailed(f"there is no module {error.name}; {hint}", self.describe()) from None
        for name in path.split("."):
            try:
                found = getattr(found, name)
            except AttributeError:
                raise ActionFailed(f"{module_name} has no {path}", self.describe()) from None
        if not callable(found):
            raise ActionFailed(f"{path} cannot be called", self.describe())
        return typing.cast("Callable[..., Any]", found)


@lru_cache(maxsize=4096)
def _receiving(function: Callable[..., Any]) -> tuple[tuple[str, ...], str | None]:
    """The parameters that receive the story, and the name of one that would be left without a value."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return (), None
    hints = _hints(function) if parameters else {}
    receiving: list[str] = []
    for name, parameter in parameters.items():
        if hints.get(name) is StoryContext and parameter.kind is not parameter.POSITIONAL_ONLY:
            receiving.append(name)
        elif parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            return (), name
    return tuple(receiving), None


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    target = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    try:
        return typing.get_type_hints(target)
    except Exception:
        # An annotation that cannot be evaluated (a name under TYPE_CHECKING) says nothing about the others.
        raw = getattr(target, "__annotations__", {})
        return {name: StoryContext for name, hint in raw.items() if str(hint).rpartition(".")[2] == "StoryContext"}


_KEPT = "epic_traceback"


def keep_traceback(error: BaseException) -> None:
    """Keep what :func:`user_traceback` says of it by now: the traceback itself stays in the process where it arose."""
    setattr(error, _KEPT, user_traceback(error))


def was_elsewhere(error: BaseException) -> bool:
    """Whether it arose in another process, so that no place in this one says anything."""
    return hasattr(error, _KEPT)


def user_traceback(error: BaseException) -> str:
    """The traceback from the user's own function on, which comes after the last line of this package."""
    if kept := getattr(error, _KEPT, ""):
        return str(kept)
    entry = line = error.__traceback__
    while line is not None:
        if line.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            entry = line.tb_next
        line = line.tb_next
    return "".join(traceback.format_exception(type(error), error, entry)).rstrip()
