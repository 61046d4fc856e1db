"""Epics and stories by how people write of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .drafts import EpicDraft, StoryDraft
from .headings import key_of

LONGEST_ROW = 1000
"""Of stories named by the first and the last."""

Node = StoryDraft | EpicDraft


class Unplaced(Exception):
    """What is written stands for no story, or for several."""


class Index:
    """All epics that are converted together."""

    def __init__(self, epics: Iterable[EpicDraft]) -> None:
        self._epics: dict[str, list[EpicDraft]] = {}
        self._stories: dict[str, list[tuple[EpicDraft, StoryDraft]]] = {}
        self._within: dict[int, dict[str, StoryDraft]] = {}
        for epic in epics:
            self._epics.setdefault(key_of(epic.id), []).append(epic)
            within = self._within[id(epic)] = {}
            for story in epic.stories:
                within.setdefault(key_of(story.id), story)
                self._stories.setdefault(key_of(story.id), []).append((epic, story))
        self.epic_of = {id(story): epic for places in self._stories.values() for epic, story in places}

    def is_id(self, word: str) -> bool:
        """Whether a word is the id of a story."""
        return key_of(word) in self._stories

    def story(self, written: str, here: EpicDraft | None, epic_written: str = "") -> StoryDraft:
        """
        :param here: the epic in which it is written.
        :param epic_written: the epic that is named beside it.
        :raises Unplaced: if there is no such story, or more than one.
        """
        key = key_of(written)
        if epic_written:
            epic = self.epic(epic_written)
            return self._in(epic, key) or self._missing(f"story {written} of epic {epic_written}")
        places = self._stories.get(key, [])
        if here is not None and (found := self._in(here, key)):
            if places and found.id != written and key_of(found.id) != key:
                raise Unplaced(f"story {written} may be {found.id} of this epic, or that of another; write which")
            return found
        if not places and (dotted := re.fullmatch(r"(\d+)[.-](\d+)", key)):
            # `Story 2.3` of an epic 2 that numbers its stories 1, 2, 3.
            epics = self._epics.get(dotted[1], [])
            places = [(epic, found) for epic in epics if (found := self._within[id(epic)].get(dotted[2]))]
        if len(places) > 1:
            where = ", ".join(sorted({f"epic {epic.id}" for epic, _ in places}))
            raise Unplaced(f"story {written} is in several epics ({where}); write `Epic ... Story {written}`")
        return places[0][1] if places else self._missing(f"story {written}")

    def _in(self, epic: EpicDraft, key: str) -> StoryDraft | None:
        within = self._within[id(epic)]
        return within.get(key) or within.get(f"{key_of(epic.id)}.{key}") or within.get(f"{key_of(epic.id)}-{key}")

    def epic(self, written: str) -> EpicDraft:
        """
        :raises Unplaced: if there is no such epic with stories, or more than one.
        """
        epics = self._epics.get(key_of(written), [])
        if len(epics) > 1:
            raise Unplaced(f"epic {written} is in several folders; convert them apart")
        if not epics:
            self._missing(f"epic {written}")
        if not epics[0].stories:
            raise Unplaced(f"epic {written} has no stories")
        return epics[0]

    def _missing(self, what: str) -> StoryDraft:
        raise Unplaced(f"{what} is in no file that is converted; convert its file in the same go")

    def row(self, first: str, last: str) -> Sequence[str]:
        """The ids from ``first`` to ``last``, which differ in their last number only.

        :raises Unplaced: if they differ otherwise.
        """
        start, end = re.fullmatch(r"(.*?)(\d+)", first), re.fullmatch(r"(.*?)(\d+)", last)
        if start and end and end[1] in (start[1], ""):
            numbers = range(int(start[2][:9]), int(end[2][:9]) + 1)
            width = len(start[2]) if start[2].startswith("0") else 0
            if 0 < len(numbers) <= LONGEST_ROW:
                return [f"{start[1]}{number:0{width}}" for number in numbers]
        raise Unplaced(f"{first} to {last} is no row of numbers")
