"""What is reported of a project, so that runs across workers can be compared with a run in one process."""

from __future__ import annotations

from project import Project

XDIST = ("xdist.plugin",)

NOTE_REPORTS = """
    import os
    import re

    def pytest_runtest_logreport(report):
        if "PYTEST_XDIST_WORKER" in os.environ:
            return
        told = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        # What pytest-xdist puts above a failure.
        told = "".join(line for line in told.splitlines() if not line.startswith("[gw")).strip()
        told = re.sub(r"after [0-9.]+ s", "after a while", told)
        place = report.location[2], dict(report.user_properties).get("wave"), len(report.user_properties)
        with open("REPORTS", "a", encoding="utf-8") as file:
            file.write(f"{report.nodeid} {report.when} {report.outcome} {told!r} {place}\\n")
"""
"""For a conftest.py."""


def reports(project: Project, *options: str) -> list[str]:
    """What a run reports of each item, in no order."""
    (project.path / "REPORTS").unlink(missing_ok=True)
    project.run_process(*options, plugins=XDIST)
    return sorted((project.path / "REPORTS").read_text("utf-8").splitlines())
