"""Durations, sizes and paragraphs that people can read."""
