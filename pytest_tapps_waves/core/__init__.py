"""The pure core: the graph, its waves, its conflicts and the plan. No asyncio, no I/O, no clock, no pytest."""
