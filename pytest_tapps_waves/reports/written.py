"""What is written of a run that is over, by the option that asks for it. A new format: one file, one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..core.happened import RunHappened
from .html import page
from .trace import trace

WRITTEN: Mapping[str, Callable[[RunHappened], str]] = {"--epic-report": page, "--epic-trace": trace}
