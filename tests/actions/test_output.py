"""What is kept of what a story prints."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_tapps_waves.actions import output as module
from pytest_tapps_waves.actions.output import CURRENT_OUTPUT, HEAD, TAIL, Output, as_bytes, file_name


def _pattern(size: int) -> bytes:
    """Bytes in which every place can be told from every other."""
    return b"".join(b"%09d\n" % number for number in range(size // 10 + 1))[:size]


def _parts(text: str) -> tuple[str, int, str, str]:
    """The head, the number of bytes cut, where the whole is, and the tail."""
    found = re.fullmatch(r"(.*)\n\[\.\.\. ([\d,]+) bytes cut; ([^\n]*) \.\.\.\]\n(.*)", text, re.DOTALL)
    assert found is not None, text[:200]
    return found[1], int(found[2].replace(",", "")), found[3], found[4]


@pytest.mark.parametrize("size", [0, 1, HEAD, HEAD + 1, HEAD + TAIL])
def test_what_fits_is_kept_whole_and_needs_no_file(tmp_path: Path, size: int) -> None:
    output = Output(lambda: tmp_path / "logs" / "story")
    data = _pattern(size)
    output.write("stdout", data)
    output.close()
    assert output.text("stdout") == data.decode()
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("piece", [1000, HEAD, 300_000])
@pytest.mark.parametrize("size", [HEAD + TAIL + 1, HEAD + 2 * TAIL + 1, 300_000])
def test_of_more_the_head_and_the_tail_are_kept_and_the_whole_is_in_a_file(
    tmp_path: Path, size: int, piece: int
) -> None:
    output = Output(lambda: tmp_path / "logs" / "story")
    data = _pattern(size)
    for start in range(0, size, piece):
        output.write("stdout", data[start : start + piece])
    output.close()
    head, cut, where, tail = _parts(output.text("stdout"))
    file = tmp_path / "logs" / "story.stdout.log"
    assert head == data[:HEAD].decode()
    assert tail == data[-TAIL:].decode()
    assert cut == size - HEAD - TAIL
    assert where == f"the whole of it: {file}"
    assert file.read_bytes() == data


def test_memory_is_bounded_however_much_is_written() -> None:
    output = Output()
    for _ in range(200):
        output.write("stdout", b"x" * 50_000)
    stream = output._streams["stdout"]
    assert len(stream._head) + len(stream._tail) <= HEAD + 2 * TAIL
    assert len(output._recent) <= 2 * module._LINES
    assert len(output.text("stdout")) < HEAD + TAIL + 200


def test_each_stream_has_its_own_text_and_its_own_file(tmp_path: Path) -> None:
    output = Output(lambda: tmp_path / "story")
    output.write("stdout", b"o" * 100_000)
    output.write("stderr", b"e" * 100_001)
    output.write("log", b"short")
    output.close()
    assert (tmp_path / "story.stdout.log").read_bytes() == b"o" * 100_000
    assert (tmp_path / "story.stderr.log").read_bytes() == b"e" * 100_001
    assert not (tmp_path / "story.log.log").exists()
    assert output.text("log") == "short"
    assert output.text("never written to") == ""


def test_without_a_place_for_the_file_the_marker_says_so() -> None:
    output = Output()
    output.write("stdout", _pattern(HEAD + TAIL + 7))
    _, cut, where, _ = _parts(output.text("stdout"))
    assert cut == 7
    assert "not kept whole" in where


class _FullDisk:
    name = "/full/disk"

    def __init__(self, fails_on: str) -> None:
        self._fails_on = fails_on

    def write(self, data: bytes) -> int:
        if self._fails_on == "write":
            raise OSError(28, "No space left on device")
        return len(data)

    def truncate(self, size: int) -> None:
        raise OSError(5, "Input/output error")

    def close(self) -> None:
        if self._fails_on == "close":
            raise OSError(28, "No space left on device")


@pytest.mark.parametrize("moment", ["open", "write", "close"])
def test_a_disk_that_is_full_costs_the_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def opened(path: Path, *args: object, **kwargs: object) -> _FullDisk:
        if moment == "open":
            raise OSError(28, "No space left on device")
        return _FullDisk(moment)

    monkeypatch.setattr(Path, "open", opened)
    output = Output(lambda: tmp_path / "story")
    data = _pattern(300_000)
    for start in range(0, len(data), 10_000):
        output.write("stdout", data[start : start + 10_000])
    output.close()
    head, cut, where, tail = _parts(output.text("stdout"))
    assert head == data[:HEAD].decode()
    assert tail == data[-TAIL:].decode()
    assert cut == len(data) - HEAD - TAIL
    assert "could not be kept whole" in where
    assert "No space left on device" in where


def test_a_file_that_another_run_is_writing_to_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "story.stdout.log"
    with path.open("xb", buffering=0) as theirs:
        output = Output(lambda: tmp_path / "story")
        output.write("stdout", b"ours" * 50_000)
        output.close()
        theirs.write(b"theirs")
    assert path.read_bytes() == b"ours" * 50_000


def test_threads_that_write_at_once_lose_nothing_and_share_no_line(tmp_path: Path) -> None:
    output = Output(lambda: tmp_path / "story")
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        for line in range(2000):
            output.write("stdout", f"{number}:{line}\n".encode())

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    output.close()
    lines = (tmp_path / "story.stdout.log").read_text().split()
    assert sorted(lines) == sorted(f"{number}:{line}" for number in range(8) for line in range(2000))


def test_bytes_that_are_no_text_are_shown_and_kept_as_they_are(tmp_path: Path) -> None:
    output = Output(lambda: tmp_path / "story")
    data = bytes(range(256)) * 1000
    output.write("stdout", data)
    output.close()
    assert "\ufffd" in output.text("stdout")
    assert (tmp_path / "story.stdout.log").read_bytes() == data


def test_a_character_that_came_in_two_pieces_is_whole() -> None:
    output = Output()
    first, second = "é".encode()[:1], "é".encode()[1:]
    output.write("stdout", first)
    output.write("stdout", second)
    assert output.text("stdout") == "é"
    assert output.last_lines() == ["é"]


def test_the_last_lines_are_those_of_all_streams_in_the_order_in_which_they_came() -> None:
    output = Output()
    for number in range(30):
        output.write("stdout" if number % 2 else "stderr", f"line {number}\n".encode())
    assert output.last_lines(3) == ["line 27", "line 28", "line 29"]
    assert len(output.last_lines()) == 15
    assert Output().last_lines() == []


def test_each_piece_is_echoed_with_the_name_of_its_stream() -> None:
    heard: list[tuple[str, bytes]] = []
    output = Output(echo=lambda name, data: heard.append((name, data)))
    output.write("stdout", b"a")
    output.write("stderr", b"b")
    assert heard == [("stdout", b"a"), ("stderr", b"b")]


def test_a_character_at_which_it_is_cut_is_cut_whole(tmp_path: Path) -> None:
    output = Output(lambda: tmp_path / "story")
    output.write("stdout", b"a" + "€".encode() * 30_000)
    head, cut, _, tail = _parts(output.text("stdout"))
    output.close()
    assert set(head) == {"a", "€"}
    assert set(tail) == {"€"}
    assert len((head + tail).encode()) + cut == 90_001


def test_the_last_lines_are_inert_and_of_bearable_length() -> None:
    output = Output()
    output.write("stdout", "€".encode() * 10_000 + b"\n1%\r2%\r\x1b[31mred\x1b[0m\x1b]0;title\x07")
    first, *others = output.last_lines()
    assert set(first) == set("€ [.]")
    assert len(first) < 600
    assert others == ["1%", "2%", r"red\x1b]0;title\x07"]


def test_what_is_written_after_the_end_is_shown_live_and_let_go(tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []
    output = Output(lambda: tmp_path / "story", lambda name, data: heard.append((name, data)))
    output.write("stdout", b"in time\n")
    output.close()
    output.write("stdout", late := b"late" * 50_000)
    output.write("stderr", b"late")
    assert output.texts() == [("stdout", "in time\n")]
    assert output.last_lines() == ["in time"]
    assert heard == [("stdout", b"in time\n"), ("stdout", b""), ("stdout", late), ("stderr", b"late")]
    assert not list(tmp_path.iterdir())


def test_what_prints_in_the_midst_of_a_write_is_not_waited_for() -> None:
    def echo(name: str, data: bytes) -> None:
        if data == b"first":
            output.write("stdout", b"second")

    output = Output(echo=echo)
    thread = threading.Thread(target=output.write, args=("stdout", b"first"), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert output.text("stdout") == "firstsecond"


def test_threads_may_go_on_writing_while_it_is_closed_and_read(tmp_path: Path) -> None:
    output = Output(lambda: tmp_path / "story")
    full, troubles = threading.Event(), list[BaseException]()
    stop = threading.Event()

    def write() -> None:
        try:
            while not stop.is_set():
                output.write("stdout", b"x" * 10_000)
                if len(output._streams["stdout"]._tail) >= TAIL:
                    full.set()
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert full.wait(60)
    for _ in range(50):
        output.text("stdout")
        output.last_lines()
    output.close()
    told = output.text("stdout")
    stop.set()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert output.text("stdout") == told
    size = (tmp_path / "story.stdout.log").stat().st_size
    assert _parts(told)[1] == size - HEAD - TAIL


@pytest.mark.parametrize(("text", "data"), [("é", b"\xc3\xa9"), ("\udcff", b"\xff"), ("\ud800", rb"\ud800")])
def test_all_text_that_python_has_can_be_kept(text: str, data: bytes) -> None:
    assert as_bytes(text) == data


def test_an_output_is_the_current_one_only_while_it_receives() -> None:
    outer, inner = Output(), Output()
    with outer.receiving():
        with suppress(KeyError), inner.receiving():
            assert CURRENT_OUTPUT.get() is inner
            raise KeyError
        assert CURRENT_OUTPUT.get() is outer
    assert CURRENT_OUTPUT.get() is None


def test_a_file_name_holds_nothing_that_a_system_refuses() -> None:
    assert re.fullmatch(r"tests_epic_a\.yaml_8\.1\.[0-9a-f]{8}", file_name("tests/epic a.yaml::8.1"))
    assert re.fullmatch(r"[\w.-]+", file_name('a<>:"/\\|?*\0\n' + "é" * 500))
    assert len(file_name("x" * 500)) <= 150
    assert len(file_name("é字" * 500).encode()) <= 150


def test_no_two_node_ids_have_one_file_name() -> None:
    ids = ["a_b/epic_c.yaml::1", "a/b/epic_c.yaml::1", "A/b/epic_c.yaml::1", "x" * 500, "y" + "x" * 499]
    assert len({file_name(node_id).casefold() for node_id in ids}) == len(ids)
