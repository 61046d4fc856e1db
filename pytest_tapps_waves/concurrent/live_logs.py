"""Log records that pytest shows while they come, or writes to a file, without secrets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

# Tested with pytest 9.1, 9.2: the plugin "logging-plugin" and its `log_cli_handler` and `log_file_handler`. Noticed by
# tests/test_private_api.py.
from ..actions.secrets import Masker


@contextmanager
def masked_logs(config: pytest.Config, masker: Masker) -> Iterator[None]:
    """While this holds, live logs and ``--log-file`` are masked. Records themselves are left as they are."""
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    handlers = [plugin.log_cli_handler, plugin.log_file_handler] if plugin is not None else []
    formatters = [handler.formatter for handler in handlers]
    for handler, formatter in zip(handlers, formatters, strict=True):
        handler.setFormatter(_Masked(formatter, masker))
    try:
        yield
    finally:
        for handler, formatter in zip(handlers, formatters, strict=True):
            handler.setFormatter(formatter)


class _Masked(logging.Formatter):
    def __init__(self, formatter: logging.Formatter, masker: Masker) -> None:
        super().__init__()
        self._formatter = formatter
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        return self._masker.text(self._formatter.format(record))
