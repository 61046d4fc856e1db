"""Stories that work in git worktrees: what users see of it, in real runs in real repositories."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

import pytest
from project import Project
from repository import WITHOUT_GIT, Repository
from running import Run

pytestmark = WITHOUT_GIT


@pytest.fixture
def repository(project: Project, monkeypatch: pytest.MonkeyPatch) -> Repository:
    return Repository(project, monkeypatch)


TWO = """
    epic: {isolation: worktree}
    stories:
      - {id: a, title: The first, run: "echo a > a.txt", files_affected: a.txt}
      - {id: b, title: The second, run: "cat a.txt base.txt > b.txt", dependencies: [a], files_affected: b.txt}
"""


def test_work_is_put_together_on_a_branch_that_the_summary_names(
    repository: Repository, both_ways: Callable[..., pytest.RunResult]
) -> None:
    repository.epic(TWO)
    before = repository.state()
    result = both_ways()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*2 stories*epic shop*branch epics/shop: git merge epics/shop"])
    assert repository.files_on() == ["a.txt", "b.txt"]
    assert repository.on_branch("b.txt") == "a\nbase\n"
    assert repository.state() == before
    assert repository.branches() == ["epics/shop", "main"]
    assert repository.worktrees() == []


def test_the_branch_can_be_merged_as_the_summary_says(repository: Repository) -> None:
    repository.epic(TWO)
    repository.project.run("--epic-parallel=2").assert_outcomes(passed=2)
    repository.git("merge", "-q", "epics/shop")
    assert (repository.path / "b.txt").read_text() == "a\nbase\n"
    # What has been taken is no reason to refuse the next run.
    repository.project.run("--epic-parallel=2").assert_outcomes(passed=2)


def test_what_failed_is_kept_and_named_and_is_not_on_the_branch(
    repository: Repository, both_ways: Callable[..., pytest.RunResult]
) -> None:
    repository.epic("""
        epic: {isolation: worktree}
        stories:
          - {id: good, run: "echo good > good.txt"}
          - {id: bad, run: "echo half > half.txt; exit 3"}
          - {id: after, run: "true", dependencies: [bad]}
    """)
    result = both_ways()
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    (tree,) = repository.worktrees()
    # In the story's failure, and in the summary.
    result.stdout.fnmatch_lines([f"kept: {tree} (branch epic/shop/bad)", f"bad is kept: {tree} (branch epic/shop/bad)"])
    assert repository.files_on() == ["good.txt"]
    assert repository.on_branch("half.txt", "epic/shop/bad") == "half\n"


def test_a_failed_check_keeps_the_work_off_the_branch(repository: Repository) -> None:
    repository.epic("""
        epic: {isolation: worktree}
        stories:
          - id: a
            run: echo a > a.txt
            acceptance_criteria: [{description: b is there, run: test -e b.txt}]
    """)
    repository.project.run().assert_outcomes(failed=2)
    assert repository.branches() == ["epic/shop/a", "main"]


def test_an_undeclared_write_fails(repository: Repository, both_ways: Callable[..., pytest.RunResult]) -> None:
    repository.epic("""
        epic: {isolation: worktree}
        stories:
          - {id: a, run: "echo x > declared.txt; mkdir src; echo x > src/x.py", files_affected: declared.txt}
    """)
    result = both_ways()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*undeclared write: src/x.py*"])
    assert "epics/shop" not in repository.branches()


def test_an_undeclared_write_is_a_warning_if_that_is_asked_for(repository: Repository) -> None:
    repository.epic("""
        epic: {isolation: worktree}
        stories:
          - {id: a, run: "echo x > other.txt", files_affected: declared.txt}
    """)
    result = repository.project.run("--epic-conflicts=warn")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*undeclared write: other.txt*"])
    assert repository.files_on() == ["other.txt"]


def test_a_merge_conflict_fails_and_tells_both_stories_and_the_hunks(repository: Repository) -> None:
    # Each waits until the other has begun, so both begin with the same file.
    begun = "touch HERE/{0}.pid; until test -e HERE/{1}.pid; do sleep 0.01; done; echo of {0} > base.txt"
    repository.epic(
        f"""
        epic: {{isolation: worktree}}
        stories:
          - {{id: a, run: "{begun.format("a", "b")}"}}
          - {{id: b, run: "{begun.format("b", "a")}"}}
        """.replace("HERE", str(repository.path))
    )
    result = repository.project.run("--epic-parallel=2")
    result.assert_outcomes(passed=1, failed=1)
    merged = "a" if repository.on_branch("base.txt") == "of a\n" else "b"
    # In the order of the plan, whatever ended first.
    hunk = ["*<<<<<<< a", "*of a", "*=======", "*of b", "*>>>>>>> b"]
    result.stdout.fnmatch_lines([f"*merge conflict with {merged}: base.txt*", *hunk])


def test_each_attempt_begins_anew(repository: Repository) -> None:
    repository.epic("""
        epic: {isolation: worktree}
        stories:
          - {id: a, retries: 1, run: "test ! -e left.txt || exit 9; echo x > left.txt; test $STORY_ATTEMPT = 2"}
    """)
    repository.project.run().assert_outcomes(passed=1)
    assert repository.files_on() == ["left.txt"]
    assert repository.worktrees() == []


def test_stories_are_told_where_they_are(repository: Repository) -> None:
    repository.project.write(
        "where.py",
        """
        from pathlib import Path
        from pytest_tapps_waves.actions.base import StoryContext

        def note(story: StoryContext) -> None:
            (story.cwd / "called.txt").write_text(f"{story.root == story.cwd} {Path.cwd() == story.cwd}")
    """,
    )
    repository.epic("""
        epic: {isolation: worktree}
        stories:
          - {id: a, run: 'test "$EPIC_ROOT" = "$(pwd -P)" && test "$(git branch --show-current)" = epic/shop/a'}
          - {id: b, call: "where:note"}
    """)
    repository.project.run("--epic-parallel=2").assert_outcomes(passed=2)
    assert repository.on_branch("called.txt") == "True False"


def test_a_resumed_run_goes_on_from_the_branch(
    repository: Repository, both_ways: Callable[..., pytest.RunResult]
) -> None:
    repository.epic("""
        epic: {isolation: worktree}
        stories:
          - {id: a, run: "echo a > a.txt"}
          - {id: b, run: "test -e go && cat a.txt go > b.txt", dependencies: [a]}
    """)
    both_ways().assert_outcomes(passed=1, failed=1)
    first = repository.git("rev-parse", "epics/shop")
    # What has been committed since is there too.
    (repository.path / "go").write_text("go\n")
    repository.commit()
    result = both_ways("--epic-resume")
    result.assert_outcomes(passed=1, skipped=1)
    assert repository.on_branch("b.txt") == "a\ngo\n"
    assert repository.git("merge-base", first.strip(), "epics/shop") == first
    assert repository.worktrees() == []
    assert repository.branches() == ["epics/shop", "main"]


def test_without_resume_work_that_nobody_took_is_not_built_over(repository: Repository) -> None:
    repository.epic(TWO)
    repository.project.run().assert_outcomes(passed=2)
    first = repository.git("rev-parse", "epics/shop")
    result = repository.project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*epics/shop*git merge epics/shop*--epic-resume*git branch -D epics/shop*"])
    assert repository.git("rev-parse", "epics/shop") == first


def test_uncommitted_changes_are_refused_in_one_line(repository: Repository) -> None:
    repository.epic(TWO)
    (repository.path / "base.txt").write_text("changed\n")
    result = repository.project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [
        line for line in result.errlines if line.startswith("ERROR: ") and "base.txt" in line
    ]


def test_an_epic_that_was_changed_runs_as_it_is_now(repository: Repository) -> None:
    repository.epic(TWO)
    repository.project.epic(TWO.replace("echo a", "echo new"))
    repository.project.run().assert_outcomes(passed=2)
    assert repository.on_branch("a.txt") == "new\n"


def test_no_repository_is_refused_in_one_line(project: Project) -> None:
    project.epic(TWO)
    project.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *repository*"])


def test_without_a_journal_worktrees_are_refused(repository: Repository) -> None:
    repository.epic(TWO)
    result = repository.project.run("-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *worktrees need the journal*"])


def test_the_option_beats_the_file(repository: Repository) -> None:
    repository.epic(TWO)
    repository.project.run("--epic-isolation=none").assert_outcomes(passed=2)
    assert (repository.path / "b.txt").exists()
    assert repository.branches() == ["main"]


def test_a_story_sees_the_work_of_another_epic_that_it_depends_on(repository: Repository) -> None:
    repository.epic(
        """
        epic: {isolation: worktree}
        stories: [{id: u, run: "echo user > user.txt"}]
    """,
        "epic_user.yaml",
    )
    repository.epic("""
        epic: {isolation: worktree}
        stories:
          - {id: a, run: "test ! -e user.txt"}
          - {id: b, run: "cat user.txt > b.txt", dependencies: ["epic_user.yaml::u"]}
    """)
    repository.project.run("--epic-parallel=2").assert_outcomes(passed=3)
    assert repository.on_branch("b.txt") == "user\n"


def test_work_is_there_too_if_something_that_is_not_isolated_stands_between(repository: Repository) -> None:
    repository.project.write(
        "test_between.py",
        """
        import pytest

        @pytest.mark.depends(on="epic_user.yaml::u")
        def test_between(): pass
        """,
    )
    repository.epic(
        """
        epic: {isolation: worktree}
        stories: [{id: u, run: "echo user > user.txt"}]
        """,
        "epic_user.yaml",
    )
    repository.epic("""
        epic: {isolation: worktree}
        stories: [{id: b, run: "cat user.txt > b.txt", dependencies: ["test_between.py::test_between"]}]
    """)
    repository.project.run("--epic-parallel=2").assert_outcomes(passed=3)
    assert repository.on_branch("b.txt") == "user\n"


def test_junit_xml_names_the_files_that_were_changed(repository: Repository) -> None:
    repository.epic(TWO)
    repository.project.run("--epic-parallel=2", "--junitxml=report.xml")
    cases = ElementTree.parse(repository.path / "report.xml").iter("testcase")
    properties = {
        case.get("name"): {prop.get("name"): prop.get("value") for prop in case.iter("property")} for case in cases
    }
    assert {name: found["files_changed"] for name, found in properties.items()} == {"a": "a.txt", "b": "b.txt"}


def test_fifty_stories_eight_at_once_are_all_merged(repository: Repository) -> None:
    stories = "\n".join(
        f"      - {{id: s{n}, run: 'echo {n} > {n}.txt', dependencies: [{f's{n - 10}' if n >= 10 else ''}]}}"
        for n in range(50)
    )
    repository.epic(f"    epic: {{isolation: worktree}}\n    stories:\n{stories}\n")
    before = repository.state()
    repository.project.run("--epic-parallel=8", "--epic-schedule=eager").assert_outcomes(passed=50)
    assert sorted(repository.files_on()) == sorted(f"{n}.txt" for n in range(50))
    assert repository.state() == before
    assert repository.branches() == ["epics/shop", "main"]
    assert repository.worktrees() == []
    subjects = repository.git("log", "--first-parent", "--format=%s", "main..epics/shop").splitlines()
    assert [subject.partition(":")[0] for subject in reversed(subjects)] == [f"s{n}" for n in range(50)]


@pytest.fixture
def run(repository: Repository) -> Iterator[Run]:
    run = Run(repository.project)
    yield run
    run.clean_up()


SLOW = """
    epic: {isolation: worktree, timeout: 0}
    stories:
      - {id: a, run: "echo a > a.txt"}
      - {id: b, run: "echo half > b.txt; echo $$ > PATH/b.pid; exec sleep 1000", dependencies: [a]}
      - {id: c, run: "cat b.txt > c.txt", dependencies: [b]}
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no signal that cannot be caught")
def test_what_a_killed_run_left_is_swept_and_the_rest_is_done(repository: Repository, run: Run) -> None:
    repository.epic(SLOW.replace("PATH", str(repository.path)))
    repository.git("branch", "epic/theirs")
    before = repository.state()
    run.start("--epic-parallel=2", waits_for=("b",))
    run.signal(signal.SIGKILL)
    run.end()
    assert len(repository.worktrees()) == 1
    repository.project.epic(SLOW.replace("exec sleep 1000", "true").replace("PATH", str(repository.path)))
    repository.git("commit", "-qam", "It goes on")
    result = repository.project.run("--epic-parallel=2", "--epic-resume")
    result.assert_outcomes(passed=2, skipped=1)
    assert repository.files_on() == ["a.txt", "b.txt", "c.txt"]
    assert repository.worktrees() == []
    assert repository.branches() == ["epic/theirs", "epics/shop", "main"]
    after = repository.state()
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} == {
        ".git/index",
        "epic_shop.yaml",
        "main",
    }


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no Ctrl-C for another process")
def test_ctrl_c_keeps_what_was_begun_and_says_where(repository: Repository, run: Run) -> None:
    repository.epic(SLOW.replace("PATH", str(repository.path)))
    run.start("--epic-parallel=2", waits_for=("b",))
    run.signal(signal.SIGINT)
    assert run.end() == pytest.ExitCode.INTERRUPTED
    (tree,) = repository.worktrees()
    assert any("kept" in line and tree in line for line in run.output.splitlines())
    assert repository.on_branch("b.txt", "epic/shop/b") == "half\n"
