"""A story that prints much: the report stays short and says where the whole of it is."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

from pytest_tapps_waves.actions.output import HEAD, TAIL

SIZE = 3_000_000
Run = Callable[..., pytest.RunResult]

PRINTS = """
    import sys

    def lines(mark, thousand):
        return "".join(f"{mark}{number:08d}\\n" for number in range(thousand * 1000, thousand * 1000 + 1000))

    def write(thousands=300):
        for mark, stream in (("o", sys.stdout), ("e", sys.stderr)):
            stream.writelines(lines(mark, thousand) for thousand in range(thousands))
            stream.flush()

    if __name__ == "__main__":
        write(*map(int, sys.argv[1:]))
        sys.exit(3)

    def story():
        write()
        raise ValueError("no such shard")
"""


def whole(mark: str) -> bytes:
    return b"".join(b"%s%08d\n" % (mark.encode(), number) for number in range(300_000))


def files(report: str) -> list[Path]:
    """The files that the markers name."""
    return [Path(found) for found in re.findall(r"bytes cut; the whole of it: (\S+) \.\.\.", report)]


@pytest.mark.parametrize("action", ["run: python prints.py", "call: 'prints:story'"], ids=["a command", "a function"])
@pytest.mark.parametrize("options", [(), ("-p", "no:cacheprovider")], ids=["with cache", "without cache"])
def test_the_report_is_short_and_names_the_files_that_hold_everything(
    project: Project,
    both_ways: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    options: tuple[str, ...],
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    project.write("prints.py", PRINTS)
    project.epic(f"stories: [{{id: a, {action}}}]")
    result = both_ways(*options)
    report = result.stdout.str()
    result.assert_outcomes(failed=1)
    assert len(report) < 2 * (HEAD + TAIL) + 20_000
    assert f"{SIZE - HEAD - TAIL:,} bytes cut" in report
    out, err = files(report)
    assert out.read_bytes() == whole("o")
    assert err.read_bytes() == whole("e")
    assert (project.path / ".pytest_cache" in out.parents) is (not options)
    assert (tmp_path / "elsewhere" in out.parents) is bool(options)


def test_the_last_lines_are_in_the_failure_itself(project: Project, both_ways: Run) -> None:
    project.write("prints.py", PRINTS)
    project.epic("stories: [{id: a, run: python prints.py 10}]")
    result = both_ways("--show-capture=no")
    result.stdout.fnmatch_lines(["*exit status 3*", "*last lines of its output:", "*| e00009999"])
    result.stdout.no_fnmatch_line("*e00000000*")


def test_each_attempt_and_each_check_has_a_file_of_its_own(project: Project, both_ways: Run) -> None:
    project.write("prints.py", PRINTS)
    check = "acceptance_criteria: [{description: prints, run: python prints.py 10}]"
    project.epic(f"stories: [{{id: a, run: python -c 'import prints; prints.write(10)', {check}, retries: 1}}]")
    both_ways().assert_outcomes(failed=2)
    sizes = [path.stat().st_size for path in project.path.glob(".pytest_cache/**/*.log")]
    assert sizes == [100_000] * 8


def test_a_story_that_passes_says_nothing_of_it(project: Project, both_ways: Run) -> None:
    project.write("prints.py", PRINTS)
    project.epic("stories: [{id: a, run: python -c 'import prints; prints.write(10)'}]")
    result = both_ways()
    result.assert_outcomes(passed=1)
    assert "bytes cut" not in result.stdout.str()
