"""The steps of the corpus epic: python -m corpus STEP [SHARD]."""

import argparse
import hashlib
from collections import Counter

from . import store, words


def manifest() -> None:
    entries = []
    for index, path in enumerate(sorted(store.TEXTS.glob("*.txt"))):
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        shard = index % store.SHARDS + 1
        entries.append({"name": path.stem, "shard": shard, "bytes": len(data), "sha256": digest})
    store.save(store.BUILD / "manifest.json", entries)
    print(f"{len(entries)} texts in {store.SHARDS} shards")


def tokenise(shard: int) -> None:
    for name in store.names_of(shard):
        tokens = words.tokenise(store.text_of(name))
        store.write(store.tokens_file(shard, name), "\n".join(tokens) + "\n")
        print(f"{name}: {len(tokens)} tokens")


def count(shard: int) -> None:
    ranked = {}
    for name in store.names_of(shard):
        tokens = store.tokens_file(shard, name).read_text(encoding="utf-8").split()
        ranked[name] = words.rank(Counter(tokens))
        print(f"{name}: {len(ranked[name])} different words")
    store.save(store.shard_folder(shard) / "counts.json", ranked)


def distinctive() -> None:
    result = words.distinctive(store.load(store.BUILD / "counts.json"), limit=6)
    store.save(store.BUILD / "distinctive.json", result)
    for name, best in result.items():
        print(f"{name}: {', '.join(best)}")


def report() -> None:
    texts: dict[str, store.Counts] = store.load(store.BUILD / "counts.json")
    ranking: list[tuple[str, int, int]] = store.load(store.BUILD / "ranking.json")
    best: dict[str, list[str]] = store.load(store.BUILD / "distinctive.json")
    lines = [
        "title: The words of the corpus",
        f"summary: {len(texts)} texts, counted in {store.SHARDS} shards.",
        "",
        "## The most frequent words",
        "",
        "| word | times | texts |",
        "| --- | --- | --- |",
        *(f"| {word} | {times} | {found} |" for word, times, found in ranking),
        "",
        "## What each text is about",
        "",
        *(f"- **{name}** ({sum(texts[name].values())} words): {', '.join(best[name])}" for name in texts),
    ]
    store.write(store.BUILD / "report.md", "\n".join(lines) + "\n")


def main() -> None:
    whole = {"manifest": manifest, "distinctive": distinctive, "report": report}
    sharded = {"tokenise": tokenise, "count": count}
    parser = argparse.ArgumentParser(prog="corpus")
    steps = parser.add_subparsers(dest="step", required=True)
    for name in whole:
        steps.add_parser(name)
    for name in sharded:
        steps.add_parser(name).add_argument("shard", type=int, choices=range(1, store.SHARDS + 1))
    args = parser.parse_args()
    if args.step in whole:
        whole[args.step]()
    else:
        sharded[args.step](args.shard)


if __name__ == "__main__":
    main()
