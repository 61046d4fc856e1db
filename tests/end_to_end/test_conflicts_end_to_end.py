"""What becomes of stories of one wave that affect a common file."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

EPIC = """
    epic: {{conflict_detection: {policy}}}
    stories:
      - {{id: "8.1", run: "exit 0"}}
      - id: "8.2"
        dependencies: ["8.1"]
        files_affected: [src/db/models.py, docs/db.md]
        run: echo 8.2>>ran
      - id: "8.3"
        dependencies: ["8.1"]
        files_affected: [src/db/models.py]
        run: echo 8.3>>ran
      - {{id: "8.4", dependencies: ["8.3"], run: echo 8.4>>ran}}
"""
CONFLICT = "8.2 and 8.3 are both in wave 2 and both affect src/db/models.py (epic_shop.yaml:5, :9)"


def pair(policy: str, one: str, other: str) -> str:
    """An epic of two stories of one wave, with a pattern each."""
    return f"""
        epic: {{conflict_detection: {policy}}}
        stories:
          - {{id: "8.1", run: "exit 0", files_affected: ["{one}"]}}
          - {{id: "8.2", run: "exit 0", files_affected: ["{other}"]}}
    """


@pytest.mark.parametrize("policy", ["fail", "true"])
def test_fail_refuses_both_stories_and_skips_what_depends_on_them(
    both_ways: BothWays, project: Project, policy: str
) -> None:
    project.epic(EPIC.format(policy=policy))
    result = both_ways("-v")
    result.assert_outcomes(passed=1, failed=2, skipped=1)
    assert project.lines("ran") == []
    result.stdout.fnmatch_lines_random(
        [
            "epic_shop.yaml::8.2 FAILED*",
            "epic_shop.yaml::8.3 FAILED*",
            "epic_shop.yaml::8.4 SKIPPED (8.4 depends on 8.3, which failed)*",
        ]
    )
    for line in (5, 9):
        result.stdout.fnmatch_lines([f"epic_shop.yaml:{line}: {CONFLICT}", "It was not run."])
    result.stdout.fnmatch_lines([f"FAILED epic_shop.yaml::8.2 - {CONFLICT[:20]}*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_fail_is_the_default(both_ways: BothWays, project: Project) -> None:
    project.epic(pair("null", "a.txt", "a.txt"))
    both_ways().assert_outcomes(failed=2)


def test_the_verdict_does_not_count_as_failures_in_a_row(both_ways: BothWays, project: Project) -> None:
    project.epic(pair("fail", "a.txt", "a.txt"))
    both_ways("--epic-breaker=1").stdout.no_fnmatch_line("*circuit*")


@pytest.mark.parametrize("policy", ["off", "false"])
def test_off_runs_both_and_says_nothing(both_ways: BothWays, project: Project, policy: str) -> None:
    project.epic(EPIC.format(policy=policy))
    result = both_ways()
    result.assert_outcomes(passed=4)
    assert set(project.lines("ran")) == {"8.2", "8.3", "8.4"}
    result.stdout.no_fnmatch_line("*both affect*")


@pytest.mark.parametrize(("policy", "word"), [("serialize", "serialized"), ("warn", "warning")])
def test_serialize_and_warn_run_both_and_say_so_in_the_summary(
    both_ways: BothWays, project: Project, policy: str, word: str
) -> None:
    project.epic(EPIC.format(policy=policy))
    result = both_ways()
    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.OK
    assert set(project.lines("ran")) == {"8.2", "8.3", "8.4"}
    result.stdout.fnmatch_lines(["*= epics =*", f"{word}: {CONFLICT}"])


@pytest.mark.parametrize("policy", ["fail", "serialize", "warn", "off"])
def test_the_option_beats_the_file(both_ways: BothWays, project: Project, policy: str) -> None:
    project.epic(pair("warn" if policy == "fail" else "fail", "a.txt", "a.txt"))
    result = both_ways(f"--epic-conflicts={policy}")
    result.assert_outcomes(**({"failed": 2} if policy == "fail" else {"passed": 2}))


OVERLAP = """
    import threading

    lock = threading.Lock()
    third_runs = threading.Event()

    def alone():
        assert lock.acquire(blocking=False), "two stories at once"
        assert third_runs.wait(30), "the third story does not run beside this one"
        lock.release()

    def third():
        third_runs.set()
"""
JOURNAL = """
    def note(word, story):
        with open("journal", "a") as file:
            print(f"{word}-{story.spec.id}", file=file)

    def pytest_epic_story_started(story):
        note("start", story)

    def pytest_epic_story_finished(story):
        note("end", story)
"""
THREE = """
    epic: {{conflict_detection: {policy}}}
    stories:
      - {{id: b, call: "tasks:{function}", files_affected: [lock]}}
      - {{id: a, call: "tasks:{function}", files_affected: [lock]}}
      - {{id: c, call: "tasks:third"}}
"""


def test_serialized_stories_never_overlap_and_keep_the_order_of_the_file(project: Project) -> None:
    project.write("tasks.py", OVERLAP)
    project.write("conftest.py", JOURNAL)
    project.epic(THREE.format(policy="serialize", function="alone"))
    project.run("--epic-parallel=3").assert_outcomes(passed=3)
    # The first one ends only after the third, which is behind the second in the file, has been started.
    seen = project.lines("journal")
    assert seen[:2] == ["start-b", "start-c"]
    assert seen[-2:] == ["start-a", "end-a"]


def test_stories_that_are_only_warned_of_do_overlap(project: Project) -> None:
    project.write("tasks.py", f"{OVERLAP}\n    both = threading.Barrier(2)\n    def meet(): both.wait(30)\n")
    project.epic(THREE.format(policy="warn", function="meet"))
    project.run("--epic-parallel=3").assert_outcomes(passed=3)


def test_a_failed_story_lets_the_one_serialized_behind_it_run(both_ways: BothWays, project: Project) -> None:
    project.epic("""
        epic: {conflict_detection: serialize}
        stories:
          - {id: "8.1", run: "exit 1", files_affected: [a.txt]}
          - {id: "8.2", run: "exit 0", files_affected: [a.txt]}
    """)
    both_ways().assert_outcomes(failed=1, passed=1)


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("src/**", "src/db/models.py", "src/db/models.py"),
        ("*.sql", "migrations/001.sql", "migrations/001.sql"),
        ("docs", "docs/shop.md", "docs/shop.md"),
        ("/a.txt", "a.txt", "a.txt"),
        ("src/*_test.py", "src/shop_*.py", "src/?_test.py and src/shop_?.py"),
    ],
)
def test_patterns_conflict_when_they_can_match_a_common_path(
    both_ways: BothWays, project: Project, one: str, other: str, told: str
) -> None:
    (project.path / "docs").mkdir()
    project.epic(pair("fail", one, other))
    result = both_ways()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines([f"*8.1 and 8.2 are both in wave 1 and both affect *{told} (epic_shop.yaml:4, :5)"])


@pytest.mark.parametrize(("one", "other"), [("src/**", "docs/a.md"), ("a/x.txt", "b/x.txt"), ("*.py", "a.sql")])
def test_patterns_that_cannot_meet_do_not_conflict(both_ways: BothWays, project: Project, one: str, other: str) -> None:
    project.epic(pair("fail", one, other))
    both_ways().assert_outcomes(passed=2)


def test_stories_of_different_waves_do_not_conflict(both_ways: BothWays, project: Project) -> None:
    project.epic("""
        stories:
          - {id: "8.1", run: "exit 0", files_affected: [a.txt]}
          - {id: "8.2", run: "exit 0", files_affected: [a.txt], dependencies: ["8.1"]}
    """)
    both_ways().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("policies", "outcomes"),
    [
        (("fail", "warn"), {"failed": 2}),
        (("off", "fail"), {"passed": 2}),
        (("warn", "serialize"), {"passed": 2}),
    ],
)
def test_between_two_epics_the_stricter_policy_holds(
    both_ways: BothWays, project: Project, policies: tuple[str, str], outcomes: dict[str, int]
) -> None:
    for name, policy in zip("ab", policies, strict=True):
        project.epic(
            f"""
            epic: {{conflict_detection: {policy}}}
            stories: [{{id: "{name}.1", run: "exit 0", files_affected: [x.txt]}}]
            """,
            f"epic_{name}.yaml",
        )
    result = both_ways()
    result.assert_outcomes(**outcomes)
    told = "*a.1 and epic_b.yaml::b.1 are both in wave 1 and both affect x.txt (epic_a.yaml:3, epic_b.yaml:3)"
    if policies == ("off", "fail"):
        result.stdout.no_fnmatch_line(told)
    else:
        result.stdout.fnmatch_lines([told])
    if policies == ("warn", "serialize"):
        result.stdout.fnmatch_lines(["serialized: *"])


def test_each_epic_has_its_own_policy(both_ways: BothWays, project: Project) -> None:
    project.epic(pair("fail", "a.txt", "a.txt"), "epic_a.yaml")
    project.epic(pair("off", "b.txt", "b.txt"), "epic_b.yaml")
    result = both_ways()
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["FAILED epic_a.yaml::8.1*", "FAILED epic_a.yaml::8.2*"])


def test_a_story_of_several_conflicts_is_told_all_of_them(both_ways: BothWays, project: Project) -> None:
    project.epic("""
        stories:
          - {id: a, run: "exit 0", files_affected: [x, y]}
          - {id: b, run: "exit 0", files_affected: [x]}
          - {id: c, run: "exit 0", files_affected: [y]}
    """)
    result = both_ways()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "epic_shop.yaml:3: a and b are both in wave 1 and both affect x (epic_shop.yaml:3, :4)",
            "a and c are both in wave 1 and both affect y (epic_shop.yaml:3, :5)",
            "It was not run.",
        ]
    )
