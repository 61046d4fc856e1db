"""Each wrong value in an epic file is told in one line: where it is, what it is called, what it must be."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.errors import PlanProblems


def refused(text: str) -> list[str]:
    """The messages without their file, which must be the same for all."""
    with pytest.raises(PlanProblems) as caught:
        load(dedent(text).encode(), "epics/epic_shop.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    assert all(line.startswith("epics/epic_shop.yaml:") for line in lines)
    return [line.removeprefix("epics/epic_shop.yaml:") for line in lines]


def why(keys: str) -> str:
    """Why a story ``a`` that has these keys, from line 3 on, is refused."""
    (message,) = refused("stories:\n- id: a\n" + "".join(f"  {line}\n" for line in keys.split("\n")))
    return message


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("id: [b]", "epic.id must be text, not a list"),
        ("id: a b", "epic.id must be one word without any of `: / \\ [ ]`, not 'a b'"),
        ("max_parallel_stories: 0", "epic.max_parallel_stories must be 1 or more, not 0"),
        ("max_parallel_stories: two", "epic.max_parallel_stories must be a whole number, not 'two'"),
        (
            "parallel_strategy: threads",
            "epic.parallel_strategy must be sequential, asyncio or agent-teams, not 'threads'",
        ),
        ("schedule: later", "epic.schedule must be waves or eager, not 'later'"),
        ("fail_fast: 1", "epic.fail_fast must be true or false, not 1"),
        ("conflict_detection: 1", "epic.conflict_detection must be fail, serialize, warn or off, not 1"),
        ("circuit_breaker: -1", "epic.circuit_breaker must be 0 or more, not -1"),
        ("circuit_breaker: 1.5", "epic.circuit_breaker must be a whole number, not 1.5"),
        ("timeout: .inf", "epic.timeout must be a finite number, not inf"),
        ("isolation: docker", "epic.isolation must be none or worktree, not 'docker'"),
        ("env: [A]", "epic.env must be a mapping, not a list"),
        ("secrets: {A: b}", "epic.secrets must be a list, not a mapping"),
        ("secrets: [[A]]", "epic.secrets must be text, not a list"),
        ("secret: [A]", "`secret` is not a key; did you mean `secrets`?"),
    ],
)
def test_a_wrong_value_of_an_epic_is_told_with_its_line(keys: str, message: str) -> None:
    assert refused(f"epic:\n  title: x\n  {keys}\nstories: []") == [f"3: {message}"]


@pytest.mark.parametrize("name", ["$TOKEN", "TOKEN=hunter2", "''", "hunter 2", '"hunter2\\0"', "${{ secrets.TOKEN }}"])
def test_what_cannot_be_the_name_of_a_secret_is_told_and_not_shown(name: str) -> None:
    (message,) = refused(f"epic:\n  secrets:\n  - TOKEN\n  - {name}\nstories: []")
    assert message == "4: epic.secrets must be names of environment variables, without `=`, `$` and spaces"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stories:\n- id: a\n  secrets: [A]", "3: `secrets`: "),
        ("secrets: [A]\nstories: []", "1: `secrets`: "),
    ],
)
def test_secrets_that_do_not_stand_under_the_epic_are_an_error_rather_than_nothing(text: str, said: str) -> None:
    assert refused(text) == [f"{said}secrets are those of a whole epic; name them under `epic`"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("title: [x]", "title must be text, not a list"),
        ("dependencies: {b: c}", "dependencies must be a list, not a mapping"),
        ("dependencies: [b, ]\ndescription: {}", "description must be text, not a mapping"),
        ("critical: maybe", "critical must be true or false, not 'maybe'"),
        ("timeout: -1", "timeout must be 0 or more, not -1"),
        ("timeout: soon", "timeout must be a number, not 'soon'"),
        ("timeout: true", "timeout must be a number, not true"),
        ("retries: 101", "retries must be 100 or less, not 101"),
        ("retries: yes", "retries must be a whole number, not true"),
        ("env: debug", "env must be a mapping, not 'debug'"),
        ("env: {A: [b]}", "env.A must be text, not a list"),
        ("env: {A: }", "env.A must be text, not empty"),
        ("run: {x: y}", "run must be text for the shell, or a list of words, not a mapping"),
        ("run: ' '", "run must name a command, not ' '"),
        ("run: []", "run must name a command, not a list"),
        ('run: "a\\0b"', "run must not hold a NUL character, not 'a\\x00b'"),
        ("call: module", "call must look like \"package.module:function\", not 'module'"),
        ("call: a-b:c", "call must look like \"package.module:function\", not 'a-b:c'"),
        (
            "tags: [a b]",
            "tags must be a word that can be a pytest mark: letters, digits, `_`, `.` and `-`, not 'a b'",
        ),
        ("tags: [timeout]", "tags cannot be the tag 'timeout'; use the key `timeout`, not 'timeout'"),
        ("acceptance_criteria: {a: b}", "acceptance_criteria must be a list, not a mapping"),
        ("acceptance_criteria: [{run: x}]", "acceptance_criteria.description is missing"),
        (
            "acceptance_criteria: [{description: x, note: y}]",
            "acceptance_criteria.note is not a key that goes here, not 'y'",
        ),
        ("cwd: ../x", "cwd must be a path inside rootdir, and relative to it, not '../x'"),
        ("cwd: a/../../b", "cwd must be a path inside rootdir, and relative to it, not 'a/../../b'"),
        ("cwd: /tmp", "cwd must be a path inside rootdir, and relative to it, not '/tmp'"),
        ("cwd: 'C:\\x'", "cwd must be a path inside rootdir, and relative to it, not 'C:\\\\x'"),
        ("files: ../x", "files_affected must be a path inside rootdir, and relative to it, not '../x'"),
        ("files: a/../b", "files_affected must be a path inside rootdir, and relative to it, not 'a/../b'"),
        ("files: ['C:/x']", "files_affected must be a path inside rootdir, and relative to it, not 'C:/x'"),
        ("files: [/]", "files_affected must name a path, not '/'"),
        (
            "files: ['!x']",
            "files_affected must not begin with '!'; write \\! if a file's name does, not '!x'",
        ),
        (
            "files: ['#x']",
            "files_affected must not begin with '#'; write \\# if a file's name does, not '#x'",
        ),
    ],
)
def test_a_wrong_value_of_a_story_is_told_with_its_line(keys: str, message: str) -> None:
    assert why(keys) == f"{2 + len(keys.splitlines())}: story a: {message}"


@pytest.mark.parametrize("identifier", ["a b", "a/b", "a:b", "a[b", "''", "'a\\b'"])
def test_an_id_is_one_word(identifier: str) -> None:
    (message,) = refused(f"stories:\n- title: x\n  id: {identifier}")
    assert message.startswith(
        f"3: story {identifier.strip(chr(39))}: id must be one word without any of `: / \\ [ ]`, not "
    )


@pytest.mark.parametrize("sign", [r"\a", r"\e", r"\b", r"\x9b", r"\u202e"])
def test_an_id_holds_nothing_that_a_terminal_obeys(sign: str) -> None:
    (message,) = refused(f'stories: [{{id: "a{sign}b"}}]')
    assert "id must not hold control characters" in message
    assert message.isprintable()


def test_a_value_of_a_wrong_kind_in_a_list_is_told_with_its_own_line() -> None:
    assert why("dependencies:\n- b\n- [c]") == "5: story a: dependencies must be text, not a list"
    assert why("files:\n- b\n-") == "5: story a: files_affected must be text, not empty"


@pytest.mark.parametrize(
    "keys", ['env: {A: "x\\0"}', 'env: {"A\\0": x}', "env: {A=B: x}", 'env: {"": x}', 'cwd: "a\\0"']
)
def test_what_no_process_can_be_given_is_refused(keys: str) -> None:
    assert why(keys).startswith("3: story a: ")


def test_a_story_has_one_action() -> None:
    assert why("run: x\ncall: a:b") == "4: story a has both `run` and `call`; a story has one action"


@pytest.mark.parametrize("keys", ["", ", run: x, call: 'a:b'"])
def test_a_check_has_one_action(keys: str) -> None:
    criteria = f"acceptance_criteria:\n- text\n- {{description: x{keys}}}"
    assert why(criteria) == "5: story a: the check 'x' needs one of `run` and `call`"


def test_a_story_cannot_depend_on_itself() -> None:
    message = "5: story a depends on itself; remove it from its dependencies"
    assert why("dependencies:\n- b\n- a") == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: an epic file holds a mapping with `stories`; see the README for the format"),
        ("- a", "1: an epic file holds a mapping with `stories`; see the README for the format"),
        ("\nepic: {id: x}", "2: there are no stories; list them under `stories`"),
        ("epic: 3\nstories: []", "1: epic must be a mapping, not 3"),
        ("\nstories:", "2: stories is empty; list the stories, or write [] for none"),
        ("\nstories: {a: b}", "2: stories must be a list, not a mapping"),
        ("epic:\n  stories: 3", "2: stories must be a list, not 3"),
        ("epic:\n  stories: []\nstories: []", "2: stories stand here and on line 3; keep one list"),
        ("stories:\n- a", "2: a story must be a mapping with an `id`, not 'a'"),
        ("stories:\n-\n- id: a", "2: a story must be a mapping with an `id`, not empty"),
    ],
)
def test_a_file_of_another_shape_is_told_what_is_expected(text: str, message: str) -> None:
    assert refused(text) == [message]


def test_all_mistakes_of_a_file_are_told_at_once_in_the_order_of_lines() -> None:
    text = """\
        stories:
        - id: a
          timeout: soon
          retries: -1
          retries: 2
        - just text
        - id: b c
          critical: 3
          titel: x
        epic:
          fail_fast: 3
        """
    assert refused(text) == [
        "3: story a: timeout must be a number, not 'soon'",
        "4: story a: retries must be 0 or more, not -1",
        "5: the key 'retries' is already there, on line 4; keep one",
        "6: a story must be a mapping with an `id`, not 'just text'",
        "7: story b c: id must be one word without any of `: / \\ [ ]`, not 'b c'",
        "8: story b c: critical must be true or false, not 3",
        "9: `titel` is not a key; did you mean `title`?",
        "11: epic.fail_fast must be true or false, not 3",
    ]


def test_a_long_value_is_cut_in_its_message() -> None:
    message = why(f"timeout: {'x' * 500}")
    assert message.startswith("3: story a: timeout must be a number, not 'xxx")
    assert message.endswith("xxx...")
    assert len(message) < 120
