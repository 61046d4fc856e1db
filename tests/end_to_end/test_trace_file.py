"""``--epic-trace``: what stands in the file, held against the format."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest
from project import Project
from running import Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a POSIX shell")

BothWays = Callable[..., pytest.RunResult]
Event = dict[str, Any]
XDIST = ("xdist.plugin",)

# https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU: what each phase has to hold.
NEEDED = {
    "X": {"name", "cat", "ts", "dur", "pid", "tid", "args"},
    "M": {"name", "pid", "args"},
    "s": {"name", "cat", "id", "ts", "pid", "tid"},
    "f": {"name", "cat", "id", "ts", "pid", "tid", "bp"},
    "i": {"name", "ts", "pid", "tid", "s"},
}

SHOP = """
    epic: {title: Checkout, circuit_breaker: 0}
    stories:
      - {id: made, title: Create it, run: echo made}
      - {id: filled, run: "true", dependencies: [made]}
      - {id: broken, run: exit 1, dependencies: [made]}
      - {id: after, run: "true", dependencies: [broken]}
      - {id: notes, dependencies: [made]}
      - {id: again, run: "[ $STORY_ATTEMPT = 2 ]", retries: 1}
"""
TESTS = """
    import pytest

    @pytest.mark.depends(on="epic_shop.yaml::filled")
    def test_python(): pass

    @pytest.mark.depends(on="epic_shop.yaml::filled")
    def test_skips(): pytest.skip("not today")
"""


def read(project: Project) -> dict[str, Any]:
    """The file, once it has been seen to keep to the format."""
    whole: dict[str, Any] = json.loads((project.path / "out" / "trace.json").read_text("utf-8"))
    last: dict[int, int] = {}
    flows: dict[int, list[Event]] = {}
    for event in whole["traceEvents"]:
        assert NEEDED[event["ph"]] <= event.keys()
        assert isinstance(event["ts"], int)
        assert event["ts"] >= 0
        if event["ph"] == "X":
            assert event["dur"] > 0
            assert event["ts"] >= last.get(event["tid"], 0), "slices of a track must not overlap"
            last[event["tid"]] = event["ts"] + event["dur"]
        elif event["ph"] in "sf":
            flows.setdefault(event["id"], []).append(event)
    slices = [event for event in whole["traceEvents"] if event["ph"] == "X"]
    for pair in flows.values():
        assert [event["ph"] for event in pair] == ["s", "f"]
        for event in pair:
            holding = [at for at in slices if at["tid"] == event["tid"] and _holds(at, event["ts"])]
            assert len(holding) == 1, "a flow binds to the slice that holds its time"
    return whole


def _holds(event: Event, time: int) -> bool:
    return bool(event["ts"] <= time < event["ts"] + event["dur"])


def by_story(trace: dict[str, Any], phase: str) -> dict[str, Event]:
    """Events by the name of their story."""
    return {event["args"]["story"].partition("::")[2]: event for event in trace["traceEvents"] if event["ph"] == phase}


def test_what_ran_is_a_slice_and_what_was_only_reported_an_instant(project: Project, both_ways: BothWays) -> None:
    project.epic(SHOP)
    project.write("test_shop.py", TESTS)
    both_ways("--epic-trace=out/trace.json").assert_outcomes(passed=4, failed=1, skipped=3)
    trace = read(project)
    slices, instants = by_story(trace, "X"), by_story(trace, "i")
    assert {key: event["cat"] for key, event in slices.items()} == {
        "made": "passed",
        "filled": "passed",
        "broken": "failed",
        "again": "passed",
        "test_python": "passed",
        "test_skips": "skipped",
    }
    assert {key: event["cat"] for key, event in instants.items()} == {"after": "skipped", "notes": "documented"}
    assert instants["after"]["args"]["reason"] == "after depends on broken, which failed"
    assert slices["again"]["args"]["attempts"] == 2
    assert slices["made"]["name"] == "made Create it"
    flows = [event for event in trace["traceEvents"] if event["ph"] == "f"]
    assert len(flows) == 4  # two to stories, two to tests


def test_stories_that_run_at_once_are_on_tracks_of_their_own(project: Project) -> None:
    # Each waits for the other: they are at once, or there is no end.
    meet = "touch {0}; while ! [ -e {1} ]; do sleep 0.01; done"
    project.epic(f"stories: [{{id: a, run: '{meet.format('a', 'b')}'}}, {{id: b, run: '{meet.format('b', 'a')}'}}]")
    project.run("--epic-parallel=2", "--epic-trace=out/trace.json").assert_outcomes(passed=2)
    trace = read(project)
    assert sorted(event["tid"] for event in by_story(trace, "X").values()) == [1, 2]
    names = {event["tid"]: event["args"]["name"] for event in trace["traceEvents"] if event["name"] == "thread_name"}
    assert names == {1: "slot 1", 2: "slot 2"}


@pytest.mark.parametrize("options", [(), ("--epic-parallel=1",)], ids=["one by one", "on the loop"])
def test_what_a_stopped_run_did_not_start_is_named(project: Project, options: tuple[str, ...]) -> None:
    project.epic("stories: [{id: a, run: exit 1}, {id: b, run: 'true'}]")
    project.run(*options, "-x", "--epic-trace=out/trace.json")
    trace = read(project)
    assert list(by_story(trace, "X")) == ["a"]
    assert trace["otherData"]["not started"] == ["epic_shop.yaml::b"]
    assert trace["otherData"]["stopped"] == "stopping after 1 failures"


def test_a_story_that_was_cancelled_ran_until_then(project: Project) -> None:
    project.epic(
        """
        epic: {circuit_breaker: 0}
        stories:
          - {id: a, run: "while ! [ -e b ]; do sleep 0.01; done; exit 1", critical: true}
          - {id: b, run: "touch b; sleep 60"}
          - {id: c, run: "true", dependencies: [b]}
        """
    )
    project.run("--epic-parallel=2", "--epic-trace=out/trace.json").assert_outcomes(failed=1, skipped=2)
    trace = read(project)
    assert {key: event["cat"] for key, event in by_story(trace, "X").items()} == {"a": "failed", "b": "cancelled"}
    assert by_story(trace, "i")["c"]["cat"] == "skipped"


def test_a_run_that_is_interrupted_is_written_too(project: Project) -> None:
    project.epic("stories: [{id: a, run: 'echo $$ > a.pid; sleep 60'}, {id: b, run: 'true', dependencies: [a]}]")
    run = Run(project)
    try:
        run.start("--epic-trace=out/trace.json")
        run.signal(signal.SIGINT)
        assert run.end() == pytest.ExitCode.INTERRUPTED
    finally:
        run.clean_up()
    trace = read(project)
    assert {key: event["cat"] for key, event in by_story(trace, "X").items()} == {"a": "cancelled"}
    assert trace["otherData"]["stopped"] == "interrupted"
    assert trace["otherData"]["not started"] == ["epic_shop.yaml::b"]


def test_only_what_last_failed_is_in_it_under_lf(project: Project) -> None:
    project.epic("stories: [{id: whole, run: 'true'}, {id: broken, run: exit 1}]")
    project.run("--epic-parallel=2")
    project.run("--epic-parallel=2", "--lf", "--epic-trace=out/trace.json").assert_outcomes(failed=1)
    assert list(by_story(read(project), "X")) == ["broken"]


def test_a_worker_that_crashes_is_named(project: Project) -> None:
    project.write("test_crash.py", "import os, pytest\n@pytest.mark.depends(name='x')\ndef test_it(): os._exit(3)\n")
    project.epic("stories: [{id: one, run: 'true'}]")
    result = project.run_process(
        "-n1", "--dist=loadfile", "--max-worker-restart=0", "--epic-trace=out/trace.json", plugins=XDIST
    )
    result.stdout.fnmatch_lines(["missing is what 1 worker of pytest-xdist ran and could not tell: gw?"])
    read(project)
