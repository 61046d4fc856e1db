"""docs/performance.md: what stands between its markers is written here, from the results; the rest by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .figures import Figure, Result, Table

VERDICTS = {True: "met", False: "**missed**"}
TARGETS = "targets"
"""The block that says of every target whether it is met."""


def rendered(document: str, results: Mapping[str, Result]) -> str:
    """The document with its blocks written anew. A block whose part has no result says so.

    :raises ValueError: if a part that was measured has no block.
    """
    blocks = {name: "\n\n".join(_part(result)) for name, result in results.items()}
    blocks[TARGETS] = "\n".join(_targets(results))
    seen: set[str] = set()

    def block(match: re.Match[str]) -> str:
        name = match[1]
        seen.add(name)
        return f"<!-- figures: {name} -->\n{blocks.get(name, 'Not yet measured.')}\n<!-- end -->"

    text = re.sub(r"<!-- figures: ([\w-]+) -->\n.*?<!-- end -->", block, document, flags=re.DOTALL)
    if nowhere := sorted(set(blocks) - seen):
        raise ValueError(f"the document has no place for {', '.join(nowhere)}: <!-- figures: {nowhere[0]} -->")
    return text


def told(table: Table) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {table.corner} | {' | '.join(table.columns)} |"
    yield "| --- " * (1 + len(table.columns)) + "|"
    for row in table.rows:
        figures = [table.figure(row, column) for column in table.columns]
        yield f"| {row} | {' | '.join(_cell(table, figure) for figure in figures)} |"


def _part(result: Result) -> Iterator[str]:
    for table in result.tables:
        count = {len(figure.samples) for figure in table.figures if figure.samples}
        words = f"; median (least to most) of {max(count)}" if max(count, default=1) > 1 else ""
        yield f"{table.title}{words}\n\n" + "\n".join(told(table))
    yield f"*`{result.command}` on {result.date}: {result.machine}.*"


def _cell(table: Table, figure: Figure | None) -> str:
    if figure is None:
        return ""
    if figure.absent:
        return f"none: {figure.absent}".replace("|", "\\|")
    text = table.number(figure.median)
    if len(figure.samples) > 1:
        text += f" ({table.number(min(figure.samples))} to {table.number(max(figure.samples))})"
    return "; ".join([text, *(f"{words} {table.number(aim)}: {VERDICTS[met]}" for words, aim, met in figure.aims)])


def _targets(results: Mapping[str, Result]) -> Iterator[str]:
    yield "| figure | target | measured | |"
    yield "| --- | --- | --- | --- |"
    for result in results.values():
        for table in result.tables:
            for figure in table.figures:
                for words, aim, met in figure.aims:
                    measured = max(figure.samples) if words == "the worst" else figure.median
                    what = ", ".join(filter(None, (table.title, figure.row, figure.column)))
                    yield (
                        f"| {what} | {'' if words == 'target' else words + ' '}{table.number(aim)} "
                        f"| {table.number(measured)} | {VERDICTS[met]} |"
                    )
