"""The names that collected items answer to, as in pytest-depends: https://pypi.org/project/pytest-depends/."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import translate
from functools import cached_property
from pathlib import PurePath

_PARAMETERS = re.compile(r"\[.+\]$", re.DOTALL)


def is_epic_file(path: PurePath) -> bool:
    """Whether a file is an epic by its name."""
    return path.name.startswith("epic_") and path.suffix in (".yaml", ".yml")


def without_parameters(node_id: str) -> str:
    """The node id of a test without its ``[param]``."""
    path, colons, rest = node_id.partition("::")
    return f"{path}{colons}{_PARAMETERS.sub('', rest)}"


class Names:
    """From names to the node ids of the items that answer to them.

    An item answers to its node id, to that without ``[param]``, to every prefix up to a ``::`` (its class, its file),
    and to names of its own. One name may stand for many items.
    """

    def __init__(self, items: Iterable[tuple[str, Sequence[str]]]) -> None:
        """:param items: node ids, each with the item's own names; looked at when a name is asked for."""
        self._items = items

    @cached_property
    def _keys(self) -> dict[str, list[str]]:
        keys: dict[str, list[str]] = {}
        for node_id, own in self._items:
            parts = without_parameters(node_id).split("::")
            prefixes = ["::".join(parts[:length]) for length in range(len(parts), 0, -1)]
            for name in dict.fromkeys([node_id, *prefixes, *own]):
                keys.setdefault(name, []).append(node_id)
        return keys

    def __getitem__(self, name: str) -> Sequence[str]:
        return self._keys.get(name, ())

    def items(self) -> Iterator[tuple[str, Sequence[str]]]:
        yield from self._keys.items()

    def matching(self, glob: str) -> list[str]:
        """The node ids of all items of which a name matches, in the order of the items."""
        pattern = re.compile(translate(glob))
        found: Mapping[str, None] = dict.fromkeys(
            node_id for name, node_ids in self._keys.items() if pattern.match(name) for node_id in node_ids
        )
        return list(found)
