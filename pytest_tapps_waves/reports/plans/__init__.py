"""``--epic-plan``: one file a format. A new one is a line in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .dot import dot_lines
from .json_document import json_lines
from .mermaid import mermaid_lines
from .text import text_lines
from .view import PlanView

PLANS: Mapping[str, Callable[[PlanView], Iterator[str]]] = {
    "text": text_lines,
    "json": json_lines,
    "mermaid": mermaid_lines,
    "dot": dot_lines,
}
"""What ``--epic-plan`` prints, by the name that users give."""

__all__ = ["PLANS", "PlanView"]
