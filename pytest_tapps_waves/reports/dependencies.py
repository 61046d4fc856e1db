"""``--list-dependency-names`` and ``--list-processed-dependencies``, in the words of pytest-depends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..collect.depends import ItemNode, resolve
from ..collect.names import Names


def name_lines(names: Names, *, node_ids_too: bool) -> Iterator[str]:
    """Each name with what it stands for; a node id that stands for itself only if it is asked for."""
    yield "Available dependency names:"
    for name, keys in sorted(names.items()):
        if len(keys) > 1:
            yield f"  {name} ->"
            yield from (f"    {key}" for key in sorted(keys))
        elif name != keys[0]:
            yield f"  {name} -> {keys[0]}"
        elif node_ids_too:
            yield f"  {name}"


def dependency_lines(tests: Sequence[ItemNode], names: Names) -> Iterator[str]:
    """What each test depends on."""
    yield "Dependencies:"
    for test in sorted(tests, key=lambda test: test.key):
        keys, missing = resolve(test, names)
        if keys or missing:
            yield f"  {test.key} depends on"
            yield from (f"    {line}" for line in sorted([*keys, *(f"{name} (MISSING)" for name in missing)]))
