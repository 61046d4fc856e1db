"""Count and rank the words of a few texts, shard by shard."""
