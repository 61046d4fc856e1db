"""What a story costs beside a plain test: CPU of whole pytest processes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..figures import Figure, Table
from ..measuring import OURS, PARALLEL, Cost, Scale, collect, cpu_ratios, pairs, pytest
from ..projects import call_stories, plain_tests

TARGETS: dict[int, tuple[float, float | None]] = {1000: (1.15, None), 10_000: (1.0, 0.9)}
"""By the number of stories: the target and the moonshot."""
COLLECTING = 0.7


@dataclass(frozen=True, slots=True)
class Variant:
    kind: str
    """Of the no-op function: a folder of the project."""
    options: tuple[str, ...] = ()
    new: bool = False
    """The epic is changed before each run, so that it is read from YAML and not from what the run before kept of it."""


VARIANTS: Mapping[str, Variant] = {
    "async call, one by one": Variant("async"),
    "async call, 8 at once": Variant("async", PARALLEL),
    "async call, 8 at once, new epic": Variant("async", PARALLEL, new=True),
    "sync call, one by one": Variant("sync"),
    "sync call, 8 at once": Variant("sync", PARALLEL),
}


def measure(scale: Scale) -> list[Table]:
    sizes = [200] if scale.smallest else sorted(TARGETS)
    found = {size: _pairs(size, scale) for size in sizes}
    figures = []
    for row in VARIANTS:
        for size in sizes:
            target, moonshot = TARGETS.get(size, (None, None))
            ratios = tuple(ours.cpu / plain.cpu for plain, ours in found[size][row])
            figures.append(Figure(row, f"{size:,} stories", ratios, target, moonshot=moonshot))
        if len(sizes) > 1:
            figures.append(Figure(row, "one more item", _slopes(found[sizes[0]][row], found[sizes[-1]][row])))
    return [
        Table("Stories against plain tests: CPU / plain pytest's", "no-op stories", tuple(figures)),
        _collecting(sizes, scale),
    ]


def _pairs(size: int, scale: Scale) -> dict[str, list[tuple[Cost, Cost]]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = plain_tests(folder / "plain", size)
        stories = {
            "async": call_stories(folder / "async", size),
            "sync": call_stories(folder / "sync", size, "def"),
        }

        def ours(variant: Variant) -> Cost:
            path = stories[variant.kind]
            if variant.new:
                change(path)
            return pytest(path, size, *OURS, *variant.options)

        return {
            row: pairs(scale, partial(pytest, plain, size), partial(ours, variant)) for row, variant in VARIANTS.items()
        }


def change(project: Path) -> None:
    """Make its epic new, without another meaning."""
    with (project / "epic_bench.yaml").open("a") as epic:
        epic.write("# changed\n")


def _slopes(few: list[tuple[Cost, Cost]], many: list[tuple[Cost, Cost]]) -> tuple[float, ...]:
    """What one more story costs over one more test, so without start-up."""
    return tuple(
        (ours_many.cpu - ours_few.cpu) / (plain_many.cpu - plain_few.cpu)
        for (plain_few, ours_few), (plain_many, ours_many) in zip(few, many, strict=True)
    )


def _collecting(sizes: list[int], scale: Scale) -> Table:
    figures = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            plain = plain_tests(Path(name) / "plain", size)
            stories = call_stories(Path(name) / "async", size)

            def known(stories: Path = stories, size: int = size) -> Cost:
                return collect(stories, size, *OURS)

            def new(stories: Path = stories, known: Callable[[], Cost] = known) -> Cost:
                change(stories)
                return known()

            target = COLLECTING if size == max(TARGETS) else None
            for row, ours in (("stories", known), ("stories of a new epic", new)):
                ratios = cpu_ratios(scale, partial(collect, plain, size), ours)
                figures.append(Figure(row, f"{size:,}", ratios, target))
    return Table("Collecting only: CPU / plain pytest's", "`--collect-only -q`", tuple(figures))
