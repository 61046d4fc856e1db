"""YAML as plain values that know their lines, safely and within limits.

Built from the events of PyYAML's C parser in one pass and without recursion. Only mappings, sequences and the scalar
types text, integer, float, boolean and null exist; there is no tag that makes an object. Under some keys scalars keep
their own text, so that ``8.10`` stays ``8.10``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from .yaml_scalars import CORE, YamlError, scalar_value

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML was built without libyaml: the same results, some five times slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MAX_BYTES = 5 * 1024 * 1024
MAX_NODES = 1_000_000
MAX_DEPTH = 100

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
    if len(data) > MAX_BYTES:
        raise YamlError(1, f"the file has {len(data):,} bytes, more than {MAX_BYTES:,}; split the epic")
    text = _decode(data)
    builder = _Builder(text_keys)
    line = 1
    last = max(1, text.count("\n") + (not text.endswith("\n")))
    try:
        parser: Any = _Loader(text)
        try:
            while (event := parser.get_event()) is not None:
                line = event.start_mark.line + 1
                builder.feed(event)
        finally:
            parser.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # What is missing at the end is missed after the last line.
        raise YamlError(min(mark.line + 1, last) if mark else 1, _sentence(error)) from None
    except yaml.reader.ReaderError as error:
        # libyaml counts bytes; what may not stand there is where it first occurs.
        place = text.count("\n", 0, max(0, text.find(chr(_code(error))))) + 1
        raise YamlError(place, f"not valid YAML: the character #x{_code(error):04x} may not stand in it") from None
    except UnicodeDecodeError:
        # PyYAML decodes the escapes of a tag without looking.
        raise YamlError(line, "not valid YAML: on or after this line is a tag that is no text") from None
    return builder.root, builder.problems


def _decode(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlError(line, f"not {encoding.removesuffix('-sig')} text; save the file as UTF-8") from None


def _code(error: yaml.reader.ReaderError) -> int:
    return error.character if isinstance(error.character, int) else ord(error.character)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    if error.problem == "exceeded maximum nesting depth":  # libyaml's own limit, found before ours
        return f"nested more than {MAX_DEPTH} deep"
    return "not valid YAML: " + ", ".join(part for part in (error.problem, error.context) if part)


@dataclass(slots=True)
class _Frame:
    """A collection that is being read."""

    value: Map | Seq
    as_text: bool
    anchor: str | None
    first_event: int
    first_node: int
    key: str | None = None
    key_line: int = 0
    key_merges: bool = False
    height: int = 1
    merged: list[tuple[Value, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: Value
    as_text: bool
    nodes: int
    events: tuple[int, int]
    height: int = 0


class _Builder:
    def __init__(self, text_keys: frozenset[str]) -> None:
        self.root: Value = None
        self.problems: list[tuple[int, str]] = []
        self._text_keys = text_keys
        self._frames: list[_Frame] = []
        self._nodes = 0
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
                raise YamlError(event.start_mark.line + 1, "a second document begins here; keep one epic in a file")

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise YamlError(line, f"more than {MAX_NODES:,} nodes once aliases are followed; split the epic")

    def _as_text(self) -> bool:
        if not self._frames:
            return False
        frame = self._frames[-1]
        return frame.as_text or frame.key in self._text_keys

    def _scalar(self, event: _Event) -> None:
        line = event.start_mark.line + 1
        self._count(1, line)
        if self._open_anchors or event.anchor:
            self._log.append(event)
        frame = self._frames[-1] if self._frames else None
        is_key = frame is not None and isinstance(frame.value, Map) and frame.key is None
        as_text = is_key or self._as_text()
        value = event.value if is_key else scalar_value(event, as_text, line)
        if event.anchor and not self._replaying:
            here = len(self._log)
            self._anchors[event.anchor] = _Anchored(value, as_text, 1, (here - 1, here))
        if is_key:
            assert frame is not None
            frame.key, frame.key_line = str(value), line
            frame.key_merges = value == _MERGE and event.implicit[0]
        else:
            self._place(value, line)

    def _open(self, event: _Event) -> None:
        line = event.start_mark.line + 1
        self._count(1, line)
        if event.tag and event.tag not in _COLLECTION_TAGS:
            raise YamlError(line, f"the tag {event.tag} is not allowed; epics are plain YAML")
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
        self._frames.append(_Frame(value, self._as_text(), anchor, first, self._nodes))

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
            events = (frame.first_event, len(self._log))
            self._anchors[frame.anchor] = _Anchored(frame.value, frame.as_text, nodes, events, frame.height)
        self._place(frame.value, frame.value.line)

    def _alias(self, event: _Event) -> None:
        line = event.start_mark.line + 1
        if event.anchor in self._open_anchors:
            raise YamlError(line, f"the alias *{event.anchor} refers to what it is part of")
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            raise YamlError(line, f"the alias *{event.anchor} has no anchor &{event.anchor} before it")
        self._count(anchored.nodes, line)
        self._grow(anchored.height, line)
        frame = self._frames[-1]
        if isinstance(frame.value, Map) and frame.key is None:
            if not isinstance(anchored.value, str):
                raise YamlError(line, "a key must be text")
            frame.key, frame.key_line, frame.key_merges = anchored.value, line, False
        elif self._as_text() != anchored.as_text:
            self._nodes -= anchored.nodes  # they are counted again
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
            self.problems.append((frame.key_line, f"the key {key!r} is already there, on line {first}; keep one"))
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
