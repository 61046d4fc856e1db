"""``--junitxml``: each story is a testcase, and what a CI server reads there is true."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element, parse

import pytest
from project import Project

Run = Callable[..., pytest.RunResult]

EPIC = """
    epic: {max_parallel_stories: 3, circuit_breaker: 3}
    stories:
      - {id: "1", title: Sleeps, run: sleep 0.3}
      - {id: "2", run: "echo seen; echo heard >&2; exit 3"}
      - {id: "3", run: "true", dependencies: ["2"]}
      - {id: "4", title: Only text}
      - id: "5"
        run: "true"
        acceptance_criteria:
          - {description: it holds, run: "true"}
          - {description: it does not, run: "exit 4"}
      - {id: "6", run: "exit 1"}
      - {id: "7", run: "true", dependencies: ["6"]}
"""


@pytest.fixture
def cases(project: Project, both_ways: Run) -> Callable[[], dict[str, list[Element]]]:
    """Runs the project and answers with its testcases, by name."""

    def run() -> dict[str, list[Element]]:
        result = both_ways("--junitxml=out.xml", "-o", "junit_logging=all")
        assert "INTERNALERROR" not in result.stdout.str()
        found: dict[str, list[Element]] = {}
        for case in parse(project.path / "out.xml").iter("testcase"):
            found.setdefault(case.get("name", ""), []).append(case)
        return found

    return run


def words(case: Element, kind: str) -> str:
    """The message and the text of a child of a testcase."""
    child = case.find(kind)
    assert child is not None, [child.tag for child in case]
    return f"{child.get('message', '')}\n{child.text or ''}"


def test_each_story_is_a_testcase_of_its_file(project: Project, cases: Callable[[], dict[str, list[Element]]]) -> None:
    project.epic(EPIC)
    found = cases()
    assert set(found) == {"1", "2", "3", "4", "5", "6", "7", "circuit-breaker"}
    assert {case.get("classname") for stories in found.values() for case in stories} == {"epic_shop.yaml"}


def test_times_are_those_of_the_work(project: Project, cases: Callable[[], dict[str, list[Element]]]) -> None:
    project.epic(EPIC)
    found = cases()
    assert 0.3 <= float(found["1"][0].get("time", 0)) < 10
    assert float(found["3"][0].get("time", 9)) < 0.3


def test_skips_say_why(project: Project, cases: Callable[[], dict[str, list[Element]]]) -> None:
    project.epic(EPIC)
    found = cases()
    assert "3 depends on 2, which failed" in words(found["3"][0], "skipped")
    assert "nothing to run" in words(found["4"][0], "skipped")


def test_a_failure_says_what_a_person_needs(project: Project, cases: Callable[[], dict[str, list[Element]]]) -> None:
    project.epic(EPIC)
    (case,) = cases()["2"]
    told = words(case, "failure")
    for part in ("exit status 3", "epic_shop.yaml:5", "run: echo seen", "| seen", "| heard"):
        assert part in told
    assert "Traceback" not in told
    assert "seen" in (case.findtext("system-out") or "")
    assert "heard" in (case.findtext("system-err") or "")


def test_a_failed_check_is_in_its_storys_testcase(
    project: Project, cases: Callable[[], dict[str, list[Element]]]
) -> None:
    project.epic(EPIC)
    told = "\n".join(
        f"{child.get('message')}\n{child.text}" for case in cases()["5"] for child in case if child.tag == "failure"
    )
    assert "it does not" in told
    assert "exit status 4" in told


def test_the_circuit_breaker_is_a_failed_testcase(
    project: Project, cases: Callable[[], dict[str, list[Element]]]
) -> None:
    # None that passes, since it might end between them.
    project.epic("stories:\n- {id: a, run: exit 1}\n- {id: b, run: exit 2}\n- {id: c, run: exit 3}\n")
    (case,) = cases()["circuit-breaker"]
    told = words(case, "failure")
    assert "3 stories failed in a row: " in told
    assert all(
        f"  {place}" in told for place in ("a (epic_shop.yaml:2)", "b (epic_shop.yaml:3)", "c (epic_shop.yaml:4)")
    )


def test_whatever_a_story_prints_the_file_is_xml(
    project: Project, cases: Callable[[], dict[str, list[Element]]]
) -> None:
    project.write(
        "prints.py",
        r"""
        import sys
        for stream in (sys.stdout, sys.stderr):
            stream.buffer.write(bytes(range(256)) + b"\x1b[31mred\x1b[0m ]]> <a> & \xff\xfe\n")
        sys.exit(1)
        """,
    )
    project.epic('stories: [{id: "1", title: "a <b> & \\u0001", run: python prints.py}]')
    (case,) = cases()["1"]
    assert "red" in (case.findtext("system-out") or "")
    assert "]]> <a> &" in (case.findtext("system-out") or "")


def test_the_suite_counts_what_it_holds(project: Project, cases: Callable[[], dict[str, list[Element]]]) -> None:
    project.epic(EPIC)
    found = [case for stories in cases().values() for case in stories]
    suite = next(parse(project.path / "out.xml").iter("testsuite"))
    assert suite.get("skipped") == str(sum(case.find("skipped") is not None for case in found))
    assert int(suite.get("failures", 0)) == sum(len(case.findall("failure")) for case in found)
    assert int(suite.get("errors", -1)) == 0


def test_each_testcase_says_where_it_stands_in_the_plan(
    project: Project, cases: Callable[[], dict[str, list[Element]]]
) -> None:
    project.epic("""
        epic: {id: shop, max_parallel_stories: 3, circuit_breaker: 0}
        stories:
          - {id: "1", run: "true"}
          - {id: "2", run: "[ $STORY_ATTEMPT = 2 ]", retries: 2, dependencies: ["1"]}
          - {id: "3", dependencies: ["2"]}
    """)
    found = cases()
    properties = {
        name: {each.get("name"): each.get("value") for each in case[0].iter("property")} for name, case in found.items()
    }
    assert properties == {
        "1": {"epic": "shop", "story": "1", "wave": "1", "attempts": "1"},
        "2": {"epic": "shop", "story": "2", "wave": "2", "attempts": "2"},
        "3": {"epic": "shop", "story": "3", "wave": "3", "attempts": "0"},
    }
