"""Pictures of results, as SVG, for docs/performance.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .figures import Result, Table

HINT = "no pictures: matplotlib is not installed (pip install -e '.[benchmarks]')"


def draw(results: Mapping[str, Result], folder: Path) -> list[Path]:
    """Draw what there are results of.

    :raises ImportError: without matplotlib.
    """
    import matplotlib as mpl

    mpl.use("svg")
    # The same figures give the same file.
    mpl.rcParams.update({"svg.hashsalt": "waves", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    drawn = []
    folder.mkdir(parents=True, exist_ok=True)
    for part, picture in PICTURES.items():
        if part in results:
            path = folder / f"{part}.svg"
            figure = picture(results[part])
            figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
            drawn.append(path)
    return drawn


def _axes(title: str, across: str, up: str, **options: Any) -> Any:
    from matplotlib.figure import Figure as Canvas

    axes = Canvas(figsize=(7, 3.6)).subplots(**options)
    axes.set(title=title, xlabel=across, ylabel=up)
    return axes


def _lines(axes: Any, table: Table, place: Callable[[str], float]) -> None:
    """A line for each row that was measured, with its least and most."""
    for row in table.rows:
        cells = [(column, table.figure(row, column)) for column in table.columns]
        found = [(place(column), figure) for column, figure in cells if figure is not None and figure.samples]
        if not found:
            continue
        medians = [figure.median for _, figure in found]
        below = [figure.median - min(figure.samples) for _, figure in found]
        above = [max(figure.samples) - figure.median for _, figure in found]
        axes.errorbar(
            [at for at, _ in found], medians, [below, above], label=row.replace("`", ""), capsize=2, marker="."
        )
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _number(column: str) -> float:
    """The number that a column's heading names."""
    found = re.search(r"[\d,]+", column)
    assert found is not None, column
    return float(found[0].replace(",", ""))


def _makespan(result: Result) -> Any:
    table = result.tables[0]
    axes = _axes(table.title, "stories at once", "makespan / lower bound")
    _lines(axes, table, _number)
    axes.axhline(1, color="black", linewidth=0.5)
    axes.set_xticks([_number(column) for column in table.columns])
    return axes.figure


def _overhead(result: Result) -> Any:
    table = result.tables[0]
    figures = tuple(figure for figure in table.figures if "stories" in figure.column)
    counted = Table(table.title, table.corner, figures)
    axes = _axes(table.title, "stories", "CPU / plain pytest's", subplot_kw={"xscale": "log"})
    _lines(axes, counted, _number)
    axes.axhline(1, color="black", linewidth=0.5)
    return axes.figure


def _growth(result: Result) -> Any:
    table = result.tables[0]
    axes = _axes(table.title, table.corner, "seconds", subplot_kw={"xscale": "log", "yscale": "log"})
    _lines(axes, table, _number)
    return axes.figure


PICTURES: dict[str, Callable[[Result], Any]] = {"makespan": _makespan, "overhead": _overhead, "growth": _growth}
"""By part."""
