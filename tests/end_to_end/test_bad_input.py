"""Whatever stands in an epic file, pytest says what is wrong in lines with a place, or runs it."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from project import PLUGINS, Project

SOUND = """\
epic:
  id: "8"
  title: Checkout
  max_parallel_stories: 3
  fail_fast: true
  conflict_detection: serialize
  circuit_breaker: 3
  timeout: 300
  env: &env {LOG_LEVEL: debug, PATH_LIKE: "a:b"}
stories:
  - id: "8.1"
    title: Create the schema
    description: |
      free text, of
      two lines
    files_affected: ["src/db/**", "migrations/001.sql"]
    run: echo up
    env: *env
    acceptance_criteria:
      - The table exists
      - {description: the table is empty, run: "true"}
  - id: 8.10
    dependencies: ["8.1"]
    files_affected: src/**/[a-z]*.py
    critical: false
    run: [echo, "a b"]
    timeout: 60.5
    retries: 2
    cwd: .
    tags: [db, slow]
  - story_id: "8.2"
    depends_on: ["8.1", "8.10"]
    call: "pkg.mod:func"
    <<: {priority: 3}
"""

PIECES = [
    "&a ",
    "*a ",
    "*env",
    "<<: ",
    "!!python/object:os.system ",
    "!!binary ",
    "!!int ",
    "!x ",
    "? ",
    ": ",
    "- ",
    "-",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    "|",
    ">",
    "%",
    "@",
    "`",
    "#",
    "[a-0]",
    "\t",
    "\x00",
    "\x07",
    "\x85",
    "\u2028",
    "\ufeff",
    "\ud7ff",
    "é",
    "😀",
    "~",
    "null",
    "true",
    "no",
    "0",
    "-1",
    "1e999",
    ".nan",
    ".inf",
    "0x1g",
    "1_000",
    "2026-01-01",
    "9999999999999999",
    "..",
    "../../etc",
    "/etc/passwd",
    "C:\\x",
    "**",
    "[!",
    "***",
    "\\",
    "::",
    "epic_other.yaml::1",
    "8.1",
    "8.3",
    "---\n",
    "...\n",
    "\n\n",
    "  ",
    "\r\n",
    "\r",
    "id: 8.1\n",
    "run: x\n",
    "stories: []\n",
    "epic: x\n",
    "agent: {}\n",
]

FILES = 2000
IN_A_RUN = 100


def mutated(seed: int) -> bytes:
    """A sound epic after some accidents, the same for the same seed."""
    rng = random.Random(seed)
    data = SOUND.encode()
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice([0, 1, 1, 5, 30, 200]))
        lines = data.splitlines(keepends=True) or [b""]
        line = rng.randrange(len(lines))
        accident = rng.randrange(8)
        if accident == 0:
            data = data[:start] + data[end:]
        elif accident == 1:
            data = data[:start] + rng.choice(PIECES).encode() + data[end:]
        elif accident == 2:
            data = data[:start] + rng.choice(PIECES).encode() + data[start:]
        elif accident == 3:
            data = data[:start] + data[start:end] * rng.choice([2, 3, 50]) + data[end:]
        elif accident == 4:
            data = data[:start] + bytes(rng.randrange(256) for _ in range(rng.randrange(1, 5))) + data[end:]
        elif accident == 5:
            lines[line] = b" " * rng.randrange(6) + lines[line].lstrip()
            data = b"".join(lines)
        elif accident == 6:
            lines.insert(rng.randrange(len(lines)), lines[line])
            data = b"".join(lines)
        else:
            key, colon, rest = lines[line].partition(b":")
            lines[line] = key + colon + b" " + rng.choice(PIECES).encode() + b"\n" if colon else rest
            data = b"".join(lines)
    return data


def silent(report: str, names: list[str]) -> list[str]:
    """The files of which neither stories nor mistakes are told."""
    heard = {Path(found).name for found in re.findall(r"^(\S*epic_\w+\.ya?ml)(?:::|:\d+: .)", report, re.MULTILINE)}
    return [name for name in names if name not in heard]


@pytest.mark.parametrize("first", range(0, FILES, IN_A_RUN))
def test_a_mutated_file_is_collected_or_its_mistakes_are_told(project: Project, first: int) -> None:
    project.write(
        "pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\nmarkers =\n    db\n    slow\n"
    )
    names = [f"epic_{seed}.yaml" for seed in range(first, first + IN_A_RUN)]
    for seed, name in enumerate(names, first):
        # In folders of their own, so that ids of one file are not those of its neighbours.
        folder = project.path / f"d{seed}"
        folder.mkdir()
        (folder / name).write_bytes(mutated(seed))
    result = project.run("--collect-only", "-q", "--continue-on-collection-errors", "-W", "ignore")
    report = result.stdout.str() + result.stderr.str()
    assert_calm(report)
    # A file without a story has nothing to say, if that is what it holds.
    told = [name for name in names if not re.search(rb"stories *: *\[ *\]", mutated(int(name[5:-5])))]
    assert silent(report, told) == []


def assert_calm(report: str) -> None:
    for sign in ("INTERNALERROR", "Traceback", "\nE   "):
        assert sign not in report


def collected(project: Project, data: bytes, name: str = "epic_x.yaml") -> tuple[pytest.RunResult, str]:
    """What a dry run says of a file."""
    (project.path / name).write_bytes(data)
    result = project.run("--collect-only", "-q")
    report = result.stdout.str() + result.stderr.str()
    assert_calm(report)
    return result, report


ONE = b"stories: [{id: a, run: 'true'}]\n"

WRONG = {
    "empty": (b"", 1),
    "blank lines": (b"\n\n\n", 1),
    "a comment": (b"# nothing\n", 1),
    "text": (b"just text\n", 1),
    "a list": (b"- 1\n- 2\n", 1),
    "NUL": (b"stories:\n  - {id: a\0, run: x}\n", 2),
    "a tab": (b"stories:\n\t- {id: a}\n", 2),
    "a bell": (b"stories:\n  - {id: a, title: \x07}\n", 2),
    "latin-1": (b"stories:\n  - {id: a, title: caf\xe9}\n", 2),
    "broken UTF-16": (b"\xff\xfea", 1),
    "two documents": (b"stories: []\n---\nstories: []\n", 2),
    "an object": (b"stories: []\nepic: !!python/object/apply:os.system [id]\n", 2),
    "an alias to itself": (b"stories: &a\n  - *a\n", 2),
    "an alias to nothing": (b"stories:\n  - *b\n", 2),
    "an unknown directive": (b"%FOO\nstories: []\n", 1),
    "deep": (b"stories: " + b"[" * 5000 + b"]" * 5000, 1),
    "billion laughs": (
        b"a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 10)) for n in range(ord("b"), ord("j")))
        + b"stories: []\n",
        6,
    ),
    "too big": (b"stories: []\n#" + b"x" * (5 * 1024 * 1024), 1),
    "stories is text": (b"stories: all of them\n", 1),
    "a story is text": (b"stories:\n  - run it\n", 2),
    "an id is a list": (b"stories:\n  - {id: [a], run: x}\n", 2),
    "an id is empty": (b"stories:\n  - {id: '', run: x}\n", 2),
    "an id of two words": (b"stories:\n  - {id: a b, run: x}\n", 2),
}


@pytest.mark.parametrize(("data", "line"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_told_with_its_line(project: Project, data: bytes, line: int) -> None:
    result, report = collected(project, data)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert re.search(rf"^epic_x.yaml:{line}: \w", report, re.MULTILINE), report


RIGHT = {
    "a byte order mark": b"\xef\xbb\xbf" + ONE,
    "UTF-16": ONE.decode().encode("utf-16"),
    "CRLF": ONE.replace(b"\n", b"\r\n"),
    "CR": b"stories:\r  - {id: a, run: x}\r",
    "no newline at its end": ONE.rstrip(),
    "a huge line": b"stories: [{id: a, run: 'true', title: '" + b"x" * 1_000_000 + b"'}]\n",
    "JSON": b'{"stories": [{"id": "a", "run": "true"}]}',
    "an end of document": ONE + b"...\n",
    "a directive": b"%YAML 1.1\n---\n" + ONE,
}


@pytest.mark.parametrize("data", RIGHT.values(), ids=RIGHT.keys())
def test_what_is_unusual_but_right_is_collected(project: Project, data: bytes) -> None:
    result, report = collected(project, data)
    assert result.ret == pytest.ExitCode.OK, report
    assert "epic_x.yaml::a" in report


@pytest.mark.parametrize(
    "name", ["é", "故事", "ж.щ", "😀", "e\u0301", "Straße-1", "a'b", 'a"b', "$(id)", "%s", "{}", "x=1,y;z"]
)
def test_ids_of_any_script_work_as_node_ids(project: Project, name: str) -> None:
    quoted = name.replace("'", "''")
    project.epic(
        f"stories:\n  - {{id: '{quoted}', run: 'true'}}\n  - {{id: b, run: 'true', dependencies: ['{quoted}']}}\n"
    )
    project.run("--epic-parallel=2", "--junitxml=out.xml").assert_outcomes(passed=2)
    project.run(f"epic_shop.yaml::{name}").assert_outcomes(passed=1)


def test_a_folder_with_the_name_of_an_epic_is_a_folder(project: Project) -> None:
    (project.path / "epic_x.yaml").mkdir()
    project.epic("stories: [{id: a, run: 'true'}]", "epic_x.yaml/epic_y.yaml")
    project.run("-rA").assert_outcomes(passed=1)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(project: Project) -> None:
    project.epic("stories: []", "epic_x.yaml").chmod(0)
    report = project.run("--collect-only", "-q").stdout.str()
    assert "epic_x.yaml:1: cannot be read" in report


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_links_that_lead_nowhere_or_round_and_round_end(project: Project) -> None:
    (project.path / "epic_x.yaml").symlink_to("epic_x.yaml")
    (project.path / "epic_y.yaml").symlink_to("nowhere")
    (project.path / "around").mkdir()
    (project.path / "around" / "again").symlink_to("..")
    project.epic("stories: [{id: a, run: 'true'}]", "epic_z.yaml")
    report = project.run("--collect-only", "-q").stdout.str()
    assert "epic_z.yaml::a" in report
    assert_calm(report)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_file_name_that_is_no_text_does_no_harm(project: Project) -> None:
    Path(os.fsdecode(os.fsencode(project.path) + b"/epic_\xff.yaml")).write_bytes(ONE)
    Path(os.fsdecode(os.fsencode(project.path) + b"/epic_\xfe.yaml")).write_bytes(b"stories: 3\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS, "-pno:cacheprovider", "--continue-on-collection-errors"],
        cwd=project.path,
        capture_output=True,
        check=False,
    )
    report = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert_calm(report)
    assert "stories must be a list" in report
    assert "1 passed, 1 error" in report
