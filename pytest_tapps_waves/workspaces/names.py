"""What branches, folders and commits are called. Ids may hold much that git, or a shell, does not take for a name."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import NamedTuple

from ..inert import one_line
from .base import Claim

STORY = "Epic-Story"
RUN = "Epic-Run"
"""Trailers of the commits that are made here."""

_LONGEST = 100
"""Bytes of an id in a branch's name; a file's name may have 255, and git adds ``.lock`` to some."""
_LONGEST_SUBJECT = 200
_REFUSED = re.compile(
    r"[^\w.+=@,-]"  # what git forbids in a branch's name, what shells and Windows take for a sign of theirs, and `%`
    r"|^[.-]|(?<=\.)\.|\.$|\.(?=lock$)",
    re.IGNORECASE,
)


def integration_branch(epic_id: str) -> str:
    """Where an epic's work is put together. It cannot be ``epic/8``, since that is a folder of branches."""
    return f"epics/{encoded(epic_id)}"


def story_branch(epic_id: str, story_id: str) -> str:
    return f"epic/{encoded(epic_id)}/{encoded(story_id)}"


def encoded(word: str) -> str:
    """An id as a part of a branch's name: what cannot stand there is percent-encoded. Two ids never become one name."""
    text = _REFUSED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8")), word)
    data = text.encode("utf-8")
    if len(data) <= _LONGEST:
        return text
    return f"{data[:60].decode('utf-8', 'ignore')}-{hashlib.sha256(word.encode('utf-8')).hexdigest()[:16]}"


def folded(name: str) -> str:
    """What names have in common that are one to a file system which does not tell cases apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def folder_name(claim: Claim, attempt: int, run: str) -> str:
    """What no other attempt at any story is called: short, since some systems have an end of paths."""
    digest = hashlib.sha256(claim.node.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_plain(run)[:8]}-{_plain(claim.id)[:20]}-{digest}-{attempt}"


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]", "_", text)


def subject(claim: Claim) -> str:
    """The first line of the commit of a story's work."""
    title = one_line(" ".join(claim.title.split()))
    return f"{one_line(claim.id)}: {title}"[:_LONGEST_SUBJECT] if title else one_line(claim.id)


def message(first: str, run: str, node: str = "") -> str:
    """A commit's message.

    :param first: its first line.
    :param node: the node id of the story whose work it is, if it is one's.
    """
    trailers = ([f"{STORY}: {one_line(node)}"] if node else []) + [f"{RUN}: {one_line(run)}"]
    return "\n".join([first, "", *trailers, ""])


class Branches(NamedTuple):
    """The names of this run's branches so far, to find those that cannot be told apart."""

    folds: dict[str, str]

    def twin(self, branch: str) -> str | None:
        """Another name that is the same to a file system that does not tell cases apart."""
        other = self.folds.setdefault(folded(branch), branch)
        return other if other != branch else None
