"""What travels between a run and where its stories are carried out, and what a place for them promises."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_tapps_waves.actions.base import Action, Job, StoryContext
from pytest_tapps_waves.actions.call import Call
from pytest_tapps_waves.actions.command import Command
from pytest_tapps_waves.actions.output import HEAD, TAIL, Output
from pytest_tapps_waves.actions.secrets import Masker
from pytest_tapps_waves.errors import ActionFailed, ExecutorError
from pytest_tapps_waves.executing import KNOWS, OutcomesKnown
from pytest_tapps_waves.executors.base import Surroundings, paths_of
from pytest_tapps_waves.executors.collected import Collected, replayed
from pytest_tapps_waves.executors.dask import DaskExecutor
from pytest_tapps_waves.executors.parcels import Outcome, packed, sendable
from pytest_tapps_waves.executors.workplace import Workplace


def job(tmp_path: Path, **more: Any) -> Job:
    context = StoryContext("a", "", "shop", tmp_path, {"COLOUR": "blue"}, 0, 1, logging.getLogger("epic.shop"))
    return Job(context, tmp_path, 0.1, **more)


def parcel(action: Action, tmp_path: Path, **more: Any) -> bytes:
    return packed(action, job(tmp_path, **more), Surroundings(tmp_path, "run", 1, 1, [str(tmp_path)]))


@pytest.fixture
def workplace() -> Iterator[Workplace]:
    made = Workplace()
    before = os.environ.get("EPIC_RUN")
    yield made
    made.rest()
    if before is not None:
        os.environ["EPIC_RUN"] = before


def home(collected: Collected) -> Output:
    output = Output()
    with output.receiving():
        replayed(collected.pieces(), output)
    return output


def test_little_output_comes_home_as_it_was_and_in_order() -> None:
    collected = Collected("there")
    for name, data in (("stdout", b"one\n"), ("stderr", b"two\n"), ("stdout", b"three\n"), ("stdout", b"four\n")):
        collected.write(name, data)
    assert collected.pieces() == [("stdout", b"one\n"), ("stderr", b"two\n"), ("stdout", b"three\nfour\n")]


@pytest.mark.parametrize("size", [1, 7, 1000, 50_000, 200_000])
def test_much_output_comes_home_with_its_two_ends_and_the_size_of_the_rest(size: int) -> None:
    collected, whole = Collected("there"), bytes(range(97, 123)) * 8000
    for start in range(0, len(whole), size):
        collected.write("stdout", whole[start : start + size])
        if size > 1000:
            collected.write("stderr", b".")
    head, marker, tail = home(collected).text("stdout").partition("bytes cut on there ...]\n")
    first, _, number = head.rpartition("\n[... ")
    assert marker
    assert whole.startswith(first.encode())
    assert whole.endswith(tail.encode())
    assert len(first) == HEAD
    assert len(first) + len(tail) + int(number.replace(",", "")) == len(whole)
    assert len(head + marker + tail) <= HEAD + TAIL


def test_secrets_of_a_place_stay_there_even_in_pieces_and_in_log_records() -> None:
    collected = Collected("there", Masker(["hunter2"]))
    collected.write("stdout", b"this is hun")
    collected.write("stdout", b"ter2, and this hunt")
    collected.log(logging.makeLogRecord({"name": "x", "msg": "it is %s", "args": ("hunter2",), "levelno": 30}))
    pieces = collected.pieces()
    assert b"".join(piece[1] for piece in pieces if isinstance(piece, tuple)) == b"this is ***, and this hunt"
    assert [piece["msg"] for piece in pieces if isinstance(piece, dict)] == ["it is ***"]


def test_log_records_come_home_without_what_cannot_travel(caplog: pytest.LogCaptureFixture) -> None:
    collected = Collected("there")
    try:
        raise ValueError("no such shard")
    except ValueError:
        record = logging.getLogger("shop").makeRecord(
            "shop", logging.ERROR, "shop.py", 3, "%s", (threading.Lock(),), __import__("sys").exc_info()
        )
        record.lock = threading.Lock()
    collected.log(record)
    replayed(pickle.loads(pickle.dumps(collected.pieces())), Output())
    assert "_thread.lock" in caplog.text
    assert "ValueError: no such shard" in caplog.text


@pytest.mark.parametrize("name", ["fail", "skip", "xfail", "exit"])
def test_what_pytest_raises_survives_the_way(name: str) -> None:
    with pytest.raises(BaseException, match="not today") as caught:
        getattr(pytest, name)("not today")
    again: Any = pickle.loads(sendable(caught.value, "call: it", KNOWS, None))
    assert type(again) is type(caught.value)
    assert vars(again)["msg"] == "not today"


def test_an_error_that_cannot_travel_comes_as_words() -> None:
    class Local(Exception):
        pass

    again = pickle.loads(sendable(Local("no such shard"), "call: it", "", None))
    assert isinstance(again, ActionFailed)
    assert str(again) == "Local: no such shard: call: it"


def test_the_environment_of_a_story_is_made_where_it_is_carried_out(tmp_path: Path, workplace: Workplace) -> None:
    told = job(tmp_path)
    assert told.context.env["COLOUR"] == "blue"  # made up here, and kept
    data = packed(Command("echo $COLOUR $ONLY_THERE"), told, Surroundings(tmp_path, "run", 1, 1, []))
    with pytest.MonkeyPatch.context() as there:
        there.setenv("ONLY_THERE", "yes")
        with workplace.story("key", "run") as story:
            outcome: Outcome = pickle.loads(story.carry_out(data, "there", lambda: True))
    assert outcome.pieces == [("stdout", b"blue yes\n")]


def test_a_story_that_is_cancelled_before_it_begins_does_nothing(tmp_path: Path, workplace: Workplace) -> None:
    with workplace.story("key", "run") as story:
        assert workplace.cancel("key")
        data = parcel(Command("sleep 0.2; touch ran"), tmp_path)
        outcome: Outcome = pickle.loads(story.carry_out(data, "there", lambda: True))
    assert outcome.cancelled
    assert not (tmp_path / "ran").exists()
    assert not workplace.cancel("key")


def test_a_story_that_nobody_wants_any_more_is_ended(tmp_path: Path, workplace: Workplace) -> None:
    with workplace.story("key", "run") as story:
        data = parcel(Command("echo begun; exec sleep 60"), tmp_path)
        outcome: Outcome = pickle.loads(story.carry_out(data, "there", lambda: False))
    assert outcome.cancelled


def test_a_place_that_is_at_work_for_one_run_refuses_another_of_elsewhere(tmp_path: Path, workplace: Workplace) -> None:
    (tmp_path / "other").mkdir()
    begun = threading.Event()

    def wanted() -> bool:
        begun.set()
        return not done.is_set()

    done = threading.Event()
    with ThreadPoolExecutor() as threads, workplace.story("first", "run") as first:
        running = threads.submit(first.carry_out, parcel(Command("sleep 60"), tmp_path), "there", wanted)
        assert begun.wait(30)
        with workplace.story("second", "another run") as second:
            data = packed(Call("a:b"), job(tmp_path), Surroundings(tmp_path, "", 1, 1, [str(tmp_path / "other")]))
            outcome: Outcome = pickle.loads(second.carry_out(data, "there", lambda: True))
        done.set()
        assert pickle.loads(running.result()).cancelled
    with pytest.raises(ActionFailed, match="the worker is at work for another run, in "):
        outcome.raise_error(Output())


def test_functions_are_looked_for_in_rootdir_and_pythonpath_and_not_in_the_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, beside, venv = (tmp_path / name for name in ("project/src", "lib", "project/.venv"))
    for folder in (inside, beside, venv / "site-packages", tmp_path / "elsewhere"):
        folder.mkdir(parents=True)
    monkeypatch.setattr("sys.prefix", str(venv))
    monkeypatch.setattr(
        "sys.path", [str(inside), str(tmp_path / "elsewhere"), str(venv / "site-packages"), str(beside), str(inside)]
    )
    assert paths_of(tmp_path / "project", [str(beside)]) == [str(inside), str(beside)]


def test_an_executor_that_is_gone_ends_the_run() -> None:
    class Gone:
        async def run(self, action: Action, job: Job, output: Output) -> None:
            raise ExecutorError("the scheduler is gone")

        def close(self) -> None: ...

    async def carry_out() -> None:
        await OutcomesKnown(Gone()).run(Command("true"), job(Path()), Output())

    with pytest.raises(pytest.exit.Exception, match="the scheduler is gone") as caught:
        asyncio.run(carry_out())
    assert caught.value.returncode == pytest.ExitCode.INTERRUPTED


def test_a_story_that_is_isolated_here_stays_here_and_is_told_of(tmp_path: Path) -> None:
    class NoCluster:
        def send(self, data: bytes, resources: object) -> None:
            raise AssertionError("sent")

        def close(self) -> None: ...

    surroundings = Surroundings(tmp_path, "run", 1, 1)
    executor = DaskExecutor(NoCluster(), surroundings)  # type: ignore[arg-type]
    assert executor.told() == []
    asyncio.run(executor.run(Command("touch ran"), job(tmp_path, here=True), Output()))
    assert (tmp_path / "ran").exists()
    assert executor.told() == ["carried out here, and not on a worker, since they are isolated here: a"]
