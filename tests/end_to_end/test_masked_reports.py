"""What is said of stories with secrets, without them; the stories themselves get their values."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from masked_project import TOKEN, WORK, shop, shown_by, whole
from project import Project

Run = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def token(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "300")
    project.write("work.py", WORK)


@pytest.fixture
def shown(project: Project, both_ways: Run) -> Callable[..., str]:
    return shown_by(project, both_ways)


def test_failures_of_functions_are_masked_with_their_tracebacks(project: Project, shown: Callable[..., str]) -> None:
    shop(project, 'id: "1", call: "work:raises"', 'id: "2", call: "work:fails"')
    text = shown(failed=2)
    assert "\nValueError: no such user: ***\n" in text
    assert "FAILED epic_shop.yaml::1 - ValueError: no such user: ***: call: work:raises" in text
    assert "Failed: because of ***" in text


def test_reasons_are_masked(project: Project, shown: Callable[..., str]) -> None:
    shop(project, 'id: "1", call: "work:skips"', 'id: "2", call: "work:is_expected"')
    project.write(
        "conftest.py",
        """
        def pytest_epic_story_finished(reason):
            with open("told", "a") as file:
                print(reason, file=file)
        """,
    )
    text = shown(skipped=1, xfailed=1)
    assert "because of ***" in text
    assert TOKEN not in (project.path / "told").read_text()
    assert "because of ***" in (project.path / "told").read_text()


def test_plugins_that_look_at_the_failure_itself_see_no_secret(project: Project, both_ways: Run) -> None:
    project.write(
        "conftest.py",
        """
        def pytest_exception_interact(call):
            with open("told", "a") as file:
                print(*call.excinfo.value.args, file=file)
        """,
    )
    checks = f'[{{description: "it is {TOKEN}", call: "work:raises"}}]'
    shop(project, 'id: "1", call: "work:raises"', f'id: "2", run: "true", acceptance_criteria: {checks}')
    both_ways()
    told = (project.path / "told").read_text()
    assert TOKEN not in told
    assert told.count("ValueError: no such user: ***") >= 3
    assert "it is ***" in told


def test_warnings_are_masked(project: Project, shown: Callable[..., str]) -> None:
    shop(project, 'id: "1", call: "work:warns"')
    assert "UserWarning: *** is weak" in shown("-W", "default", passed=1, warnings=1)


def test_what_ends_the_whole_run_is_masked(project: Project, both_ways: Run) -> None:
    shop(project, 'id: "1", call: "work:ends_the_run"', 'id: "2", run: "true"')
    result = both_ways()
    result.stdout.fnmatch_lines(["!* _pytest.outcomes.Exit: because of [*][*][*] !*"])
    assert TOKEN not in whole(project, result)


def test_properties_are_masked(project: Project, shown: Callable[..., str]) -> None:
    project.write(
        "conftest.py",
        """
        import os

        def pytest_runtest_teardown(item):
            item.user_properties += [("as", os.environ["TOKEN"]), ("times", 2)]
        """,
    )
    shop(project, 'id: "1", run: "true"')
    text = shown(passed=1)
    assert '<property name="as" value="***"' in text
    assert '<property name="times" value="2"' in text


def test_an_action_that_breaks_is_masked(project: Project, shown: Callable[..., str]) -> None:
    project.write(
        "conftest.py",
        """
        import os

        class Breaks:
            def describe(self):
                return "breaks"

            async def perform(self, job, output):
                raise KeyError(os.environ["TOKEN"])

        def pytest_epic_action(story):
            return Breaks() if "breaks" in story.metadata else None
        """,
    )
    shop(project, 'id: "1", breaks: true')
    text = shown(failed=1)
    assert "KeyError: '***'" in text
    assert "FAILED epic_shop.yaml::1 - KeyError: '***'" in text


def test_checks_are_masked(project: Project, shown: Callable[..., str]) -> None:
    check = f'{{description: "it is {TOKEN}", run: "echo seen $TOKEN, {TOKEN}; exit 4"}}'
    shop(project, f'id: "1", run: "true", acceptance_criteria: [{check}]')
    text = shown(failed=2)
    for told in ("it is ***", "exit status 4: run: echo seen $TOKEN, ***; exit 4", "SUBFAILED[it is ***]"):
        assert told in text


def test_a_value_that_stands_in_the_file_is_masked_in_titles_and_commands(
    project: Project, shown: Callable[..., str]
) -> None:
    header = f"circuit_breaker: 0, env: {{TOKEN: {TOKEN}}}"
    shop(project, f'id: "1", title: Log in with {TOKEN}, run: "exit 3 # {TOKEN}"', header=header)
    text = shown(failed=1)
    assert '"Log in with ***"' in text
    assert "FAILED epic_shop.yaml::1 - exit status 3: run: exit 3 # ***" in text


def test_the_plan_is_masked(project: Project) -> None:
    files = f"files_affected: [{TOKEN}]"
    shop(project, f'id: "1", title: Log in with {TOKEN}, {files}', f'id: "2", {files}')
    result = project.run("--epic-plan")
    result.stdout.fnmatch_lines(["*1 Log in with [*][*][*] *", "  fail: *both affect [*][*][*] *"])
    assert TOKEN not in result.stdout.str()


@pytest.mark.parametrize("form", ["text", "json", "mermaid", "dot"])
def test_no_part_of_a_secret_is_in_a_plan_that_cuts_off_or_escapes_titles(project: Project, form: str) -> None:
    # Too long for a column, and with a sign that JSON, Mermaid and dot write otherwise.
    secret = 'abra-"cadabra"-' + "0123456789" * 4
    project.write(
        "epic_shop.yaml",
        f"""
        epic: {{title: 'For {secret}', secrets: [WORD], env: {{WORD: '{secret}'}}}}
        stories:
          - {{id: "1", title: 'Log in with {secret}', run: exit 0, files_affected: ['x{secret}']}}
          - {{id: "2", run: exit 0, files_affected: ['x{secret}']}}
          - {{id: "3", run: exit 0, dependencies: ["1"]}}
        """,
    )
    shown = project.run_process(f"--epic-plan={form}").stdout.str()
    assert "Log in with ***" in shown
    assert "abra" not in shown


@pytest.mark.parametrize("policy", ["fail", "serialize"])
def test_conflicts_are_masked(project: Project, both_ways: Run, policy: str) -> None:
    stories = [f'id: "{number}", run: "true", files_affected: [{TOKEN}]' for number in (1, 2)]
    shop(project, *stories, header=f"conflict_detection: {policy}")
    result = both_ways("-rA")
    assert "both affect ***" in result.stdout.str()
    assert TOKEN not in whole(project, result)


def test_stories_have_the_real_value(project: Project, both_ways: Run) -> None:
    shop(
        project,
        'id: "1", run: "echo $TOKEN $PIN > got"',
        'id: "2", call: "work:has_it"',
        secrets="[TOKEN, PIN]",
        header="env: {PIN: four}",
    )
    both_ways().assert_outcomes(passed=2)
    assert project.lines("got") == [TOKEN, "four"]


def test_a_value_that_is_set_for_one_story_is_masked_in_all(project: Project, shown: Callable[..., str]) -> None:
    stories = [
        'id: "1", env: {PIN: blue-moon}, run: "echo $PIN > got; echo $TOKEN"',
        'id: "2", dependencies: ["1"], run: "cat got; exit 1"',
    ]
    shop(project, *stories, secrets="[TOKEN, PIN]")
    assert "blue-moon" not in shown(passed=1, failed=1)


def test_a_value_that_a_story_sets_is_masked_in_those_after_it(project: Project, both_ways: Run) -> None:
    project.write(
        "fresh.py",
        """
        import os

        def make():
            os.environ["FRESH"] = "made of it"

        def use():
            print("made of it")
            assert 0
        """,
    )
    stories = ['id: "1", call: "fresh:make"', 'id: "2", dependencies: ["1"], call: "fresh:use"']
    shop(project, *stories, secrets="[FRESH]")
    result = both_ways()
    result.assert_outcomes(passed=1, failed=1)
    assert "made of it" not in result.stdout.str()


@pytest.mark.parametrize("value", ["12", "  123 "])
def test_a_value_that_is_too_short_to_be_masked_fails_the_story(project: Project, both_ways: Run, value: str) -> None:
    stories = [
        'id: "1", run: touch ran',
        'id: "2", run: "true", env: {PIN: "12345"}',
        'id: "3", run: "true", env: {PIN: ""}',
    ]
    shop(project, *stories, secrets="[TOKEN, PIN]", header=f'env: {{PIN: "{value}"}}')
    result = both_ways("-rf")
    result.assert_outcomes(passed=2, failed=1)
    told = "the secret PIN has fewer than 4 characters, too few to be masked"
    result.stdout.fnmatch_lines([f"{told}*", f"FAILED epic_shop.yaml::1 - {told}*"])
    assert not (project.path / "ran").exists()


def test_a_name_that_is_set_nowhere_or_empty_is_nothing_to_mask(project: Project, both_ways: Run) -> None:
    shop(project, 'id: "1", run: "echo all of it; exit 1"', secrets="[NOWHERE, EMPTY]", header='env: {EMPTY: ""}')
    result = both_ways()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  | all of it"])
