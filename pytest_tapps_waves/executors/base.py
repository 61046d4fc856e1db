"""What all executors share: what they are told, and what they owe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from ..actions.base import Action, Job
from ..actions.output import Output


class Surroundings(NamedTuple):
    """What an executor needs to know of the run that it works for."""

    rootdir: Path
    run: str
    """The id of the run, like no other anywhere."""
    at_once: int
    """How many stories the run carries out at once, at most."""
    cores: int
    """The processors that it may use."""
    paths: Sequence[str] = ()
    """The folders of ``sys.path`` in which the functions of stories are looked for, in order."""
    knows: str = ""
    """``module:function``, to be called where an error cannot be pickled without that."""
    scheduler: str | None = None
    """The address of what hands stories on, if there is one outside of this run."""


class Executor(Protocol):
    """Carries out actions, several at once."""

    async def run(self, action: Action, job: Job, output: Output) -> None:
        """Carry out one action. Cancelled, it leaves nothing of it running.

        :raises ActionFailed: if the action did not do its work.
        :raises ExecutorError: if nothing more can be carried out: the run ends.
        """
        ...

    def close(self) -> None:
        """Called once, after the last action has ended."""
        ...


@runtime_checkable
class Telling(Protocol):
    """An executor that has something to say once the run is over."""

    def told(self) -> list[str]:
        """What users should know, in lines."""
        ...


def paths_of(rootdir: Path, pythonpath: Sequence[str]) -> list[str]:
    """The folders of ``sys.path`` in which functions of the project are found: those in rootdir, and ``pythonpath``.

    Not those of the interpreter, which may well be in rootdir: each process has its own.
    """
    root, own = rootdir.resolve(), Path(sys.prefix).resolve()
    wanted = {str(Path(path).resolve()) for path in pythonpath}
    found = []
    for path in sys.path:
        place = Path(path).resolve()
        inside = place.is_relative_to(root) and not place.is_relative_to(own)
        if place.is_dir() and (inside or str(place) in wanted):
            found.append(str(place))
    return list(dict.fromkeys(found))
