"""Regenerates every figure of docs/performance.md: ``python -m benchmarks``. See README.md."""
