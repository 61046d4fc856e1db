"""What a word is, and which words matter."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")

STOP_WORDS = frozenset(Path(__file__).with_name("stop_words.txt").read_text(encoding="utf-8").split())


def normalise(text: str) -> str:
    return text.casefold().replace("\u2019", "'")


def tokenise(text: str) -> list[str]:
    return WORD.findall(normalise(text))


def rank(counts: Mapping[str, int]) -> dict[str, int]:
    """Most frequent first, equals in alphabetical order, so that every run gives the same bytes."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def total(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    merged: Counter[str] = Counter()
    for one in counts:
        merged.update(one)
    return merged


def spread(texts: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    """In how many texts each word occurs."""
    return Counter(word for counts in texts.values() for word in counts)


def distinctive(texts: Mapping[str, Mapping[str, int]], limit: int) -> dict[str, list[str]]:
    """The words by which each text stands out from the others (tf-idf)."""
    found = spread(texts)
    result: dict[str, list[str]] = {}
    for name, counts in texts.items():
        weights = {word: n * math.log(len(texts) / found[word]) for word, n in counts.items()}
        best = sorted(weights, key=lambda word: (-weights[word], word))
        result[name] = [word for word in best if word not in STOP_WORDS][:limit]
    return result
