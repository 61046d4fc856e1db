"""``--epic-plan=json``: for programs. The format is described in ``docs/plan.md``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from .view import PlanView

FORMAT_VERSION = 1
"""Raised when a key changes its meaning or goes."""


def json_lines(view: PlanView) -> Iterator[str]:
    """One JSON document; durations and makespans in seconds, and null where none is measured."""
    forecast, bound = view.forecast, view.forecast.bound
    known = bool(forecast.estimates.measured)
    document = {
        "version": FORMAT_VERSION,
        "schedule": view.schedule,
        "concurrent": forecast.concurrent,
        "limit": forecast.limit,
        "enough": forecast.enough,
        "makespans": dict(forecast.makespans) if known else None,
        "lower_bound": bound.makespan(forecast.limit) if known else None,
        "work": bound.work if known else None,
        "critical_path": {"stories": list(bound.path), "seconds": bound.length if known else None},
        "epics": [{"path": path, "title": title} for path, title in view.epic_titles.items()],
        "waves": [
            {"number": number, "stories": [_told(view, key) for key in wave]}
            for number, wave in enumerate(view.waves, 1)
        ],
        "conflicts": [
            {
                "wave": conflict.wave,
                "stories": list(conflict.stories),
                "paths": list(conflict.paths),
                "policy": conflict.policy.value,
            }
            for conflict in view.conflicts
        ],
        "notes": list(view.notes),
    }
    yield from json.dumps(document, indent=2).splitlines()


def _told(view: PlanView, key: str) -> Mapping[str, object]:
    story, estimates = view.graph.stories[key], view.forecast.estimates
    return {
        "node": key,
        "id": story.id,
        "title": view.titles.get(key, ""),
        "epic": story.epic,
        "line": story.line,
        "dependencies": list(story.dependencies),
        "files_affected": list(story.files),
        "critical": story.critical,
        "seconds": estimates.durations[key] if estimates.measured else None,
    }
