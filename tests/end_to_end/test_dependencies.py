"""What stories depend on: in their file, in other files, and on Python tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

BothWays = Callable[..., pytest.RunResult]

USER = """
    stories:
      - {id: "2.1", run: echo 2.1>>ran}
      - {id: "2.2", run: echo 2.2>>ran}
"""
TESTS = """
    import pytest

    def note(word):
        with open("ran", "a") as file:
            print(word, file=file)

    class TestUp:
        def test_first(self): note("first")
        def test_second(self): note("second")

    @pytest.mark.parametrize("shard", [1, 2])
    def test_shard(shard): note(f"shard{shard}")
"""


def test_stories_run_after_what_they_depend_on_whatever_the_order_of_files(
    both_ways: BothWays, project: Project
) -> None:
    project.epic("""
        stories:
          - {id: a4, run: echo a4>>ran, dependencies: [b3]}
          - {id: a2, run: echo a2>>ran, dependencies: [b1]}
    """, "epic_a.yaml")  # fmt: skip
    project.epic("""
        stories:
          - {id: b3, run: echo b3>>ran, dependencies: [a2]}
          - {id: b1, run: echo b1>>ran}
    """, "sub/epic_b.yaml")  # fmt: skip
    project.write("sub/epic_a.yaml", "stories: []")
    project.epic("stories: [{id: other, run: exit 0, dependencies: [sub/epic_b.yaml]}]", "epic_other.yaml")
    both_ways().assert_outcomes(passed=5)
    assert project.lines("ran") == ["b1", "a2", "b3", "a4"]


def test_an_order_that_is_right_already_is_kept(project: Project) -> None:
    project.epic("""
        stories:
          - {id: "a", run: echo a>>ran}
          - {id: "b", run: echo b>>ran, dependencies: ["a"]}
          - {id: "c", run: echo c>>ran}
          - {id: "d", run: echo d>>ran, dependencies: ["b"]}
    """)
    project.run().assert_outcomes(passed=4)
    assert project.lines("ran") == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("reference", "before"),
    [
        ("2.1", ["2.1"]),
        ("epic_user.yaml::2.1", ["2.1"]),
        ("./epic_user.yaml::2.1", ["2.1"]),
        ("../plans/epic_user.yaml::2.1", ["2.1"]),
        ("plans/epic_user.yaml::2.1", ["2.1"]),
        ("sub/epic_deep.yaml::d", ["d"]),
        ("plans/sub/epic_deep.yaml::d", ["d"]),
        ("epic_user.yaml", ["2.1", "2.2"]),
        ("test_db.py::TestUp::test_first", ["first"]),
        ("plans/test_db.py::TestUp::test_first", ["first"]),
        ("test_db.py::TestUp", ["first", "second"]),
        ("test_db.py::test_shard", ["shard1", "shard2"]),
        ("test_db.py::test_shard[2]", ["shard2"]),
        ("test_db.py", ["first", "second", "shard1", "shard2"]),
    ],
)
def test_a_dependency_can_be_spelled_in_many_ways(
    both_ways: BothWays, project: Project, reference: str, before: list[str]
) -> None:
    project.epic(f"stories: [{{id: '8.1', run: echo 8.1>>ran, dependencies: ['{reference}']}}]", "plans/epic_shop.yaml")
    project.epic(USER, "plans/epic_user.yaml")
    project.epic("stories: [{id: d, run: echo d>>ran}]", "plans/sub/epic_deep.yaml")
    project.write("plans/test_db.py", TESTS)
    both_ways().assert_outcomes(passed=8)
    ran = project.lines("ran")
    assert set(before) <= set(ran[: ran.index("8.1")])


@pytest.mark.parametrize("reference", ["2.1", "epic_user.yaml", "test_db.py::test_up", "test_db.py"])
def test_what_depends_on_a_failure_elsewhere_is_skipped(both_ways: BothWays, project: Project, reference: str) -> None:
    project.epic(f"stories: [{{id: '8.1', run: exit 0, dependencies: ['{reference}']}}]")
    project.epic("stories: [{id: '2.1', run: exit 1}]", "epic_user.yaml")
    project.write("test_db.py", "def test_up(): assert False")
    result = both_ways("-rs")
    result.assert_outcomes(failed=2, skipped=1)
    key = "test_db.py::test_up" if "test" in reference else "epic_user.yaml::2.1"
    result.stdout.fnmatch_lines([f"SKIPPED ?1? epic_shop.yaml:1: 8.1 depends on {key}, which failed"])


def test_a_skipped_python_test_is_no_ground_to_build_on(both_ways: BothWays, project: Project) -> None:
    project.write("test_db.py", "import pytest\n@pytest.mark.skip\ndef test_up(): pass")
    project.epic("stories: [{id: '8.1', run: exit 0, dependencies: ['test_db.py::test_up']}]")
    result = both_ways("-rs")
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["*8.1 depends on test_db.py::test_up, which was skipped"])


def test_failures_spread_along_the_graph(both_ways: BothWays, project: Project) -> None:
    project.epic("""
        stories:
          - {id: "1", run: "exit 1"}
          - {id: "2", run: "exit 0", dependencies: ["1"]}
          - {id: "3", run: "exit 0", dependencies: ["2"]}
          - {id: "4", run: "exit 0"}
    """)
    result = both_ways("-v")
    result.assert_outcomes(passed=1, failed=1, skipped=2)
    result.stdout.fnmatch_lines(
        ["*::2 SKIPPED (2 depends on 1, which failed)*", "*::3 SKIPPED (3 depends on 2, which was skipped)*"]
    )


def test_an_id_of_the_own_file_comes_before_the_same_id_elsewhere(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: x, run: exit 0}, {id: y, run: exit 0, dependencies: [x]}]")
    project.epic("stories: [{id: x, run: exit 1}]", "epic_user.yaml")
    both_ways().assert_outcomes(passed=2, failed=1)


@pytest.mark.parametrize(
    ("dependency", "told"),
    [
        ("shema", "story 8.2 depends on shema, which no epic holds; did you mean schema?"),
        ("far", "story 8.2 depends on far, which no epic holds"),
        ("8.20", "story 8.2 depends on 8.20, which no epic holds"),
        ("epic_user.yaml::2.9", "*2.9, which epic_user.yaml does not hold; did you mean 2.?*"),
        ("epic_no.yaml::1", "*epic_no.yaml::1, but there is no file epic_no.yaml, neither beside the epic nor in*"),
        ("epic_no.yaml", "*but there is no file epic_no.yaml, *"),
        ("sub/test_no.py::test_a", "*but there is no file sub/test_no.py, *"),
        ("test_db.py::test_no", "*test_db.py::test_no, which test_db.py does not hold"),
        ("twice", "*twice, which is in several epics; write one of epic_a.yaml::twice, epic_b.yaml::twice"),
        ("8.2", "story 8.2 depends on itself*"),
        ("epic_broken.yaml::1", "*but epic_broken.yaml has mistakes of its own"),
    ],
)
def test_a_dependency_that_leads_nowhere_is_one_line_at_its_place(
    both_ways: BothWays, project: Project, dependency: str, told: str
) -> None:
    project.epic(f"""
        stories:
          - {{id: schema, run: "exit 0"}}
          - id: "8.2"
            run: "exit 0"
            dependencies:
              - schema
              - "{dependency}"
    """)
    project.epic(USER, "epic_user.yaml")
    for name in ("epic_a.yaml", "epic_b.yaml"):
        project.epic("stories: [{id: twice, run: exit 0}]", name)
    project.write("test_db.py", "def test_up(): pass")
    if "broken" in dependency:
        project.epic("stories: 3", "epic_broken.yaml")
    result = both_ways()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*_ ERROR collecting epic_shop.yaml _*", f"epic_shop.yaml:8: {told}"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_tapps_waves*")
    assert project.lines("ran") == []


def test_a_cycle_is_printed_as_a_path(both_ways: BothWays, project: Project) -> None:
    project.epic("""
        stories:
          - {id: a, run: "exit 0"}
          - {id: b, run: "exit 0", dependencies: [a, d]}
          - {id: c, run: "exit 0", dependencies: [b]}
          - {id: d, run: "exit 0", dependencies: [c]}
          - {id: e, run: "exit 0", dependencies: [d]}
    """)
    result = both_ways()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["epic_shop.yaml:4: a cycle: b -> d -> c -> b, each depends on the next; *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_cycle_across_files_is_told_once_with_whole_node_ids(both_ways: BothWays, project: Project) -> None:
    project.epic("stories: [{id: a, run: exit 0, dependencies: ['sub/epic_b.yaml::b']}]", "epic_a.yaml")
    project.epic("stories: [{id: b, run: exit 0, dependencies: ['epic_a.yaml::a']}]", "sub/epic_b.yaml")
    result = both_ways()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["epic_a.yaml:1: a cycle: a -> sub/epic_b.yaml::b -> a, each depends on the next; *"])


BROKEN = """
    stories:
      - {id: a, run: "exit 0", dependencies: [b]}
      - {id: b, run: "exit 0", dependencies: [a]}
      - {id: c, run: "exit 0", dependencies: [lost]}
"""


def test_mistakes_of_several_stories_and_files_are_reported_together(both_ways: BothWays, project: Project) -> None:
    project.epic(BROKEN)
    project.epic("stories: [{id: u, run: exit 0, dependencies: [gone]}]", "epic_user.yaml")
    project.epic("stories: [{id: w, run: exit 0, timeuot: 3}]", "epic_wrong.yaml")
    result = both_ways()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(
        [
            "epic_wrong.yaml:1: *did you mean `timeout`?",
            "epic_shop.yaml:3: a cycle: a -> b -> a, *",
            "epic_shop.yaml:5: story c depends on lost, *",
            "epic_user.yaml:1: story u depends on gone, *",
        ]
    )


def test_sound_files_run_all_the_same_if_asked_to(both_ways: BothWays, project: Project) -> None:
    project.epic(BROKEN)
    project.epic("stories: [{id: u, run: exit 0}, {id: v, run: exit 0, dependencies: [c]}]", "epic_user.yaml")
    result = both_ways("--continue-on-collection-errors")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, skipped=1, errors=1)


@pytest.mark.parametrize(("action", "outcome"), [("run", "passed"), ("skip", "skipped"), ("fail", "failed")])
@pytest.mark.parametrize("holder", ["option", "ini"])
def test_what_becomes_of_dependents_of_a_failure_can_be_chosen(
    both_ways: BothWays, project: Project, action: str, outcome: str, holder: str
) -> None:
    project.epic("stories: [{id: '1', run: exit 1}, {id: '2', run: exit 0, dependencies: ['1']}]")
    _ini_or_option(project, "failed_dependency_action", action, holder)
    option = [f"--failed-dependency-action={action}"] if holder == "option" else []
    result = both_ways("-v", *option)
    result.stdout.fnmatch_lines([f"epic_shop.yaml::2 {outcome.upper()}*"])
    if action == "fail":
        result.stdout.fnmatch_lines(["epic_shop.yaml:1: 2 depends on 1, which failed", "It was not run."])


@pytest.mark.parametrize(("action", "outcome"), [("run", "passed"), ("skip", "skipped"), ("fail", "failed")])
@pytest.mark.parametrize("holder", ["option", "ini"])
def test_what_becomes_of_dependents_of_what_is_not_selected_can_be_chosen(
    both_ways: BothWays, project: Project, action: str, outcome: str, holder: str
) -> None:
    project.epic("stories: [{id: '1', run: exit 0, dependencies: [u]}]")
    project.epic("stories: [{id: u, run: exit 0}]", "epic_user.yaml")
    _ini_or_option(project, "missing_dependency_action", action, holder)
    option = [f"--missing-dependency-action={action}"] if holder == "option" else []
    result = both_ways("-rs", "epic_shop.yaml", *option)
    result.assert_outcomes(**{outcome: 1})
    if action != "run":
        result.stdout.fnmatch_lines(["*1 depends on epic_user.yaml::u, which is not part of this run*"])


def _ini_or_option(project: Project, name: str, value: str, holder: str) -> None:
    given = f"{name} = {value}" if holder == "ini" else ""
    project.write("pytest.ini", f"[pytest]\nasyncio_default_fixture_loop_scope = function\n{given}\n")


def test_what_is_skipped_is_not_set_up_by_hooks_of_the_user(both_ways: BothWays, project: Project) -> None:
    project.write("conftest.py", """
        def pytest_runtest_setup(item):
            with open("set_up", "a") as file:
                print(item.nodeid, file=file)
    """)  # fmt: skip
    project.write("test_x.py", """
        import pytest

        @pytest.mark.depends(on="epic_shop.yaml::2")
        def test_after(): pass
    """)  # fmt: skip
    project.epic("""
        epic: {title: Shop}
        stories:
          - {id: "1", run: "exit 1"}
          - {id: "2", run: "true", dependencies: ["1"]}
    """)
    both_ways().assert_outcomes(failed=1, skipped=2)
    assert (project.path / "set_up").read_text().split() == ["epic_shop.yaml::1"]
