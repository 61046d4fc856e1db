"""What an agent does, as it is told: shown as it comes, and summed up in a bounded space."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...inert import one_line
from ..base import Work
from ..output import Output, as_bytes, as_text
from .permissions import UNKNOWN

LONGEST_ANSWER = 32_000
"""Characters of an answer that are kept: the last ones, since agents sum up in the end."""
MOST_CALLS = 200
"""Lines of tool calls that are kept."""
LONGEST_TITLE = 200
_MOST_KNOWN = 1_000
"""Tool calls that are remembered, so that an update finds its beginning."""


@dataclass(slots=True)
class _Call:
    kind: str = UNKNOWN
    title: str = ""
    became: str = ""
    """What became of it, as far as that is known."""
    final: bool = False
    place: int = -1
    """Where its line is kept, if it is."""

    def __str__(self) -> str:
        what = f"{self.kind} {self.title}".strip()
        return f"{what}: {self.became}" if self.became else what


class Diary:
    """Of one conversation. Words go to the output's ``stdout``, as do tool calls, in brackets."""

    def __init__(self, output: Output, work: Work) -> None:
        self._output = output
        self._work = work
        self._calls: dict[str, _Call] = {}
        self._left_out = 0
        self._paused = False
        """Whether it has done something since it last spoke."""
        self._in_line = False

    def turn(self) -> None:
        """It is told something."""
        self._work.iterations += 1
        self._work.answer = ""
        self._paused = False
        if self._work.iterations > 1:
            self._line(f"iteration {self._work.iterations}")

    def said(self, text: str) -> None:
        """A piece of what it says."""
        if not text:
            return
        text = as_text(text)
        if self._in_line and self._paused:
            self._show("\n")
        self._show(text)
        if self._paused and self._work.answer:
            text = f"\n\n{text}"
        self._paused = False
        answer = self._work.answer + text
        if len(answer) > 2 * LONGEST_ANSWER:
            answer = answer[-LONGEST_ANSWER:]
        self._work.answer = answer

    def printed(self, line: bytes) -> None:
        """A line that it printed, and that is no message."""
        self._end_line()
        self.passed(line + b"\n")

    def passed(self, data: bytes) -> None:
        """Bytes that it printed, as they are."""
        if data:
            self._output.write("stdout", data)
            self._in_line = not data.endswith(b"\n")

    def noted(self, what: str) -> None:
        """Something that whoever looks into its doings should know."""
        self._output.write("stderr", as_bytes(f"[{one_line(what)}]\n"))

    def kind_of(self, call_id: str) -> str:
        """The kind of a tool call, as far as the agent has told it."""
        call = self._calls.get(call_id)
        return call.kind if call else UNKNOWN

    def called(self, call_id: str, kind: str | None, title: str | None, status: str | None) -> None:
        """A tool call has begun, goes on, or has ended; ``None`` is what is not said, and so has not changed."""
        known = self._calls.get(call_id)
        call = known or self._new_call(call_id)
        call.kind = kind or call.kind
        call.title = call.title if title is None else _short(title)
        if not call.final:
            call.became = (status or "").replace("_", " ") or call.became
            call.final = status in ("completed", "failed")
            if known is None or call.final:
                self._line(str(call))
        self._keep(call)
        self._paused = True

    def refused(self, call_id: str, kind: str, title: str | None, why: str) -> None:
        """It has asked for a tool, and was told no."""
        call = self._calls.get(call_id) or self._new_call(call_id)
        call.kind = kind
        call.title = call.title if title is None else _short(title)
        call.became, call.final = f"refused, {why}", True
        self._line(str(call))
        self._keep(call)
        self._paused = True

    def used(self, tokens: int) -> None:
        """So many tokens were used up in a turn."""
        self._work.tokens = (self._work.tokens or 0) + tokens

    def costs(self, amount: float, currency: str) -> None:
        """So much has been spent by now, since the conversation began."""
        if not (math.isfinite(amount) and amount >= 0):
            self.noted(f"the agent says that it has cost {amount} {currency}, which is no amount")
            return
        self._work.cost, self._work.currency = amount, _short(currency)

    def close(self) -> None:
        """It has nothing more to say."""
        if len(self._work.answer) > LONGEST_ANSWER:
            self._work.answer = self._work.answer[-LONGEST_ANSWER:]
        self._end_line()

    def _new_call(self, call_id: str) -> _Call:
        if len(self._calls) >= _MOST_KNOWN:
            del self._calls[next(iter(self._calls))]
        call = self._calls[call_id] = _Call()
        if len(self._work.tool_calls) < MOST_CALLS:
            call.place = len(self._work.tool_calls)
            self._work.tool_calls.append("")
        else:
            self._left_out += 1
            del self._work.tool_calls[MOST_CALLS:]
            self._work.tool_calls.append(f"and {self._left_out:,} more")
        return call

    def _keep(self, call: _Call) -> None:
        if call.place >= 0:
            self._work.tool_calls[call.place] = str(call)

    def _line(self, what: str) -> None:
        self._end_line()
        self._show(f"[{what}]\n")

    def _end_line(self) -> None:
        if self._in_line:
            self._show("\n")

    def _show(self, text: str) -> None:
        self.passed(as_bytes(text))


def _short(title: str) -> str:
    title = one_line(title.strip())
    return title if len(title) <= LONGEST_TITLE else f"{title[:LONGEST_TITLE]} [...]"
