"""A project whose epic has a secret, and all that a run of it shows and keeps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

TOKEN = "hunter2-hunter3"

WORK = """
    import logging, os, sys, threading, warnings
    import pytest
    from pytest_tapps_waves import StoryContext

    TOKEN = os.environ["TOKEN"]

    def prints():
        print("text", TOKEN)
        sys.stdout.buffer.write(f"bytes {TOKEN}\\n".encode())
        sys.stderr.write("halves " + TOKEN[:5])
        sys.stderr.write(TOKEN[5:] + "\\n")
        thread = threading.Thread(target=prints_in_a_thread)
        thread.start()
        thread.join()
        logging.getLogger("shop").warning("log %s", TOKEN)

    def prints_in_a_thread():
        print("thread", TOKEN)
        sys.stdout.flush()
        sys.stdout.buffer.write(f"bytes of it {TOKEN}\\n".encode())

    async def prints_on_the_loop():
        prints()

    def writes_past_python():
        os.write(1, f"descriptor {TOKEN}\\n".encode())
        assert 0

    def raises():
        raise ValueError(f"no such user: {TOKEN}")

    def fails():
        pytest.fail(f"because of {TOKEN}")

    def skips():
        pytest.skip(f"because of {TOKEN}")

    def is_expected():
        pytest.xfail(f"because of {TOKEN}")

    def ends_the_run():
        pytest.exit(f"because of {TOKEN}")

    def warns():
        warnings.warn(f"{TOKEN} is weak")

    def has_it(story: StoryContext):
        assert (story.env["TOKEN"], story.env["PIN"]) == (TOKEN, "four")
"""


def shop(project: Project, *stories: str, secrets: str = "[TOKEN]", header: str = "circuit_breaker: 0") -> None:
    """Write ``epic_shop.yaml``, each story given as what stands between its braces."""
    project.epic("\n".join([f"epic: {{secrets: {secrets}, {header}}}", "stories:", *(f"  - {{{s}}}" for s in stories)]))


def whole(project: Project, result: pytest.RunResult) -> str:
    """All that the run has shown, and all that it left on disk, but for what the epic file says itself."""
    reports = [project.path / "out.xml", project.path / "out.log", *project.path.glob(".pytest_cache/**/*")]
    kept = [path for path in reports if path.is_file() and not path.match("epic-*.json")]
    written = [path.read_bytes().decode("utf-8", "replace") for path in kept]
    return "\n".join([result.stdout.str(), result.stderr.str(), *written])


def shown_by(project: Project, both_ways: Callable[..., pytest.RunResult]) -> Callable[..., str]:
    """Runs the project, and answers with all that it showed and kept, in which there must be no secret."""

    def run(*args: str, **outcomes: int) -> str:
        result = both_ways("-rA", "-v", "--junitxml=out.xml", "-o", "junit_logging=all", *args)
        result.assert_outcomes(**outcomes)
        text = whole(project, result)
        assert TOKEN not in text
        assert "***" in text
        return text

    return run
