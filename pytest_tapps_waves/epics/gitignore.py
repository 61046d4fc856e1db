"""Globs as git reads those of ``.gitignore``."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


def git_ignore(glob: str) -> GitIgnoreSpec:
    """What matches the paths that a glob names.

    :raises ValueError: or ``re.error``, if it is no glob.
    """
    # Imported where it is needed: most of what it costs is its import.
    from pathspec import GitIgnoreSpec

    with warnings.catch_warnings():
        # Of `[[a]` and `[a--b]`, which Python's regular expressions may take for something else one day.
        warnings.simplefilter("ignore", FutureWarning)
        return GitIgnoreSpec.from_lines([glob])
