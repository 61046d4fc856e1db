"""What an attempt at a story is told: where it works, its variables, and for an agent what was done before."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from .actions.base import GRACE, Job, PriorWork, StoryContext
from .actions.guard import Guard
from .collect.items import StoryItem
from .core.graph import Graph
from .records import Book
from .settings import EpicSettings
from .spending import Spending
from .workspaces.base import Workspace
from .workspaces.none import in_place


class Jobs:
    """The jobs of one run."""

    def __init__(
        self,
        rootdir: Path,
        run: str,
        graph: Graph,
        epics: Mapping[str, EpicSettings],
        guard: Guard,
        book: Book | None,
        titles: Mapping[str, str],
    ) -> None:
        """
        :param run: the id of the run, like no other anywhere.
        :param epics: by the node ids of their files.
        :param book: what is told of stories, and asked of those before; None without a journal.
        :param titles: of the stories that have one, by node id.
        """
        self._rootdir = rootdir
        self._run = run
        self._graph = graph
        self._epics = epics
        self._guard = guard
        self._book = book
        self._titles = titles
        self.spending = Spending({path: epic.budget for path, epic in epics.items()})

    def of(self, item: StoryItem, timeout: float, attempt: int, workspace: Workspace | None) -> Job:
        """The job of an attempt.

        :param timeout: in seconds; 0 is without end.
        :param workspace: where it works, if that is not the user's tree.
        :raises ActionFailed: if the story's ``cwd`` is outside of rootdir.
        """
        spec, epic = item.spec, item.epic.header
        root = workspace.root if workspace is not None else self._rootdir
        variables = {
            **epic.env,
            **spec.env,
            "EPIC_ID": epic.id,
            "STORY_ID": spec.id,
            "STORY_ATTEMPT": str(attempt),
            "EPIC_ROOT": str(root),
            "EPIC_RUN": self._run,
            "PYTEST_CURRENT_TEST": f"{item.nodeid} (call)",
        }
        context = StoryContext(
            id=spec.id,
            title=spec.title,
            epic=epic.id,
            cwd=workspace.cwd if workspace is not None else in_place(self._rootdir, spec.cwd),
            variables=variables,
            timeout=timeout,
            attempt=attempt,
            log=logging.getLogger(f"epic.{epic.id}"),
            root=root,
            without=workspace.without if workspace is not None else (),
        )
        return Job(
            context,
            self._rootdir,
            GRACE,
            partial(self._begun, item.nodeid),
            self._guard.begin,
            partial(self._prior_work, item),
            partial(self.spending.used_up, item.epic.path),
            spec.resources,
            epic.secrets,
            here=workspace is not None,
        )

    def _begun(self, key: str, pid: int) -> None:
        """A process has been started for a story."""
        if self._book is not None:
            self._book.process(key, pid)

    def _prior_work(self, item: StoryItem) -> Sequence[PriorWork]:
        """What the last stories did that this one builds on, directly or through others, in the order of the plan."""
        most = self._epics[item.epic.path].memory
        if self._book is None or not most:
            return ()
        done = self._book.done_by(self._graph.upstream(item.nodeid))
        order = self._graph.position
        latest = sorted(done, key=lambda key: (order.get(key, -1), key))[-most:]
        return [
            PriorWork(key.partition("::")[2], self._titles.get(key, ""), done[key].summary, tuple(done[key].files))
            for key in latest
        ]
