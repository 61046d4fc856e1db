"""The columns of pytest-html's report that say to which wave and story a test belongs."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import pytest

from ..core.graph import numbers_of
from ..inert import one_line

if TYPE_CHECKING:
    from ..core.plan import Plan
    from ..preparation import Prepared

_STORY, _WAVE = "epic_story", "epic_wave"


class Columns:
    """A plugin of a run for which pytest-html writes a report, in the controller and in the workers of pytest-xdist."""

    def __init__(self) -> None:
        self._cells: Mapping[str, tuple[str, int]] = {}
        """Id and wave of each story, by its node id."""

    def begin(self, found: Prepared, plan: Plan, items: Iterable[pytest.Item]) -> None:
        """Stories are about to be run."""
        stories = plan.graph.stories
        self._cells = {key: (stories[key].id, number) for key, number in numbers_of(found.waves).items()}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport | None, pytest.TestReport | None]:
        """Called for each phase of an item. What is in its report, pytest-xdist sends to the controller."""
        report = yield
        cells = self._cells.get(item.nodeid)
        if report is not None and cells is not None:
            setattr(report, _STORY, cells[0])
            setattr(report, _WAVE, cells[1])
        return report

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Called by pytest-html for its headings."""
        cells[2:2] = [
            '<th class="sortable" data-column-type="story">Story</th>',
            '<th class="sortable" data-column-type="wave">Wave</th>',
        ]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        """Called by pytest-html for each row; all rows have as many cells."""
        story, wave = getattr(report, _STORY, ""), getattr(report, _WAVE, "")
        cells[2:2] = [
            f'<td class="col-story">{escape(one_line(story))}</td>',
            f'<td class="col-wave">{wave}</td>',
        ]
