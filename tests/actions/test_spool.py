"""The file for the whole of a long stream: so much of it as may be, and what is not there is told."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pytest_tapps_waves.actions.output import HEAD, TAIL, Output
from pytest_tapps_waves.actions.spool import Spool, remove_old

LIMIT = 200_000


def told(output: Output) -> str:
    return output.text("stdout").partition("bytes cut; ")[2].partition(" ...]")[0]


@pytest.mark.parametrize("piece", [10, 999, 65_536, 500_000])
@pytest.mark.parametrize(("size", "whole"), [(LIMIT - 1, True), (LIMIT, True), (LIMIT + 1, False), (500_000, False)])
def test_a_file_ends_at_the_limit_and_the_report_says_so(tmp_path: Path, piece: int, size: int, whole: bool) -> None:
    output = Output(lambda: tmp_path / "story", limit=LIMIT)
    data = os.urandom(size)
    for start in range(0, size, piece):
        output.write("stdout", data[start : start + piece])
    output.close()
    path = tmp_path / "story.stdout.log"
    assert path.read_bytes() == data[:LIMIT]
    beginning = f"it is longer than epic_output_limit; its first {LIMIT:,} bytes"
    assert told(output) == f"{'the whole of it' if whole else beginning}: {path}"


def test_a_limit_below_what_is_in_memory_holds_too(tmp_path: Path) -> None:
    output = Output(lambda: tmp_path / "story", limit=5)
    output.write("stdout", b"x" * (HEAD + TAIL + 1))
    output.close()
    assert (tmp_path / "story.stdout.log").read_bytes() == b"xxxxx"


def test_without_a_limit_there_is_no_file(tmp_path: Path) -> None:
    output = Output(lambda: tmp_path / "story", limit=0)
    output.write("stdout", b"x" * (HEAD + TAIL + 1))
    output.close()
    assert told(output) == "it is not kept whole, since epic_output_limit is 0"
    assert list(tmp_path.iterdir()) == []


class _AlmostFull:
    """A disk that takes less than it is given, and then nothing."""

    def __init__(self) -> None:
        self.taken = b""
        self.closed = False

    def write(self, data: memoryview) -> int:
        if len(self.taken) == 10:
            raise OSError(28, "No space left on device")
        taken = bytes(data[: min(4, 10 - len(self.taken))])
        self.taken += taken
        return len(taken)

    def truncate(self, size: int) -> None:
        self.taken = self.taken[:size]

    def close(self) -> None:
        self.closed = True


def test_on_a_full_disk_no_part_of_it_takes_up_the_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = _AlmostFull()
    monkeypatch.setattr(Path, "open", lambda path, *args, **kwargs: disk)
    spool = Spool(lambda: tmp_path / "story", "stdout", LIMIT)
    spool.write(b"0123456789")
    assert disk.taken == b"0123456789"
    spool.write(b"more")
    spool.write(b"and more")
    assert disk.taken == b""
    assert disk.closed
    assert spool.told() == "it could not be kept whole: [Errno 28] No space left on device"


def test_files_of_a_week_ago_are_removed_and_nothing_else(tmp_path: Path) -> None:
    long_ago = time.time() - 8 * 24 * 3600
    for name in ("old.stdout.log", "old.json", "new.stdout.log"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder.log").mkdir()
    for name in ("old.stdout.log", "old.json", "folder.log"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    remove_old(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.log", "new.stdout.log", "old.json"]
    remove_old(tmp_path / "not there")
