"""What a list of dependencies names: ``Story 1.1 (needs its schema), Stories 2.1-2.3 and Epic 4 (all stories)``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["story", "epic"]

_TOKEN = re.compile(r"\([^()]*\)|[,;&+]|->|=>|[:：–—→]|#?\w+(?:[.\-_/]\w+)*|\S")
_STORY_WORDS = {"story", "stories", "us", "storys"}
_EPIC_WORDS = {"epic", "epics"}
_JOINS = {",", ";", "&", "+", "and", "plus", "as"}
_DASHES = {"-", "–", "—", "to", "through", "thru", ".."}
_EXPLAINS = {":", "：", "-", "–", "—"}
_ARROWS = {"->", "=>", "→", "←"}
_FILLERS = {
    "the",
    "both",
    "completion",
    "of",
    "completed",
    "complete",
    "all",
    "user",
    "finished",
    "finish",
    "also",
    "on",
}
_BEFORE_HERE = {"previous", "prior", "preceding", "earlier", "above"}
_NONE = {"none", "no", "n/a", "na", "nil", "nothing", "-", "–", "—", "nope", "nein"}
_DOUBT = {"optional", "optionally", "not", "except", "unless", "either", "or", "without", "if", "maybe", "possibly"}
_DOUBT |= {
    "parallel",
    "independent",
    "soft",
    "recommended",
    "can",
    "cannot",
    "no",
    "none",
    "partially",
    "neither",
    "nor",
}
_VERBS = {
    "to",
    "must",
    "is",
    "are",
    "be",
    "have",
    "has",
    "for",
    "before",
    "being",
    "complete",
    "completed",
    "done",
    "first",
}
_DOUBT_ASIDE = {"optional", "optionally", "soft", "recommended", "not"}
_NAMED = re.compile(r"\b(?:story|stories|epics?)[\s#-]*\w*\d", re.IGNORECASE)
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Mention:
    """A story, an epic, or a row of them, as it is written."""

    kind: Kind
    id: str
    """Empty for all stories: of ``epic``, else of the epic in which it is said."""
    upto: str = ""
    """The last of a row."""
    epic: str = ""
    """The epic that is named beside a story."""
    before_here: bool = False
    """All stories before this one."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text names, and what of it could not be understood."""

    mentions: tuple[Mention, ...]
    unclear: tuple[str, ...] = ()


def read_mentions(text: str, is_id: Callable[[str], bool]) -> Reading:
    """
    :param is_id: whether a word by itself is the id of a story.
    """
    text = text.strip().rstrip(".")
    if len(text) > _LONGEST:
        return Reading((), (text[:60] + "...",))
    tokens = _TOKEN.findall(text)
    if not tokens:
        return Reading(())
    found = list(_clauses(tokens, is_id))
    mentions = tuple(mention for clause, _ in found for mention in clause)
    if tokens[0].casefold() in _NONE:
        # Words in brackets say why: `None (comes before Story 2)`.
        return Reading((), (text,) if mentions or _NAMED.search(re.sub(r"\([^()]*\)", "", text)) else ())
    return Reading(mentions, tuple(unclear for _, unclear in found if unclear))


def _clauses(tokens: list[str], is_id: Callable[[str], bool]) -> Iterator[tuple[list[Mention], str]]:
    """Each clause as what it names and, if that is not clear, its words."""
    kind: Kind | None = None
    explained = False
    for clause in _split(tokens):
        scanner = _Scanner(clause, is_id, kind)
        mentions = scanner.mentions()
        kind = scanner.kind
        words = " ".join(clause)
        if not mentions:
            # What follows `Story 1.1: Schema, ...` belongs to its title.
            yield [], "" if explained or not any(word[0].isalnum() for word in clause) else words
            continue
        explained = scanner.explained
        if scanner.doubtful:
            yield [], words
        else:
            yield mentions, words if scanner.more else ""


def _split(tokens: list[str]) -> Iterator[list[str]]:
    clause: list[str] = []
    for token in tokens:
        if token.casefold() in _JOINS:
            if clause:
                yield clause
            clause = []
        else:
            clause.append(token)
    if clause:
        yield clause


class _Scanner:
    """Reads one clause from left to right."""

    def __init__(self, tokens: list[str], is_id: Callable[[str], bool], kind: Kind | None) -> None:
        self._tokens = tokens
        self._words = [token.casefold() for token in tokens]
        self._is_id = is_id
        self._at = 0
        self.kind: Kind | None = kind
        self.explained = False
        """Whether a title follows what is named."""
        self.doubtful = any(word in _DOUBT for word in self._words) or any(
            word in _DOUBT_ASIDE for token in self._words if token[0] == "(" for word in re.findall(r"\w+", token)
        )
        self.more = False
        """Whether more stories are named among the words that follow."""

    def mentions(self) -> list[Mention]:
        start = self._at
        everything = False
        before_here = False
        while self._word() in _FILLERS or self._word() in _BEFORE_HERE or self._word() in ("other", "remaining"):
            everything = everything or self._word() == "all"
            before_here = before_here or self._word() in _BEFORE_HERE
            self._at += 1
        explicit = self._word() in _STORY_WORDS or self._word() in _EPIC_WORDS
        if explicit:
            self.kind = "story" if self._word() in _STORY_WORDS else "epic"
            self._at += 1
        found = self._named(explicit)
        if found is None and explicit and self.kind == "story" and (everything or before_here):
            found = Mention("story", "", before_here=before_here)
        if found is None:
            self._at = start
            return []
        mentions = self._within(found)
        self._look_at_the_rest()
        text = " ".join(self._tokens[start : self._at])
        return [mention if mention.text else replace(mention, text=text) for mention in mentions]

    def _word(self, ahead: int = 0) -> str:
        place = self._at + ahead
        return self._words[place] if place < len(self._words) else ""

    def _named(self, explicit: bool) -> Mention | None:
        """An id, or a row of ids, where the clause has come to."""
        if self._at >= len(self._tokens):
            return None
        word = self._tokens[self._at].removeprefix("#")
        numeric = re.fullmatch(r"\d+(?:\.\d+)*[a-z]?", word)
        row = re.fullmatch(r"(\d+(?:\.\d+)*)-(\d+(?:\.\d+)*)", word)
        known = self._is_id(word)
        epic_key = re.fullmatch(r"epic[-_]?(\w*\d[\w-]*)", word, re.IGNORECASE)
        kind: Kind = "epic" if epic_key and not known and not explicit else self.kind or "story"
        if (
            not explicit
            and not epic_key
            and not row
            and not self._stands_alone(numeric)
            and (word.isdigit() or not known)
        ):
            return None
        if explicit and not known and not any(sign.isdigit() for sign in word):
            return None
        self._at += 1
        if row and not known:
            return Mention(kind, row[1], upto=row[2])
        # `1.1 - 1.11`, but not `1.1 - the schema`.
        after = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else ""
        ahead = 1 if self._word(1) not in _STORY_WORDS else 2
        if self._word() in _DASHES and (ahead == 2 or re.fullmatch(r"#?\d+(?:\.\d+)*[a-z]?", after)):
            last = self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else ""
            if any(sign.isdigit() for sign in last):
                self._at += ahead + 1
                return Mention(kind, word, upto=last.removeprefix("#"))
        return Mention(kind, word)

    def _stands_alone(self, numeric: re.Match[str] | None) -> bool:
        """Whether a number by itself is an id: after others (`Stories 1 and 2`), or with nothing but an aside after."""
        if not numeric:
            return False
        following = self._word(1)
        return (
            following == ""
            or following[0] in "(:：–—-"
            or (self.kind is not None and (not following.isalpha() or following in _VERBS))
        )

    def _within(self, found: Mention) -> list[Mention]:
        """``Epic 2 (all stories)``, ``Epic 2 (Stories 2.1, 2.3)``, ``Epic 2 Story 3``, ``Story 3 of Epic 2``."""
        if found.kind == "epic":
            aside = self._tokens[self._at] if self._word()[:1] == "(" else ""
            inside = read_mentions(aside[1:-1], self._is_id) if aside else Reading(())
            stories = [mention for mention in inside.mentions if mention.kind == "story" and mention.id]
            if stories and not found.upto:
                self._at += 1
                return [replace(mention, epic=found.id, text=f"{found.id} {aside}") for mention in stories]
            ahead = 1 if self._word() in (":", "：", "-", "–", "—", ".") else 0
            if self._word(ahead) in _STORY_WORDS and not found.upto:
                self._at += ahead + 1
                self.kind = "story"
                story = self._named(explicit=True)
                if story is not None:
                    return [replace(story, kind="story", epic=found.id)]
        elif self._word() in ("of", "in", "from") and self._word(1) in _EPIC_WORDS and self._word(2):
            epic = self._tokens[self._at + 2]
            self._at += 3
            return [replace(found, epic=epic.removeprefix("#"))]
        return [found]

    def _look_at_the_rest(self) -> None:
        rest = range(self._at, len(self._tokens))
        self.explained = self._word() in _EXPLAINS
        for place in rest:
            word = self._words[place]
            aside = word[0] == "(" and re.search(r"\b(?:story|stories|epic) #?\w*\d", word)
            named = word in _STORY_WORDS | _EPIC_WORDS and place + 1 < len(self._words)
            self.more = self.more or bool(aside)
            if word in _ARROWS or (named and any(sign.isdigit() for sign in self._words[place + 1])):
                self.doubtful = True
