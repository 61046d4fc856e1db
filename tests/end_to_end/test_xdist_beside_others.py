"""Stories across workers of pytest-xdist, beside pytest's own options and other plugins."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

import pytest
from project import Project
from workers_project import XDIST

CHAIN = """
    import os
    import pytest

    def test_first():
        assert os.path.exists("MENDED")

    @pytest.mark.depends(on="test_first")
    def test_second():
        pass

    def test_plain():
        pass
"""


def test_junitxml_names_each_item_once_with_its_outcome(project: Project) -> None:
    project.write("test_it.py", CHAIN)
    project.epic("stories: [{id: a, run: 'true'}, {id: b, run: exit 1}, {id: c, run: 'true', dependencies: [b]}]")
    project.run_process("-n2", "--junitxml=out.xml", plugins=XDIST)
    cases = list(Xml.parse(project.path / "out.xml").iter("testcase"))
    told = {str(case.get("name")): {child.tag for child in case} - {"properties"} for case in cases}
    assert len(told) == len(cases) == 6
    assert told == {
        "a": set(),
        "b": {"failure"},
        "c": {"skipped"},
        "test_first": {"failure"},
        "test_second": {"skipped"},
        "test_plain": set(),
    }
    (skipped,) = (case for case in cases if case.get("name") == "c")
    properties = {node.get("name"): node.get("value") for node in skipped.iter("property")}
    assert properties == {"epic": "shop", "story": "c", "wave": "2", "attempts": "0"}


def test_last_failed_runs_what_had_failed(project: Project) -> None:
    project.write("test_it.py", CHAIN)
    project.run_process("-n2", plugins=XDIST).assert_outcomes(passed=1, failed=1, skipped=1)
    project.write("MENDED", "")
    project.run_process("-n2", "--lf", plugins=XDIST).assert_outcomes(passed=1)
    project.run_process("-n2", "--lf", plugins=XDIST).assert_outcomes(passed=3)


def test_collect_only_lists_each_item_once_and_nothing_else(project: Project) -> None:
    project.write("test_it.py", CHAIN)
    result = project.run_process("-n2", "--collect-only", "-q", plugins=XDIST)
    assert [line for line in result.stdout.lines if "::" in line] == [
        "test_it.py::test_first",
        "test_it.py::test_second",
        "test_it.py::test_plain",
    ]


def test_a_selection_keeps_its_dependencies_with_it(project: Project) -> None:
    project.write("test_it.py", CHAIN)
    project.write("MENDED", "")
    result = project.run_process("-n2", "--epic-with-deps", "-k", "test_second", plugins=XDIST)
    result.assert_outcomes(passed=2)


def test_a_shuffled_run_keeps_the_order_of_dependencies(project: Project) -> None:
    project.write("test_it.py", CHAIN)
    project.write("MENDED", "")
    for seed in (1, 2, 3):
        result = project.run_process("-n2", f"--randomly-seed={seed}", plugins=("xdist", "randomly"))
        result.assert_outcomes(passed=3)


def test_a_flaky_story_is_run_again_before_its_dependents(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import os
        import pytest

        def test_flaky():
            known = os.path.exists("AGAIN")
            open("AGAIN", "w").close()
            assert known

        @pytest.mark.depends(on="test_flaky")
        def test_second():
            pass
        """,
    )
    result = project.run_process("-n2", "--reruns=1", plugins=(*XDIST, "pytest_rerunfailures"))
    assert result.parseoutcomes() == {"passed": 2, "rerun": 1}


def test_an_epic_with_mistakes_is_told_of_once_and_the_others_run(project: Project) -> None:
    project.epic("stories: [{id: a, run: 'true', dependancies: [b]}]", "epic_bad.yaml")
    project.epic("stories: [{id: a, run: 'true'}]", "epic_good.yaml")
    result = project.run_process("-n2", plugins=XDIST)
    result.assert_outcomes(errors=1, passed=1)
    told = result.stdout.str()
    assert told.count("did you mean") <= 1
    assert "INTERNALERROR" not in told


def test_epics_that_ask_for_different_schedules_are_one_clear_error(project: Project) -> None:
    for schedule in ("waves", "eager"):
        project.epic(f"{{epic: {{schedule: {schedule}}}, stories: [{{id: a, run: 'true'}}]}}", f"epic_{schedule}.yaml")
    result = project.run_process("-n2", plugins=XDIST)
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    told = result.stdout.str() + result.stderr.str()
    assert "the epics ask for different schedules" in told


def test_exit_called_by_a_test_ends_the_run(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        def test_leaves():
            pytest.exit("enough", returncode=7)

        @pytest.mark.depends(on="test_leaves")
        def test_after():
            open("AFTER", "w").close()
        """,
    )
    result = project.run_process("-n2", plugins=XDIST)
    assert result.ret != pytest.ExitCode.OK
    assert not (project.path / "AFTER").exists()


def test_lines_are_covered_as_in_one_process(project: Project) -> None:
    project.write("code_of.py", "def one():\n    return 1\n\n\ndef two():\n    return 2\n")
    project.write(
        "test_it.py",
        """
        import pytest
        import code_of

        def test_one():
            assert code_of.one() == 1

        @pytest.mark.depends(on="test_one")
        def test_two():
            assert code_of.two() == 2
        """,
    )
    options = ("-n2", "--cov=code_of", "--cov-report=term")
    result = project.run_process(*options, plugins=(*XDIST, "pytest_cov.plugin"))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["code_of.py * 0 * 100%"])
