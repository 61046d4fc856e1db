"""``--epic-plan``: one file a format. A new one is a line in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

# Every run has to know their names, few print any.
if TYPE_CHECKING:
    from .view import PlanView


def _text(view: PlanView) -> Iterator[str]:
    from .text import text_lines

    return text_lines(view)


def _json(view: PlanView) -> Iterator[str]:
    from .json_document import json_lines

    return json_lines(view)


def _mermaid(view: PlanView) -> Iterator[str]:
    from .mermaid import mermaid_lines

    return mermaid_lines(view)


def _dot(view: PlanView) -> Iterator[str]:
    from .dot import dot_lines

    return dot_lines(view)


PLANS: Mapping[str, Callable[[PlanView], Iterator[str]]] = {
    "text": _text,
    "json": _json,
    "mermaid": _mermaid,
    "dot": _dot,
}
"""What ``--epic-plan`` prints, by the name that users give."""
