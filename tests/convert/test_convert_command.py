"""``python -m pytest_tapps_waves convert`` as people run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_tapps_waves.__main__ import main
from pytest_tapps_waves.convert import document

EPIC = """\
# Epic 8: Checkout

### Story 8.1: Basket

### Story 8.2: Payment

**Dependencies:** Story 8.1
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "epic-8.md").write_text(EPIC, encoding="utf-8")
    return tmp_path


def test_an_epic_file_is_written_beside_its_source(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "docs/epic-8.md"]) == 0
    out, err = capsys.readouterr()
    assert (Path(out.partition(":")[0]), err) == (Path("docs/epic_8.yaml"), "")
    assert out.endswith(": 2 stories, 1 dependency\n")
    assert (here / "docs" / "epic_8.yaml").read_text(encoding="utf-8") == dedent("""\
        # Converted from docs/epic-8.md. A story without an action is documentation: give it `run` or `call`.
        epic:
          id: "8"
          title: Checkout
        stories:
          - id: "8.1"
            title: Basket
          - id: "8.2"
            title: Payment
            dependencies:
              - "8.1"
        """)


def test_what_is_left_makes_the_exit_status_1_and_goes_to_stderr(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "docs" / "epic-9.md").write_text("### Story 9.1: X\n\nNeeds: luck\n", encoding="utf-8")
    assert main(["convert", "docs", "-o", "out"]) == 1
    assert sorted(path.name for path in (here / "out").iterdir()) == ["epic_8.yaml", "epic_9.yaml"]
    assert capsys.readouterr().err == (
        'docs/epic-9.md:3: "luck" looks like a dependency, and could not be placed; write which story it is, or add it '
        "by hand\n"
    )


def test_a_file_that_is_there_is_overwritten_by_force_only(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = here / "docs" / "epic_8.yaml"
    there.write_text("mine", encoding="utf-8")
    (here / "docs" / "epic-9.md").write_text("### Story 9.1: X\n", encoding="utf-8")
    assert main(["convert", "docs"]) == 2
    assert there.read_text(encoding="utf-8") == "mine"
    assert not (here / "docs" / "epic_9.yaml").exists()
    assert "already there, nothing is written; --force overwrites" in capsys.readouterr().err
    assert main(["convert", "docs", "--force"]) == 0
    assert "8.2" in there.read_text(encoding="utf-8")


def test_a_dry_run_writes_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "docs", "-n"]) == 0
    assert list((here / "docs").glob("*.yaml")) == []
    assert capsys.readouterr().out.endswith("2 stories, 1 dependency (not written)\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.md"], "nowhere.md: there is no such file or folder"),
        (["empty"], "empty: there is no Markdown (*.md) in it"),
        (["latin.md"], "latin.md: it is no UTF-8 text; save it as UTF-8"),
        (["large.md"], "large.md: it has 5,242,881 bytes, more than 5,242,880; split it"),
        (["notes.md"], "there is no story; one begins with a heading such as `### Story 1: Title`"),
        (["docs", "-o", "notes.md"], "notes.md"),
    ],
)
def test_what_cannot_be_converted_is_said(
    arguments: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "empty").mkdir()
    (here / "latin.md").write_bytes(b"# Caf\xe9\n")
    (here / "large.md").write_bytes(b"x" * (document.MAX_BYTES + 1))
    (here / "notes.md").write_text("# Notes\n\nnothing\n", encoding="utf-8")
    assert main(["convert", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document._parser.cache_clear()
    monkeypatch.setitem(sys.modules, "mdit_py_plugins.front_matter", None)
    assert main(["convert", "docs"]) == 2
    assert "pip install 'pytest-tapps-waves[convert]'" in capsys.readouterr().err


def test_a_folder_is_walked_but_for_what_is_hidden_or_installed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (".git", "node_modules"):
        (here / folder).mkdir()
        (here / folder / "epic-7.md").write_text(EPIC, encoding="utf-8")
    (here / "README.md").write_text("# Read me\n", encoding="utf-8")
    assert main(["convert", ".", "docs/epic-8.md"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in out[:1]] == ["2 stories, 1 dependency"]
    assert out[1:] == ["no story in README.md"]


def test_an_epic_of_two_files_becomes_one_and_each_remark_keeps_its_file(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "docs" / "more.md").write_text(
        "# Epic 8: Checkout\n\n**Dependencies:** luck\n\n### Story 8.3: Receipt\n\nDepends on: 8.2\n", encoding="utf-8"
    )
    assert main(["convert", "docs"]) == 1
    out, err = capsys.readouterr()
    assert out.endswith("epic_8.yaml: 3 stories, 2 dependencies\n")
    assert err.startswith('docs/more.md:3: "luck"')


def test_it_runs_as_a_module(here: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest_tapps_waves", "convert", "docs", "--dry-run"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_help_names_both_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert "schema" in out
    assert "turn Markdown epics into epic_*.yaml" in out
