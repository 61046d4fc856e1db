"""Each hook of this plugin, implemented in a conftest as users would."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

NOTE = """
    def note(*words):
        with open("notes", "a") as file:
            print(*words, sep="|", file=file)
"""
TASKS = """
    import pytest
    def works(): pass
    def breaks(): raise ValueError
    def skips(): pytest.skip("not here")
"""
DIAMOND = """
    stories:
      - {id: a, call: "tasks:works"}
      - {id: b, call: "tasks:works", dependencies: [a]}
      - {id: c, call: "tasks:works", dependencies: [a]}
      - {id: d, call: "tasks:works", dependencies: [b, c]}
"""


def write(project: Project, epic: str, hooks: str) -> None:
    project.write("tasks.py", TASKS)
    project.write("conftest.py", f"{NOTE}\n{hooks}")
    project.epic(epic)


WAVES = """
    def pytest_epic_waves(config, graph):
        note(config.rootpath.name, *graph.stories)
        note(*map(len, graph.waves))
        {answer}
"""


def key(identifier: str) -> str:
    return f"epic_shop.yaml::{identifier}"


def test_waves_are_offered_the_graph_once(both_ways: BothWays, project: Project) -> None:
    write(project, DIAMOND, WAVES.format(answer="return None"))
    result = both_ways()
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["epics: 1 epic, 4 stories, 3 waves, *"])
    assert project.lines("notes") == ["|".join([project.path.name, *map(key, "abcd")]), "1|2|1"]


def test_waves_can_be_regrouped(project: Project) -> None:
    one_each = f"return [[{key('a')!r}], [{key('c')!r}], [{key('b')!r}], [{key('d')!r}]]"
    write(
        project,
        DIAMOND,
        WAVES.format(answer=one_each) + "\n    def pytest_epic_story_started(story): note(story.spec.id)\n",
    )
    result = project.run("--epic-parallel=3")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["epics: 1 epic, 4 stories, 4 waves, *"])
    assert project.lines("notes")[-4:] == ["a", "c", "b", "d"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ([["a"], ["b", "c"]], "epic_shop.yaml::d is in no wave"),
        ([["a"], ["b", "c", "b"], ["d"]], "epic_shop.yaml::b is in wave 2 and again in wave 2"),
        ([["a", "x"], ["b", "c"], ["d"]], "wave 1 holds 'epic_shop.yaml::x', which is no story of this run"),
        ([["b", "c"], ["a"], ["d"]], "epic_shop.yaml::b is in wave 1, but depends on epic_shop.yaml::a of wave 2"),
    ],
)
def test_waves_that_break_the_graph_are_a_usage_error(
    both_ways: BothWays, project: Project, answer: list[list[str]], told: str
) -> None:
    keys = [[key(identifier) for identifier in wave] for wave in answer]
    write(project, DIAMOND, WAVES.format(answer=f"return {keys!r}"))
    result = both_ways()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: the hook pytest_epic_waves gave wrong waves: {told}"])


EXECUTOR = """
    class Recorder:
        async def run(self, action, job, output):
            note(job.context.id, action.describe())
            output.write("stdout", b"carried out elsewhere\\n")
            if job.context.id == "b":
                await action.perform(job, output)

        def close(self):
            note("closed")

    def pytest_epic_executor(config, name):
        note("asked", name)
        return Recorder() if name == "recorder" else None
"""


def test_an_executor_can_be_brought_along(both_ways: BothWays, project: Project) -> None:
    write(
        project,
        """
        stories:
          - {id: a, call: "tasks:breaks"}
          - {id: b, call: "tasks:breaks", dependencies: [a]}
        """,
        EXECUTOR,
    )
    result = both_ways("--epic-executor=recorder")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Captured stdout call*", "carried out elsewhere"])
    expected = ["asked|recorder", "a|call: tasks:breaks", "b|call: tasks:breaks", "closed"]
    assert (project.path / "notes").read_text().splitlines() == expected


def test_without_the_option_the_executor_hook_is_asked_for_local(both_ways: BothWays, project: Project) -> None:
    write(project, "stories: [{id: a, call: 'tasks:works'}]", EXECUTOR)
    both_ways().assert_outcomes(passed=1)
    assert project.lines("notes") == ["asked|local"]


ACTION = """
    class Greeting:
        def __init__(self, name): self.name = name

        def describe(self): return f"greet: {self.name}"

        async def perform(self, job, output):
            output.write("stdout", f"hello {self.name}\\n".encode())
            if self.name == "nobody":
                from pytest_tapps_waves.errors import ActionFailed
                raise ActionFailed("there is nobody", self.describe())
            note(job.context.id, self.name)

    def pytest_epic_action(config, story):
        name = (story.metadata).get("greet")
        return Greeting(name) if name else None
"""


def test_a_new_kind_of_action_is_found_in_the_storys_own_keys(both_ways: BothWays, project: Project) -> None:
    write(
        project,
        """
        stories:
          - {id: a, greet: world}
          - {id: b, greet: nobody}
          - {id: c, greet: instead, call: "tasks:breaks"}
          - {id: d, call: "tasks:works"}
          - {id: e, priority: high}
        """,
        ACTION,
    )
    result = both_ways()
    result.assert_outcomes(passed=3, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["there is nobody, after * s", "  greet: nobody", "  | hello nobody"])
    assert set(project.lines("notes")) == {"a|world", "c|instead"}


LIFE = """
    def pytest_epic_wave_started(config, number, stories):
        note("wave", number, *(story.partition("::")[2] for story in stories))

    def pytest_epic_wave_finished(config, number, stories):
        note("wave end", number, *(story.partition("::")[2] for story in stories))

    def pytest_epic_story_started(config, story):
        note("start", story.spec.id, story.epic.header.id, story.spec.line)

    def pytest_epic_story_finished(config, story, state, reason):
        note("end", story.spec.id, state.name, reason)
"""
LIVES = """
    stories:
      - {id: a, call: "tasks:works"}
      - {id: b, call: "tasks:breaks", dependencies: [a]}
      - {id: c, call: "tasks:skips", dependencies: [a]}
      - {id: d, call: "tasks:works", dependencies: [b]}
      - {id: e, description: nothing to run, dependencies: [a]}
      - {id: f, call: "tasks:works", dependencies: [e]}
"""


def test_waves_and_stories_are_announced_in_order(project: Project) -> None:
    write(project, LIVES, LIFE)
    project.run("--epic-parallel=1").assert_outcomes(passed=2, failed=1, skipped=3)
    assert (project.path / "notes").read_text().splitlines() == [
        "wave|1|a",
        "start|a|shop|3",
        "end|a|PASSED|",
        "wave end|1|a",
        "wave|2|b|c|e",
        "start|b|shop|4",
        "end|b|FAILED|",
        "start|c|shop|5",
        "end|c|SKIPPED|not here",
        "start|e|shop|7",
        "end|e|DOCUMENTED|",
        "wave end|2|b|c|e",
        "wave|3|d|f",
        "start|f|shop|8",
        "end|f|PASSED|",
        "wave end|3|d|f",
    ]


def test_one_by_one_the_stories_are_announced_without_waves(project: Project) -> None:
    write(project, LIVES, LIFE)
    project.run().assert_outcomes(passed=2, failed=1, skipped=3)
    notes = (project.path / "notes").read_text().splitlines()
    assert [note for note in notes if note.startswith("wave")] == []
    assert [note for note in notes if note.startswith("end")] == [
        "end|a|PASSED|",
        "end|b|FAILED|",
        "end|c|SKIPPED|not here",
        "end|e|DOCUMENTED|",
        "end|f|PASSED|",
    ]


def test_a_cancelled_story_is_announced_as_such(project: Project) -> None:
    write(
        project,
        """
        stories:
          - {id: a, call: "more:breaks", critical: true}
          - {id: b, call: "more:waits"}
        """,
        LIFE,
    )
    project.write(
        "more.py",
        """
        import asyncio
        started = asyncio.Event()
        async def breaks():
            await started.wait()
            raise ValueError
        async def waits():
            started.set()
            await asyncio.Event().wait()
        """,
    )
    project.run("--epic-parallel=2").assert_outcomes(failed=1, skipped=1)
    assert "end|b|CANCELLED|cancelled: critical story a failed" in (project.path / "notes").read_text()


@pytest.mark.parametrize("policy", ["fail", "serialize", "warn"])
def test_conflicts_are_told_whatever_is_to_become_of_them(both_ways: BothWays, project: Project, policy: str) -> None:
    write(
        project,
        f"""
        epic: {{conflict_detection: {policy}}}
        stories:
          - {{id: a, call: "tasks:works", files_affected: [x, y]}}
          - {{id: b, call: "tasks:works", files_affected: [y, x]}}
        """,
        """
    def pytest_epic_conflicts(config, conflicts):
        for conflict in conflicts:
            note(conflict.wave, *conflict.stories, *conflict.paths, conflict.policy.value)
        """,
    )
    both_ways()
    assert project.lines("notes") == [f"1|{key('a')}|{key('b')}|x|y|{policy}"]


def test_without_conflicts_the_hook_is_not_called(both_ways: BothWays, project: Project) -> None:
    write(project, DIAMOND, "    def pytest_epic_conflicts(): note('called')\n")
    both_ways().assert_outcomes(passed=4)
    assert project.lines("notes") == []


@pytest.mark.parametrize("mode", [(), ("--epic-parallel=1",)])
def test_a_tripped_breaker_is_told_once_with_its_stories(project: Project, mode: tuple[str, ...]) -> None:
    stories = ", ".join(f"{{id: {identifier}, call: 'tasks:breaks'}}" for identifier in "abc")
    write(
        project,
        f"epic: {{circuit_breaker: 2}}\nstories: [{stories}]",
        "    def pytest_epic_breaker_tripped(config, epic, stories): note(config.rootpath.name, epic, *stories)\n",
    )
    project.run(*mode).assert_outcomes(failed=3, skipped=1)
    assert project.lines("notes") == [f"{project.path.name}|epic_shop.yaml|{key('a')}|{key('b')}"]


@pytest.mark.parametrize("phase", ["setup", "teardown"])
def test_what_a_hook_prints_around_a_story_is_captured_with_it(
    project: Project, both_ways: Callable[..., pytest.RunResult], phase: str
) -> None:
    project.epic("stories: [{id: '1', run: exit 1}]")
    project.write(
        "conftest.py",
        f"""
        import logging

        def pytest_runtest_{phase}(item):
            print("printed in the {phase}")
            logging.warning("logged in the {phase}")
        """,
    )
    result = both_ways()
    result.stdout.fnmatch_lines([f"*Captured stdout {phase}*", f"printed in the {phase}", f"*Captured log {phase}*"])
    result.stdout.no_fnmatch_line(f"{phase}printed*")
    assert result.stdout.str().count(f"printed in the {phase}") == 1


def test_what_the_setup_of_a_package_prints_is_captured(project: Project) -> None:
    project.write("shop/__init__.py", "def setup_module():\n    print('the shop is open')\n")
    project.epic("stories: [{id: '1', run: exit 1}, {id: '2', run: 'true'}]", "shop/epic_shop.yaml")
    result = project.run("-rP")
    result.stdout.fnmatch_lines(["*Captured stdout setup*", "the shop is open"])
    assert result.stdout.str().count("the shop is open") == 1


def test_nothing_is_captured_around_a_story_where_nobody_prints(project: Project) -> None:
    project.epic("stories: [{id: '1', run: 'true'}, {id: '2', run: 'true'}]")
    project.write(
        "conftest.py",
        """
        from pytest_tapps_waves.concurrent.lean import LeanHooks

        def pytest_epic_story_started(story):
            assert isinstance(story.ihook, LeanHooks)

        def pytest_sessionfinish(session):
            assert not any(isinstance(item.ihook, LeanHooks) for item in session.items)
        """,
    )
    project.run().assert_outcomes(passed=2)
