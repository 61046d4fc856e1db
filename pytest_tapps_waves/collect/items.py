"""Epic files and stories as pytest's collectors and items."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from ..concurrent.outcomes import report_check, skipped
from ..core.plan import Settled
from ..errors import PlanProblems, Problem
from ..inert import inert, one_line
from ..settings import SETTINGS
from .agent_work import work_properties, work_sections
from .failure import StoryFailed, check_failed, refused, story_failed
from .failure_text import FailureText, Place
from .library import library_of

# A run of Python tests alone has to know what a story is, and none of this.
if TYPE_CHECKING:
    from ..actions.base import Action
    from ..attempts import Performance
    from ..epics.spec import EpicDefinition, StorySpec


class Runtime(Protocol):
    """What an item needs of the run that it is part of."""

    def verdict(self, item: StoryItem) -> Settled | None:
        """What the plan decided of the story without running it."""
        ...


RUNTIME = pytest.StashKey[Runtime]()
"""Set on the config when the run begins."""

CARRIES_OUT = pytest.StashKey["Callable[[StoryItem], Performance]"]()
"""Does a story's work, and waits for it. Set on the config when a run with stories of epic files begins."""


class EpicFile(pytest.File):
    """An ``epic_*.yaml``."""

    definition: EpicDefinition
    place: str | None = None
    """Its path as reports show it, once one has been made."""
    hooks_of_stories: Any = None
    """What its stories have in place of pytest's hooks, while a run has its own."""

    def collect(self) -> Iterable[StoryItem]:
        library = library_of(self.config)
        rootdir = self.config.rootpath
        if not self.path.is_relative_to(rootdir):
            raise self.CollectError(
                f"{self.path}: an epic must be inside rootdir, which is {rootdir}; set it with --rootdir"
            )
        try:
            self.definition = library.collect(self.path)
            marks = _marks(self.definition)
        except PlanProblems as error:
            raise self.CollectError(str(error)) from None
        from .doing import action_for

        settings = self.config.stash[SETTINGS].for_epic(self.definition.header)
        action_of = partial(action_for, settings=settings)
        return [self._item(spec, action_of, [marks[tag] for tag in spec.tags]) for spec in self.definition.stories]

    def _item(
        self, spec: StorySpec, action_of: Callable[[StorySpec], Action | None], marks: list[pytest.MarkDecorator]
    ) -> StoryItem:
        hooked = self._hooked_action(spec)
        action = hooked or action_of(spec)
        item: StoryItem = StoryItem.from_parent(
            self, name=spec.id, spec=spec, action=action, is_hooked=hooked is not None, marks=marks
        )
        return item

    def _hooked_action(self, spec: StorySpec) -> Action | None:
        hook = self.ihook.pytest_epic_action
        if not hook.get_hookimpls():
            return None
        found: Action | None = hook(config=self.config, story=spec)
        return found


def _marks(definition: EpicDefinition) -> dict[str, pytest.MarkDecorator]:
    """A mark for each tag. With ``--strict-markers`` a tag has to be registered, as any mark."""
    marks: dict[str, pytest.MarkDecorator] = {}
    problems: list[Problem] = []
    for spec in definition.stories:
        for tag in spec.tags:
            if tag in marks:
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", pytest.PytestUnknownMarkWarning)
                    marks[tag] = getattr(pytest.mark, tag)
            except pytest.fail.Exception:
                message = f"story {spec.id}: the tag {tag!r} is no registered mark; add it to the ini option markers"
                problems.append(Problem(definition.path, spec.line, message))
    if problems:
        raise PlanProblems(problems)
    return marks


@cache
def _attempts_told(number: int) -> tuple[str, int]:
    """What reports say of how often a story was tried: there once for all stories."""
    return "attempts", number


class StoryItem(pytest.Item):
    """A story of an epic file."""

    parent: EpicFile

    def __init__(
        self,
        *,
        spec: StorySpec,
        action: Action | None,
        is_hooked: bool,
        marks: list[pytest.MarkDecorator],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        """The story as its file defines it."""
        if spec.title:
            self.extra_keyword_matches.add(spec.title)
        for mark in marks:
            self.add_marker(mark)
        self.action = action
        """What it does, if anything."""
        self.is_hooked = is_hooked
        """Whether a hook has made that, from whatever keys."""
        self.attempts = 1
        """How many attempts at it there were, once it has run."""

    @property
    def ihook(self) -> Any:
        return self.parent.hooks_of_stories or super().ihook

    @property
    def epic(self) -> EpicDefinition:
        """The epic that the story belongs to."""
        return self.parent.definition

    @property
    def headline(self) -> str:
        """Names the story in its report."""
        return f'story {self.spec.id} "{one_line(self.spec.title)}"' if self.spec.title else f"story {self.spec.id}"

    @property
    def is_documentation(self) -> bool:
        """Whether there is nothing to run, neither an action nor a check."""
        return self.action is None and not self.spec.checks

    def reportinfo(self) -> tuple[Path, int, str]:
        title = one_line(self.spec.title)
        return self.path, self.spec.line - 1, f"{self.spec.id} {title}" if title else f"story {self.spec.id}"

    @cached_property
    def location(self) -> tuple[str, int | None, str]:
        # The same for all of a file, but for line and name, and not cheap.
        if self.parent.place is None:
            self.parent.place = super().location[0]
        return (self.parent.place, *self.reportinfo()[1:])

    def _initrequest(self) -> None:
        """Nothing: it has no fixtures to forget. pytest-retry calls this of whatever item it runs again."""

    def setup(self) -> None:
        if self.is_documentation and self.config.stash[RUNTIME].verdict(self) is None:
            raise skipped("nothing to run")

    def runtest(self) -> None:
        verdict = self.config.stash[RUNTIME].verdict(self)
        if verdict is not None:
            raise refused(verdict.reason)
        performance = self.config.stash[CARRIES_OUT](self)
        self.note_attempts(len(performance.attempts))
        last = performance.attempts[-1]
        for result in last.checks:
            if self.session.shouldfail:
                break
            report_check(self, result, check_failed(self.headline, result) if result.error else None)
        self.add_sections(performance)
        if performance.failed:
            raise story_failed(self.headline, performance)

    def note_attempts(self, number: int) -> None:
        """Let reports say how often the story was tried, in place of what they said before."""
        self._note(_attempts_told(number))

    def _note(self, told: tuple[str, object]) -> None:
        for place, (name, _) in enumerate(self.user_properties):
            if name == told[0]:
                self.user_properties[place] = told
                return
        self.user_properties.append(told)

    def add_sections(self, performance: Performance) -> None:
        """Put what the story printed, what its agent told and what it changed into its report."""
        self.attempts = len(performance.attempts)
        for attempt in performance.attempts:
            label = f" (attempt {attempt.number})" if len(performance.attempts) > 1 else ""
            for name, text in [*attempt.output.texts(), *work_sections(attempt)]:
                self.add_report_section("call", f"{name}{label}", text)
        for told in work_properties(performance).items():
            self._note(told)

    def add_report_section(self, when: str, key: str, content: str) -> None:
        """Called for all that was captured, by us and by pytest's own capture and logging."""
        if content:
            super().add_report_section(when, key, inert(content))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        error = excinfo.value
        if not isinstance(error, StoryFailed):
            return super().repr_failure(excinfo, style)
        return FailureText(Place(self.epic.path, self.spec.line, error.summary), error.lines)
