"""What the agents of each epic have used up, beside what they may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .attempts import Performance

if TYPE_CHECKING:
    from .epics.agents import Budget


class Spending:
    """Of one run. Stories that go on count with what their agents have told so far."""

    def __init__(self, budgets: Mapping[str, Budget | None]) -> None:
        """:param budgets: by the node ids of the epics' files; None is without end."""
        self._budgets = {epic: budget for epic, budget in budgets.items() if budget is not None}
        self._performances: dict[str, list[tuple[str, Performance]]] = {epic: [] for epic in self._budgets}

    def watch(self, epic: str, story: str, performance: Performance) -> None:
        """A story begins whose agent may use up something; a story that runs again adds to what it has."""
        if epic in self._budgets:
            self._performances[epic].append((story, performance))

    def used_up(self, epic: str) -> str:
        """In words, that the budget of an epic is used up; nothing as long as it is not."""
        budget = self._budgets.get(epic)
        if budget is None:
            return ""
        works = [work for _, performance in self._performances[epic] for work in performance.works]
        tokens = sum(work.tokens or 0 for work in works)
        if budget.tokens is not None and tokens >= budget.tokens:
            return f"the budget is used up: {tokens:,} of {budget.tokens:,} tokens"
        cost = sum(work.cost or 0.0 for work in works)
        if budget.cost is not None and cost >= budget.cost:
            currency = next((work.currency for work in works if work.currency), "")
            return f"the budget is used up: {cost:.2f} of {budget.cost:.2f} {currency}".rstrip()
        return ""

    def spenders(self, epic: str) -> list[str]:
        """The node ids of the stories that have used up something, in the order in which they began."""
        spent = [
            story
            for story, performance in self._performances[epic]
            if any(work.tokens or work.cost for work in performance.works)
        ]
        return list(dict.fromkeys(spent))
