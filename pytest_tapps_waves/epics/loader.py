"""From the bytes of an epic file to its definition, with every mistake in one line that says where it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from pydantic import TypeAdapter, ValidationError

from ..errors import PlanProblems, Problem
from .agents import PROMPT, AgentSpec, Budget, lacks_prompt, put_together
from .inputs import inputs_of
from .pause import collector_paused
from .schema import (
    ALIASES,
    CRITERION_KIND,
    MISPLACED,
    TEXT_KEYS,
    AgentModel,
    CheckModel,
    HeaderModel,
    StoryModel,
)
from .spec import Check, EpicDefinition, EpicHeader, StorySpec, story_of
from .wording import near, one_line, said, short, shown
from .yaml_lines import Map, Seq, Value, read
from .yaml_scalars import YamlError

_STORIES = TypeAdapter(list[StoryModel])
_STORY_KEYS = (*StoryModel.model_fields, *ALIASES)
_EPIC_KEYS = (*HeaderModel.model_fields, "stories")
_FILE_KEYS = ("epic", "stories")
_ACTIONS = ("run", "call", "agent")
MOST_TOLD = 100


def load(data: bytes, path: str) -> EpicDefinition:
    """Read an epic file.

    :param path: relative to rootdir, with slashes; for messages, and for the default of the epic's id.
    :raises PlanProblems: with the mistakes that could be found, the first hundred of them.
    """
    reader = _Reader(path)
    with collector_paused():
        try:
            root, found = read(data, TEXT_KEYS)
        except YamlError as error:
            raise PlanProblems([Problem(path, error.line, one_line(error.message))]) from None
        for line, message in found:
            reader.report(line, message)
        definition = reader.definition(root)
    if reader.problems or definition is None:
        raise PlanProblems(_told(sorted(set(reader.problems))))
    return definition


def _told(problems: list[Problem]) -> list[Problem]:
    more = len(problems) - MOST_TOLD
    if more <= 0:
        return problems
    path, line, _ = problems[MOST_TOLD]
    return [*problems[:MOST_TOLD], Problem(path, line, f"and {more:,} more mistakes from here on")]


class _Reader:
    """Collects the mistakes of one file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def report(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.path, line, one_line(message)))

    def definition(self, root: Value) -> EpicDefinition | None:
        if not isinstance(root, Map):
            self.report(1, "an epic file holds a mapping with `stories`; see the README for the format")
            return None
        self._check_keys(root, _FILE_KEYS, "")
        epic = root.get("epic")
        if epic is None:
            epic = Map(root.line)
        if not isinstance(epic, Map):
            self.report(root.lines["epic"], f"epic must be a mapping, not {shown(epic)}")
            epic = Map(root.line)
        self._check_keys(epic, _EPIC_KEYS, "epic.")
        listed = self._story_list(root, epic)
        header = self._header(epic)
        specs = self._stories(listed) if listed is not None else None
        if header is None or specs is None:
            return None
        self._check_ids(specs)
        self._check_agents(epic, header, specs)
        stories = [spec._replace(inputs=inputs_of(spec, header, whole=False)) for spec in specs]
        return EpicDefinition(self.path, epic.line, header, stories)

    def _story_list(self, root: Map, epic: Map) -> Seq | None:
        holders = [holder for holder in (root, epic) if "stories" in holder]
        if not holders:
            self.report(root.line, "there are no stories; list them under `stories`")
            return None
        if len(holders) > 1:
            self.report(epic.lines["stories"], f"stories stand here and on line {root.lines['stories']}; keep one list")
        stories = holders[0]["stories"]
        if isinstance(stories, Seq):
            return stories
        if stories is not None:
            self.report(holders[0].lines["stories"], f"stories must be a list, not {shown(stories)}")
            return None
        self.report(holders[0].lines["stories"], "stories is empty; list the stories, or write [] for none")
        return None

    def _header(self, epic: Map) -> EpicHeader | None:
        given: dict[str, Value] = {key: value for key, value in epic.items() if key != "stories" and value is not None}
        stem = PurePosixPath(self.path).stem.removeprefix("epic_")
        # A file's name may be no text.
        given.setdefault("id", stem.encode("utf-8", "replace").decode() or "epic")
        try:
            model = HeaderModel.model_validate(given)
        except ValidationError as error:
            self._explain(error, epic, "epic.")
            return None
        values = vars(model)
        values["agent"] = _agent(model.agent)
        values["budget"] = Budget(**vars(model.budget)) if model.budget is not None else None
        return EpicHeader(**values, metadata=model.model_extra or {})

    def _stories(self, stories: Seq) -> list[StorySpec] | None:
        given = [self._story(story, line) for story, line in zip(stories, stories.lines, strict=True)]
        kept = Seq(stories.line)
        for story, line in given:
            if story is not None:
                kept.append(story)
                kept.lines.append(line)
        try:
            models = _STORIES.validate_python(kept)
        except ValidationError as error:
            self._explain(error, kept, "")
            return None
        specs = list(map(_spec, models, kept, kept.lines))
        for spec, story in zip(specs, kept, strict=True):
            self._check_story(spec, story)
        return specs

    def _story(self, story: Value, line: int) -> tuple[Map | None, int]:
        """The story with aliases resolved and empty keys left out."""
        if not isinstance(story, Map):
            self.report(line, f"a story must be a mapping with an `id`, not {shown(story)}")
            return None, line
        self._check_keys(story, _STORY_KEYS, "")
        plain = Map(story.line)
        for key, value in story.items():
            name = ALIASES.get(key, key)
            if name in plain:
                other = name if key != name else next(alias for alias in story if ALIASES.get(alias) == name)
                self.report(story.lines[key], f"`{key}` and `{other}` are the same key; keep one")
            elif value is not None:
                plain.put(name, value, story.lines[key])
        return plain, line

    def _check_keys(self, given: Map, known: tuple[str, ...], prefix: str) -> None:
        for key in given:
            if key in known:
                continue
            if key in MISPLACED:
                self.report(given.lines[key], f"`{prefix}{key}`: {MISPLACED[key]}")
            elif meant := near(key, known, 0.7 if known is _FILE_KEYS else 0.8):
                self.report(given.lines[key], f"`{key}` is not a key; did you mean `{meant}`?")

    def _check_story(self, spec: StorySpec, story: Map) -> None:
        name = short(spec.id)
        first, *more = [key for key in _ACTIONS if getattr(spec, key) is not None] or [""]
        for key in more:
            self.report(story.lines[key], f"story {name} has both `{first}` and `{key}`; a story has one action")
        for place, dependency in enumerate(spec.dependencies):
            if dependency == spec.id:
                self.report(
                    spec.dependency_line(place), f"story {name} depends on itself; remove it from its dependencies"
                )
        for place, criterion in enumerate(spec.acceptance_criteria):
            if isinstance(criterion, Check) and (criterion.run is None) == (criterion.call is None):
                line = _place(story, ("acceptance_criteria", place))[0]
                self.report(
                    line, f"story {name}: the check {shown(criterion.description)} needs one of `run` and `call`"
                )

    def _check_ids(self, specs: Sequence[StorySpec]) -> None:
        seen: dict[str, StorySpec] = {}
        for spec in specs:
            first = seen.setdefault(spec.id, spec)
            if first is not spec:
                self.report(
                    spec.line, f"the id {short(spec.id)} is already taken by the story on line {first.line}; rename one"
                )

    def _check_agents(self, epic: Map, header: EpicHeader, specs: Sequence[StorySpec]) -> None:
        """What is wrong with an epic's agent is said once, and not again for each of its stories."""
        words = f"the runner `command` needs {PROMPT} in a word of `command`, where the prompt goes"
        if header.agent is not None and lacks_prompt(header.agent):
            self.report(epic.lines["agent"], f"epic.agent: {words}")
            return
        for spec in specs:
            if spec.agent is not None and lacks_prompt(put_together(spec.agent, header.agent)):
                self.report(spec.line, f"story {short(spec.id)}: {words}")

    def _explain(self, error: ValidationError, given: Map | Seq, prefix: str) -> None:
        for details in error.errors(include_url=False, include_context=True):
            line, name = _place(given, details["loc"])
            self.report(line, f"{_owner(given, details['loc'])}{prefix}{name} {said(details)}")


def _agent(model: AgentModel | None) -> AgentSpec | None:
    return AgentSpec(**vars(model)) if model is not None else None


def _spec(model: StoryModel, story: Map, line: int) -> StorySpec:
    values = vars(model)
    if model.agent is not None:
        values["agent"] = _agent(model.agent)
    if model.acceptance_criteria:
        values["acceptance_criteria"] = [
            Check(**vars(criterion)) if isinstance(criterion, CheckModel) else criterion
            for criterion in model.acceptance_criteria
        ]
    listed = story.get("dependencies")
    lines = listed.lines if isinstance(listed, Seq) else ()
    return story_of({**values, "metadata": model.model_extra, "line": line, "dependency_lines": lines})


def _owner(given: Map | Seq, loc: Sequence[int | str]) -> str:
    if isinstance(given, Map) or not loc or not isinstance(loc[0], int):
        return ""
    identifier = given[loc[0]].get("id")
    return f"story {short(identifier)}: " if isinstance(identifier, str) else "a story: "


def _place(given: Map | Seq, loc: Sequence[int | str]) -> tuple[int, str]:
    """The line of the value that a pydantic location stands for, and the dotted names of the keys on the way."""
    line, names, value = given.line, [], given
    for part in loc:
        if isinstance(part, str) and part.startswith(CRITERION_KIND):
            continue
        if isinstance(part, str):
            names.append(short(part))
        if isinstance(value, Map) and part in value:
            line, value = value.lines[str(part)], value[str(part)]
        elif isinstance(value, Seq) and isinstance(part, int) and part < len(value):
            line, value = value.lines[part], value[part]
    return line, ".".join(names)
