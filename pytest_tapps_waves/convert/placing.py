"""From what is said about dependencies to the stories that are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..core.graph import CycleFound, Graph
from ..core.model import Story
from ..epics.wording import short
from ..errors import Problem
from .drafts import EpicDraft, Outline, Remark, StoryDraft
from .headings import key_of
from .index import Index, Node, Unplaced
from .mentions import Mention, Reading, read_mentions
from .sentences import Statement, has_cue, statements

_MOST_CYCLES = 20
_UNPLACED = "looks like a dependency, and could not be placed; write which story it is, or add it by hand"


class Placing:
    """Gives the stories of some outlines their dependencies."""

    def __init__(
        self, outlines: Sequence[Outline], epics: Sequence[EpicDraft], refer: Callable[[EpicDraft, EpicDraft], str]
    ) -> None:
        """
        :param epics: those of all outlines, put together where several files make one.
        :param refer: the path of the file of an epic, from that of another.
        """
        self._outlines = outlines
        self._epics = epics
        self._index = Index(epics)
        self._refer = refer
        self._of_epics: list[tuple[EpicDraft, Node, str, int]] = []
        self.problems: list[Problem] = []

    def place(self) -> None:
        """Place all that can be placed. The rest is in :attr:`problems`."""
        for epic in self._epics:
            for story in epic.stories:
                for remark in story.remarks:
                    self._remark(remark, epic, story)
            for remark in epic.remarks:
                self._remark(remark, epic, epic)
        for outline in self._outlines:
            for remark in outline.remarks:
                self._remark(remark, None, None)
        # Last, since they begin where a story depends on no other of its epic.
        for epic, target, path, line in self._of_epics:
            inside = {id(story) for story in epic.stories}
            first = [story for story in epic.stories if not any(id(need) in inside for need in story.needs)]
            for story in first or epic.stories:
                self._link(story, target, path, line)
        self.problems.extend(_cycles(self._epics))

    def _remark(self, remark: Remark, epic: EpicDraft | None, own: Node | None) -> None:
        is_id, path = self._index.is_id, remark.path
        if remark.entries and all(map(is_id, remark.entries)):
            mentions = tuple(Mention("story", entry, text=entry) for entry in remark.entries)
            self._apply([own], mentions, remark.how == "before", path, remark.line, epic)
        elif remark.how == "prose" or (has_cue(remark.text) and not remark.subject):
            for said in statements(remark.text, is_id, labelled=remark.how != "prose"):
                line = remark.line + remark.text.count("\n", 0, said.offset)
                self._statement(said, path, line, epic, own)
        else:
            reading = read_mentions(remark.text, is_id)
            subjects: Sequence[Node | None] = [own]
            if remark.subject and (reading.mentions or reading.unclear):
                named = read_mentions(remark.subject, is_id).mentions
                subjects = self._nodes(named, path, remark.line, epic, None)
                if not named:
                    reading = Reading((), (f"{remark.subject} | {remark.text}",))
            self._reading(reading, subjects, remark.how == "before", path, remark.line, epic)

    def _statement(self, said: Statement, path: str, line: int, epic: EpicDraft | None, own: Node | None) -> None:
        subjects: Sequence[Node | None] = [own]
        if said.subjects and said.reading.mentions:
            subjects = self._nodes(said.subjects, path, line, epic, None)
        self._reading(said.reading, subjects, said.is_before, path, line, epic)

    def _reading(
        self,
        reading: Reading,
        subjects: Sequence[Node | None],
        is_before: bool,
        path: str,
        line: int,
        epic: EpicDraft | None,
    ) -> None:
        for words in reading.unclear:
            self._problem(path, line, f'"{short(words, 120)}" {_UNPLACED}')
        self._apply(subjects, reading.mentions, is_before, path, line, epic)

    def _apply(
        self,
        subjects: Sequence[Node | None],
        mentions: Sequence[Mention],
        is_before: bool,
        path: str,
        line: int,
        epic: EpicDraft | None,
    ) -> None:
        for subject in subjects:
            if subject is None:
                for mention in mentions:
                    self._problem(path, line, f'"{short(mention.text, 120)}" stands in no story; {_UNPLACED}')
                return
            for node in self._nodes(mentions, path, line, epic, subject):
                if is_before:
                    self._link(node, subject, path, line)
                else:
                    self._link(subject, node, path, line)

    def _nodes(
        self, mentions: Sequence[Mention], path: str, line: int, epic: EpicDraft | None, own: Node | None
    ) -> list[Node]:
        """The stories and epics that are meant; what is not found is told."""
        nodes: list[Node] = []
        for mention in mentions:
            for meant in self._meant(mention, path, line, epic, own):
                if all(meant is not node for node in nodes):
                    nodes.append(meant)
        return nodes

    def _meant(
        self, mention: Mention, path: str, line: int, epic: EpicDraft | None, own: Node | None
    ) -> Iterator[Node]:
        try:
            if mention.kind == "story" and not mention.id:
                yield from self._everything(mention, epic, own)
                return
            ids = self._index.row(mention.id, mention.upto) if mention.upto else [mention.id]
        except Unplaced as problem:
            self._problem(path, line, f'"{short(mention.text, 120)}": {problem}')
            return
        unplaced: list[str] = []
        for identifier in ids:
            try:
                if mention.kind == "epic":
                    yield self._index.epic(identifier)
                else:
                    yield self._index.story(identifier, epic, mention.epic)
            except Unplaced as problem:
                unplaced.append(str(problem))
        if unplaced:
            more = f" (and {len(unplaced) - 1:,} more of the row)" if len(unplaced) > 1 else ""
            self._problem(path, line, f'"{short(mention.text, 120)}": {unplaced[0]}{more}')

    def _everything(self, mention: Mention, epic: EpicDraft | None, own: Node | None) -> Iterator[Node]:
        """All stories of an epic, or those before this one."""
        if mention.epic and key_of(mention.epic) not in ("this", "the"):
            yield self._index.epic(mention.epic)
        elif epic is None or not isinstance(own, StoryDraft):
            raise Unplaced("there is no story here")
        else:
            for story in epic.stories:
                if story is own and mention.before_here:
                    return
                if story is not own:
                    yield story

    def _link(self, dependent: Node, dependency: Node, path: str, line: int) -> None:
        if dependent is dependency:
            self._problem(path, line, f"{_name(dependent)} would depend on itself; that is left out")
        elif isinstance(dependent, EpicDraft):
            if isinstance(dependency, StoryDraft) and self._index.epic_of[id(dependency)] is dependent:
                words = f"the whole of {_name(dependent)} would depend on {_name(dependency)}, which is part of it"
                self._problem(path, line, f"{words}; that is left out")
            else:
                self._of_epics.append((dependent, dependency, path, line))
        elif isinstance(dependency, StoryDraft):
            own, other = self._index.epic_of[id(dependent)], self._index.epic_of[id(dependency)]
            written = dependency.id if own is other else f"{self._refer(own, other)}::{dependency.id}"
            dependent.dependencies.setdefault(written, line)
            if all(dependency is not need for need in dependent.needs):
                dependent.needs.append(dependency)
        else:
            self._link_to_epic(dependent, dependency, path, line)

    def _link_to_epic(self, dependent: StoryDraft, epic: EpicDraft, path: str, line: int) -> None:
        own = self._index.epic_of[id(dependent)]
        if own is epic:
            self._problem(path, line, f"{_name(dependent)} would depend on its own {_name(epic)}; that is left out")
            return
        dependent.dependencies.setdefault(self._refer(own, epic), line)
        seen = {id(need) for need in dependent.needs}
        dependent.needs.extend(story for story in epic.stories if id(story) not in seen)

    def _problem(self, path: str, line: int, message: str) -> None:
        self.problems.append(Problem(path, line, message))


def _name(node: Node) -> str:
    return f"{'epic' if isinstance(node, EpicDraft) else 'story'} {short(node.id)}"


def _cycles(epics: Sequence[EpicDraft]) -> Iterator[Problem]:
    """Each ring of stories, as a path. They stay in the epics: which one to break is for people to say."""
    left = {str(id(story)): (epic, story) for epic in epics for story in epic.stories}
    for _ in range(_MOST_CYCLES):
        try:
            Graph(
                Story(key, story.id, epic.id, 1, tuple(str(id(need)) for need in story.needs if str(id(need)) in left))
                for key, (epic, story) in left.items()
            )
            return
        except CycleFound as cycle:
            ring = [left.pop(key) for key in cycle.path]
            ids = [story.id if epic is ring[0][0] else f"{epic.id}::{story.id}" for epic, story in ring]
            path = " -> ".join([*ids, ids[0]])
            first = ring[0][1]
            yield Problem(
                first.path, first.line, f"a cycle: {path}, each depends on the next; it is kept: break it somewhere"
            )
