"""The corpus: every kind of mistake and attack has its own file, and is refused in exactly the lines beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from loader_attacks import ATTACKS
from loader_promises import LONGEST_MESSAGE, check

from pytest_tapps_waves.epics import yaml_lines
from pytest_tapps_waves.epics.loader import MOST_TOLD, load
from pytest_tapps_waves.epics.spec import EpicDefinition
from pytest_tapps_waves.errors import PlanProblems

CORPUS = Path(__file__).parents[1] / "corpus" / "epics"
BAD = sorted((CORPUS / "bad").glob("*.yaml"))
GOOD = sorted([*(CORPUS / "good").glob("*.yaml"), *(CORPUS / "graph").glob("*.yaml")])

MOST_MEMORY = 768 * 1024 * 1024
BOUNDED = f"""\
import resource, sys, warnings
from pathlib import Path
from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.errors import PlanProblems

warnings.simplefilter("error")
resource.setrlimit(resource.RLIMIT_AS, ({MOST_MEMORY}, {MOST_MEMORY}))
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))  # a hang would go on for hours
for path in sys.argv[1:]:
    try:
        load(Path(path).read_bytes(), "x.yaml")
    except PlanProblems as refused:
        print(refused)
"""
"""Loads files in a process that has no more memory than this."""


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_refused_in_exactly_its_lines(path: Path) -> None:
    with pytest.raises(PlanProblems) as caught:
        load(path.read_bytes(), path.name)
    assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_is_read(path: Path) -> None:
    load(path.read_bytes(), path.name)


@pytest.mark.parametrize("path", [*BAD, *GOOD], ids=lambda path: path.stem)
def test_the_loader_keeps_its_promises(path: Path, tmp_path: Path) -> None:
    check(path.read_bytes(), tmp_path)


@pytest.mark.parametrize("path", [*BAD, *GOOD], ids=lambda path: path.stem)
def test_without_libyaml_the_same_files_are_read_and_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_lines, "_Loader", yaml.SafeLoader)
    assert isinstance(check(path.read_bytes(), tmp_path), EpicDefinition) is (path in GOOD)


def test_no_file_of_the_corpus_is_left_over() -> None:
    assert {path.stem for path in BAD} == {path.stem for path in (CORPUS / "bad").glob("*.txt")}
    assert all(path.suffix in (".yaml", ".txt") for path in CORPUS.glob("*/*"))


def test_no_file_of_the_corpus_is_collected_by_this_suite() -> None:
    assert not [path for path in CORPUS.rglob("*") if path.name.startswith("epic_")]


def bounded(*paths: Path) -> str:
    """What is said of files, in a process that has no more memory than these tests allow."""
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, *map(str, paths)], capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


needs_limits = pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is limited on Linux only")


@needs_limits
def test_all_bad_files_one_after_the_other_take_bounded_memory() -> None:
    lines = sum(len(path.with_suffix(".txt").read_text(encoding="utf-8").splitlines()) for path in BAD)
    assert len(bounded(*BAD).splitlines()) == lines


@needs_limits
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_takes_bounded_memory_and_is_told_in_lines(name: str, tmp_path: Path) -> None:
    attack = ATTACKS[name]
    path = tmp_path / "x.yaml"
    path.write_bytes(attack.data())
    lines = bounded(path).splitlines()
    assert (lines[0].removeprefix("x.yaml:") if lines else None) == attack.said
    assert len(lines) <= MOST_TOLD + 1
    assert all(len(line) <= LONGEST_MESSAGE for line in lines)
