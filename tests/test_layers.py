"""The house keeps its order: imports run downwards only, and files stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_tapps_waves

PACKAGE = Path(pytest_tapps_waves.__file__).parent

LAYERS = (
    ("plugin", "__main__"),
    ("session",),
    ("run",),
    ("workers",),
    ("carrying", "printing", "showing"),
    ("prediction",),
    ("expectation", "live", "recording"),
    ("preparation",),
    ("loops", "distribution"),
    ("runtime", "status"),
    ("isolation", "jobs", "opening"),
    ("records", "spending", "executing"),
    ("reports",),
    ("collect",),
    ("concurrent",),
    ("settings",),
    ("options", "hookspecs"),
    # Below this line nothing imports pytest.
    ("engine",),
    ("journal",),
    ("attempts",),
    ("deadlines",),
    ("workspaces",),
    ("executors",),
    ("actions",),
    ("convert",),
    ("epics",),
    ("core",),
    ("errors",),
    ("inert",),
)
"""From the top down; rooms of one layer do not import one another."""

PYTEST_FREE = frozenset(
    {
        *(
            "engine",
            "journal",
            "attempts",
            "deadlines",
            "workspaces",
            "executors",
            "actions",
            "epics",
            "core",
            "errors",
            "inert",
        ),
        *("convert", "__main__"),
    }
)
NOT_IN_THE_CORE = frozenset(
    {"asyncio", "os", "pathlib", "subprocess", "threading", "time", "datetime", "io", "sqlite3"}
)
LONGEST_FILE = 300

FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path: Path) -> str:
    """The folder or the top-level module that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def layer(name: str) -> int:
    return next(depth for depth, rooms in enumerate(LAYERS) if name in rooms)


def imported(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Line, absolute name of the module, and whether it is imported for types only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    package = (PACKAGE.name, *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, id(node) in for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names] if not node.module else [module]
            yield from ((node.lineno, name, id(node) in for_types) for name in names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path: Path) -> None:
    own = room(path)
    for line, name, for_types in imported(path):
        parts = name.split(".")
        if parts[0] != PACKAGE.name or len(parts) < 2 or for_types or parts[1] == own:
            continue
        assert layer(parts[1]) > layer(own), f"{path}:{line}: {own} must not import {parts[1]}, which is not below it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_upper_half_knows_pytest(path: Path) -> None:
    if room(path) in PYTEST_FREE:
        for line, name, _ in imported(path):
            assert name.split(".")[0] not in ("pytest", "_pytest", "pluggy"), f"{path}:{line} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_private_pytest_is_used_in_concurrent_only(path: Path) -> None:
    if room(path) != "concurrent":
        for line, name, _ in imported(path):
            assert name.split(".")[0] != "_pytest", f"{path}:{line} imports {name}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").rglob("*.py")), ids=lambda path: path.name)
def test_the_core_is_pure(path: Path) -> None:
    for line, name, _ in imported(path):
        assert name.split(".")[0] not in NOT_IN_THE_CORE, f"{path}:{line} imports {name}"


def test_modules_do_not_import_one_another_in_a_ring() -> None:
    edges = {module(path): set(targets(path)) for path in PACKAGE.rglob("*.py")}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for target in edges.get(name, ()):
                visit(target, (*trail, name))
            done.add(name)

    for name in edges:
        visit(name, ())


def module(path: Path) -> str:
    parts = (PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def targets(path: Path) -> Iterator[str]:
    known = {module(file) for file in FILES}
    yield from (name for _, name, for_types in imported(path) if not for_types and name in known)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
