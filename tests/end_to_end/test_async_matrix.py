"""Async tests with fixtures of every kind, one by one and at once: the same reports, set-ups and tear-downs."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from textwrap import dedent, indent
from typing import NamedTuple

import pytest
from project import Project

SCOPES = ("function", "class", "module", "package", "session")
ENDINGS = ("passes", "fails", "setup_error", "teardown_error")

CONFTEST = """
    import json, os
    from pathlib import Path

    REPORTS = Path(__file__).parent / f"reports-{os.environ['RUN']}"

    def pytest_runtest_logreport(report):
        with REPORTS.open("a") as file:
            entry = report.nodeid, report.when, report.outcome, report.longreprtext, report.sections
            file.write(json.dumps(entry) + "\\n")
"""

RECORDING = """
    import logging, os, sys
    from pathlib import Path

    LOG = Path(__file__).parent / f"log-{os.environ['RUN']}"

    class Fixture:
        def __init__(self, request, group):
            self.ending = request.fixturename
            self.name = f"{group}-{self.ending}({getattr(request, 'param', '')})"
            self.node = request.node.nodeid
            self.record("up")

        def record(self, what):
            print(f"{what} {self.name}")
            print(f"{what} {self.name}", file=sys.stderr)
            logging.getLogger("fixture").warning("%s %s", what, self.name)
            with LOG.open("a") as file:
                file.write(f"{what} {self.node} {self.name}\\n")

        def begin(self):
            if self.ending == "setup_error":
                raise RuntimeError(f"no set-up of {self.name}")

        def end(self):
            self.record("down")
            if self.ending == "teardown_error":
                raise RuntimeError(f"no tear-down of {self.name}")
"""


@dataclass(frozen=True)
class Group:
    """A fixture for each of the endings, and the tests that use them."""

    scope: str
    kind: str
    shape: str
    parametrized: bool

    @property
    def name(self) -> str:
        return "_".join([self.scope, self.kind, self.shape, "params" if self.parametrized else "single"])

    def fixtures(self, mode: str) -> str:
        is_async = self.kind == "async"
        pause = "await asyncio.sleep(0.001)" if is_async else "pass"
        ends = "yield made" if self.shape == "generator" else "request.addfinalizer(made.end)"
        after = f"{pause}; made.end()" if self.shape == "generator" else "return made"
        made = [
            f"""
            @{"pytest_asyncio" if is_async and mode == "strict" else "pytest"}.fixture(
                scope="{self.scope}", params={["p", "q"] if self.parametrized else None}
            )
            {"async " if is_async else ""}def {ending}(request):
                made = Fixture(request, "{self.name}")
                {pause}
                made.begin()
                {ends}
                {after}
            """
            for ending in ENDINGS
        ]
        return "import asyncio, pytest, pytest_asyncio\nfrom recording import Fixture\n" + "".join(map(dedent, made))

    def tests(self, mode: str) -> str:
        mark = "@pytest.mark.asyncio" if mode == "strict" else ""
        return "import asyncio, pytest\n" + "".join(self._tests(ending, mark) for ending in ENDINGS)

    def _tests(self, ending: str, mark: str) -> str:
        in_class = self.scope == "class"
        tests = [
            dedent(f"""
                {mark}
                async def test_{ending}_{number}({"self, " if in_class else ""}{ending}):
                    print("inside", {ending}.name, {number})
                    await asyncio.sleep(0.001)
                    assert {number} == {2 if ending == "fails" else number}, {ending}.name
            """)
            for number in (1, 2)
        ]
        return f"\nclass Test_{ending}:\n" + indent("".join(tests), "    ") if in_class else "".join(tests)

    def write(self, project: Project, mode: str) -> None:
        if self.scope in ("package", "session"):
            project.write(f"{self.name}/__init__.py", "")
            project.write(f"{self.name}/conftest.py", self.fixtures(mode))
            project.write(f"{self.name}/test_a.py", self.tests(mode))
            project.write(f"{self.name}/test_b.py", self.tests(mode))
        else:
            project.write(f"test_{self.name}.py", self.fixtures(mode) + self.tests(mode))


class Report(NamedTuple):
    nodeid: str
    when: str
    outcome: str
    text: str
    sections: list[list[str]]


@dataclass
class Run:
    """What one run of the project recorded."""

    reports: list[Report]
    log: list[str]

    def shown(self, *, tear_downs: bool) -> dict[tuple[str, str], tuple[str, str, list[list[str]]]]:
        """What is reported of each phase.

        :param tear_downs: whether to include tear-downs: that of a wider fixture is reported with its last test.
        """
        return {
            (report.nodeid, report.when): (report.outcome, _plain(report.text), report.sections)
            for report in self.reports
            if tear_downs or report.when != "teardown"
        }

    @property
    def failed_tear_downs(self) -> Counter[str]:
        """The errors in them, whichever test they are reported with."""
        texts = [report.text for report in self.reports if report.when == "teardown" and report.outcome == "failed"]
        return Counter(re.findall(r"^[ |E]*(RuntimeError: no tear-down of .*)", "\n".join(texts), re.MULTILINE))


def _plain(text: str) -> str:
    """A report's text without addresses, and without the frames between pytest and the fixture."""
    text = re.sub(r"0x[0-9a-f]+", "0x…", text)
    return re.sub(r"^/.*: in .*\n(    .*\n)+", "", text, flags=re.MULTILINE)


def _run(project: Project, monkeypatch: pytest.MonkeyPatch, name: str, *options: str) -> Run:
    monkeypatch.setenv("RUN", name)
    project.run("-q", "-p", "no:cacheprovider", *options)
    lines = Path(project.path, f"reports-{name}").read_text().splitlines()
    return Run(
        [Report(*json.loads(line)) for line in lines], Path(project.path, f"log-{name}").read_text().splitlines()
    )


@pytest.mark.parametrize(("scope", "mode"), [*product(SCOPES, ["auto"]), ("function", "strict"), ("module", "strict")])
def test_reports_and_fixtures_are_the_same_at_once_as_one_by_one(
    project: Project, monkeypatch: pytest.MonkeyPatch, scope: str, mode: str
) -> None:
    project.write("conftest.py", CONFTEST)
    project.write("recording.py", RECORDING)
    project.write(
        "pytest.ini",
        f"""
        [pytest]
        asyncio_mode = {mode}
        asyncio_default_fixture_loop_scope = session
        asyncio_default_test_loop_scope = session
        epic_async_tests = true
        pythonpath = .
        """,
    )
    for kind, shape, parametrized in product(("sync", "async"), ("value", "generator"), (False, True)):
        Group(scope, kind, shape, parametrized).write(project, mode)
    alone = _run(project, monkeypatch, "alone")
    at_once = _run(project, monkeypatch, "at-once", "--epic-parallel=8")

    own = scope == "function"
    assert at_once.shown(tear_downs=own) == alone.shown(tear_downs=own)
    assert at_once.failed_tear_downs == alone.failed_tear_downs
    assert alone.failed_tear_downs
    assert sorted(at_once.log) == sorted(alone.log)
    assert set(Counter(at_once.log).values()) == {1}
