"""What stories with secrets print, without them: captured, shown while it comes, and kept on disk."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from masked_project import TOKEN, WORK, shop, shown_by, whole
from project import Project

Run = Callable[..., pytest.RunResult]
ENCODED = base64.b64encode(TOKEN.encode()).decode()


@pytest.fixture(autouse=True)
def token(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "300")
    project.write("work.py", WORK)


@pytest.fixture
def shown(project: Project, both_ways: Run) -> Callable[..., str]:
    return shown_by(project, both_ways)


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
    said = ["descriptor"] if fails else ["text", "bytes", "halves", "thread", "bytes of it", "log"]
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


def test_under_s_a_test_beside_prints_as_it_does_by_itself(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.asyncio
        async def test_it():
            print("sho" + "wn")
            assert 0
        """,
    )
    shop(project, 'id: "1", run: "true"')
    result = project.run_process("-s", "--epic-parallel=2", "-o", "epic_async_tests=true")
    result.assert_outcomes(passed=1, failed=1)
    assert result.stdout.str().count("shown") == 1
    result.stdout.no_fnmatch_line("*Captured*")


def test_the_whole_of_a_long_output_is_masked_on_disk(project: Project, shown: Callable[..., str]) -> None:
    project.write("long.py", "import os\nfor _ in range(20000): print(os.environ['TOKEN'], 'x')\nraise SystemExit(1)\n")
    shop(project, 'id: "1", run: python long.py')
    assert "bytes cut; the whole of it: " in shown(failed=1)
    (file,) = project.path.glob(".pytest_cache/d/epics/*.stdout.log")
    assert file.read_text() == "*** x\n" * 20000


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
