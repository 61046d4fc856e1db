"""What a story's report shows of the work of its agent, and of the files that it changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..attempts import Attempt, Performance


def work_sections(attempt: Attempt) -> Iterator[tuple[str, str]]:
    """Names and texts of sections."""
    if attempt.work is not None:
        yield "agent answer", attempt.work.answer
        yield "agent tool calls", "\n".join(attempt.work.tool_calls)
    if attempt.landed is not None:
        yield "files changed", "\n".join(attempt.landed.files)


def work_properties(performance: Performance) -> Mapping[str, object]:
    """What JUnit XML and others are told: of all attempts together what was used up, of the last what was changed."""
    properties: dict[str, object] = {}
    works = performance.works
    if works:
        properties["agent_iterations"] = sum(work.iterations for work in works)
        properties["agent_tool_calls"] = sum(len(work.tool_calls) for work in works)
    if any(work.tokens is not None for work in works):
        properties["agent_tokens"] = sum(work.tokens or 0 for work in works)
    if any(work.cost is not None for work in works):
        cost = sum(work.cost or 0.0 for work in works)
        currency = next((work.currency for work in works if work.currency), "")
        properties["agent_cost"] = f"{cost:.6g} {currency}".rstrip()
    landed = performance.attempts[-1].landed if performance.attempts else None
    if landed is not None:
        properties["files_changed"] = ", ".join(landed.files)
    return properties
