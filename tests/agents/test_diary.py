"""What an agent does is shown as it comes, and summed up in a bounded space."""

from __future__ import annotations

import math

import pytest

from pytest_tapps_waves.actions.agents.diary import LONGEST_ANSWER, LONGEST_TITLE, MOST_CALLS, Diary
from pytest_tapps_waves.actions.base import Work
from pytest_tapps_waves.actions.output import Output


class Written:
    def __init__(self) -> None:
        self.output = Output()
        self.work = Work()
        self.diary = Diary(self.output, self.work)
        self.diary.turn()

    @property
    def shown(self) -> str:
        return self.output.text("stdout")

    @property
    def noted(self) -> str:
        return self.output.text("stderr")


@pytest.fixture
def written() -> Written:
    return Written()


def test_words_and_tool_calls_are_shown_in_lines_of_their_own(written: Written) -> None:
    written.diary.said("I look")
    written.diary.said(" at it.")
    written.diary.called("1", "read", "a.py", "pending")
    written.diary.called("1", None, None, "in_progress")
    written.diary.called("1", None, None, "completed")
    written.diary.said("Done.\n")
    written.diary.printed(b"a warning")
    written.diary.said("Bye.")
    written.diary.close()
    assert written.shown == "I look at it.\n[read a.py: pending]\n[read a.py: completed]\nDone.\na warning\nBye.\n"


def test_the_answer_is_what_it_said_in_its_last_turn(written: Written) -> None:
    written.diary.said("First.")
    written.diary.turn()
    assert written.work.answer == ""
    written.diary.said("I edit.")
    written.diary.called("1", "edit", "a.py", "completed")
    written.diary.said("All ")
    written.diary.said("done.")
    assert written.work.answer == "I edit.\n\nAll done."
    assert written.work.iterations == 2
    assert written.shown == "First.\n[iteration 2]\nI edit.\n[edit a.py: completed]\nAll done."


def test_of_a_long_answer_the_end_is_kept(written: Written) -> None:
    for _ in range(100):
        written.diary.said("x" * (LONGEST_ANSWER // 10))
        assert len(written.work.answer) <= 2 * LONGEST_ANSWER
    written.diary.said("end")
    written.diary.close()
    assert written.work.answer == "x" * (LONGEST_ANSWER - 3) + "end"


def test_a_tool_call_is_one_line_that_says_what_became_of_it(written: Written) -> None:
    written.diary.called("1", "edit", "a.py", "pending")
    written.diary.called("2", None, "look", "in_progress")
    assert written.work.tool_calls == ["edit a.py: pending", "other look: in progress"]
    written.diary.called("1", None, None, "failed")
    written.diary.called("2", "search", "look\nfor it \x1b[2J", None)
    assert written.work.tool_calls == ["edit a.py: failed", "search look\\nfor it \\x1b[2J: in progress"]
    written.diary.called("1", None, None, "completed")
    assert written.work.tool_calls[0] == "edit a.py: failed"


def test_a_refusal_is_what_became_of_it_whatever_is_told_later(written: Written) -> None:
    written.diary.called("1", "execute", "rm", "pending")
    written.diary.refused("1", "execute", "rm -rf /", "since execute is not in allow")
    written.diary.called("1", None, None, "failed")
    written.diary.refused("2", "fetch", None, "since fetch is not in allow")
    assert written.work.tool_calls == [
        "execute rm -rf /: refused, since execute is not in allow",
        "fetch: refused, since fetch is not in allow",
    ]
    assert written.shown == (
        "[execute rm: pending]\n[execute rm -rf /: refused, since execute is not in allow]\n"
        "[fetch: refused, since fetch is not in allow]\n"
    )


def test_the_kind_of_a_call_is_remembered(written: Written) -> None:
    written.diary.called("1", "delete", "a.py", None)
    assert written.diary.kind_of("1") == "delete"
    assert written.diary.kind_of("2") == "other"


def test_many_calls_are_counted_rather_than_listed(written: Written) -> None:
    for number in range(MOST_CALLS + 1_500):
        written.diary.called(str(number), "read", f"f{number}", "completed")
        assert len(written.work.tool_calls) <= MOST_CALLS + 1
    assert written.work.tool_calls[MOST_CALLS - 1 :] == [f"read f{MOST_CALLS - 1}: completed", "and 1,500 more"]
    written.diary.called("0", None, None, "failed")
    assert written.work.tool_calls[0] == "read f0: completed"


def test_a_long_title_is_cut(written: Written) -> None:
    written.diary.called("1", "think", "x" * 1_000, None)
    assert written.work.tool_calls == [f"think {'x' * LONGEST_TITLE} [...]"]


def test_tokens_are_of_a_turn_and_add_up_while_cost_is_of_all_of_them(written: Written) -> None:
    assert (written.work.tokens, written.work.cost) == (None, None)
    written.diary.used(100)
    written.diary.costs(0.25, "USD")
    written.diary.used(20)
    written.diary.costs(0.5, "USD")
    assert (written.work.tokens, written.work.cost, written.work.currency) == (120, 0.5, "USD")


@pytest.mark.parametrize("amount", [math.nan, math.inf, -1.0])
def test_a_cost_that_is_no_amount_does_not_count(written: Written, amount: float) -> None:
    written.diary.costs(0.25, "USD")
    written.diary.costs(amount, "USD")
    assert written.work.cost == 0.25
    assert f"it has cost {amount} USD" in written.noted
