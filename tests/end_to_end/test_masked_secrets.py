"""The values of an epic's secrets reach its stories, and nobody who reads of them."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from project import Project

Run = Callable[..., pytest.RunResult]

TOKEN = "hunter2-hunter3"
ENCODED = base64.b64encode(TOKEN.encode()).decode()

WORK = """
    import logging, os, sys, threading, warnings
    import pytest
    from pytest_tapps_waves import StoryContext

    TOKEN = os.environ["TOKEN"]

    def prints():
        print("text", TOKEN)
        sys.stdout.buffer.write(f"bytes {TOKEN}\\n".encode())
        sys.stderr.write("halves " + TOKEN[:5])
        sys.stderr.write(TOKEN[5:] + "\\n")
        thread = threading.Thread(target=print, args=("thread", TOKEN))
        thread.start()
        thread.join()
        logging.getLogger("shop").warning("log %s", TOKEN)

    async def prints_on_the_loop():
        prints()

    def writes_past_python():
        os.write(1, f"descriptor {TOKEN}\\n".encode())
        assert 0

    def raises():
        raise ValueError(f"no such user: {TOKEN}")

    def fails():
        pytest.fail(f"because of {TOKEN}")

    def skips():
        pytest.skip(f"because of {TOKEN}")

    def is_expected():
        pytest.xfail(f"because of {TOKEN}")

    def ends_the_run():
        pytest.exit(f"because of {TOKEN}")

    def warns():
        warnings.warn(f"{TOKEN} is weak")

    def has_it(story: StoryContext):
        assert (story.env["TOKEN"], story.env["PIN"]) == (TOKEN, "four")
"""


@pytest.fixture(autouse=True)
def token(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "300")
    project.write("work.py", WORK)


def shop(project: Project, *stories: str, secrets: str = "[TOKEN]", header: str = "circuit_breaker: 0") -> None:
    project.epic("\n".join([f"epic: {{secrets: {secrets}, {header}}}", "stories:", *(f"  - {{{s}}}" for s in stories)]))


def whole(project: Project, result: pytest.RunResult) -> str:
    """All that the run has shown, and all that it left on disk, but for what the epic file says itself."""
    reports = [project.path / "out.xml", project.path / "out.log", *project.path.glob(".pytest_cache/**/*")]
    kept = [path for path in reports if path.is_file() and not path.match("epic-*.json")]
    written = [path.read_text(encoding="utf-8") for path in kept]
    return "\n".join([result.stdout.str(), result.stderr.str(), *written])


@pytest.fixture
def shown(project: Project, both_ways: Run) -> Callable[..., str]:
    """Runs the project, and answers with all that it showed and kept, in which there must be no secret."""

    def run(*args: str, **outcomes: int) -> str:
        result = both_ways("-rA", "-v", "--junitxml=out.xml", "-o", "junit_logging=all", *args)
        result.assert_outcomes(**outcomes)
        text = whole(project, result)
        assert TOKEN not in text
        assert "***" in text
        return text

    return run


def test_output_of_commands_is_masked(project: Project, shown: Callable[..., str]) -> None:
    shop(
        project,
        'id: "1", run: "echo out $TOKEN; echo err $TOKEN >&2; echo $TOKEN | base64; exit 3"',
        'id: "2", run: "echo done $TOKEN"',
    )
    text = shown(failed=1, passed=1)
    assert ENCODED[:-4] not in text
    for line in ("out ***", "err ***", "done ***", "  | out ***"):
        assert line in text.splitlines()


def test_an_end_that_looks_like_the_beginning_of_a_secret_is_shown_in_the_end(
    project: Project, shown: Callable[..., str]
) -> None:
    shop(project, f'id: "1", run: "printf \'%s, and %s\' $TOKEN {TOKEN[:5]}; exit 1"')
    assert f"\n***, and {TOKEN[:5]}\n" in shown(failed=1)


@pytest.mark.parametrize("function", ["prints", "prints_on_the_loop", "writes_past_python"])
def test_output_and_log_of_functions_are_masked(project: Project, shown: Callable[..., str], function: str) -> None:
    shop(project, f'id: "1", call: "work:{function}"')
    fails = function == "writes_past_python"
    text = shown("--log-file=out.log", "-o", "log_cli=true", failed=int(fails), passed=int(not fails))
    said = ["descriptor"] if fails else ["text", "bytes", "halves", "thread", "log"]
    assert all(f"{word} ***" in text for word in said)


@pytest.mark.parametrize("options", [("-s",), ("-s", "--epic-parallel=2")], ids=["one by one", "at once"])
@pytest.mark.parametrize("action", ["run: 'echo text $TOKEN'", "call: 'work:prints'", "prints: true"])
def test_output_that_is_shown_while_it_comes_is_masked(project: Project, action: str, options: tuple[str, ...]) -> None:
    project.write(
        "conftest.py",
        """
        import work

        class Prints:
            def describe(self):
                return "prints"

            async def perform(self, job, output):
                work.prints()

        def pytest_epic_action(story):
            return Prints() if "prints" in story.metadata else None
        """,
    )
    shop(project, f'id: "1", {action}')
    result = project.run_process(*options)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*text ***"])
    assert TOKEN not in whole(project, result)


@pytest.mark.parametrize("options", [(), ("--epic-parallel=2",)], ids=["one by one", "at once"])
def test_output_that_is_shown_and_captured_is_masked(project: Project, options: tuple[str, ...]) -> None:
    shop(project, 'id: "1", call: "work:prints"')
    result = project.run_process("--capture=tee-sys", *options)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*text ***", "thread ***"])
    assert TOKEN not in whole(project, result)


def test_output_of_a_test_beside_is_its_own_affair(project: Project) -> None:
    project.write("test_it.py", "def test_it():\n    print('shown', open('work.py').name)\n")
    shop(project, 'id: "1", run: "true"')
    result = project.run_process("-s", "--epic-parallel=2")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*shown work.py*"])


def test_the_whole_of_a_long_output_is_masked_on_disk(project: Project, shown: Callable[..., str]) -> None:
    project.write("long.py", "import os\nfor _ in range(20000): print(os.environ['TOKEN'], 'x')\nraise SystemExit(1)\n")
    shop(project, 'id: "1", run: python long.py')
    assert "bytes cut; the whole of it: " in shown(failed=1)
    (file,) = project.path.glob(".pytest_cache/d/epics/*.stdout.log")
    assert file.read_text() == "*** x\n" * 20000


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


def test_warnings_are_masked(project: Project, shown: Callable[..., str]) -> None:
    shop(project, 'id: "1", call: "work:warns"')
    assert "UserWarning: *** is weak" in shown("-W", "default", passed=1, warnings=1)


def test_what_ends_the_whole_run_is_masked(project: Project, both_ways: Run) -> None:
    shop(project, 'id: "1", call: "work:ends_the_run"', 'id: "2", run: "true"')
    result = both_ways()
    result.stdout.fnmatch_lines(["!* _pytest.outcomes.Exit: because of [*][*][*] !*"])
    assert TOKEN not in whole(project, result)


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
    result.stdout.fnmatch_lines(["  epic_shop.yaml::1  Log in with ***", "  fail: *both affect [*][*][*] *"])
    assert TOKEN not in result.stdout.str()


@pytest.mark.parametrize("policy", ["fail", "serialize"])
def test_conflicts_are_masked(project: Project, both_ways: Run, policy: str) -> None:
    stories = [f'id: "{number}", run: "true", files_affected: [{TOKEN}]' for number in (1, 2)]
    shop(project, *stories, header=f"conflict_detection: {policy}")
    result = both_ways("-rA")
    assert "both affect ***" in result.stdout.str()
    assert TOKEN not in result.stdout.str()


def test_attempts_before_the_last_and_what_was_cancelled_are_masked(project: Project) -> None:
    shop(
        project,
        'id: "1", retries: 1, run: "echo $TOKEN; exit 1"',
        'id: "2", run: "echo begun $TOKEN; touch begun; sleep 60"',
        'id: "3", critical: true, run: "until test -e begun; do :; done; exit 1"',
    )
    result = project.run("--epic-parallel=3", "-rA", "--junitxml=out.xml", "-o", "junit_logging=all")
    result.stdout.fnmatch_lines(["*cancelled: critical story 3 failed*"])
    text = whole(project, result)
    assert "begun ***" in text
    assert TOKEN not in text


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


def test_an_epic_that_names_no_secrets_is_shown_as_it_is(project: Project, both_ways: Run) -> None:
    shop(project, 'id: "1", run: "echo $TOKEN"')
    project.epic('stories: [{id: "1", run: "echo $TOKEN; exit 1"}]', "epic_open.yaml")
    result = both_ways()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([f"  | {TOKEN}"])


def test_secrets_of_an_epic_that_was_read_before_are_masked(project: Project) -> None:
    shop(project, 'id: "1", run: "echo $TOKEN; exit 1"')
    for _ in range(2):
        result = project.run_process()
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["  | [*][*][*]"])
        assert TOKEN not in whole(project, result)
