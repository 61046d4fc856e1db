"""Which worker is sent what: stories as the plan lets them go, and all else as ``--dist=load`` would send it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScheduling

from ..concurrent.xdist import report_crash, say_to_worker, stop_run

if TYPE_CHECKING:
    from .conductor import Conductor
    from .crew import Crew


def is_replaced(chosen: Any) -> bool:
    """Whether a scheduler is what pytest-xdist takes if nobody has chosen one; None if ours was chosen."""
    return chosen is None or type(chosen) is LoadScheduling


class WavesScheduling(LoadScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Sends a story when the plan says so, to the worker that has the least to do.

    No story is sent before it may begin. One may wait in a worker that is about to have nothing to do. What is no story
    is sent in portions, and a worker that has nothing to do takes over from one that has more.
    """

    def __init__(self, config: pytest.Config, log: Any, crew: Crew) -> None:
        self.collection: Sequence[str] | None
        self.maxschedchunk: int | None
        self.node2pending: dict[Any, list[int]]
        self.pending: list[int]
        super().__init__(config, log)
        self._crew = crew
        self._conductor: Conductor | None = None
        self._running: dict[Any, set[int]] = {}
        """The stories that each worker has been sent, and has not ended."""
        self._asked: set[Any] = set()
        """The workers that were asked to give something back, and have not answered."""

    @property
    def tests_finished(self) -> bool:
        if not self.collection_is_completed:
            return False
        if self.collection is None:
            # The workers have collected different items, which has been reported.
            return True
        return self._leading.done and not self.has_pending

    def add_node(self, node: Any) -> None:
        super().add_node(node)
        self._running[node] = set()

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        super().add_node_collection(node, collection)
        if self.collection_is_completed and not self._crew.plan:
            # Without stories it is pytest-xdist's own, also by its name.
            self.__class__ = LoadScheduling
        elif self.collection is not None and node not in self.node2collection:
            self._refuse(node)

    def _refuse(self, node: Any) -> None:
        """A worker that took the place of one that crashed has collected something else: its numbers mean nothing."""
        name = node.gateway.id
        why = f"worker {name} has collected other items than the workers before it, so it cannot take their place"
        report = pytest.CollectReport(nodeid=name, outcome="failed", longrepr=why, result=[])
        self.config.hook.pytest_collectreport(report=report)
        node.shutdown()
        if not any(self._workers()):
            stop_run(self.config, f"no worker is left that could go on: {why}")

    def schedule(self) -> None:
        if self.collection is None:
            if not self._check_nodes_have_same_collection():
                return
            self.collection = next(iter(self.node2collection.values()))
            assert self.collection is not None
            self._conductor = self._crew.conductor(self.collection, self.numnodes)
            self._conductor.begin()
            self.pending[:] = [index for index in range(len(self.collection)) if not self._leading.is_story(index)]
        self._feed()

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        self.node2pending[node].remove(item_index)
        self._running[node].discard(item_index)
        if (end := self._crew.ended(node, item_index)) is not None:
            self._leading.ended(item_index, end)
        self._feed()

    def mark_test_pending(self, item: str) -> None:
        """Called by plugins that run an item again whose worker crashed."""
        assert self.collection is not None
        index = self.collection.index(item)
        if self._leading.is_story(index):
            self._leading.again(index)
        else:
            self.pending.insert(0, index)
        self._feed()

    def remove_pending_tests_from_node(self, node: Any, indices: Sequence[int]) -> None:
        self._asked.discard(node)
        given_back = set(indices)
        if node in self.node2pending:
            self.node2pending[node] = [index for index in self.node2pending[node] if index not in given_back]
        self.pending[:0] = [index for index in indices if not self._leading.is_story(index)]
        for index in given_back & self._running.get(node, set()):
            self._running[node].remove(index)
            self._leading.again(index)
        self._feed()

    def remove_node(self, node: Any) -> str | None:
        pending = self.node2pending.pop(node)
        self._running.pop(node)
        self._asked.discard(node)
        begun = [index for index in self._crew.begun(node) if index in pending]
        left = [index for index in pending if index not in begun]
        for index in left:
            if self._leading.is_story(index):
                self._leading.again(index)
        self.pending[:0] = [index for index in left if not self._leading.is_story(index)]
        for index in begun:
            if self._leading.is_story(index):
                self._leading.crashed(index)
        self.feed()
        if not begun:
            return None
        assert self.collection is not None
        first, *others = (self.collection[index] for index in begun)
        for node_id in others:
            report_crash(self.config, node, node_id)
        return first

    @property
    def _leading(self) -> Conductor:
        assert self._conductor is not None
        return self._conductor

    def feed(self) -> None:
        """Send what may go now. Called when something has changed that no worker has said."""
        if self.collection is not None:
            self._feed()

    def _feed(self) -> None:
        while (node := self._idlest()) is not None and (index := self._leading.next()) is not None:
            self._running[node].add(index)
            self.node2pending[node].append(index)
            self._leading.sent(index, node)
            # One that has ended takes nothing; that it has is an event of its own, after which all that it had goes on.
            with suppress(OSError):
                node.send_runtest_some([index])
        for node in self._workers():
            self._fill(node)

    def _workers(self) -> Iterator[Any]:
        """Those that can be sent something."""
        return (node for node in self.nodes if node in self.node2collection and not node.shutting_down)

    def _idlest(self) -> Any | None:
        """The worker that has the least to do, of those that may be sent a story."""
        able = [node for node in self._workers() if self._takes_another(self._running[node])]
        return min(able, key=lambda node: (len(self._running[node]), len(self.node2pending[node])), default=None)

    def _takes_another(self, running: set[int]) -> bool:
        at_once = self._leading.at_once
        return len(running) < at_once or (len(running) == at_once and all(map(self._leading.is_brief, running)))

    def _fill(self, node: Any) -> None:
        """Send a worker its portion of what is no story. Portions become smaller, as with ``--dist=load``."""
        if self._running[node]:
            return
        waiting = len(self.node2pending[node])
        share = len(self.pending) // len(self.node2pending)
        if self.pending and waiting < max(2, share // 4):
            with suppress(OSError):
                self._send_tests(node, min(max(2, share // 2), max(2, self.maxschedchunk or share)) - waiting)
        elif not waiting:
            self._take_over()

    def _take_over(self) -> None:
        """Ask the worker that has the most left for half of it, since another one has nothing."""
        left = {node: self._waiting_in(node) for node in self._workers() if node not in self._asked}
        node = max(left, key=lambda node: len(left[node]), default=None)
        if node is not None and left[node]:
            self._asked.add(node)
            with suppress(OSError):
                node.send_steal(left[node][len(left[node]) // 2 :])

    def _waiting_in(self, node: Any) -> list[int]:
        """What a worker can give back: not what it has begun, nor what it begins now and has not said so yet."""
        begun, running = set(self._crew.begun(node)), self._running[node]
        left = [index for index in self.node2pending[node] if index not in begun]
        if left and not begun:
            left.remove(next((index for index in left if index in running), left[0]))
        story_waits = len(running) > self._leading.at_once
        return [index for index in left if story_waits or index not in running]


def cancel_in(node: Any, index: int, reason: str) -> None:
    """Let a worker break off a story that it was sent."""
    say_to_worker(node, "cancel", index=index, reason=reason)


def release_in(node: Any, file: str) -> None:
    """Let a worker tear down what stories of a file share."""
    say_to_worker(node, "over", file=file)
