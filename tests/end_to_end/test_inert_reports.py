"""What stories print, and what epic files say, does nothing to the terminal or the page on which it is read."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import parse

import pytest
from project import Project

Run = Callable[..., pytest.RunResult]

ESCAPES = r"\e]52;c;ZXZpbA==\a \e]0;title\a \e[2J\e[H \ePq#0\x9c \x9b2J \b\b\b \u202e \e[31mred\e[0m"
"""As YAML writes them between double quotes."""

PRINTS = r"""
    import logging
    import os
    import subprocess
    import sys

    ESCAPES = (
        b"\x1b]52;c;ZXZpbA==\x07 \x1b]0;title\x07 \x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\ \x1b[31mred\x1b[0m"
        b" \x1b[2J\x1b[H\x1bPq#0\x1b\\ \xc2\x9b2J \xe2\x80\xae abc\b\b\b 10%\r20%\r"
        + bytes(range(256)) + b"<b>]]>&amp;\n"
    )

    def write():
        for stream in (sys.stdout, sys.stderr):
            stream.buffer.write(ESCAPES)
            stream.flush()

    def text():
        return ESCAPES.decode("utf-8", "replace")

    def fails():
        write()
        print("\ud800")
        logging.getLogger("shop").warning(text())
        subprocess.run([sys.executable, "-c", "import prints; prints.write()"], check=True)
        raise ValueError(text())

    def skips():
        import pytest
        pytest.skip("because " + text())

    def gives_up():
        import pytest
        pytest.xfail("because " + text())

    def is_told():
        import pytest
        pytest.fail("because " + text(), pytrace=False)

    if __name__ == "__main__":
        write()
        sys.exit(len(sys.argv) - 1)
"""


def acts(text: str) -> list[str]:
    """The lines that hold what a terminal might obey."""
    return [
        line
        for line in text.split("\n")
        if any(unicodedata.category(sign) == "Cc" and sign != "\t" for sign in line) or "\u202e" in line
    ]


def texts(project: Project, result: pytest.RunResult) -> Iterator[str]:
    """What is read of a run: on the terminal, and in JUnit XML."""
    yield from (result.stdout.str(), result.stderr.str())
    for node in parse(project.path / "out.xml").iter():
        yield from (node.text or "", *node.attrib.values())


@pytest.fixture
def inert(project: Project, both_ways: Run) -> Callable[..., str]:
    """Runs the project, and answers with what the terminal showed if there is nothing in it to obey."""
    project.write("prints.py", PRINTS)

    def run(*args: str) -> str:
        result = both_ways("-v", "-rA", "--junitxml=out.xml", "-o", "junit_logging=all", *args)
        for text in texts(project, result):
            assert acts(text) == []
        shown = result.stdout.str()
        assert "INTERNALERROR" not in shown
        assert "Traceback" not in shown or "_pytest" not in shown
        return shown

    return run


@pytest.mark.parametrize(
    "action",
    ["run: python prints.py fail", *(f"call: 'prints:{name}'" for name in ("fails", "skips", "gives_up", "is_told"))],
)
def test_the_report_of_a_story_is_inert(project: Project, inert: Callable[..., str], action: str) -> None:
    project.epic(f"stories: [{{id: a, {action}}}]")
    shown = inert()
    assert r"\x1b]52;c;ZXZpbA==\x07" in shown
    assert r" red \x1b[2J" in shown


def test_the_reports_of_checks_are_inert(project: Project, inert: Callable[..., str]) -> None:
    project.epic(
        """
        stories:
          - id: a
            run: "true"
            acceptance_criteria:
              - {description: "it prints \\e]0;title\\a\\nPASSED", run: python prints.py}
              - {description: "it fails \\e]0;title\\a\\nPASSED", run: python prints.py fail}
              - {description: "it raises \\e]0;title\\a\\nPASSED", call: "prints:fails"}
        """
    )
    shown = inert()
    assert r"[it fails \x1b]0;title\x07\nPASSED]" in shown


def test_what_an_epic_says_is_inert(project: Project, inert: Callable[..., str]) -> None:
    project.epic(
        f"""
        epic: {{conflict_detection: warn, title: "{ESCAPES}"}}
        stories:
          - {{id: a, title: "{ESCAPES}\\nb", run: "exit 3 # {ESCAPES}", files: ["x{ESCAPES}/**"]}}
          - {{id: b, title: "{ESCAPES}", run: ["false", "{ESCAPES}"], files: ["x{ESCAPES}/y"]}}
        """
    )
    assert "2 failed" in inert()
    assert "collected 2 items" in inert("--epic-plan")
    assert "2 failed" in inert("--epic-conflicts=fail")
    assert "b depends on" not in inert("--list-processed-dependencies", "--epic-conflicts=off")


@pytest.mark.parametrize(
    "mistake",
    [
        *('id: "a{}"', 'id: a, dependencies: ["b{}"]', 'id: a, "dependancies{}": b', 'id: a, tags: ["{}"]'),
        *('id: a, run: {{"{}": b}}', 'id: a, files: ["{}/../b"]', 'id: a, call: "{}"'),
    ],
)
def test_mistakes_are_told_in_inert_text(project: Project, inert: Callable[..., str], mistake: str) -> None:
    project.epic(f"stories: [{{{mistake.format(ESCAPES)}}}]")
    inert("--strict-markers", "--junitxml=out.xml")


def test_names_of_dependencies_are_listed_in_inert_text(project: Project, inert: Callable[..., str]) -> None:
    project.write(
        "test_shop.py",
        r"""
        import pytest

        @pytest.mark.depends(on=["missing \x1b]0;title\x07"], name=["named \x1b]0;title\x07"])
        def test_it():
            pass
        """,
    )
    shown = inert("--list-dependency-names", "--list-processed-dependencies", "--collect-only")
    assert r"missing \x1b]0;title\x07 (MISSING)" in shown
    assert r"named \x1b]0;title\x07 ->" in shown


@pytest.mark.parametrize("options", [(), ("--epic-parallel=2",)])
def test_text_that_is_no_unicode_is_printed_and_logged(project: Project, options: tuple[str, ...]) -> None:
    project.write(
        "prints.py",
        r"""
        import logging

        def story():
            print("half \ud800, name \udcff")
            logging.getLogger("shop").warning("half \ud801, name \udcff")
            raise ValueError("half \ud802")
        """,
    )
    project.epic("stories: [{id: a, call: 'prints:story'}]")
    # In this process its records would be captured for this test too, and pytest-xdist cannot send such text.
    result = project.run_process("--junitxml=out.xml", *options)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([r"ValueError: half \ud802, after *", "*Captured stdout call*", "half *", "*half *"])
    assert "UnicodeEncodeError" not in result.stdout.str() + result.stderr.str()
    assert parse(project.path / "out.xml").find(".//failure") is not None


def test_under_pytest_html_the_page_is_inert_too(project: Project) -> None:
    project.write("prints.py", PRINTS)
    project.epic("stories: [{id: a, run: python prints.py fail}, {id: b, call: 'prints:fails'}]")
    result = project.run(
        "--html=out.html", "--self-contained-html", plugins=("pytest_metadata.plugin", "pytest_html.plugin")
    )
    result.assert_outcomes(failed=2)
    page = (project.path / "out.html").read_text(encoding="utf-8")
    assert r"\x1b]52;c;ZXZpbA==" in page or "\\\\x1b]52;c;ZXZpbA==" in page
    assert acts(page) == []
    assert "<b>]]>" not in page


def test_the_file_keeps_the_bytes_as_they_were(project: Project, both_ways: Run) -> None:
    project.write("prints.py", PRINTS)
    project.epic("stories: [{id: a, run: \"python -c 'import prints; [prints.write() for _ in range(500)]; 1/0'\"}]")
    both_ways().assert_outcomes(failed=1)
    sys.path.insert(0, str(project.path))
    try:
        import prints  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(project.path))
        sys.modules.pop("prints", None)
    (file,) = project.path.glob(".pytest_cache/**/*.stdout.log")
    assert file.read_bytes() == prints.ESCAPES * 500


@pytest.mark.parametrize("capture", ["-s", "--capture=tee-sys"])
@pytest.mark.parametrize("options", [(), ("--epic-parallel=2",)])
def test_what_is_shown_live_is_inert(project: Project, capture: str, options: tuple[str, ...]) -> None:
    project.write("prints.py", PRINTS)
    project.epic("stories: [{id: a, run: python prints.py}]")
    result = project.run_process(capture, *options)
    result.assert_outcomes(passed=1)
    assert acts(result.stdout.str()) == acts(result.stderr.str()) == []
    for text in (result.stdout.str(), result.stderr.str()):
        assert r"\x1b]52;c;ZXZpbA==\x07" in text
        assert "10%\n20%\n" in text


def test_a_character_that_comes_in_two_pieces_is_shown_live_as_one(project: Project) -> None:
    project.write(
        "halves.py",
        r"""
        import os, select, sys
        os.write(1, b"caf\xc3")
        # The first half has been read once the pipe is empty.
        import fcntl, termios, struct
        while struct.unpack("i", fcntl.ioctl(1, termios.FIONREAD, b"0000"))[0]:
            pass
        os.write(1, b"\xa9 is open\n")
        """,
    )
    project.epic("stories: [{id: a, run: python halves.py}]")
    assert "café is open" in project.run_process("-s").stdout.str()


def test_a_stream_that_cannot_write_it_all_shows_an_escape(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    project.epic("stories: [{id: a, run: \"printf 'caf\\\\303\\\\251\\\\n'\"}]")
    result = project.run_process("-s")
    result.assert_outcomes(passed=1)
    assert r"caf\xe9" in result.stdout.str()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such terminal")
def test_on_a_terminal_colours_pass_and_nothing_else_does(project: Project) -> None:
    project.write("prints.py", PRINTS)
    project.epic("stories: [{id: a, run: python prints.py}]")
    shown = _on_a_terminal(project, "-s")
    assert "\x1b[31mred" in shown
    assert r"\x1b]52;c;ZXZpbA==\x07" in shown
    # Before that pytest itself writes over its lines.
    report = shown.partition("collected 1 item")[2].lstrip(" \r")
    assert acts(re.sub(r"\x1b\[[0-9;]*m", "", report)) == []


def _on_a_terminal(project: Project, *args: str) -> str:
    import pty
    import subprocess

    from project import PLUGINS

    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "PY_COLORS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *PLUGINS, *args],
        cwd=project.path,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    # Linux answers with EIO once nobody holds the other end.
    try:
        while piece := os.read(ours, 65_536):
            shown += piece
    except OSError:
        pass
    os.close(ours)
    assert process.wait(60) == 0
    return shown.decode().replace("\r\n", "\n")
