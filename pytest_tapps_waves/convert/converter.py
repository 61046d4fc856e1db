"""From paths to epic files."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..epics.loader import load
from ..epics.values import Id
from ..epics.wording import one_line, short
from ..errors import PlanProblems, Problem
from .document import MAX_BYTES, Document, Unreadable, parse
from .drafts import EpicDraft, Outline, StoryDraft
from .headings import key_of
from .outline import outline
from .placing import Placing
from .writing import epic_text

_NOT_LOOKED_INTO = frozenset({"node_modules", "__pycache__", "venv"})
_LONGEST_NAME = 60
_ID = TypeAdapter(Id)


@dataclass(slots=True)
class Conversion:
    """What becomes of some Markdown files. Nothing is written yet."""

    files: dict[Path, str] = field(default_factory=dict)
    """The text of each epic file."""
    told: dict[Path, str] = field(default_factory=dict)
    """What each of them holds, in a few words."""
    problems: list[Problem] = field(default_factory=list)
    """What is left for people, in the order of the files."""
    without_stories: list[str] = field(default_factory=list)
    """Files that hold none."""


@dataclass(frozen=True, slots=True)
class Source:
    """A Markdown file, and the folder in which its epics belong."""

    document: Document
    folder: Path


def sources(paths: Iterable[Path], output: Path | None) -> Iterator[Source]:
    """The Markdown files that paths stand for; of a folder all those below it.

    :param output: where all epics go, instead of beside their source.
    :raises Unreadable: if a path is no Markdown file, or cannot be read.
    """
    seen: set[Path] = set()
    for path in paths:
        for file in _markdown(path):
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield Source(parse(_text(file), file.as_posix()), output or file.parent)


def _markdown(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif not path.is_dir():
        raise Unreadable(f"{path}: there is no such file or folder")
    else:
        found = False
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if name[0] != "." and name not in _NOT_LOOKED_INTO)
            for name in sorted(files):
                if name.casefold().endswith((".md", ".markdown")):
                    found = True
                    yield Path(folder, name)
        if not found:
            raise Unreadable(f"{path}: there is no Markdown (*.md) in it")


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
        if len(data) > MAX_BYTES:
            raise Unreadable(f"{file}: it has {len(data):,} bytes, more than {MAX_BYTES:,}; split it")
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(f"{file}: it is no UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise Unreadable(f"{file}: it cannot be read: {error.strerror}") from None


def convert(found: Iterable[Source]) -> Conversion:
    """Convert Markdown files together, so that their epics can refer to one another."""
    done = Conversion()
    outlines: list[Outline] = []
    targets: dict[Path, EpicDraft] = {}
    for source in found:
        made = outline(source.document)
        outlines.append(made)
        done.problems.extend(Problem(made.path, line, message) for line, message in made.problems)
        if not made.stories:
            done.without_stories.append(made.path)
        for epic in made.epics:
            _gather(epic, source.folder, targets, done.problems)
    folders = {id(epic): target for target, epic in targets.items()}
    placing = Placing(outlines, list(targets.values()), lambda own, other: _refer(folders[id(own)], folders[id(other)]))
    placing.place()
    done.problems.extend(placing.problems)
    for target, epic in targets.items():
        if epic.stories:
            _write(epic, target, done)
    order = {made.path: place for place, made in enumerate(outlines)}
    told = [problem._replace(message=one_line(problem.message)) for problem in dict.fromkeys(done.problems)]
    done.problems = sorted(told, key=lambda problem: (order[problem.path], problem.line))
    return done


def _gather(epic: EpicDraft, folder: Path, targets: dict[Path, EpicDraft], problems: list[Problem]) -> None:
    """Put an epic where it belongs: with what other files of its folder say of it."""
    epic.id = re.sub(r"[\s\[\]:/\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+", "-", epic.id).strip("-") or "epic"
    name = re.sub(r"[^\w.-]+", "-", key_of(epic.id)).strip("-.") or "epic"
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"
    target = folder / f"epic_{name}.yaml"
    known = targets.setdefault(target, epic)
    if known is not epic:
        known.title = known.title or epic.title
        known.description = known.description or epic.description
        known.remarks.extend(epic.remarks)
    stories, epic.stories = epic.stories, [] if known is epic else epic.stories
    taken = {key_of(story.id): story for story in known.stories}
    for story in stories:
        first = taken.setdefault(key_of(story.id), story)
        if first is not story:
            words = f"story {short(story.id)} is already at {first.path}:{first.line}; this one is left out, rename it"
            problems.append(Problem(story.path, story.line, words))
        elif _has_sound_id(story, problems):
            known.stories.append(story)


def _has_sound_id(story: StoryDraft, problems: list[Problem]) -> bool:
    try:
        _ID.validate_python(story.id)
    except ValidationError as error:
        words = error.errors(include_url=False)[0]["msg"]
        problems.append(Problem(story.path, story.line, f"the id {short(story.id)!r} {words}; this story is left out"))
        return False
    return True


def _refer(own: Path, other: Path) -> str:
    try:
        return Path(os.path.relpath(other, own.parent)).as_posix()
    except ValueError:  # on another drive of Windows
        return other.resolve().as_posix()


def _write(epic: EpicDraft, target: Path, done: Conversion) -> None:
    text = epic_text(epic)
    try:
        load(text.encode("utf-8", "replace"), target.name)
    except PlanProblems as refused:
        # What stands in Markdown may be more than an epic file takes: 5 MiB, a number of 5,000 digits.
        done.problems.extend(
            Problem(epic.path, epic.line, f"epic {short(epic.id)} is left out: {problem.message}")
            for problem in refused.problems
        )
        return
    dependencies = sum(len(story.dependencies) for story in epic.stories)
    done.files[target] = text
    done.told[target] = (
        f"{_count(len(epic.stories), 'story', 'stories')}, {_count(dependencies, 'dependency', 'dependencies')}"
    )


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def save(files: dict[Path, str], *, force: bool) -> None:
    """Write epic files, all or none.

    :raises Unreadable: if one is there already and ``force`` is not given, or if it cannot be written.
    """
    there: Sequence[Path] = [path for path in files if path.exists()]
    if there and not force:
        names = ", ".join(map(str, there))
        raise Unreadable(f"{names}: already there, nothing is written; --force overwrites, --output writes elsewhere")
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise Unreadable(f"{path}: cannot be written: {error.strerror}") from None
