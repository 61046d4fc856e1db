"""What is masked, and how a stream is masked while it comes."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import threading
import urllib.parse
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from pytest_tapps_waves.actions.output import HEAD, TAIL
from pytest_tapps_waves.actions.secrets import SHORTEST, MaskedOutput, Masker, Secrets, forms, is_too_short, unmaskable
from pytest_tapps_waves.epics.spec import EpicDefinition, EpicHeader, StorySpec

SIGNS = "ab\n'é"
VALUES = st.lists(st.text(SIGNS, min_size=4, max_size=9), min_size=1, max_size=3)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[str], bytes, list[int]]:
    """Values, an output that holds some of them and parts of them, and where it is cut into pieces."""
    values = draw(VALUES)
    known = sorted(set(values).union(*map(forms, values)))
    part = st.sampled_from(known).flatmap(lambda form: st.integers(0, len(form)).map(lambda end: form[:end]))
    pieces = st.one_of(st.sampled_from(known), part, st.text(SIGNS, max_size=4))
    data = "".join(draw(st.lists(pieces, max_size=8))).encode()
    return values, data, sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))


def by_hand(values: list[str], data: bytes) -> bytes:
    """Every place at which a form stands, one by one; those that overlap are one."""
    known = {form.encode() for value in values if not is_too_short(value) for form in forms(value)}
    places = [(at, at + len(form)) for form in known for at in range(len(data)) if data.startswith(form, at)]
    shown, end = b"", 0
    for start, stop in sorted(places):
        if start >= end:
            shown += data[end:start] + b"***"
        end = max(end, stop)
    return shown + data[end:]


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    return [data[start:end] for start, end in pairwise([0, *cuts, len(data)])]


@given(cases())
@example((["aaaa"], b"aaaaaa", [1, 2, 5]))
@example((["abab", "babb"], b"ababb", [2, 4]))
@example((["aabb", "aabbaabb'a"], b"aabbaabb'b", [4, 8]))
def test_however_a_stream_is_cut_it_is_masked_as_the_whole(case: tuple[list[str], bytes, list[int]]) -> None:
    values, data, cuts = case
    masker = Masker(values)
    stream = masker.stream()
    shown = b"".join(stream.write(piece) for piece in pieces_of(data, cuts)) + stream.rest()
    assert shown == masker.data(data) == by_hand(values, data)
    assert masker.text(data.decode()) == shown.decode()
    for value in values:
        assert is_too_short(value) or value.encode() not in shown


@given(cases())
def test_no_more_is_held_back_than_may_be_the_beginning_of_a_value(case: tuple[list[str], bytes, list[int]]) -> None:
    values, data, cuts = case
    known = {form.encode() for value in values if not is_too_short(value) for form in forms(value)}
    stream = Masker(values).stream()
    seen = b""
    for piece in pieces_of(data, cuts):
        stream.write(piece)
        seen += piece
        ends = [seen[-size:] for size in range(1, len(seen) + 1)]
        open_ends = [end for end in ends if any(form != end and form.startswith(end) for form in known)]
        assert len(stream._held) == max(map(len, open_ends), default=0)


def test_ordinary_output_is_not_delayed_and_a_beginning_only_until_it_is_none() -> None:
    stream = Masker(["hunter2"]).stream()
    assert stream.write(b"hello\n") == b"hello\n"
    assert stream.write(b"the hunt") == b"the "
    assert stream.write(b"ing season\n") == b"hunting season\n"
    assert stream.write(b"hun") == b""
    assert stream.rest() == b"hun"
    assert stream.rest() == b""


def test_a_value_without_end_is_one_mark_and_needs_no_memory() -> None:
    stream = Masker(["aaaa"]).stream()
    shown = b"".join(stream.write(b"aaa") for _ in range(1000))
    assert len(stream._held) == 3
    assert shown + stream.rest() == b"***"


@pytest.mark.parametrize(
    "written",
    [
        repr,
        json.dumps,
        shlex.quote,
        urllib.parse.quote,
        urllib.parse.quote_plus,
        lambda value: urllib.parse.quote(value, safe=""),
        lambda value: base64.b64encode(value.encode()).decode(),
        lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
        lambda value: base64.b64encode(f"{value}\n".encode()).decode(),
        lambda value: json.dumps({"token": value}, ensure_ascii=False),
    ],
)
@pytest.mark.parametrize("value", ["hunter2", "it's", 'a "b" \\c', "ü/?&=+ ~ü", "two lines\nof it", " spaced out\n"])
def test_a_value_is_masked_in_the_ways_in_which_it_is_commonly_written(value: str, written: object) -> None:
    assert callable(written)
    shown = Masker([value]).text(f"<{written(value)}>")
    assert "***" in shown
    left = shown.replace("***", "")
    assert set(left) <= set("<>'\"=\\n {}:token"), left
    assert Masker([value]).data(f"<{written(value)}>".encode()) == shown.encode()


@pytest.mark.parametrize("width", [64, 76])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("value", ["0123456789?~ü" * 20, "hunter2" * 9 + "\n"])
def test_a_value_in_lines_of_base64_is_masked(value: str, encode: Callable[[bytes], bytes], width: int) -> None:
    written = encode(value.encode()).decode()
    lines = [written[start : start + width] for start in range(0, len(written), width)]
    shown = Masker([value]).text("\n".join(lines)).split("\n")
    for line, told in zip(lines, shown, strict=True):
        assert told.rstrip("=") == "***" or len(line.rstrip("=")) < SHORTEST


@pytest.mark.skipif(os.name != "posix", reason="the shell of POSIX")
@pytest.mark.parametrize("value", ["hunter2", "it's", 'a "b" \\c'])
def test_the_trace_of_a_shell_is_masked(value: str) -> None:
    shell = ["sh", "-xc", 'true "$TOKEN"']
    trace = subprocess.run(shell, env={**os.environ, "TOKEN": value}, stderr=subprocess.PIPE, check=True).stderr
    assert b"***" in Masker([value]).data(trace)


def test_each_line_of_a_value_is_masked_by_itself() -> None:
    masker = Masker(["-----BEGIN KEY-----\r\nMIIEow==\r\nab\r\n-----END KEY-----\r\n"])
    assert masker.text("1 MIIEow== 2 -----END KEY-----\n3 ab") == "1 *** 2 ***\n3 ab"


def test_white_space_around_a_value_is_no_part_of_it() -> None:
    assert Masker(["  hunter2\n"]).text("is hunter2.") == "is ***."


def test_values_that_overlap_or_hold_one_another_are_one_mark() -> None:
    assert Masker(["hunter2", "hunter2hunter3"]).text("(hunter2hunter3)") == "(***)"
    assert Masker(["abcd", "cdef"]).text("(abcdef)") == "(***)"
    assert Masker(["abab"]).text("(ababab)") == "(***)"
    assert Masker(["abab"]).text("(abababab)(abab-abab)") == "(***)(***-***)"


@pytest.mark.parametrize("value", ["", " ", "\n\n\n\n\n", "a", "123", " 123\n"])
def test_what_is_empty_or_very_short_is_left(value: str) -> None:
    masker = Masker([value])
    assert masker.text(f"a 123 {value}") == f"a 123 {value}"
    assert masker.data(f"a 123 {value}".encode()) == f"a 123 {value}".encode()


def test_a_masker_without_values_masks_nothing() -> None:
    assert Masker().text("all of it") == "all of it"
    assert Masker().data(b"all of it") == b"all of it"


def test_what_is_learnt_while_a_stream_comes_is_masked_from_then_on() -> None:
    masker = Masker(["first one"])
    stream = masker.stream()
    assert stream.write(b"second one first on") == b"second one "
    masker.learn(["second one"])
    assert stream.write(b"e, second one") + stream.rest() == b"***, ***"
    assert masker.text("first one, second one") == "***, ***"


def test_bytes_that_are_no_text_are_masked_and_what_cannot_be_printed_is_no_mistake() -> None:
    masker = Masker([os.fsdecode(b"caf\xe9 au lait"), "lone \ud800 half"])
    assert masker.data(b"\xff<caf\xe9 au lait>") == b"\xff<***>"
    assert masker.text("lone \ud800 half") == "***"


def test_neither_memory_nor_disk_nor_the_terminal_gets_a_secret(tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []
    output = MaskedOutput(Masker(["hunter2"]), lambda: tmp_path / "story", lambda *piece: heard.append(piece))
    line = b"x" * 1000 + b" hunter2 is it\n"
    data = line * 200
    assert len(data) > HEAD + 2 * TAIL
    for start in range(0, len(data), 7):
        output.write("stdout", data[start : start + 7])
    output.write("stderr", b"and hunter")
    assert output.text("stderr") == "and "
    output.close()
    whole = data.replace(b"hunter2", b"***")
    assert (tmp_path / "story.stdout.log").read_bytes() == whole
    assert b"".join(piece for name, piece in heard if name == "stdout") == whole
    assert output.text("stdout").startswith(whole[:HEAD].decode())
    assert output.text("stderr") == "and hunter"
    assert "hunter2" not in output.text("stdout") + "\n".join(output.last_lines())


def test_streams_do_not_complete_one_another() -> None:
    output = MaskedOutput(Masker(["hunter2"]))
    output.write("stdout", b"hunt")
    output.write("stderr", b"er2")
    output.close()
    assert output.texts() == [("stdout", "hunt"), ("stderr", "er2")]


def test_threads_that_write_at_once_lose_nothing() -> None:
    output = MaskedOutput(Masker(["hunter2"]))
    start = threading.Barrier(4)

    def write(number: int) -> None:
        start.wait()
        for _ in range(200):
            output.write("stdout", f"{number} hunter2\n".encode())

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    output.close()
    assert sorted(output.text("stdout").splitlines()) == sorted([f"{number} ***" for number in range(4)] * 200)


def epic(*stories: StorySpec, path: str = "epic_shop.yaml", **env: str) -> EpicDefinition:
    return EpicDefinition(path, 1, EpicHeader("shop", secrets=["TOKEN"], env=env), stories)


def test_values_are_those_of_the_process_the_epic_and_its_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "of the process")
    shop = epic(StorySpec("1"), StorySpec("2", env={"TOKEN": "of a story", "OTHER": "free"}), TOKEN="of the epic")
    user = epic(path="epic_user.yaml", TOKEN="of another epic")
    plain = EpicDefinition("epic_plain.yaml", 1, EpicHeader("plain"), [])
    secrets = Secrets([shop, user])
    masker = secrets.masker_of(shop)
    assert masker is not None
    told = "of the process, of the epic, of a story, of another epic, free"
    assert masker.text(told) == "***, ***, ***, of another epic, free"
    assert secrets.of_all.text(told) == "***, ***, ***, ***, free"
    assert secrets.masker_of(plain) is None


def test_a_value_that_the_environment_got_later_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    shop = epic()
    secrets = Secrets([shop])
    monkeypatch.setenv("TOKEN", "made by a fixture")
    masker = secrets.masker_of(shop)
    assert masker is not None
    assert masker.text("made by a fixture") == secrets.of_all.text("made by a fixture") == "***"


@pytest.mark.parametrize(
    ("process", "of_epic", "of_story", "is_short"),
    [
        ("123", {}, {}, True),
        ("1234", {}, {}, False),
        ("", {}, {}, False),
        (" \n", {}, {}, False),
        ("123", {"TOKEN": "longer"}, {}, False),
        ("longer", {"TOKEN": "123"}, {}, True),
        ("longer", {"TOKEN": "123"}, {"TOKEN": ""}, False),
        ("longer", {"TOKEN": "longer"}, {"TOKEN": "x"}, True),
    ],
)
def test_a_value_is_too_short_only_where_a_story_works_with_it(
    monkeypatch: pytest.MonkeyPatch, process: str, of_epic: dict[str, str], of_story: dict[str, str], is_short: bool
) -> None:
    monkeypatch.setenv("TOKEN", process)
    assert unmaskable(epic(**of_epic), StorySpec("1", env=of_story)) == ("TOKEN" if is_short else None)
