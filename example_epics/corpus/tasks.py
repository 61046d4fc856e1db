"""The steps that run inside pytest's own process (`call:` in epic_corpus.yaml)."""

import asyncio
from pathlib import Path

from pytest_tapps_waves import StoryContext

from . import store, words


async def merge() -> None:
    """Read all shards at once and keep one table of counts a text."""
    paths = [store.shard_folder(shard) / "counts.json" for shard in range(1, store.SHARDS + 1)]
    shards: list[dict[str, store.Counts]] = await asyncio.gather(
        *(asyncio.to_thread(store.load, path) for path in paths)
    )
    texts = {name: counts for shard in shards for name, counts in shard.items()}
    store.save(store.BUILD / "counts.json", dict(sorted(texts.items())))


def rank(story: StoryContext) -> None:
    """The twenty most frequent words that carry a meaning, with the number of texts that use them."""
    build = Path(story.cwd, "build", "corpus")
    texts: dict[str, store.Counts] = store.load(build / "counts.json")
    found = words.spread(texts)
    ranked = words.rank(words.total(texts.values()))
    top = [(word, times, found[word]) for word, times in ranked.items() if word not in words.STOP_WORDS][:20]
    store.save(build / "ranking.json", top)
    story.log.info("%s: %d of %d words kept, %r leads", story.title, len(top), len(ranked), top[0][0])
