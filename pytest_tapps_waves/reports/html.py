"""``--epic-report``: a run as one page that needs nothing but itself.

All text of others passes through Jinja2's escaping, and should something of it yet be taken for markup, the page's
Content-Security-Policy runs no script and fetches nothing but what it names by its hash:
https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from ..core.drawing import Drawing, Node, drawn
from ..core.happened import Bar, Happened, RunHappened, Timeline, longest_chain, timeline_of
from .words import counted, seconds, stories

_FOLDER = Path(__file__).with_name("page")
_OUTPUT_BUDGET = 3 * 1024 * 1024
"""Characters of output in the whole page: it is to open at once. Failures are shown before the rest."""
_LEAST_OUTPUT = 400
_FAILURE_BUDGET = 3 * 1024 * 1024
"""The same of what is said of failures."""
_LEAST_FAILURE = 600
_NAMED_BAR = 0.03
"""The part of the run's time from which on a bar may have a name in it."""
_TICKS = 6
_SMALL_GRAPH = 400
"""So many stories have names in the graph; of more, nobody could read them."""
_SYMBOLS = {"passed": "✓", "failed": "✗", "refused": "✗", "cancelled": "⊘"}
_ORDER = ("failed", "refused", "cancelled", "skipped", "not started", "passed", "done", "documented")


class Row(NamedTuple):
    """A story in the table."""

    number: int
    story: Happened
    slot: str
    start: float | None
    """Seconds from the beginning of the run."""
    failure: str
    output: str
    left_out: int
    needs: Sequence[tuple[int, str]]
    """Rows and ids of what it depends on."""
    on_path: bool


def page(run: RunHappened) -> str:
    """The whole page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"seconds": seconds, "word": _word, "percent": _percent}
    style, script = (Markup((_FOLDER / name).read_text("utf-8")) for name in ("page.css", "page.js"))
    return environment.get_template("page.html.jinja").render(
        style=style, script=script, style_hash=_hash(style), script_hash=_hash(script), **_contents(run)
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _contents(run: RunHappened) -> Mapping[str, Any]:
    timeline = timeline_of(run)
    path = longest_chain(run.stories)
    number_of = {story.key: number for number, story in enumerate(run.stories)}
    on_path = {story.key for story in path}
    counts = Counter(story.state for story in run.stories)
    epics = list(dict.fromkeys(story.epic for story in run.stories))
    names = [run.titles.get(epic) or epic for epic in epics]
    return {
        "run": run,
        "title": ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") or "no stories",
        "facts": list(_facts(run, timeline, len(epics))),
        "counts": [(state, counts[state]) for state in _ORDER if state in counts],
        "timeline": timeline,
        "named": {bar.story.key for bar in timeline.bars if bar.end - bar.start > timeline.length * _NAMED_BAR},
        "ticks": list(_ticks(timeline.length)),
        "wave_starts": _wave_starts(timeline) if run.schedule == "waves" else (),
        "rows": list(_rows(run, timeline, number_of, on_path)),
        "number_of": number_of,
        "by_key": {story.key: story for story in run.stories},
        "path": path,
        "path_length": sum(story.seconds for story in path),
        "on_path": on_path,
        "graph": _graph(drawn(run.stories), {(one.key, other.key) for one, other in pairwise(path)}),
        "symbols": _SYMBOLS,
    }


def _facts(run: RunHappened, timeline: Timeline, epics: int) -> Iterator[str]:
    if not run.stories:
        return
    yield f"{counted(epics, 'file')}, {stories(len(run.stories))}"
    if timeline.bars:
        yield f"{datetime.fromtimestamp(timeline.began).astimezone():%Y-%m-%d %H:%M:%S %Z}"
        yield seconds(timeline.length)
    if run.schedule:
        yield f"{run.limit} at once, {run.schedule} schedule"
    else:
        yield "one at a time" if run.limit == 1 else f"{counted(run.limit, 'worker')} of pytest-xdist"


def _rows(run: RunHappened, timeline: Timeline, number_of: Mapping[str, int], on_path: set[str]) -> Iterator[Row]:
    bars: Mapping[str, Bar] = {bar.story.key: bar for bar in timeline.bars}
    whole = sum(len(story.output) for story in run.stories if story.failure)
    quiet = sum(1 for story in run.stories if story.output and not story.failure) or 1
    # Failures have half at most, and what they leave is for the rest.
    failed = sum(1 for story in run.stories if story.failure) or 1
    most_of = {
        True: max(_LEAST_OUTPUT, _OUTPUT_BUDGET // 2 // failed),
        False: max(_LEAST_OUTPUT, (_OUTPUT_BUDGET - min(whole, _OUTPUT_BUDGET // 2)) // quiet),
    }
    failure_most = max(_LEAST_FAILURE, _FAILURE_BUDGET // failed)
    for number, story in enumerate(run.stories):
        bar = bars.get(story.key)
        output = story.output[-most_of[bool(story.failure)] :]
        yield Row(
            number,
            story,
            timeline.slots[bar.slot] if bar else "",
            bar.start if bar else None,
            story.failure if len(story.failure) <= failure_most else f"…{story.failure[-failure_most:]}",
            output,
            story.left_out + len(story.output) - len(output),
            [(number_of[key], run.stories[number_of[key]].id) for key in story.dependencies if key in number_of],
            story.key in on_path,
        )


def _ticks(length: float) -> Iterator[tuple[float, str]]:
    """Round times, a few of them, as parts of the length and in words."""
    if not length:
        return
    steps = [factor * 10.0**power for power in range(-4, 3) for factor in (1, 2, 5)]
    steps += [minutes * 60.0 for minutes in (5, 10, 15, 30, 60, 120, 240, 480, 1440)]
    step = next((step for step in steps if length / step <= _TICKS), length / _TICKS)
    for number in range(int(length / step) + 1):
        yield number * step / length, _clock(number * step, step)


def _clock(time: float, step: float) -> str:
    if step < 1:
        return f"{time:.{max(0, len(f'{step:.4f}'.rstrip('0')) - 2)}f} s"
    minutes, rest = divmod(round(time), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"


def _wave_starts(timeline: Timeline) -> Sequence[tuple[float, str]]:
    """Where each wave begins, as a part of the length, with its name where there is room for it."""
    starts: dict[int, float] = {}
    for bar in timeline.bars:
        starts.setdefault(bar.story.wave, bar.start / timeline.length if timeline.length else 0.0)
    told: list[tuple[float, str]] = []
    free = 0.0
    for wave, start in sorted(starts.items(), key=lambda item: item[1]):
        told.append((start, str(wave) if start >= free else ""))
        free = max(free, start + 0.05) if start >= free else free
    return told


def _graph(drawing: Drawing, on_path: Set[tuple[str, str]]) -> Mapping[str, Any]:
    """:param on_path: the edges of the critical path."""
    small = len(drawing.nodes) <= _SMALL_GRAPH
    wide, high, across, down = (150, 22, 200, 30) if small else (8, 8, 60, 11)

    def curve(one: Node, other: Node) -> str:
        x1, x2 = 6 + one.column * across + wide, 6 + other.column * across
        y1, y2 = (f"{6 + node.row * down + high / 2:g}" for node in (one, other))
        middle = f"{(x1 + x2) / 2:g}"
        return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"

    edges: tuple[list[str], list[str]] = [], []
    for one, other in drawing.edges:
        edges[(one.story.key, other.story.key) in on_path].append(curve(one, other))
    return {
        "drawing": drawing,
        # All in two paths: the browser has to know of two shapes, and not of thousands.
        "edges": edges[False],
        "path_edges": edges[True],
        "small": small,
        "wide": wide,
        "high": high,
        "across": across,
        "down": down,
        "width": max(0, drawing.columns * across - (across - wide)) + 12,
        "height": drawing.rows * down + 12,
    }


def _word(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _percent(part: float) -> str:
    """With few digits: there are thousands of them."""
    return f"{part * 100:.3f}".rstrip("0").rstrip(".") + "%"
