"""Stories are selected as any test: by words, marks, node ids and what failed before."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

SHOP = """
    stories:
      - {id: "8.1", title: Create the schema, tags: [db], run: echo 8.1>>ran}
      - {id: "8.2", title: Fill the tables, tags: [db, slow-one], run: echo 8.2>>ran}
      - {id: "8.3", title: Show a page, run: echo 8.3>>ran}
      - {id: "8.10", title: Close the shop, run: echo 8.10>>ran}
"""
MARKERS = "\nmarkers =\n    db: needs the database\n    slow-one: takes long\n"
FLAKY = """
    stories:
      - {id: a, run: python run.py a}
      - {id: b, run: python run.py b, dependencies: [a]}
      - {id: c, run: python run.py c, dependencies: [b]}
      - {id: d, run: python run.py d}
"""
RUN = """
    import pathlib, sys
    with open("ran", "a") as file:
        print(sys.argv[1], file=file)
    raise SystemExit(sys.argv[1] in pathlib.Path("broken").read_text())
"""


def write_flaky(project: Project, broken: str) -> None:
    """An epic whose stories write down that they ran, and fail if they are among ``broken``."""
    project.epic(FLAKY)
    project.write("run.py", RUN)
    project.write("broken", broken)


@pytest.mark.parametrize(
    ("words", "ran"),
    [
        ("8.1", ["8.1", "8.10"]),
        ("schema or page", ["8.1", "8.3"]),
        ("the and not shop.yaml", []),
        ("tables", ["8.2"]),
        ("not the", ["8.3"]),
        ("epic_shop", ["8.1", "8.2", "8.3", "8.10"]),
    ],
)
def test_words_of_ids_titles_and_file_names_select(
    both_ways: BothWays, project: Project, words: str, ran: list[str]
) -> None:
    project.epic(SHOP)
    both_ways("-k", words).assert_outcomes(passed=len(ran), deselected=4 - len(ran))
    assert sorted(project.lines("ran")) == sorted(ran)


@pytest.mark.parametrize(("marks", "ran"), [("db", ["8.1", "8.2"]), ("not db", ["8.10", "8.3"])])
def test_tags_are_marks(both_ways: BothWays, project: Project, marks: str, ran: list[str]) -> None:
    project.epic(SHOP)
    both_ways("-m", marks).assert_outcomes(passed=2, deselected=2)
    assert sorted(project.lines("ran")) == ran


def test_tags_need_no_registration(both_ways: BothWays, project: Project) -> None:
    project.epic(SHOP)
    both_ways("-W", "error").assert_outcomes(passed=4)


def test_with_strict_markers_unknown_tags_are_mistakes_of_the_file(both_ways: BothWays, project: Project) -> None:
    # pytest remembers registered marks for the whole process, so these are of no other test.
    project.epic(SHOP.replace("db", "unheard-of").replace("slow-one", "unknown"))
    result = both_ways("--strict-markers")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "epic_shop.yaml:3: story 8.1: the tag 'unheard-of' is no registered mark; add it to the ini option markers",
            "epic_shop.yaml:4: story 8.2: the tag 'unknown' is no registered mark; *",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_with_strict_markers_registered_tags_are_fine(both_ways: BothWays, project: Project) -> None:
    project.epic(SHOP)
    project.write("pytest.ini", f"[pytest]\nasyncio_default_fixture_loop_scope = function{MARKERS}")
    both_ways("--strict-markers", "-m", "db").assert_outcomes(passed=2, deselected=2)


def test_node_ids_select_single_stories(both_ways: BothWays, project: Project) -> None:
    project.epic(SHOP, "plans/epic_shop.yaml")
    both_ways("plans/epic_shop.yaml::8.10", "plans/epic_shop.yaml::8.3").assert_outcomes(passed=2)
    assert sorted(project.lines("ran")) == ["8.10", "8.3"]


def test_an_unknown_node_id_is_a_usage_error(both_ways: BothWays, project: Project) -> None:
    project.epic(SHOP)
    result = both_ways("epic_shop.yaml::8.4")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: not found: *epic_shop.yaml::8.4"])


def test_deselected_stories_do_not_run_and_their_dependents_are_skipped(both_ways: BothWays, project: Project) -> None:
    write_flaky(project, "")
    result = both_ways("--deselect=epic_shop.yaml::a", "-v")
    result.assert_outcomes(passed=1, skipped=2, deselected=1)
    assert project.lines("ran") == ["d"]
    result.stdout.fnmatch_lines(
        ["*1 depends on a, which is not part of this run*: b", "*1 depends on b, which was*: c"]
    )


def test_a_story_named_twice_runs_once(both_ways: BothWays, project: Project) -> None:
    project.epic(SHOP)
    both_ways("--keep-duplicates", "epic_shop.yaml::8.1", "epic_shop.yaml::8.1", "epic_shop.yaml")
    assert sorted(project.lines("ran")) == ["8.1", "8.10", "8.2", "8.3"]


def test_last_failed_runs_a_story_although_what_it_depends_on_passed(both_ways: BothWays, project: Project) -> None:
    write_flaky(project, "b")
    both_ways().assert_outcomes(passed=2, failed=1, skipped=1)
    project.write("broken", "")
    (project.path / "ran").unlink()
    both_ways("--lf").assert_outcomes(passed=1)
    assert project.lines("ran") == ["b"]


def test_last_failed_keeps_the_order_of_several_failures(both_ways: BothWays, project: Project) -> None:
    write_flaky(project, "a d")
    both_ways().assert_outcomes(failed=2, skipped=2)
    project.write("broken", "d")
    both_ways("--lf").assert_outcomes(passed=1, failed=1)
    project.write("broken", "")
    (project.path / "ran").unlink()
    both_ways("--lf").assert_outcomes(passed=1)
    assert project.lines("ran") == ["d"]


def test_with_nothing_failed_before_last_failed_runs_all(both_ways: BothWays, project: Project) -> None:
    write_flaky(project, "")
    both_ways("--lf").assert_outcomes(passed=4)


def test_failed_first_does_not_run_a_story_before_its_dependencies(both_ways: BothWays, project: Project) -> None:
    write_flaky(project, "c")
    both_ways().assert_outcomes(passed=3, failed=1)
    project.write("broken", "")
    (project.path / "ran").unlink()
    both_ways("--ff").assert_outcomes(passed=4)
    ran = project.lines("ran")
    assert [story for story in ran if story != "d"] == ["a", "b", "c"]


def test_one_by_one_failed_first_brings_the_failed_story_and_its_dependencies_forward(project: Project) -> None:
    write_flaky(project, "d")
    project.run().assert_outcomes(passed=3, failed=1)
    project.write("broken", "")
    (project.path / "ran").unlink()
    project.run("--ff").assert_outcomes(passed=4)
    assert project.lines("ran") == ["d", "a", "b", "c"]


def test_stories_run_without_the_cache_plugin(both_ways: BothWays, project: Project) -> None:
    write_flaky(project, "b")
    result = both_ways("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    assert not (project.path / ".pytest_cache").exists()


def test_long_output_without_the_cache_plugin_is_shown_cut(both_ways: BothWays, project: Project) -> None:
    project.write("talk.py", "print('first'); print('x' * 200_000); print('last'); raise SystemExit(1)")
    project.epic("stories: [{id: a, run: python talk.py}]")
    result = both_ways("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["first", "*[[]... * bytes cut; *", "*last"])


@pytest.mark.parametrize("mode", [(), ("--epic-parallel=1",)])
def test_exitfirst_starts_nothing_more(project: Project, mode: tuple[str, ...]) -> None:
    project.epic("stories: [{id: a, run: exit 1}, {id: b, run: echo b>>ran}]")
    result = project.run("-x", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["epic_shop.yaml: 1 failed, 1 not started", "*stopping after 1 failures*"])
    assert project.lines("ran") == []


def test_both_extensions_are_epics_and_other_yaml_files_are_not(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: a, run: exit 0}]", "epic_one.yaml")
    project.epic("stories: [{id: b, run: exit 0}]", "sub/epic_two.yml")
    for name in ("epic.yaml", "my_epic_three.yaml", "epic_four.json", "shop.yml"):
        project.write(name, "not: [an epic")
    result = both_ways("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines_random(["epic_one.yaml::a PASSED*", "sub/epic_two.yml::b PASSED*"])


def test_a_file_given_by_name_must_be_an_epic_by_its_name(both_ways: BothWays, project: Project) -> None:
    project.write("shop.yaml", "stories: [{id: a, run: exit 0}]")
    both_ways("shop.yaml").assert_outcomes()


def test_an_epic_outside_rootdir_is_one_clear_error(both_ways: BothWays, project: Project) -> None:
    project.write("inside/pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    project.epic("stories: [{id: a, run: exit 0}]", "outside/epic_far.yaml")
    result = both_ways("--rootdir=inside", "-c", "inside/pytest.ini", "outside/epic_far.yaml")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*epic_far.yaml: an epic must be inside rootdir, which is */inside; set it with *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_python_tests_keep_their_order_within_a_file_that_comes_forward(project: Project) -> None:
    project.write("test_a.py", "def test_z(): pass\ndef test_b(): pass")
    project.epic("stories: [{id: s, run: exit 0, dependencies: ['test_z.py::test_y']}]")
    project.write("test_z.py", "def test_x(): pass\ndef test_y(): pass")
    result = project.run("-v")
    result.assert_outcomes(passed=5)
    names = [line.split()[0].rpartition("::")[2] for line in result.outlines if " PASSED" in line]
    assert names == ["test_x", "test_y", "s", "test_z", "test_b"]


@pytest.mark.parametrize("mode", [(), ("--epic-parallel=3",)])
def test_python_tests_beside_epics_keep_their_fixtures_and_their_output(
    project: Project, mode: tuple[str, ...]
) -> None:
    project.write(
        "test_db.py",
        """
        import asyncio
        import pytest

        @pytest.fixture(scope="module")
        def database():
            yield []
            print("closed", file=open("closed", "w"))

        def test_one(database, capsys, monkeypatch):
            monkeypatch.setenv("MODE", "test")
            print("hello")
            assert capsys.readouterr().out == "hello\\n"
            database.append(1)

        def test_two(database):
            assert database == [1]

        @pytest.mark.asyncio
        async def test_three():
            await asyncio.sleep(0)

        def test_four():
            print("said by a test")
            assert False
        """,
    )
    project.epic("stories: [{id: a, run: exit 0}, {id: b, run: exit 1}]")
    result = project.run(*mode, "-W", "ignore::ResourceWarning")
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(["*_ test_four _*", "*Captured stdout call*", "said by a test"])
    assert project.lines("closed") == ["closed"]
