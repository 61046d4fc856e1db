"""Stories of epic files and Python tests in one graph: order, failures, cycles, and how they share a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

NOTE = """
    import pathlib, pytest
    def note(word):
        with open("ran", "a") as file:
            print(word, file=file)
"""
DATABASE = f"""{NOTE}
    def test_up(): note("up")
    class TestSchema:
        def test_tables(self): note("tables")
        def test_views(self): note("views")
    def test_other(): note("other")
"""
PARALLEL = "--epic-parallel=3"


def dependent(on: str, name: str) -> str:
    """A file with one test, which depends on something."""
    return f"{NOTE}\n    @pytest.mark.depends(on={on!r})\n    def {name}(): note({name.removeprefix('test_')!r})\n"


@pytest.mark.parametrize(
    ("reference", "first"),
    [
        ("tests/test_db.py::test_up", ["up"]),
        ("tests/test_db.py::TestSchema", ["tables", "views"]),
        ("tests/test_db.py::TestSchema::test_views", ["views"]),
        ("tests/test_db.py", ["up", "tables", "views", "other"]),
    ],
)
def test_a_story_runs_after_the_tests_that_it_depends_on(project: Project, reference: str, first: list[str]) -> None:
    project.write("tests/test_db.py", DATABASE)
    project.epic(f"stories: [{{id: '8.1', run: echo 8.1>>ran, dependencies: ['{reference}']}}]")
    project.run("epic_shop.yaml", "tests").assert_outcomes(passed=5)
    # A file comes forward whole, since its tests may share fixtures.
    assert project.lines("ran") == ["up", "tables", "views", "other", "8.1"]
    (project.path / "ran").unlink()
    # Without what the journal knows of the run before: of a wave, the longest would go first.
    project.run("epic_shop.yaml", "tests", PARALLEL, "--cache-clear").assert_outcomes(passed=5)
    # What nothing depends on runs before all stories.
    rest = [word for word in ("up", "tables", "views", "other") if word not in first]
    assert project.lines("ran") == [*rest, *first, "8.1"]


@pytest.mark.parametrize(
    ("on", "first"),
    [
        ("epic_shop.yaml::8.1", ["8.1"]),
        ("plans/epic_shop.yaml::8.2", ["8.2"]),
        ("plans/epic_shop.yaml", ["8.1", "8.2"]),
        ("epic_shop.yaml::8.*", ["8.1", "8.2"]),
        ("epic_root.yaml::r", ["r"]),
    ],
)
def test_a_test_runs_after_the_stories_that_it_depends_on(
    both_ways: BothWays, project: Project, on: str, first: list[str]
) -> None:
    project.write("plans/test_shop.py", dependent(on, "test_it"))
    project.epic("stories: [{id: 8.1, run: echo 8.1>>ran}, {id: 8.2, run: echo 8.2>>ran}]", "plans/epic_shop.yaml")
    project.epic("stories: [{id: r, run: echo r>>ran}]", "epic_root.yaml")
    both_ways("plans/test_shop.py", ".").assert_outcomes(passed=4)
    before = project.lines("ran")[: project.lines("ran").index("it")]
    assert set(first) <= set(before)


def test_only_what_a_test_depends_on_is_moved_before_it(project: Project) -> None:
    project.write("test_shop.py", dependent("epic_shop.yaml::b", "test_it"))
    project.epic("stories: [{id: a, run: echo a>>ran}, {id: b, run: echo b>>ran}, {id: c, run: echo c>>ran}]")
    project.run("test_shop.py", "epic_shop.yaml").assert_outcomes(passed=4)
    assert project.lines("ran") == ["b", "it", "a", "c"]


def test_failures_travel_from_tests_through_stories_to_tests(both_ways: BothWays, project: Project) -> None:
    project.write("test_db.py", f"""{NOTE}
    def test_up(): assert False
    @pytest.mark.depends(on="epic_shop.yaml::8.2")
    def test_end(): note("end")
    """)  # fmt: skip
    project.epic("""
        stories:
          - {id: 8.1, run: echo 8.1>>ran, dependencies: ["test_db.py::test_up"]}
          - {id: 8.2, run: echo 8.2>>ran, dependencies: [8.1]}
    """)
    result = both_ways("-rs")
    result.assert_outcomes(failed=1, skipped=3)
    result.stdout.fnmatch_lines_random([
        "SKIPPED *: 8.1 depends on test_db.py::test_up, which failed",
        "SKIPPED *: 8.2 depends on 8.1, which was skipped",
        "SKIPPED *: test_db.py::test_end depends on epic_shop.yaml::8.2, which was skipped",
    ])  # fmt: skip
    assert project.lines("ran") == []


def test_failures_travel_from_stories_through_tests_to_stories(both_ways: BothWays, project: Project) -> None:
    project.write("test_db.py", dependent("epic_shop.yaml::8.1", "test_mid"))
    project.epic("""
        stories:
          - {id: 8.1, run: exit 3, critical: false}
          - {id: 8.2, run: echo 8.2>>ran, dependencies: ["test_db.py::test_mid"]}
          - {id: 8.3, run: echo 8.3>>ran}
    """)
    result = both_ways("-rs")
    result.assert_outcomes(failed=1, skipped=2, passed=1)
    result.stdout.fnmatch_lines_random([
        "SKIPPED *: test_db.py::test_mid depends on epic_shop.yaml::8.1, which failed",
        "SKIPPED *: 8.2 depends on test_db.py::test_mid, which was skipped",
    ])  # fmt: skip
    assert project.lines("ran") == ["8.3"]


def test_a_story_that_is_documentation_lets_tests_run(both_ways: BothWays, project: Project) -> None:
    project.write("test_db.py", dependent("epic_shop.yaml", "test_it"))
    project.epic("stories: [{id: 8.1, title: only words}]")
    both_ways().assert_outcomes(passed=1, skipped=1)
    assert project.lines("ran") == ["it"]


def test_a_cycle_through_tests_and_stories_is_one_line(both_ways: BothWays, project: Project) -> None:
    project.write("test_db.py", "import pytest\n@pytest.mark.depends(on='epic_shop.yaml::8.2')\ndef test_up(): pass\n")
    project.write("test_fine.py", "def test_fine(): pass")
    project.epic("""
        stories:
          - {id: 8.1, run: exit 0, dependencies: ["test_db.py::test_up"]}
          - {id: 8.2, run: exit 0, dependencies: [8.1]}
    """)
    result = both_ways("--continue-on-collection-errors", "-rs", "test_fine.py", "epic_shop.yaml", "test_db.py")
    result.assert_outcomes(passed=1, skipped=1, errors=1)
    result.stdout.fnmatch_lines(
        ["epic_shop.yaml:3: a cycle: 8.1 -> test_db.py::test_up -> 8.2 -> 8.1, each depends on the next; *"]
    )
    result.stdout.fnmatch_lines(["SKIPPED *test_db.py::test_up depends on epic_shop.yaml::8.2, which is not part of*"])
    assert "Traceback" not in result.stdout.str()


def test_sync_tests_run_alone_in_the_main_thread_with_all_that_they_are_used_to(project: Project) -> None:
    project.write("test_alone.py", """
        import asyncio, logging, os, sys, threading
        import pytest
        running = []

        @pytest.fixture(autouse=True)
        def alone():
            assert not running
            running.append(1)
            yield
            running.pop()
            assert threading.current_thread() is threading.main_thread()

        @pytest.mark.depends(name="sync")
        def test_capsys(capsys):
            print("word")
            assert capsys.readouterr().out == "word\\n"
        def test_capfd(capfd):
            os.write(1, b"raw")
            assert capfd.readouterr().out == "raw"
        def test_patched(monkeypatch):
            monkeypatch.setenv("PATCHED", "1")
            monkeypatch.chdir("/")
            assert os.environ["PATCHED"]
        def test_logged(caplog):
            logging.getLogger("x").warning("heard")
            assert caplog.messages == ["heard"]
        def test_loop():
            async def answer():
                await asyncio.sleep(0)
                return threading.current_thread()
            assert asyncio.run(answer()) is threading.main_thread()
        def test_warned(recwarn):
            import warnings
            warnings.warn("careful")
            assert len(recwarn) == 1
        def test_printed():
            print("shown of a failure")
            assert False
        @pytest.mark.depends(on=["sync", "test_capfd", "test_patched", "test_logged", "test_loop", "test_warned"])
        def test_after():
            assert "PATCHED" not in os.environ
            assert running == [1]
    """)  # fmt: skip
    project.epic("""
        stories:
          - {id: a, run: exit 0}
          - {id: b, run: exit 0, dependencies: ["test_alone.py::test_printed"]}
    """)
    result = project.run(PARALLEL)
    result.assert_outcomes(passed=8, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*Captured stdout call*", "shown of a failure"], consecutive=True)


def test_a_command_goes_on_while_a_sync_test_blocks(project: Project) -> None:
    project.write("test_x.py", """
        import pathlib, time, pytest
        @pytest.mark.depends(on="epic_first.yaml")
        def test_waits():
            pathlib.Path("blocked").touch()
            until = time.monotonic() + 20
            while not pathlib.Path("written").exists():
                assert time.monotonic() < until
    """)  # fmt: skip
    project.epic("stories: [{id: first, run: exit 0}]", "epic_first.yaml")
    # It begins in the wave of the test, and writes only when the test has the thread.
    project.epic("""
        stories:
          - id: second
            run: "until [ -e blocked ]; do sleep 0.01; done; echo > written"
            timeout: 20
            dependencies: [epic_first.yaml]
    """)
    project.run(PARALLEL).assert_outcomes(passed=3)


def test_a_story_that_ran_in_time_has_not_timed_out_since_a_sync_test_held_the_loop(project: Project) -> None:
    project.write("test_x.py", """
        import pathlib, time, pytest
        @pytest.mark.depends(on="epic_first.yaml")
        def test_blocks():
            pathlib.Path("blocked").touch()
            time.sleep(1.5)
    """)  # fmt: skip
    project.epic("stories: [{id: first, run: exit 0}]", "epic_first.yaml")
    project.epic("""
        stories:
          - id: second
            run: "until [ -e blocked ]; do sleep 0.01; done; sleep 0.2"
            timeout: 1
            dependencies: [epic_first.yaml]
    """)
    project.run(PARALLEL).assert_outcomes(passed=3)


def test_a_story_that_hangs_times_out_though_a_sync_test_held_the_loop(project: Project) -> None:
    project.write("test_x.py", """
        import time, pytest
        @pytest.mark.depends(on="epic_first.yaml")
        def test_blocks(): time.sleep(0.3)
    """)  # fmt: skip
    project.epic("stories: [{id: first, run: exit 0}]", "epic_first.yaml")
    project.epic("stories: [{id: second, run: sleep 60, timeout: 0.5, dependencies: [epic_first.yaml]}]")
    result = project.run(PARALLEL)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*timed out*"])
