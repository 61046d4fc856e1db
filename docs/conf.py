"""Sphinx: ``nox -s docs`` builds the pages into build/docs, with warnings as errors."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

import reference

from pytest_tapps_waves import __version__

project = "pytest-tapps-waves"
release = version = __version__
author = "the contributors"
copyright = f"{author}; MIT licensed"  # noqa: A001

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_heading_anchors = 3
autodoc_typehints = "none"
autodoc_member_order = "bysource"
highlight_language = "text"
smartquotes = False  # it would make one dash of the two of an option

html_theme = "furo"
html_title = project
html_show_sourcelink = False


_BESIDE = re.compile(r"\[([^]`]+)\]\((\.\./[^)#]+\.md)\)")
"""A link to Markdown of the repository that is no page here. MyST would look for the page."""


def _fill(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = _BESIDE.sub(r"{download}`\1 <\2>`", reference.filled(source[0]))


def setup(app: Sphinx) -> None:
    app.connect("source-read", _fill)
