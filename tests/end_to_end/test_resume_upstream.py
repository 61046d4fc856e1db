"""What a story stands on counts for ``--epic-resume``, be it not in the run, or behind what has nothing to run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

DOCUMENTED = """
    stories:
      - {{id: a, run: 'true {}'}}
      - {{id: note, description: for people, dependencies: [a]}}
      - {{id: note2, description: for people, dependencies: [note]}}
      - {{id: b, run: echo b >> log, dependencies: [note2]}}
"""
PAIR = "stories: [{id: a, run: echo a >> log}, {id: b, run: echo b >> log && test -e ok, dependencies: [a]}]"


def test_a_change_reaches_across_stories_that_have_nothing_to_run(both_ways: BothWays, project: Project) -> None:
    project.epic(DOCUMENTED.format(""))
    both_ways().assert_outcomes(passed=2, skipped=2)
    both_ways("--epic-resume").assert_outcomes(skipped=4)
    project.epic(DOCUMENTED.format("changed"))
    status = project.run("--epic-status")
    status.stdout.re_match_lines([r"  a .* run changed since$", r"  b .* a will run again$"])
    both_ways("--epic-resume").assert_outcomes(passed=2, skipped=2)
    assert project.lines("log") == ["b", "b"]
    project.run("--epic-status").stdout.fnmatch_lines(["epic_shop.yaml: 4 stories, 4 done"])
    both_ways("--epic-resume").assert_outcomes(skipped=4)


def test_a_story_that_passed_without_what_it_stands_on_in_its_run_is_done(
    both_ways: BothWays, project: Project
) -> None:
    project.epic(PAIR)
    both_ways().assert_outcomes(passed=1, failed=1)
    project.write("ok", "")
    both_ways("--lf").assert_outcomes(passed=1)
    project.run("--epic-status").stdout.fnmatch_lines(["epic_shop.yaml: 2 stories, 2 done"])
    both_ways("--epic-resume").assert_outcomes(skipped=2)


def test_a_story_runs_again_after_what_it_stands_on_though_that_is_not_in_this_run(
    both_ways: BothWays, project: Project
) -> None:
    project.write("ok", "")
    project.epic(PAIR)
    alone = ("epic_shop.yaml::b", "--missing-dependency-action=run")
    both_ways().assert_outcomes(passed=2)
    both_ways(*alone, "--epic-resume").assert_outcomes(skipped=1)
    both_ways("epic_shop.yaml::a").assert_outcomes(passed=1)
    both_ways(*alone, "--epic-resume").assert_outcomes(passed=1)
    both_ways(*alone, "--epic-resume").assert_outcomes(skipped=1)


def test_a_skipped_subtest_leaves_its_test_passed(both_ways: BothWays, project: Project) -> None:
    project.write(
        "test_parts.py",
        """
        import pytest
        def test_up(subtests):
            with subtests.test("part"):
                pytest.skip("not here")
        @pytest.mark.depends(on="test_up")
        def test_down(): pass
        """,
    )
    both_ways().assert_outcomes(passed=2)
    both_ways("--epic-resume").assert_outcomes(skipped=2)


def test_a_failure_whose_message_is_no_text_is_kept(both_ways: BothWays, project: Project) -> None:
    project.write(
        "test_signs.py",
        r"""
        import pytest
        def test_up(): pass
        @pytest.mark.depends(on="test_up")
        def test_down(): pytest.fail("half of a pair: \udcff")
        """,
    )
    both_ways().assert_outcomes(passed=1, failed=1)
    project.run("--epic-status").stdout.re_match_lines([r".*test_down +2 +failed .*half of a pair: \\udcff"])
