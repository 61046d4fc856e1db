"""Whether the nodes of a Dask cluster and the run have the same versions of what both have to understand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OURS = "pytest-tapps-waves"
_SAME = ("dask", "distributed", "cloudpickle", OURS)
"""What must be of one version everywhere, besides Python: what is sent by one is read by the other."""


def differing_versions(found: Mapping[str, Any]) -> str:
    """The first difference between this process, the scheduler and the workers, in words; empty if there is none.

    :param found: what ``Client.get_versions`` answers with.
    """
    own = _versions(found["client"])
    for name, node in (("the scheduler", found["scheduler"]), *found["workers"].items()):
        theirs = _versions(node)
        for package in own:
            if own[package] != theirs[package]:
                there = theirs[package] or "none"
                return f"{name} has {package} {there}, this run has {own[package]}"
    return ""


def _versions(node: Mapping[str, Any]) -> dict[str, str | None]:
    python = ".".join(str(node["host"]["python"]).split(".")[:2])
    packages = node["packages"]
    return {"Python": python, **{name: packages.get(name) for name in _SAME}}
