"""What is said of the plan before the run, instead of it, and after it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

SHOP = """
    epic: {title: Checkout}
    stories:
      - {id: "8.1", title: Create the schema, run: echo 8.1>>ran}
      - {id: "8.2", title: Fill it, run: echo 8.2>>ran, dependencies: ["8.1"]}
      - {id: "8.3", run: echo 8.3>>ran, dependencies: ["8.2", "epic_user.yaml::2.1"]}
"""
USER = """
    stories:
      - {id: "2.1", title: Sign up, run: echo 2.1>>ran}
      - {id: "2.2", run: echo 2.2>>ran}
"""
CONFLICTING = """
    stories:
      - {id: a, run: echo a>>ran, files_affected: [x]}
      - {id: b, run: echo b>>ran, files_affected: [x]}
"""


def write_two_epics(project: Project) -> None:
    project.epic(SHOP)
    project.epic(USER, "epic_user.yaml")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((), "epics: 2 epics, 5 stories, 3 waves, one at a time"),
        (("--epic-parallel=3",), "epics: 2 epics, 5 stories, 3 waves, 3 at once, waves schedule"),
        (("--epic-parallel=1",), "epics: 2 epics, 5 stories, 3 waves, 1 at once, waves schedule"),
        (("-k", "8.1"), "epics: 1 epic, 1 story, 1 wave, one at a time"),
        (("--collect-only",), "epics: 2 epics, 5 stories, 3 waves, one at a time"),
    ],
)
def test_the_header_tells_the_plan_in_one_line(project: Project, args: tuple[str, ...], told: str) -> None:
    write_two_epics(project)
    assert [line for line in project.run(*args).outlines if line.startswith("epics: ")] == [told]


def test_a_python_test_that_a_story_depends_on_is_counted_and_others_are_not(project: Project) -> None:
    project.write("test_db.py", "def test_up(): pass\ndef test_alone(): pass")
    project.epic("stories: [{id: a, run: exit 0, dependencies: ['test_db.py::test_up']}]")
    project.run().stdout.fnmatch_lines(["epics: 1 epic, 2 stories, 2 waves, one at a time"])


def test_a_run_without_epics_says_nothing_of_them(both_ways: BothWays, project: Project) -> None:
    project.write("test_db.py", "def test_up(): pass")
    result = both_ways()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("epics:*")
    result.stdout.no_fnmatch_line("*= epics =*")


@pytest.mark.parametrize("option", ["--epic-plan", "--epic-plan=text"])
def test_the_plan_is_printed_instead_of_a_run(both_ways: BothWays, project: Project, option: str) -> None:
    write_two_epics(project)
    result = both_ways(option)
    assert result.ret == pytest.ExitCode.OK
    assert project.lines("ran") == []
    result.assert_outcomes()
    result.stdout.fnmatch_lines(
        [
            "|wave 1: 3 stories        | wave 2: 1 story         | wave 3: 1 story         |",
            "|-------------------------+-------------------------+-------------------------|",
            "|epic_shop.yaml           |                         |                         |",
            "|[*]  8.1 Create the schema | [*]  8.2 Fill it          | [*]  8.3                  |",
            "|-------------------------+-------------------------+-------------------------|",
            "|epic_user.yaml           |                         |                         |",
            "|   2.1 Sign up           |                         |                         |",
            "|   2.2                   |                         |                         |",
            "+-----------------------------------------------------------------------------+",
            "[*] on the critical path",
            "critical path: 3 stories",
            "  epic_shop.yaml::8.1",
            "  -> epic_shop.yaml::8.2",
            "  -> epic_shop.yaml::8.3",
        ],
        consecutive=True,
    )
    result.stdout.no_fnmatch_line("conflicts:")


@pytest.mark.parametrize("policy", ["fail", "serialize", "warn"])
def test_the_plan_shows_conflicts_and_what_they_will_do(project: Project, policy: str) -> None:
    project.epic(CONFLICTING)
    result = project.run("--epic-plan", f"--epic-conflicts={policy}")
    assert result.ret == pytest.ExitCode.OK
    told = f"  {policy}: a and b are both in wave 1 and both affect x (epic_shop.yaml:3, :4)"
    result.stdout.fnmatch_lines(
        ["|[*]! a*", "| ! b*", "[*] on the critical path   ! in a conflict", "conflicts:", told]
    )
    assert project.lines("ran") == []


def test_the_plan_runs_no_python_tests_either(both_ways: BothWays, project: Project) -> None:
    write_two_epics(project)
    project.write("test_db.py", "def test_up(): open('ran', 'w').write('test')")
    assert both_ways("--epic-plan").ret == pytest.ExitCode.OK
    assert project.lines("ran") == []


def test_the_plan_is_of_what_is_selected(project: Project) -> None:
    write_two_epics(project)
    result = project.run("--epic-plan", "-k", "8")
    result.stdout.fnmatch_lines(["|wave 1: 1 story *"])
    result.stdout.no_fnmatch_line("*2.1*")


def test_mistakes_are_told_instead_of_a_plan(project: Project) -> None:
    project.epic("stories: [{id: a, run: exit 0, dependencies: [b]}]")
    result = project.run("--epic-plan")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["epic_shop.yaml:1: story a depends on b, *"])
    result.stdout.no_fnmatch_line("*wave 1*")


def test_collect_only_lists_stories_in_the_order_in_which_they_would_run(project: Project) -> None:
    write_two_epics(project)
    result = project.run("--collect-only", "-q")
    assert result.ret == pytest.ExitCode.OK
    keys = [line for line in result.outlines if "::" in line]
    shop, user = "epic_shop.yaml::8.", "epic_user.yaml::2."
    assert keys == [f"{shop}1", f"{shop}2", f"{user}1", f"{shop}3", f"{user}2"]
    assert project.lines("ran") == []


def test_collect_only_shows_epics_as_files_and_stories_as_items(project: Project) -> None:
    project.epic(USER, "epic_user.yaml")
    project.run("--collect-only").stdout.fnmatch_lines(
        ["*<EpicFile epic_user.yaml>", "*<StoryItem 2.1>", "*<StoryItem 2.2>"]
    )


def test_the_summary_groups_what_was_not_run_by_its_reason(both_ways: BothWays, project: Project) -> None:
    project.write("tasks.py", "import pytest\ndef skips(): pytest.skip('not here')")
    waiting = "\n".join(f'      - {{id: "w{number}", run: "exit 0", dependencies: ["8.1"]}}' for number in range(1, 16))
    project.epic(f"""
    stories:
      - {{id: "8.1", run: "exit 1"}}
      - {{id: "8.2", run: "exit 0"}}
      - {{id: "8.3"}}
      - {{id: "8.4", call: "tasks:skips"}}
      - {{id: "8.5", call: "tasks:skips"}}
{waiting}
    """)
    project.epic(USER, "epic_user.yaml")
    result = both_ways()
    listed = ", ".join(f"w{number}" for number in range(1, 13))
    result.stdout.fnmatch_lines(
        [
            "*= epics =*",
            "epic_shop.yaml: 1 passed, 1 failed, 17 skipped, 1 without anything to run",
            "  2 not here: 8.4, 8.5",
            f"  15 depends on 8.1, which failed: {listed} and 3 more",
        ],
        consecutive=True,
    )
    result.stdout.no_fnmatch_line("epic_user.yaml: *")


def test_epics_that_simply_pass_need_no_summary(both_ways: BothWays, project: Project) -> None:
    write_two_epics(project)
    result = both_ways()
    result.assert_outcomes(passed=5)
    result.stdout.no_fnmatch_line("*= epics =*")


def test_the_time_that_stories_take_is_shown_by_durations(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: a, run: exit 0}]")
    both_ways("--durations=3", "--durations-min=0", "-vv").stdout.fnmatch_lines(["*s call * epic_shop.yaml::a"])


def test_verbose_progress_counts_up_to_a_hundred_percent(both_ways: BothWays, project: Project) -> None:
    write_two_epics(project)
    assert both_ways("-v").outlines[-3].endswith("[100%]")


def test_the_plan_of_a_run_without_stories_runs_nothing_either(project: Project) -> None:
    project.write("test_plain.py", "def test_it(): assert 0")
    result = project.run("--epic-plan")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["no stories"])
    result.assert_outcomes()


@pytest.mark.parametrize("options", [(), ("--epic-parallel=2",)])
def test_a_run_needs_no_terminal(project: Project, options: tuple[str, ...]) -> None:
    project.epic("stories: [{id: a, run: echo a>>ran}]")
    result = project.run_process("-p", "no:terminal", *options)
    assert (result.ret, project.lines("ran")) == (pytest.ExitCode.OK, ["a"])


@pytest.mark.parametrize("option", ["--epic-plan", "--epic-plan=json", "--epic-status"])
def test_without_a_terminal_there_is_nothing_to_print_on(project: Project, option: str) -> None:
    project.epic("stories: [{id: a, run: echo a>>ran}]")
    result = project.run_process("-p", "no:terminal", option)
    assert (result.ret, result.outlines, project.lines("ran")) == (pytest.ExitCode.OK, [], [])
