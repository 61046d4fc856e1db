"""Stories that run at once: how many, in which order, and whose output is whose."""

from __future__ import annotations

import json
from typing import Any

import pytest
from project import Project

MEET = """
    import asyncio, threading
    threads = threading.Barrier({size}, timeout=30)
    tasks = asyncio.Barrier({size})

    def meet(): threads.wait()
    async def meet_async(): await asyncio.wait_for(tasks.wait(), 30)
"""
COUNT = """
    import collections, json
    running, most = collections.Counter(), collections.Counter()

    def pytest_epic_story_started(story):
        for epic in (story.epic.header.id, "all"):
            running[epic] += 1
            most[epic] = max(most[epic], running[epic])

    def pytest_epic_story_finished(story):
        running.subtract([story.epic.header.id, "all"])

    def pytest_sessionfinish():
        with open("most", "w") as file:
            json.dump(most, file)
"""


def write_crowd(project: Project, size: int) -> None:
    """Functions of which ``size`` have to run at once, and hooks that count how many stories do."""
    project.write("crowd.py", MEET.format(size=size))
    project.write("conftest.py", COUNT)


def crowd_epic(function: str, header: str = "") -> str:
    stories = ", ".join(f"{{id: s{number}, call: 'crowd:{function}'}}" for number in range(6))
    return f"epic: {{{header}}}\nstories: [{stories}]"


def most_at_once(project: Project) -> dict[str, int]:
    """By epic, and of all together."""
    return dict(json.loads((project.path / "most").read_text(encoding="utf-8")))


@pytest.mark.parametrize("function", ["meet", "meet_async"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_as_many_functions_as_asked_for_run_at_once_and_no_more(project: Project, function: str, size: int) -> None:
    write_crowd(project, size)
    project.epic(crowd_epic(function))
    project.run(f"--epic-parallel={size}").assert_outcomes(passed=6)
    assert most_at_once(project) == {"shop": size, "all": size}


def test_an_epic_may_bound_itself(project: Project) -> None:
    write_crowd(project, 2)
    project.epic(crowd_epic("meet", "parallel_strategy: asyncio, max_parallel_stories: 2"))
    project.run().assert_outcomes(passed=6)
    assert most_at_once(project) == {"shop": 2, "all": 2}


def test_an_epic_stays_within_its_bound_beside_a_wider_one(project: Project) -> None:
    write_crowd(project, 2)
    project.epic(crowd_epic("meet_async", "parallel_strategy: asyncio, max_parallel_stories: 2"))
    project.epic(crowd_epic("meet_async", "parallel_strategy: asyncio, max_parallel_stories: 4"), "epic_wider.yaml")
    result = project.run()
    result.assert_outcomes(passed=12)
    result.stdout.fnmatch_lines(["epics: 2 epics, 12 stories, 1 wave, 4 at once, waves schedule"])
    most = most_at_once(project)
    assert most["shop"] == 2
    assert 2 < most["all"] <= 4


@pytest.mark.parametrize("mode", [(), ("--epic-strategy=sequential",)])
def test_one_by_one_never_two_run_at_once(project: Project, mode: tuple[str, ...]) -> None:
    write_crowd(project, 1)
    project.epic(crowd_epic("meet", "parallel_strategy: asyncio" if mode else ""))
    project.run(*mode).assert_outcomes(passed=6)
    assert most_at_once(project) == {"shop": 1, "all": 1}


def test_commands_run_at_once(project: Project) -> None:
    project.write(
        "meet.py",
        """
        import pathlib, sys, time
        pathlib.Path(f"here-{sys.argv[1]}").touch()
        end = time.monotonic() + 30
        while len(list(pathlib.Path().glob("here-*"))) < 3:
            assert time.monotonic() < end, "the others have not come"
            time.sleep(0.01)
        """,
    )
    project.epic(
        "stories: [{id: a, run: python meet.py a}, {id: b, run: python meet.py b}, {id: c, run: python meet.py c}]"
    )
    project.run("--epic-parallel=3").assert_outcomes(passed=3)


def test_a_sequential_epic_runs_beside_a_concurrent_one(project: Project) -> None:
    project.write("conftest.py", COUNT)
    project.write(
        "tasks.py",
        """
        import threading
        from pytest_tapps_waves import StoryContext

        pairs = {number: threading.Barrier(2, timeout=30) for number in "12"}
        both = threading.Barrier(2, timeout=30)

        def alone(story: StoryContext):
            pairs[story.id[1]].wait()

        def concurrent(story: StoryContext):
            both.wait()
            pairs[story.id[1]].wait()
        """,
    )
    project.epic(
        """
        epic: {parallel_strategy: asyncio, max_parallel_stories: 4}
        stories: [{id: a1, call: "tasks:concurrent"}, {id: a2, call: "tasks:concurrent"}]
        """,
        "epic_a.yaml",
    )
    project.epic(
        """
        epic: {parallel_strategy: sequential}
        stories: [{id: b1, call: "tasks:alone"}, {id: b2, call: "tasks:alone"}]
        """,
        "epic_b.yaml",
    )
    project.run().assert_outcomes(passed=4)
    assert most_at_once(project) == {"a": 2, "b": 1, "all": 3}


JOURNAL = """
    import json, os
    import events

    def note(word, identifier):
        with open("journal", "a") as file:
            print(f"{word}-{identifier}", file=file)

    def pytest_epic_story_started(story): note("start", story.spec.id)

    def pytest_epic_story_finished(story):
        note("end", story.spec.id)
        events.ended[story.spec.id].set()

    def pytest_runtest_logreport(report):
        if report.when == "call":
            told = [report.nodeid, report.capstdout, report.capstderr, report.caplog, report.duration]
            with open("reports", "a") as file:
                print(json.dumps(told), file=file)

    def pytest_warning_recorded(warning_message, nodeid):
        note(str(warning_message.message), nodeid)

    def pytest_sessionfinish():
        note("current", os.environ.get("PYTEST_CURRENT_TEST"))
"""
EVENTS = """
    import collections, threading
    ended = collections.defaultdict(threading.Event)
    def works(): pass
    def outlasts_a(): assert ended["a"].wait(30)
"""


def write_journal(project: Project) -> None:
    project.write("conftest.py", JOURNAL)
    project.write("events.py", EVENTS)


def reports(project: Project) -> dict[str, list[Any]]:
    """Of each story: stdout, stderr, log and duration of its call."""
    lines = (project.path / "reports").read_text(encoding="utf-8").splitlines()
    return {key.rpartition("::")[2]: told for key, *told in map(json.loads, lines)}


def test_a_wave_starts_when_the_whole_wave_before_has_ended(project: Project) -> None:
    write_journal(project)
    project.epic("""
        stories:
          - {id: a, call: "events:works"}
          - {id: b, call: "events:outlasts_a"}
          - {id: c, call: "events:works", dependencies: [a]}
    """)
    project.run("--epic-parallel=3").assert_outcomes(passed=3)
    journal = project.lines("journal")[:6]
    assert set(journal[:4]) == {"start-a", "start-b", "end-a", "end-b"}
    assert journal[4:] == ["start-c", "end-c"]


def test_durations_are_those_of_each_story(project: Project) -> None:
    write_journal(project)
    project.epic("""stories: [{id: b, call: "events:outlasts_a"}, {id: a, call: "events:works"}]""")
    project.run("--epic-parallel=2").assert_outcomes(passed=2)
    told = reports(project)
    assert 0 < told["a"][3] < told["b"][3]  # b began before a, and ended after it


@pytest.mark.parametrize("mode", [(), ("--epic-parallel=3",)])
def test_no_current_test_is_left_in_the_environment(project: Project, mode: tuple[str, ...]) -> None:
    write_journal(project)
    project.write("show.py", "import os\nprint(os.environ['PYTEST_CURRENT_TEST'])")
    stories = ", ".join(f"{{id: {name}, run: python show.py}}" for name in "abc")
    project.epic(f"stories: [{stories}]")
    project.run(*mode).assert_outcomes(passed=3)
    assert project.lines("journal")[-1] == "current-None"
    assert {name: told[0].strip() for name, told in reports(project).items()} == {
        name: f"epic_shop.yaml::{name} (call)" for name in "abc"
    }


TALK = """
    import asyncio, logging, sys, threading, warnings
    from pytest_tapps_waves import StoryContext

    threads = threading.Barrier(3, timeout=30)
    tasks = asyncio.Barrier(3)

    def say(story, step):
        print(story.id, "out", step)
        print(story.id, "err", step, file=sys.stderr)
        sys.stdout.buffer.write(f"{story.id} bytes {step}\\n".encode())
        logging.getLogger("shop").warning("%s logs %s", story.id, step)
        warnings.warn(f"{story.id}-warns-{step}")

    def talk(story: StoryContext):
        for step in range(3):
            threads.wait()
            say(story, step)

    async def talk_async(story: StoryContext):
        for step in range(3):
            await asyncio.wait_for(tasks.wait(), 30)
            await asyncio.create_task(asyncio.to_thread(say, story, step))
"""


@pytest.mark.parametrize("function", ["talk", "talk_async"])
@pytest.mark.parametrize("capture", ["fd", "sys"])
def test_what_stories_print_log_and_warn_of_lands_on_them(project: Project, function: str, capture: str) -> None:
    write_journal(project)
    project.write("talk.py", TALK)
    stories = ", ".join(f"{{id: {name}, call: 'talk:{function}'}}" for name in "abc")
    project.epic(f"stories: [{stories}]")
    result = project.run("--epic-parallel=3", f"--capture={capture}", "-W", "always")
    result.assert_outcomes(passed=3, warnings=9)
    for name, (stdout, stderr, log, _) in reports(project).items():
        assert sorted(stdout.splitlines()) == sorted(
            f"{name} {what} {step}" for what in ("out", "bytes") for step in range(3)
        )
        assert stderr.splitlines() == [f"{name} err {step}" for step in range(3)]
        assert [line.split()[-3:] for line in log.splitlines()] == [[name, "logs", str(step)] for step in range(3)]
    warned = [line for line in project.lines("journal") if "warns" in line]
    assert sorted(warned) == [f"{name}-warns-{step}-epic_shop.yaml::{name}" for name in "abc" for step in range(3)]


CHILD = """
    import subprocess, sys
    def breaks():
        subprocess.run([sys.executable, "-c", "print('said by a child')"], check=True)
        raise ValueError
"""


@pytest.mark.parametrize(
    ("mode", "section"),
    [((), "*Captured stdout call*"), (("--epic-parallel=3",), "*stdout of no story in particular*")],
)
def test_what_a_child_of_a_function_prints_is_not_lost(project: Project, mode: tuple[str, ...], section: str) -> None:
    project.write("tasks.py", CHILD)
    project.epic("stories: [{id: a, call: 'tasks:breaks'}]")
    result = project.run(*mode)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([section, "said by a child"])


@pytest.mark.parametrize("mode", [(), ("--epic-parallel=3",)])
@pytest.mark.parametrize(("capture", "times"), [("no", 1), ("tee-sys", 2), ("sys", 1), ("fd", 1)])
def test_each_way_of_capturing_shows_what_a_failed_story_said(
    project: Project, mode: tuple[str, ...], capture: str, times: int
) -> None:
    project.write("tasks.py", "def breaks():\n    print('said by a function')\n    raise ValueError")
    project.write("said.py", "print('said by a command')\nraise SystemExit(1)")
    project.epic("stories: [{id: a, call: 'tasks:breaks'}, {id: b, run: python said.py}]")
    result = project.run_process(*mode, f"--capture={capture}")
    result.assert_outcomes(failed=2)
    assert sum(line.endswith("said by a function") for line in result.outlines) == times
    in_failure = sum(line == "  | said by a command" for line in result.outlines)
    assert in_failure == 1
    assert sum(line.endswith("said by a command") for line in result.outlines) - in_failure >= times


def test_a_function_whose_module_is_being_imported_by_another_story_is_waited_for(project: Project) -> None:
    project.write("slow.py", "import time\ntime.sleep(0.2)\ndef work(): pass\n")
    project.epic("stories: [{id: a, call: 'slow:work'}, {id: b, call: 'slow:work'}]")
    project.run("--epic-parallel=2").assert_outcomes(passed=2)
