"""pytest's item protocol for many items at once, and the only place that touches pytest's private parts.

Each use names the versions of pytest that it was tested with; ``tests/test_private_api.py`` notices when one changes.
"""
