"""What agents have used up, beside the budget of their epic."""

from __future__ import annotations

import pytest

from pytest_tapps_waves.actions.base import Work
from pytest_tapps_waves.actions.output import Output
from pytest_tapps_waves.attempts import Attempt, Performance
from pytest_tapps_waves.epics.agents import Budget
from pytest_tapps_waves.spending import Spending

EPIC = "epic_shop.yaml"


def performance(*works: Work | None) -> Performance:
    attempts = [Attempt(number, Output(), work=work) for number, work in enumerate(works, 1)]
    return Performance(None, (), 0, len(works), attempts)


def spending(budget: Budget, **stories: Performance) -> Spending:
    found = Spending({EPIC: budget, "epic_other.yaml": Budget()})
    for story, done in stories.items():
        found.watch(EPIC, story, done)
    return found


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (Budget(tokens=301), ""),
        (Budget(tokens=300), "the budget is used up: 300 of 300 tokens"),
        (Budget(cost=1.51), ""),
        (Budget(cost=1.5), "the budget is used up: 1.50 of 1.50 USD"),
        (Budget(tokens=1, cost=9), "the budget is used up: 300 of 1 tokens"),
    ],
)
def test_all_attempts_of_all_stories_count(budget: Budget, words: str) -> None:
    first = performance(Work(tokens=100), Work(tokens=150, cost=1.0, currency="USD"))
    assert spending(budget, a=first, b=performance(None, Work(tokens=50, cost=0.5))).used_up(EPIC) == words


def test_a_story_that_goes_on_counts_with_what_its_agent_has_told_so_far() -> None:
    work = Work()
    found = spending(Budget(tokens=10), a=performance(work))
    assert not found.used_up(EPIC)
    work.tokens = 10
    assert found.used_up(EPIC)


def test_agents_that_tell_nothing_use_up_nothing() -> None:
    assert not spending(Budget(tokens=1, cost=0.01), a=performance(Work(iterations=3))).used_up(EPIC)


def test_an_epic_without_a_budget_may_use_up_all() -> None:
    found = spending(Budget())
    found.watch("epic_other.yaml", "x", performance(Work(tokens=10**9)))
    assert not found.used_up("epic_other.yaml")
    assert not found.used_up("epic_unknown.yaml")


def test_those_are_named_that_used_up_something_each_once_and_in_order() -> None:
    found = spending(
        Budget(tokens=1), b=performance(Work(tokens=1)), n=performance(Work()), a=performance(Work(cost=1))
    )
    found.watch(EPIC, "b", performance(Work(tokens=5)))
    assert found.spenders(EPIC) == ["b", "a"]
