"""YAML as plain values that know their lines, safely and within limits.

Built from the events of PyYAML's C parser in one pass and without recursion. Only mappings, sequences, text, integers,
floats, booleans and null exist; no tag makes an object. Under some keys scalars keep their own text: ``8.10``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import yaml

from .wording import short
from .yaml_scalars import CORE, YamlError, check_tag, scalar_value
from .yaml_text import MAX_DEPTH, decode

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML was built without libyaml: the same results, some five times slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MAX_NODES = 1_000_000
MAX_CHARACTERS = 50_000_000

_COLLECTION_TAGS = {CORE + "map", CORE + "seq"}
_MERGE = "<<"

Value: TypeAlias = Any  # str | int | float | bool | None | Map | Seq

_Event: TypeAlias = Any  # one of PyYAML's; their marks, which its types call optional, are there when parsed


class Map(dict[str, Value]):
    """A mapping with its own line, and the line of each key; lines are counted from 1."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def put(self, key: str, value: Value, line: int) -> None:
        self[key] = value
        self.lines[key] = line


class Seq(list[Value]):
    """A sequence with its own line, and the line of each entry; lines are counted from 1."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def read(data: bytes, text_keys: frozenset[str]) -> tuple[Value, list[tuple[int, str]]]:
    """The value of the one document in ``data``, and mistakes that did not keep it from being read.

    :param text_keys: the keys below which scalars keep their own text.
    :raises YamlError: if it cannot be read, or goes beyond a limit.
    """
    text = decode(data)
    builder = _Builder(text_keys, text.lines)
    line = 1
    in_python = not hasattr(_Loader, "raw_parse")
    try:
        parser: Any = _Loader(text.value)
        try:
            while (event := parser.get_event()) is not None:
                line = text.lines[event.start_mark.line]
                if in_python and type(event) is yaml.ScalarEvent:
                    event.value.encode()  # libyaml refuses surrogates by itself
                builder.feed(event)
        finally:
            parser.dispose()
    except (yaml.MarkedYAMLError, yaml.reader.ReaderError) as error:
        raise text.refusal(error) from None
    except ValueError:
        # PyYAML makes text of the escapes of tags, and without libyaml of all others, without looking.
        raise YamlError(line, "not valid YAML: on or after this line is a tag or an escape that is no text") from None
    return builder.root, builder.problems


@dataclass(slots=True)
class _Frame:
    """A collection that is being read."""

    value: Map | Seq
    as_text: bool
    anchor: str | None
    first_event: int
    first_node: int
    first_character: int
    key: str | None = None
    key_line: int = 0
    key_merges: bool = False
    height: int = 1
    merged: list[tuple[Value, int]] = field(default_factory=list)


class _Anchored(NamedTuple):
    value: Value
    as_text: bool
    nodes: int
    characters: int
    events: tuple[int, int]
    height: int = 0


class _Builder:
    def __init__(self, text_keys: frozenset[str], lines: Sequence[int]) -> None:
        self.root: Value = None
        self.problems: list[tuple[int, str]] = []
        self._text_keys = text_keys
        self._lines = lines
        self._frames: list[_Frame] = []
        self._nodes = 0
        self._characters = 0
        self._documents = 0
        self._anchors: dict[str, _Anchored] = {}
        self._open_anchors: list[str] = []
        # Events of anchored nodes: an alias that wants its text where the anchor wanted its value reads them again.
        self._log: list[_Event] = []
        self._replaying = False

    def feed(self, event: _Event) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._open(event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._close(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise YamlError(
                    self._lines[event.start_mark.line], "a second document begins here; keep one epic in a file"
                )

    def _count(self, nodes: int, characters: int, line: int) -> None:
        self._nodes += nodes
        self._characters += characters
        if self._nodes > MAX_NODES:
            raise YamlError(line, f"more than {MAX_NODES:,} nodes once aliases are followed; split the epic")
        if self._characters > MAX_CHARACTERS:
            raise YamlError(line, f"more than {MAX_CHARACTERS:,} characters once aliases are followed; split the epic")

    def _as_text(self) -> bool:
        if not self._frames:
            return False
        frame = self._frames[-1]
        return frame.as_text or frame.key in self._text_keys

    def _scalar(self, event: _Event) -> None:
        line = self._lines[event.start_mark.line]
        self._count(1, len(event.value), line)
        if self._open_anchors or event.anchor:
            self._log.append(event)
        frame = self._frames[-1] if self._frames else None
        is_key = frame is not None and isinstance(frame.value, Map) and frame.key is None
        as_text = is_key or self._as_text()
        if is_key and event.tag:
            check_tag(event, line)
        value = event.value if is_key else scalar_value(event, as_text, line)
        if event.anchor and not self._replaying:
            here = len(self._log)
            self._anchors[event.anchor] = _Anchored(value, as_text, 1, len(event.value), (here - 1, here))
        if is_key:
            assert frame is not None
            frame.key, frame.key_line = str(value), line
            frame.key_merges = value == _MERGE and event.implicit[0]
        else:
            self._place(value, line)

    def _open(self, event: _Event) -> None:
        line = self._lines[event.start_mark.line]
        self._count(1, 0, line)
        if event.tag and event.tag not in _COLLECTION_TAGS:
            raise YamlError(line, f"the tag {short(event.tag)} is not allowed; epics are plain YAML")
        if len(self._frames) >= MAX_DEPTH:
            raise YamlError(line, f"nested more than {MAX_DEPTH} deep")
        if self._frames and isinstance(self._frames[-1].value, Map) and self._frames[-1].key is None:
            raise YamlError(line, "a key must be text, not a mapping or a list")
        anchor = None if self._replaying else event.anchor
        if anchor:
            # Until it is closed, an alias to it would hold itself.
            self._anchors.pop(anchor, None)
            self._open_anchors.append(anchor)
        if self._open_anchors:
            self._log.append(event)
        value: Map | Seq = Map(line) if isinstance(event, yaml.MappingStartEvent) else Seq(line)
        first = len(self._log) - 1
        self._frames.append(_Frame(value, self._as_text(), anchor, first, self._nodes, self._characters))

    def _close(self, event: _Event) -> None:
        if self._open_anchors:
            self._log.append(event)
        frame = self._frames.pop()
        if frame.merged:
            self._merge(frame)
        self._grow(frame.height, frame.value.line)
        if frame.anchor:
            self._open_anchors.pop()
            nodes = self._nodes - frame.first_node + 1
            characters = self._characters - frame.first_character
            events = (frame.first_event, len(self._log))
            counted = (nodes, characters)
            self._anchors[frame.anchor] = _Anchored(frame.value, frame.as_text, *counted, events, frame.height)
        self._place(frame.value, frame.value.line)

    def _alias(self, event: _Event) -> None:
        line = self._lines[event.start_mark.line]
        if event.anchor in self._open_anchors:
            raise YamlError(line, f"the alias *{short(event.anchor)} refers to what it is part of")
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            name = short(event.anchor)
            raise YamlError(line, f"the alias *{name} has no anchor &{name} before it")
        self._count(anchored.nodes, anchored.characters, line)
        self._grow(anchored.height, line)
        frame = self._frames[-1]
        if isinstance(frame.value, Map) and frame.key is None:
            if not isinstance(anchored.value, str):
                raise YamlError(line, "a key must be text")
            frame.key, frame.key_line, frame.key_merges = anchored.value, line, False
        elif self._as_text() != anchored.as_text:
            # They are counted again.
            self._nodes -= anchored.nodes
            self._characters -= anchored.characters
            self._replay(self._logged(anchored))
            return
        else:
            self._place(anchored.value, line)
        if self._open_anchors:
            self._log.extend(self._logged(anchored))

    def _grow(self, height: int, line: int) -> None:
        """Note how deep the collection in hand goes, now that it holds one of this height."""
        if len(self._frames) + height > MAX_DEPTH:
            raise YamlError(line, f"nested more than {MAX_DEPTH} deep")
        if self._frames:
            self._frames[-1].height = max(self._frames[-1].height, height + 1)

    def _logged(self, anchored: _Anchored) -> list[_Event]:
        first, last = anchored.events
        return self._log[first:last]

    def _replay(self, events: list[_Event]) -> None:
        was, self._replaying = self._replaying, True
        for event in events:
            self.feed(event)
        self._replaying = was

    def _place(self, value: Value, line: int) -> None:
        if not self._frames:
            self.root = value
            return
        frame = self._frames[-1]
        if isinstance(frame.value, Seq):
            frame.value.append(value)
            frame.value.lines.append(line)
            return
        key = frame.key
        assert key is not None
        if frame.key_merges:
            frame.merged.append((value, frame.key_line))
        elif key in frame.value:
            first = frame.value.lines[key]
            self.problems.append(
                (frame.key_line, f"the key {short(repr(key))} is already there, on line {first}; keep one")
            )
        else:
            frame.value.put(key, value, frame.key_line)
        frame.key = None

    def _merge(self, frame: _Frame) -> None:
        """``<<: *defaults``, as https://yaml.org/type/merge.html has it: what stands there itself wins."""
        assert isinstance(frame.value, Map)
        for value, line in frame.merged:
            for source in value if isinstance(value, Seq) else [value]:
                if not isinstance(source, Map):
                    raise YamlError(line, "`<<` merges a mapping, or a list of them, and nothing else")
                for key, merged in source.items():
                    if key not in frame.value:
                        frame.value.put(key, merged, source.lines[key])
