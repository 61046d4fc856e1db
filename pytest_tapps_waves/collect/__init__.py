"""From files to items, and from items to the graph of a run."""
