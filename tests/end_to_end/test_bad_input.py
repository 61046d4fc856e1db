"""Whatever stands in an epic file, pytest says what is wrong in lines with a place, or runs it."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from loader_mutations import mutated
from project import PLUGINS, Project

CORPUS = Path(__file__).parents[1] / "corpus" / "epics" / "good"
GOOD = [(CORPUS / f"{name}.yaml").read_bytes() for name in ("sound", "every-key", "anchors-and-merges", "merges")]

FILES = 2000
IN_A_RUN = 100


def accident(seed: int) -> bytes:
    """A good epic after some accidents, the same for the same seed."""
    dice = random.Random(seed)
    return mutated(dice.choice(GOOD), GOOD, dice)


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
        (folder / name).write_bytes(accident(seed))
    result = project.run("--collect-only", "-q", "--continue-on-collection-errors", "-W", "ignore")
    report = result.stdout.str() + result.stderr.str()
    assert_calm(report)
    # A file without a story has nothing to say, if that is what it holds.
    told = [name for name in names if not re.search(rb"stories *: *\[ *\]", accident(int(name[5:-5])))]
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


def test_names_that_no_file_can_have_do_no_harm(project: Project) -> None:
    long = "x" * 300
    project.epic(f"""\
        stories:
        - {{id: a, run: 'true', files: {long}}}
        - {{id: b, run: 'true', files: "{long}\\0", depends_on: a}}
    """)
    project.run("--epic-parallel=2").assert_outcomes(passed=2)


def test_of_many_unknown_names_the_first_are_told_with_what_was_meant(project: Project) -> None:
    """To look for all of them among all ids takes the square of the time."""
    project.epic(
        "stories:\n" + "".join(f"- {{id: story{number}, depends_on: storey{number}}}\n" for number in range(30))
    )
    report = project.run("--collect-only", "-q").stdout.str()
    assert report.count("which no epic holds; did you mean story") == 20
    assert report.count("which no epic holds") == 30


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
