"""The two ways through a run: pytest's own loop with a plan beside it, and all at once on one asyncio loop."""
