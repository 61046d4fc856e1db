"""Run pytest-asyncio's own tests with this plugin loaded: one by one, and with all async tests of a run at once.

    python tests/suites/pytest_asyncio_suite.py              # all of it, twice: some four minutes
    python tests/suites/pytest_asyncio_suite.py --smallest   # what CI runs

The tests are those of the installed version, from its sdist, which pip downloads.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

AT_ONCE = ("--epic-parallel=4", "-o", "epic_async_tests=true")
SMALLEST = ("tests/async_fixtures", "tests/modes", "tests/test_event_loop_fixture.py", "tests/test_simple.py")
OTHER_PLUGINS = ("randomly", "xdist", "timeout", "rerunfailures", "html", "metadata", "pytest_cov")
"""What the developers of this plugin have installed besides; pytest-asyncio's developers have not."""

_LOOPS = "asserts that tests have different loops; those that run at once share one"
_COMBINES = "test_asyncio_mark_allows_combining_{0}_scoped_fixture_with_{1}_scoped_test"
_GENERATORS = "test_allows_combining_{0}_scoped_asyncgen_fixture_with_function_scoped_test"
_NARROWER = {
    "class": ("function",),
    "module": ("class", "function"),
    "package": ("module", "class", "function"),
    "session": ("package", "module", "class", "function"),
}
EXCEPTIONS = {
    _LOOPS: [
        "tests/markers/test_function_scope.py::test_asyncio_mark_provides_function_scoped_loop_strict_mode",
        "tests/markers/test_function_scope.py::test_loop_scope_function_provides_function_scoped_event_loop",
        *(f"tests/markers/test_{wide}_scope.py::{_GENERATORS.format(wide)}" for wide in ("module", "session")),
        *(
            f"tests/markers/test_{wide}_scope.py::{_COMBINES.format(wide, narrow)}"
            for wide, narrower in _NARROWER.items()
            for narrow in narrower
        ),
    ],
    "closes the loop that other tests are running on": [
        "tests/test_event_loop_fixture.py::test_closing_event_loop_in_sync_fixture_teardown_raises_warning",
    ],
}
"""Tests that do not hold when tests run at once, by the reason. All others pass."""


def download(folder: Path) -> Path:
    """The unpacked sdist of the installed pytest-asyncio."""
    wanted = f"pytest-asyncio=={version('pytest-asyncio')}"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder)]
    subprocess.run([*pip, wanted], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


def run(folder: Path, options: Sequence[str], paths: Sequence[str], *, left_out: Sequence[str]) -> int:
    """Run the suite, with ``options`` for it and for the runs that its tests make."""
    without = [word for name in OTHER_PLUGINS for word in ("-p", f"no:{name}")]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        "INNER_OPTIONS": " ".join([*without, *options]),
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "-p",
        "shims.inner_options",
    ]
    deselected = [f"--deselect={name}" for name in left_out]
    return subprocess.run(
        [*command, *without, *options, *deselected, *paths], cwd=folder, env=environment, check=False
    ).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smallest", action="store_true", help="a part of the tests")
    paths = SMALLEST if parser.parse_args().smallest else ("tests",)
    with tempfile.TemporaryDirectory() as name:
        folder = download(Path(name))
        one_by_one = run(folder, (), paths, left_out=())
        at_once = run(folder, AT_ONCE, paths, left_out=[test for tests in EXCEPTIONS.values() for test in tests])
    for reason, tests in EXCEPTIONS.items():
        print(f"left out at once: {len(tests)}, since each {reason}")
    return one_by_one or at_once


if __name__ == "__main__":
    sys.exit(main())
