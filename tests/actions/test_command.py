"""Commands: what they are given, and what is told of them."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import pytest

from pytest_tapps_waves.actions.base import Job, StoryContext
from pytest_tapps_waves.actions.command import Command
from pytest_tapps_waves.actions.output import Output
from pytest_tapps_waves.errors import ActionFailed

posix = pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a POSIX shell")


def job_in(folder: Path, **variables: str) -> Job:
    context = StoryContext("1", "First", "shop", folder, variables, 60.0, 1, logging.getLogger("epic.shop"))
    return Job(context, folder)


def perform(command: str | list[str], folder: Path, **variables: str) -> Output:
    """What the command printed; a command that has not ended after a minute fails the test."""

    async def scene() -> Output:
        output = Output()
        async with asyncio.timeout(60):
            await Command(command).perform(job_in(folder, **variables), output)
        return output

    return asyncio.run(scene())


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_a_command_that_ends_with_zero_works(tmp_path: Path) -> None:
    output = perform(python("import sys; print('out'); print('err', file=sys.stderr)"), tmp_path)
    assert output.text("stdout").split() == ["out"]
    assert output.text("stderr").split() == ["err"]


@posix
@pytest.mark.parametrize(
    ("command", "what", "status"),
    [
        ("exit 3", "exit status 3", 3),
        ("no-such-program", "exit status 127", 127),
        ("kill -9 $$", "ended by signal 9 (SIGKILL)", -9),
        ("kill -SEGV $$", "ended by signal 11 (SIGSEGV)", -11),
        (["false"], "exit status 1", 1),
    ],
)
def test_another_end_is_told_in_words(tmp_path: Path, command: str | list[str], what: str, status: int) -> None:
    with pytest.raises(ActionFailed) as raised:
        perform(command, tmp_path)
    assert raised.value.what == what
    assert raised.value.exit_status == status
    assert raised.value.action.startswith("run: ")


def test_its_input_is_empty(tmp_path: Path) -> None:
    output = perform(python("import sys; print(repr(sys.stdin.read()))"), tmp_path)
    assert output.text("stdout").split() == ["''"]


@posix
def test_a_command_that_never_reads_its_input_ends_all_the_same(tmp_path: Path) -> None:
    assert perform("echo done", tmp_path).text("stdout") == "done\n"


@posix
def test_a_command_that_closes_its_output_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(ActionFailed, match="exit status 4"):
        perform("exec >&- 2>&-; sleep 0.1; exit 4", tmp_path)


def test_bytes_that_are_no_text_do_not_matter(tmp_path: Path) -> None:
    output = perform(python("import sys; sys.stdout.buffer.write(bytes(range(256)))"), tmp_path)
    assert "ABC" in output.text("stdout")
    assert "\ufffd" in output.text("stdout")


def test_colours_are_kept(tmp_path: Path) -> None:
    output = perform(python(r"print('\x1b[31mred\x1b[0m')"), tmp_path)
    assert "\x1b[31mred\x1b[0m" in output.text("stdout")


@posix
def test_a_string_is_for_the_shell_and_a_list_is_not(tmp_path: Path) -> None:
    assert perform("echo $((1 + 1)) | cat", tmp_path).text("stdout") == "2\n"
    assert perform(["echo", "$((1 + 1)) | cat"], tmp_path).text("stdout") == "$((1 + 1)) | cat\n"


def test_it_works_in_the_folder_and_with_the_variables_of_its_story(tmp_path: Path) -> None:
    program = "import os; print(os.getcwd(), os.environ['COLOUR'], sep='\\n')"
    folder, colour = perform(python(program), tmp_path, COLOUR="blå").text("stdout").splitlines()
    assert Path(folder).samefile(tmp_path)
    assert colour == "blå"


def test_python_is_the_one_that_runs_pytest(tmp_path: Path) -> None:
    output = perform(["python", "-c", "import sys; print(sys.prefix)"], tmp_path)
    assert Path(output.text("stdout").strip()).samefile(sys.prefix)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ActionFailed, match="nowhere is not a directory"):
        perform(["true"], tmp_path / "nowhere")


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ActionFailed, match=r"cannot start: .*no-such-program"):
        perform(["no-such-program"], tmp_path)


def test_a_variable_that_no_process_can_have_is_a_failure_of_the_story(tmp_path: Path) -> None:
    with pytest.raises(ActionFailed, match="cannot start"):
        perform(["true"], tmp_path, BROKEN="a\0b")


@posix
def test_an_argument_list_that_is_too_long_is_a_failure_of_the_story(tmp_path: Path) -> None:
    with pytest.raises(ActionFailed, match=r"cannot start: .*too long"):
        perform(["true", "x" * 10_000_000], tmp_path)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("make docs\n", "run: make docs"),
        (["echo", "a b", "$x"], "run: echo 'a b' '$x'"),
    ],
)
def test_it_is_described_as_one_would_type_it(command: str | list[str], words: str) -> None:
    assert Command(command).describe() == words
