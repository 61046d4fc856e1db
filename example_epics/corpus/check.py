"""What must be true after a step: python -m corpus.check STEP [SHARD]. Exit status 1 says what is not."""

import hashlib
import sys
from collections import Counter
from typing import Any

from . import store, words


def require(condition: bool, complaint: str) -> None:
    if not condition:
        sys.exit(complaint)


def manifest() -> None:
    entries: list[dict[str, Any]] = store.load(store.BUILD / "manifest.json")
    names = sorted(path.stem for path in store.TEXTS.glob("*.txt"))
    require([entry["name"] for entry in entries] == names, "not the texts that are there")
    require({entry["shard"] for entry in entries} == set(range(1, store.SHARDS + 1)), "a shard is empty")
    for entry in entries:
        data = (store.TEXTS / f"{entry['name']}.txt").read_bytes()
        require(hashlib.sha256(data).hexdigest() == entry["sha256"], f"{entry['name']} has changed")


def length() -> None:
    for path in store.TEXTS.glob("*.txt"):
        words_there = len(path.read_text(encoding="utf-8").split())
        require(words_there >= 200, f"{path.name} has only {words_there} words")


def tokens(shard: int) -> None:
    for name in store.names_of(shard):
        text = words.normalise(store.text_of(name))
        position = 0
        for token in store.tokens_file(shard, name).read_text(encoding="utf-8").split():
            position = text.find(token, position)
            require(position >= 0, f"{name}: {token!r} is not in the text, or out of order")
            position += len(token)


def counts(shard: int) -> None:
    for name, ranked in store.load(store.shard_folder(shard) / "counts.json").items():
        lines = store.tokens_file(shard, name).read_text(encoding="utf-8").split()
        require(sum(ranked.values()) == len(lines), f"{name}: counts and tokens differ")
        require(list(ranked) == list(words.rank(ranked)), f"{name}: not ranked")


def merged() -> None:
    """One pass over the texts, without shards, must give the same counts."""
    texts: dict[str, store.Counts] = store.load(store.BUILD / "counts.json")
    again = {p.stem: Counter(words.tokenise(store.text_of(p.stem))) for p in store.TEXTS.glob("*.txt")}
    require(texts == again, "the shards and a single pass differ")


def ranking() -> None:
    times = [entry[1] for entry in store.load(store.BUILD / "ranking.json")]
    require(times == sorted(times, reverse=True) and len(times) == 20, "not twenty words, or not in order")


def distinctive() -> None:
    best: dict[str, list[str]] = store.load(store.BUILD / "distinctive.json")
    require(min(map(len, best.values())) >= 5, "a text has fewer than five words of its own")
    shared = set.intersection(*map(set, best.values()))
    require(not shared, f"distinctive everywhere: {sorted(shared)}")


def report() -> None:
    text = (store.BUILD / "report.md").read_text(encoding="utf-8")
    for entry in store.load(store.BUILD / "manifest.json"):
        require(f"**{entry['name']}**" in text, f"{entry['name']} is not in the report")


def main(step: str, *shard: str) -> None:
    sharded = {"tokens": tokens, "counts": counts}
    whole = {
        "manifest": manifest,
        "length": length,
        "merged": merged,
        "ranking": ranking,
        "distinctive": distinctive,
        "report": report,
    }
    if step in sharded:
        sharded[step](int(*shard))
    else:
        whole[step]()


if __name__ == "__main__":
    main(*sys.argv[1:])
