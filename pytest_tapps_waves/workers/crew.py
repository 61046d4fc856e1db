"""The workers of a run as the controller knows them: what they are told at first, and what is heard of them."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from ..concurrent.xdist import listen_to_worker
from ..core.model import State
from ..distribution import RUN, TELLS
from ..settings import Settings

if TYPE_CHECKING:
    from .conductor import Conductor
    from .scheduling import WavesScheduling


class Crew:
    """The plugin object of a controller, if stories run across workers as soon as there are any.

    Until a worker has told of some, nothing is imported or done that other runs would have to wait for.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._teller: Any = None
        self._scheduling: WavesScheduling | None = None
        self.run_id = uuid.uuid4().hex
        self.plan = ""
        """What a worker has told of the run that it prepared; empty as long as there are no stories."""
        self._refused = ""
        # Filled in the threads that listen to workers.
        self._begun: dict[Any, dict[int, None]] = {}
        self._ended: dict[tuple[Any, int], tuple[State, str]] = {}
        self._written: deque[tuple[str, Mapping[str, Any]]] = deque()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Called by pytest-xdist's controller before a worker starts."""
        node.workerinput[RUN] = self.run_id
        # One is enough, unless it ends before it has said a word.
        node.workerinput[TELLS] = self._teller is None
        self._teller = self._teller or node
        self._begun[node] = {}
        listen_to_worker(node, self._hear)

    @pytest.hookimpl(wrapper=True, optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Generator[None, Any, Any]:
        """Called by pytest-xdist to choose who sends items to workers. A scheduler of somebody's own is left alone."""
        from .scheduling import WavesScheduling, is_replaced

        chosen = yield
        if is_replaced(chosen):
            self._scheduling = chosen = WavesScheduling(config, log, self)
        return chosen

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Called by pytest-xdist's controller when a worker has collected."""
        if self._refused:
            raise pytest.UsageError(self._refused)
        if self.plan and self._scheduling is None:
            raise pytest.UsageError(
                "a pytest_xdist_make_scheduler hook sends items to workers in an order of its own, and stories need "
                "theirs: drop it, or use --dist=loadfile"
            )
        if self.plan:
            # While other workers collect.
            from . import conductor  # noqa: F401  is going to be asked for

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Called by pytest-xdist when a worker has ended."""
        if node is self._teller and not self.plan:
            self._teller = None

    def conductor(self, collection: Sequence[str], workers: int) -> Conductor:
        """Who leads the run, once all workers have collected these items."""
        from .conductor import Conductor

        assert self._scheduling is not None
        conductor = Conductor(self._config, self._settings, self, collection, workers, self._scheduling.feed)
        self._config.pluginmanager.register(conductor, "epics-conductor")
        return conductor

    def begun(self, node: Any) -> list[int]:
        """The items that a worker has begun and not ended, as far as it has told, in order."""
        return list(self._begun[node])

    def ended(self, node: Any, index: int) -> tuple[State, str] | None:
        """What a worker has told of an item that ended, if it is a story; to be asked once."""
        self._begun[node].pop(index, None)
        return self._ended.pop((node, index), None)

    def written(self) -> Generator[tuple[str, Mapping[str, Any]], None, None]:
        """What workers have said for the journal since the last time."""
        while self._written:
            yield self._written.popleft()

    def _hear(self, node: Any, word: str, told: Mapping[str, Any]) -> None:
        """Called in another thread. What a worker says of an item comes before pytest-xdist's own event of it."""
        if word == "began":
            self._begun[node][told["index"]] = None
        elif word == "ended":
            self._ended[node, told["index"]] = State(told["state"]), told["reason"]
        elif word == "plan":
            self.plan = told["text"]
        elif word == "refused":
            self._refused = told["why"]
        else:
            self._written.append((word, told))
