"""What travels: a story's action to the process that carries it out, and back from there what came of it."""

from __future__ import annotations

import importlib
import logging
import pickle
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..actions.base import Action, Job, StoryContext
from ..actions.call import LET_THROUGH, keep_traceback
from ..actions.output import Output
from ..errors import ActionFailed
from .base import Surroundings
from .collected import Piece, replayed

if TYPE_CHECKING:
    from ..actions.secrets import Masker

_PACKAGE = __name__.partition(".")[0]


class Parcel(NamedTuple):
    """An action and what it needs, without the callables of its job: those mean something in one process only."""

    action: bytes
    """Pickled by itself, since its class may be of a module that is found by ``paths`` only."""
    context: StoryContext
    rootdir: Path
    grace: float
    paths: Sequence[str]
    lets_through: Sequence[type[Exception]]
    """What a function raises to end the whole run."""
    knows: str
    """``module:function``, to be called before an error that cannot be pickled is given up."""
    secrets: Sequence[str]
    """Names of variables whose values nobody is to be shown."""
    log_level: int
    """Of the root logger."""


class Outcome(NamedTuple):
    """What came of it."""

    pieces: Sequence[Piece]
    """What was printed and logged, in order."""
    error: bytes | None = None
    """What the action raised, pickled."""
    cancelled: bool = False

    def replay(self, output: Output) -> None:
        """Hand on what was printed and logged, as if it had been here."""
        replayed(self.pieces, output)

    def raise_error(self, output: Output) -> None:
        """Hand on what was printed, and raise what the action raised.

        :raises BaseException: that.
        """
        self.replay(output)
        if self.error is not None:
            raise pickle.loads(self.error)


def packed(action: Action, job: Job, surroundings: Surroundings) -> bytes:
    """The parcel as bytes.

    :raises ActionFailed: if the action is one that cannot be sent: one of a hook, that holds a lock or an open file.
    """
    # A new context: the environment that this one may have made up by now is that of this process.
    context = replace(job.context)
    level = logging.getLogger().level
    data = _pickled(action, job.rootdir)
    return pickle.dumps(
        Parcel(
            data,
            context,
            job.rootdir,
            job.grace,
            surroundings.paths,
            tuple(LET_THROUGH),
            surroundings.knows,
            job.secrets,
            level,
        )
    )


def _pickled(action: Action, rootdir: Path) -> bytes:
    if type(action).__module__.partition(".")[0] == _PACKAGE:
        return pickle.dumps(action)
    import cloudpickle

    try:
        with _by_value(type(action).__module__, rootdir):
            data: bytes = cloudpickle.dumps(action)
            return data
    except Exception as error:
        raise ActionFailed(
            f"its action cannot be sent to a worker ({type(error).__name__}: {error})", action.describe()
        ) from None


@contextmanager
def _by_value(name: str, rootdir: Path) -> Iterator[None]:
    """While this holds, classes of a ``conftest.py`` are sent with their code: workers have not imported it."""
    import cloudpickle

    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if module is None or not file or not Path(file).is_relative_to(rootdir) or Path(file).is_relative_to(sys.prefix):
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def sendable(error: BaseException, words: str, knows: str, masker: Masker | None) -> bytes:
    """An error as bytes; one that does not survive that, in words.

    :param words: the action that raised it.
    :param knows: ``module:function``, to be called if it cannot be pickled at first.
    :param masker: takes out the secrets of this process.
    """
    if not isinstance(error, ActionFailed):
        keep_traceback(error)
    if masker is not None and isinstance(error, ActionFailed):
        error.mask(masker.text)
    elif masker is not None:
        values = {name: masker.text(value) if isinstance(value, str) else value for name, value in vars(error).items()}
        vars(error).update(values)
    for known in (False, True):
        with suppress(Exception):
            if known and knows:
                module, _, function = knows.partition(":")
                getattr(importlib.import_module(module), function)()
            data = pickle.dumps(error)
            pickle.loads(data)
            return data
    return pickle.dumps(ActionFailed(f"{type(error).__name__}: {error}", words))
