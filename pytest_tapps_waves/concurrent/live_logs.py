"""Log records that pytest shows while they come, or writes to a file, without secrets."""

from __future__ import annotations

import logging

import pytest

# Tested with pytest 9.1, 9.2: the plugin "logging-plugin" and its `log_cli_handler` and `log_file_handler`. Noticed by
# tests/test_private_api.py.
from ..actions.secrets import Masker


def mask_logs(config: pytest.Config, masker: Masker) -> None:
    """Mask live logs and ``--log-file`` for as long as there are any. Records themselves are left as they are."""
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    if plugin is not None:
        for handler in (plugin.log_cli_handler, plugin.log_file_handler):
            handler.setFormatter(_Masked(handler.formatter, masker))


class _Masked(logging.Formatter):
    def __init__(self, formatter: logging.Formatter, masker: Masker) -> None:
        super().__init__()
        self._formatter = formatter
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        return self._masker.text(self._formatter.format(record))
