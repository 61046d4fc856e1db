"""What the results of stories stand on, as short text that can be compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b

from ..epics.digest import digest_of_text


def definition_of_file(data: bytes) -> str:
    """The digest of the file that holds a Python story: its helpers and fixtures count too."""
    return f"file:{blake2b(data, digest_size=8).hexdigest()}"


def changed_keys(before: str, now: str) -> list[str]:
    """The names of the inputs that differ between two definitions."""
    told = [dict(entry.split(":", 1) for entry in text.split()) for text in (before, now)]
    return sorted(name for name in {**told[0], **told[1]} if told[0].get(name) != told[1].get(name))


def upstream_of(marks: Mapping[str, str], dependencies: Collection[str]) -> str:
    """The digest of the attempts at its dependencies that a story builds on.

    :param marks: tells for each story which attempt at it counts.
    """
    if not dependencies:
        return ""
    # Begins as the digest of any text among the inputs, so that those in journals stay true.
    return digest_of_text("=" + "\n".join(sorted([f"{key}={marks.get(key, '')}" for key in dependencies])))
