"""What can be known of the docs without building them: that nothing is missing, and that links and epics hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from project import Project

from docs import reference
from pytest_tapps_waves import hookspecs
from pytest_tapps_waves.epics.json_schema import json_schema

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("**/*.md"))


def tokens(path: Path) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()


def anchors(path: Path) -> set[str]:
    """What GitHub lets one link to: the headings of a page."""
    parsed = list(tokens(path))
    headings = [parsed[place + 1].content for place, token in enumerate(parsed) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_table_of_contents() -> None:
    trees = [token.content for token in tokens(ROOT / "docs/index.md") if token.info == "{toctree}"]
    listed = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
    assert sorted(listed) == sorted(page.stem for page in PAGES if page.stem != "index")


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda page: page.stem)
def test_relative_links_and_pictures_lead_somewhere(page: Path) -> None:
    for token in tokens(page):
        target = token.attrs.get("href") or token.attrs.get("src")
        if target is None or re.match(r"[a-z]+:", str(target)):
            continue
        path, _, anchor = str(target).partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_the_reference_has_every_option_of_the_help(project: Project) -> None:
    told = project.run("--help").stdout.str()
    group = told.partition("epics (pytest-tapps-waves):")[2].partition("\n\n")[0]
    flags = set(re.findall(r"^  (?:\S+, )?(--[\w-]+)", group, flags=re.MULTILINE)) | set(
        re.findall(r", (--no-[\w-]+)", group)
    )
    ini = set(re.findall(r"^  ((?:epic|failed_dependency|missing_dependency)_\w+) \(", told, flags=re.MULTILINE))
    assert len(flags) > 15 and len(ini) > 15
    written = set(re.findall(r"`(--)?([\w-]+)", reference.options()))
    assert {flag.removeprefix("--") for flag in flags} <= {name for dashes, name in written if dashes}
    assert ini <= {name for dashes, name in written if not dashes}


def test_the_reference_has_every_hook_and_what_it_says() -> None:
    made = reference.hooks()
    hooks = [name for name in vars(hookspecs) if name.startswith("pytest_")]
    assert len(hooks) >= 9
    for name in hooks:
        said = (getattr(hookspecs, name).__doc__ or "").splitlines()[0].replace("``", "`")
        assert f"### `{name}(" in made and said in made


def test_the_reference_has_every_key_with_its_values() -> None:
    made = reference.epic_file()
    parts = json_schema()["definitions"]
    sections = made.split("\n## ")[1:]
    assert len(sections) == len(parts)
    for section, part in zip(sections, parts.values(), strict=True):
        for key, shape in part["properties"].items():
            assert (f"| `{key}` | " in section) is ("not" not in shape), key
    assert "| `schedule` | `waves` or `eager` | " in made
    assert "| `retries` | a whole number from 0 | How often it is tried again after a failure. Default: `0`. |" in made
    assert "| `stories` | a list of stories | " in made
    assert not re.search(r"\|  \|", made), "nothing is said of the values of a key"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_to_be_generated_is_generated(page: Path) -> None:
    assert "<!-- generated:" not in reference.filled(page.read_text(encoding="utf-8"))


def test_epics_on_the_pages_are_right() -> None:
    epics = [
        (page.name, token.content)
        for page in PAGES
        for token in tokens(page)
        if token.info == "yaml" and re.search(r"^stories:", token.content, flags=re.MULTILINE)
    ]
    assert len(epics) >= 4
    for name, text in epics:
        wrong = [error.message for error in jsonschema.Draft7Validator(json_schema()).iter_errors(yaml.safe_load(text))]
        assert not wrong, f"{name}: {wrong}"


def test_the_kind_of_action_that_is_shown_works(project: Project) -> None:
    [code] = [token.content for token in tokens(ROOT / "docs/hooks.md") if token.info == "python"]
    project.write("conftest.py", code)
    project.epic("stories:\n  - {id: a, wait: 0}\n  - {id: b, wait: none}\n")
    result = project.run("-v")
    result.stdout.fnmatch_lines(["epic_shop.yaml::a PASSED*", "epic_shop.yaml::b FAILED*"])
