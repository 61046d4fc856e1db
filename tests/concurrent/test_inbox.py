"""What the controller has sent to a worker: stories come first, and what is asked back is given back whole."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_tapps_waves.concurrent.xdist import Line
from pytest_tapps_waves.workers.inbox import Inbox


class Worker:
    """Of pytest-xdist, as far as a line needs it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def sendevent(self, name: str, **told: Any) -> None:
        self.sent.append((name, told))


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def inbox(worker: Worker) -> Inbox:
    """Whose stories have numbers from 100 on."""
    return Inbox(Line(worker), lambda index: index >= 100, lambda index, reason: None)


def test_stories_come_before_all_else(inbox: Inbox) -> None:
    inbox.hear("runtests", {"indices": [1, 2]})
    inbox.hear("runtests", {"indices": [100]})
    inbox.hear("over", {"file": "test_it.py"})
    assert [inbox.take() for _ in range(4)] == ["test_it.py", 100, 1, 2]


def test_once_it_is_closed_nothing_more_begins(inbox: Inbox) -> None:
    inbox.hear("runtests", {"indices": [1, 100]})
    inbox.hear("shutdown", {})
    assert inbox.take() is None
    assert inbox.stories() == inbox.another() == []


@pytest.mark.parametrize(("asked", "given"), [([2, 3], [2, 3]), ([1, 2], [])])
def test_all_that_is_asked_back_is_given_back_or_nothing(
    inbox: Inbox, worker: Worker, asked: list[int], given: list[int]
) -> None:
    inbox.hear("runtests", {"indices": [1, 2, 3]})
    assert inbox.take() == 1
    inbox.hear("steal", {"indices": asked})
    assert worker.sent == [("unscheduled", {"indices": given})]
    assert inbox.another() == ([] if given else [2])


def test_a_story_that_waits_is_given_back(inbox: Inbox, worker: Worker) -> None:
    inbox.hear("runtests", {"indices": [100]})
    inbox.hear("runtests", {"indices": [101]})
    assert inbox.take() == 100
    inbox.hear("steal", {"indices": [101]})
    inbox.hear("steal", {"indices": [100]})
    assert worker.sent == [("unscheduled", {"indices": [101]}), ("unscheduled", {"indices": []})]
    assert inbox.stories() == []


def test_an_engine_takes_all_stories_and_one_of_the_others(inbox: Inbox) -> None:
    inbox.hear("runtests", {"indices": [1, 100, 2, 101]})
    assert inbox.stories() == [100, 101]
    assert inbox.stories() == []
    assert [inbox.another(), inbox.another(), inbox.another()] == [[1], [2], []]
