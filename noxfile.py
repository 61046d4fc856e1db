"""Sessions: ``nox`` runs the usual ones, ``nox -l`` lists all."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests", "lowest", "lint", "types", "docs", "examples", "benchmark"]

PYTHONS = ["3.11", "3.12", "3.13"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The whole suite, on the newest versions of everything."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """The whole suite, on the lowest versions that pyproject.toml allows."""
    session.install("uv")
    python = session.virtualenv.bin + "/python"
    lowest = ("--resolution", "lowest-direct", "-e", ".[agents,convert]")
    session.run("uv", "pip", "install", "-q", "--python", python, *lowest)
    # The tools of the tests are not part of what is promised: they may be new, as long as they leave the rest alone.
    frozen = session.run("uv", "pip", "freeze", "--python", python, "--exclude-editable", silent=True)
    assert isinstance(frozen, str)
    constraints = session.create_tmp() + "/lowest.txt"
    with open(constraints, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(frozen)
    session.run("uv", "pip", "install", "-q", "--python", python, "-c", constraints, "-e", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=PYTHONS[0])
def lint(session: nox.Session) -> None:
    """Style, and a changelog that can be built."""
    session.install("ruff", "towncrier")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("towncrier", "build", "--draft", "--version", "next")


@nox.session(python=PYTHONS[0])
def types(session: nox.Session) -> None:
    """mypy, strictly."""
    session.install("-e", ".[dev]")
    session.run("mypy")
    session.run("mypy", "tests", "benchmarks", "noxfile.py", env={"MYPYPATH": "tests"})


@nox.session(python=PYTHONS[0])
def docs(session: nox.Session) -> None:
    """The pages of docs/ as HTML in build/docs; a warning is an error."""
    session.install("-e", ".[docs]")
    # -E: Sphinx does not see that what the reference is made from has changed.
    session.run("sphinx-build", "-E", "-W", "--keep-going", "-q", "docs", "build/docs", *session.posargs)


@nox.session(python=PYTHONS[0])
def coverage(session: nox.Session) -> None:
    """The suite again, with the lines and branches that it does not reach."""
    session.install("-e", ".[dev]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-p", "no:randomly", *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session(python=PYTHONS[0])
def peers(session: nox.Session) -> None:
    """pytest-asyncio's own suite, with this plugin loaded."""
    session.install("-e", ".[dev]")
    session.run("python", "tests/suites/pytest_asyncio_suite.py", *session.posargs)


@nox.session(python=PYTHONS[0])
def resumes(session: nox.Session) -> None:
    """Runs that are ended at random moments and resumed; ``nox -s resumes -- --how kill --ends 200`` measures."""
    session.install("-e", ".[dev]")
    session.run("python", "tests/suites/ends_and_resumes.py", *(session.posargs or ["--smallest"]))


@nox.session(python=PYTHONS[0])
def across(session: nox.Session) -> None:
    """Random graphs across workers of pytest-xdist; ``nox -s across -- --what kills --runs 20`` kills workers."""
    session.install("-e", ".[dev]")
    session.run("python", "tests/suites/across_workers.py", *(session.posargs or ["--smallest"]))


@nox.session(python=PYTHONS[0])
def dask(session: nox.Session) -> None:
    """Stories on Dask clusters, with what is lost in the midst; ``nox -s dask -- --stories 500`` measures."""
    session.install("-e", ".[dev]")
    session.run("python", "tests/suites/dask_stories.py", *(session.posargs or ["--smallest"]))


@nox.session(python=PYTHONS[0])
def fuzz(session: nox.Session) -> None:
    """The loader of epics against made-up files; ``nox -s fuzz -- --inputs 1000000 --seed 2`` goes on for longer."""
    session.install("-e", ".[dev]")
    session.run("python", "tests/suites/loader_fuzz.py", *session.posargs)


@nox.session(python=PYTHONS[0])
def pictures(session: nox.Session) -> None:
    """The pictures in docs/pictures, taken anew: examples on a terminal, the report page in the Chromium on PATH."""
    session.install("-e", ".[dev]")
    session.run("python", "tests/suites/terminal_picture.py", *session.posargs)
    session.run("python", "tests/suites/report_pictures.py", *session.posargs)


@nox.session(python=PYTHONS[0])
def examples(session: nox.Session) -> None:
    """The example epics, one by one and three at once."""
    session.install("-e", ".")
    session.run("python", "-m", "pytest", "example_epics")
    session.run("python", "-m", "pytest", "example_epics", "--epic-parallel=3")


@nox.session(python=PYTHONS[0])
def benchmark(session: nox.Session) -> None:
    """The benchmarks at their smallest, so that they keep working; ``nox -s benchmark -- --pairs 9`` measures."""
    session.install("-e", ".[benchmarks]" if session.posargs else ".")
    session.run("python", "-m", "benchmarks", *(session.posargs or ["--smallest"]))
    session.run("python", "-m", "benchmarks", "--check")
