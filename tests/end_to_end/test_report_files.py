"""Files that are written of a run: where, when, and what is said when they cannot be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from importlib.util import find_spec
from pathlib import Path

import pytest
from project import PLUGINS, Project

from pytest_tapps_waves.core.happened import Happened, RunHappened
from pytest_tapps_waves.reports.files import write_whole
from pytest_tapps_waves.reports.html import page as page_of

HTML = ("pytest_metadata.plugin", "pytest_html.plugin")
XDIST = ("xdist.plugin",)
ONE = "stories: [{id: a, title: 'Make & <i>mend</i>', call: 'work:work'}]"


def shop(project: Project) -> None:
    project.write("work.py", "def work(): print('made')\n")
    project.epic(ONE)


@pytest.mark.parametrize("option", ["--epic-report", "--epic-trace"])
def test_folders_are_made_and_paths_begin_where_pytest_is_called(project: Project, option: str) -> None:
    shop(project)
    result = project.run(f"{option}=new/folder/file.out")
    result.assert_outcomes(passed=1)
    path = project.path / "new" / "folder" / "file.out"
    assert path.stat().st_size
    assert list(path.parent.iterdir()) == [path]
    result.stdout.fnmatch_lines([f"{option[2:]}: {path}"])


def test_the_ini_file_may_ask_for_them(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shop(project)
    project.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\nepic_trace = trace.json\n")
    (project.path / "below").mkdir()
    monkeypatch.chdir(project.path / "below")
    project.run(str(project.path)).assert_outcomes(passed=1)
    assert json.loads((project.path / "trace.json").read_text())["traceEvents"]
    # Nothing is run, so nothing is written.
    (project.path / "trace.json").unlink()
    project.run(str(project.path), "--epic-plan")
    project.run(str(project.path), "--collect-only")
    assert not (project.path / "trace.json").exists()


@pytest.mark.parametrize(
    ("option", "name"),
    [("--epic-report", "folder"), ("--epic-trace", "folder"), ("--epic-report", "file.txt/below.out")],
)
def test_a_path_that_cannot_be_written_is_refused_before_anything_runs(
    project: Project, option: str, name: str
) -> None:
    shop(project)
    (project.path / "folder").mkdir()
    project.write("file.txt", "")
    result = project.run(f"{option}={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = [line for line in result.errlines if line]
    assert len(told) == 1
    assert re.match(
        rf"ERROR: {option}=.*: this file cannot be written: (it is a folder|.*file.txt is no folder)", told[0]
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--epic-trace=",), "must be the name of a file, not ''"),
        (("--epic-report=a/../x", "--epic-trace=x"), "--epic-report and --epic-trace would both be written to "),
        (("--epic-trace=x", "--epic-plan"), "--epic-plan runs nothing, so there is nothing for --epic-trace; drop one"),
    ],
)
def test_options_that_mean_nothing_are_refused(project: Project, options: tuple[str, ...], told: str) -> None:
    shop(project)
    result = project.run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str()


def test_without_jinja_the_extra_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shop(project)
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == "jinja2" else find_spec(name, *rest)
    )
    result = project.run("--epic-report=page.html")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--epic-report needs jinja2: pip install 'pytest-tapps-waves[report]'" in result.stderr.str()
    project.run("--epic-trace=trace.json").assert_outcomes(passed=1)


def test_what_could_not_be_written_in_the_end_is_an_error_of_the_run(project: Project) -> None:
    project.write("work.py", "import pathlib\ndef work(): pathlib.Path('trace.json').mkdir()\n")
    project.epic(ONE)
    result = project.run("--epic-trace=trace.json")
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(["error: --epic-trace was not written: *trace.json: *"])
    assert not list(project.path.glob(".trace*"))


def test_a_file_stays_as_it_was_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    if sys.platform != "win32":
        path.chmod(0o640)
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "new \ud800")
    assert path.read_text() == "old"
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert sys.platform == "win32" or path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_without_stories_has_a_page_that_says_so(project: Project) -> None:
    project.write("test_plain.py", "def test_one(): pass\n")
    project.run("--epic-report=page.html").assert_outcomes(passed=1)
    assert "No story was run." in (project.path / "page.html").read_text("utf-8")


def test_an_open_breaker_and_what_it_kept_from_running_are_told(
    project: Project, both_ways: Callable[..., pytest.RunResult]
) -> None:
    project.epic(
        """
        epic: {circuit_breaker: 1}
        stories: [{id: a, run: exit 1}, {id: b, run: exit 0, dependencies: [c]}, {id: c, run: exit 0}]
        """
    )
    both_ways("--epic-conflicts=off", "--epic-report=page.html")
    page = (project.path / "page.html").read_text("utf-8")
    assert "The circuit breaker of epic_shop.yaml opened" in page
    assert '<a href="#s0">a' in page
    assert "<p>circuit breaker open</p>" in page


def test_a_page_of_much_output_stays_small_enough_to_open() -> None:
    text = "a line that says little\n" * 680
    told = (1, "failed", "", (), False, True, 0.0, 1.0, 1, text + "FAILURE", text + "OUTPUT", 0)
    stories = [Happened(f"e::{number}", str(number), "", "e", 1, *told) for number in range(1000)]
    page = page_of(RunHappened(stories))
    assert len(page) < 8_000_000
    assert page.count("FAILURE</pre>") == page.count("OUTPUT</pre>") == 1000
    assert page.count("characters of output came before this") == 1000
    alone = page_of(RunHappened(stories[:1]))
    assert f"{text}OUTPUT" in alone, "of one story all is there"
    assert f"{text}FAILURE" in alone


def test_secrets_are_in_neither(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "tok-12345678")
    project.write(
        "work.py", "import os\ndef work():\n    print(os.environ['TOKEN'])\n    raise OSError('tok-12345678')\n"
    )
    project.epic(
        """
        epic: {title: With tok-12345678, secrets: [TOKEN]}
        stories:
          - {id: a, title: By tok-12345678, call: "work:work", files_affected: [tok-12345678]}
          - {id: b, call: "work:work", files_affected: [tok-12345678]}
          - {id: c, title: By tok-12345678, call: "work:work", dependencies: [a]}
          - {id: d, call: "work:work"}
        """
    )
    project.run("--epic-conflicts=warn", "--epic-report=page.html", "--epic-trace=trace.json")
    for name in ("page.html", "trace.json"):
        text = (project.path / name).read_text("utf-8")
        assert "***" in text
        assert "tok-12345678" not in text


def test_what_is_not_asked_for_is_not_imported(project: Project) -> None:
    shop(project)
    project.write(
        "conftest.py",
        """
        import sys

        def pytest_unconfigure():
            names = {name for name in sys.modules if name == "jinja2" or "tapps_waves" in name}
            bad = names & {"jinja2", *(f"pytest_tapps_waves.{end}" for end in
                ("recording", "core.happened", "reports.files", "reports.html", "reports.trace", "reports.columns"))}
            print("imported:", sorted(bad))
        """,
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS],
        cwd=project.path,
        capture_output=True,
        text=True,
        env=os.environ,
        check=True,
    )
    assert "1 passed" in done.stdout
    assert "imported: []" in done.stdout


def test_pytest_html_shows_wave_and_story(project: Project) -> None:
    project.write("work.py", "def work(): pass\n")
    project.epic("stories: [{id: '<b>1', call: 'work:work'}, {id: two, call: 'work:work', dependencies: ['<b>1']}]")
    project.write("test_plain.py", "def test_plain(): pass\n")
    project.run("--epic-parallel=2", "--html=out.html", plugins=HTML).assert_outcomes(passed=3)
    assert columns(project.path / "out.html") == {
        "<b>1": ["&lt;b&gt;1", "1"],
        "two": ["two", "2"],
        "test_plain": ["", ""],
    }


def test_workers_of_xdist_have_all_of_it_too(project: Project) -> None:
    for name in ("a", "b"):
        project.epic(
            f"stories: [{{id: {name}1, run: exit 0}}, {{id: {name}2, run: exit 0, dependencies: [{name}1]}}]",
            f"epic_{name}.yaml",
        )
    options = ("--epic-trace=trace.json", "--epic-report=page.html", "--html=out.html")
    result = project.run_process("-n2", "--dist=loadfile", *options, plugins=(*HTML, *XDIST))
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["epic-report: *page.html", "epic-trace: *trace.json"])
    assert columns(project.path / "out.html") == {
        "a1": ["a1", "1"],
        "a2": ["a2", "2"],
        "b1": ["b1", "1"],
        "b2": ["b2", "2"],
    }
    trace = json.loads((project.path / "trace.json").read_text("utf-8"))
    events = trace["traceEvents"]
    names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert set(names.values()) == {"gw0", "gw1"}
    tracks: dict[str, set[str]] = {}
    for event in events:
        if event["ph"] == "X":
            tracks.setdefault(names[event["tid"]], set()).add(event["name"])
    assert sorted(map(sorted, tracks.values())) == [["a1", "a2"], ["b1", "b2"]]
    assert trace["otherData"]["not started"] == []
    assert "2 workers of pytest-xdist" in (project.path / "page.html").read_text("utf-8")


@pytest.mark.parametrize("options", [(), ("--epic-parallel=2",)])
def test_stories_across_workers_are_in_one_page_and_one_trace(project: Project, options: tuple[str, ...]) -> None:
    project.epic("""
        stories:
          - {id: a, run: "echo said by a"}
          - {id: b, run: exit 1, dependencies: [a], retries: 1}
          - {id: c, run: exit 0, dependencies: [b]}
          - {id: d, run: exit 0, dependencies: [a]}
          - {id: e, run: sleep 0.3}
    """)
    files = ("--epic-trace=trace.json", "--epic-report=page.html", "--html=out.html")
    result = project.run_process("-n2", *options, *files, plugins=(*HTML, *XDIST))
    result.assert_outcomes(passed=3, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["epic-report: *page.html", "epic-trace: *trace.json"])
    assert "missing is what" not in result.stdout.str()
    trace = json.loads((project.path / "trace.json").read_text("utf-8"))
    events = trace["traceEvents"]
    ran = {event["name"]: event["args"] for event in events if event["ph"] == "X"}
    assert sorted(ran) == ["a", "b", "d", "e"]
    names = {event["args"]["name"] for event in events if event["name"] == "thread_name"}
    if not options:
        assert names == {"gw0", "gw1", "not run"}
    page = (project.path / "page.html").read_text("utf-8")
    assert "said by a" in page
    assert "c depends on b, which failed" in page


def test_files_of_a_run_across_workers_without_stories_are_written_too(project: Project) -> None:
    project.write("test_plain.py", "def test_one(): pass\n")
    result = project.run_process("-n2", "--epic-trace=trace.json", plugins=XDIST)
    result.assert_outcomes(passed=1)
    assert "missing is what" not in result.stdout.str()
    assert (project.path / "trace.json").exists()


def columns(path: Path) -> dict[str, list[str]]:
    """What pytest-html says of each test in the columns Story and Wave."""
    text = path.read_text("utf-8")
    assert re.findall(r'data-column-type="(\w+)"', text)[:5] == ["result", "testId", "story", "wave", "duration"]
    found = re.search(r'data-jsonblob="([^"]*)"', text)
    assert found
    return {
        node.rpartition("::")[2]: [re.sub("<.*?>", "", cell) for cell in test["resultsTableRow"][2:4]]
        for node, tests in json.loads(unescape(found[1]))["tests"].items()
        for test in tests
    }
