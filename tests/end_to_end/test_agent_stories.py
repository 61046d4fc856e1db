"""Stories done by agents: a real one over real stdio, in real worktrees, as users see it."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from agent_scenes import ACP_AGENT
from project import Project
from repository import WITHOUT_GIT, Repository
from running import Run, ended, until

# As in conftest.py: each run in this process would import it anew, and that takes most of a second.
import pytest_tapps_waves.actions.agents.speaking  # noqa: F401

pytestmark = WITHOUT_GIT

COMMAND = [sys.executable, str(ACP_AGENT)]


@pytest.fixture
def repository(project: Project, monkeypatch: pytest.MonkeyPatch) -> Repository:
    return Repository(project, monkeypatch)


class Team:
    """An epic whose stories are done by the scripted agent."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.logs = repository.path.parent / f"{repository.path.name}-logs"
        self.logs.mkdir()
        self.signs = repository.path.parent / f"{repository.path.name}-signs"
        self.signs.mkdir()
        self._stories: list[dict[str, Any]] = []
        self._epic: dict[str, Any] = {}

    def epic(self, **keys: Any) -> None:
        self._epic = keys

    def story(self, identifier: str, *turns: list[dict[str, Any]], **keys: Any) -> None:
        """Add a story, with the steps of its agent in each turn."""
        script = {"turns": turns, "log": str(self.logs / identifier), **keys.pop("script", {})}
        agent = {"env": {"ACP_AGENT": json.dumps(script)}, **keys.pop("agent", {})}
        self._stories.append({"id": identifier, "agent": agent, **keys})

    def write(self) -> None:
        """Write the epic file, and commit it."""
        epic = {"parallel_strategy": "agent-teams", "max_parallel_stories": 3, **self._epic}
        epic["agent"] = {"command": COMMAND, **epic.get("agent", {})}
        self.repository.epic(json.dumps({"epic": epic, "stories": self._stories}))

    def run(self, *args: str) -> pytest.RunResult:
        self.write()
        return self.repository.project.run(*args)

    def logged(self, story: str, what: str) -> list[Any]:
        """What the agent of a story says happened to it."""
        path = self.logs / story
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [event[what] for event in map(json.loads, lines) if what in event]

    def pids(self) -> list[int]:
        return [pid for story in self.logs.iterdir() for pid in self.logged(story.name, "pid")]

    def handoff(self) -> str:
        return (self.repository.path / ".pytest_cache/d/epics/handoff.md").read_text(encoding="utf-8")


@pytest.fixture
def team(repository: Repository) -> Iterator[Team]:
    team = Team(repository)
    yield team
    assert all(map(ended, team.pids())), "an agent goes on"


def has(*words: str) -> list[str]:
    """A command that passes if a file has these words: ``FILE WORD...``."""
    code = "import sys; text = open(sys.argv[1]).read(); sys.exit(any(word not in text for word in sys.argv[2:]))"
    return [sys.executable, "-c", code, *words]


def checked(*words: str) -> list[dict[str, Any]]:
    return [{"description": f"{words[0]} has {words[1]}", "run": has(*words)}]


def meets(team: Team, *others: str, own: str) -> list[dict[str, Any]]:
    """Steps that go on when all these have come as far."""
    return [{"create": str(team.signs / own)}, *({"wait_for": str(team.signs / other)} for other in others)]


def test_three_waves_are_carried_out_in_parallel_worktrees_and_merged(team: Team) -> None:
    team.story("1", [{"edit": ["schema.txt", "tables\n"]}, {"say": "I made the tables."}], title="Schema")
    for own, other in (("2a", "2b"), ("2b", "2a")):
        # Neither goes on before the other has begun, so they are at work at the same time.
        steps = [*meets(team, other, own=own), {"edit": [f"{own}.txt", f"{own}\n"]}, {"say": f"I did {own}."}]
        team.story(own, steps, dependencies=["1"], acceptance_criteria=checked("schema.txt", "tables"))
    team.story(
        "3",
        [{"edit": ["all.txt", "all\n"]}],
        dependencies=["2a", "2b"],
        acceptance_criteria=[*checked("2a.txt", "2a"), *checked("2b.txt", "2b")],
    )
    team.write()
    before = team.repository.state()
    result = team.repository.project.run()
    assert result.parseoutcomes()["passed"] == 4
    assert "failed" not in result.parseoutcomes()
    assert team.repository.files_on() == ["2a.txt", "2b.txt", "all.txt", "schema.txt"]
    assert team.repository.state() == before
    assert len({cwd for story in ("1", "2a", "2b", "3") for cwd in team.logged(story, "cwd")}) == 4
    assert not team.repository.worktrees()
    result.stdout.fnmatch_lines(["*git merge epics/shop"])


def test_an_agent_is_told_its_story_and_what_was_done_before(team: Team) -> None:
    team.story("1", [{"edit": ["schema.txt", "x\n"]}, {"say": "I made the tables."}], title="Schema")
    team.story("2", [{"edit": ["two.txt", "x\n"]}], title="Unrelated")
    team.story(
        "3",
        [],
        title="Basket",
        description="Keep it for a week.",
        dependencies=["1"],
        files_affected=["src/**"],
        acceptance_criteria=["It is there after a restart"],
    )
    team.run()
    (prompt,) = team.logged("3", "prompt")
    for words in ("Basket", "Keep it for a week.", "src/**", "It is there after a restart"):
        assert words in prompt
    assert "Schema" in prompt
    assert "I made the tables." in prompt
    assert "schema.txt" in prompt
    assert "Unrelated" not in prompt


@pytest.mark.parametrize(("last", "told"), [(0, []), (1, ["2"]), (2, ["1", "2"])])
def test_of_so_many_stories_before_an_agent_is_told(team: Team, last: int, told: list[str]) -> None:
    team.epic(memory_last_k=last)
    team.story("1", [{"say": "did one"}])
    team.story("2", [{"say": "did two"}], dependencies=["1"])
    team.story("3", [], dependencies=["2"])
    team.run()
    (prompt,) = team.logged("3", "prompt")
    assert [story for story, words in (("1", "did one"), ("2", "did two")) if words in prompt] == told


def test_what_was_done_is_remembered_by_a_resumed_run(team: Team) -> None:
    team.story("1", [{"edit": ["schema.txt", "x\n"]}, {"say": "I made the tables."}])
    team.story("2", [{"exit": 3}], [], dependencies=["1"])
    assert team.run().parseoutcomes() == {"passed": 1, "failed": 1}
    script = json.dumps({"turns": [[{"edit": ["two.txt", "x\n"]}]], "log": str(team.logs / "again")})
    team._stories[1]["agent"]["env"]["ACP_AGENT"] = script
    team.write()
    result = team.repository.project.run("--epic-resume")
    assert result.parseoutcomes() == {"passed": 1, "skipped": 1}
    (prompt,) = team.logged("again", "prompt")
    assert "I made the tables." in prompt
    assert team.repository.files_on() == ["schema.txt", "two.txt"]


def test_a_failed_check_goes_back_into_the_same_session_until_it_is_green(team: Team) -> None:
    team.story(
        "1",
        [{"edit": ["x.txt", "wrong\n"]}, {"say": "first"}],
        [{"edit": ["x.txt", "right\n"]}, {"turn": True}],
        acceptance_criteria=[{"description": "it is right", "run": has("x.txt", "right")}],
    )
    result = team.run("--junitxml=report.xml")
    assert "failed" not in result.parseoutcomes()
    assert len(team.logged("1", "pid")) == 1
    _, second = team.logged("1", "prompt")
    assert "it is right" in second
    assert "exit status 1" in second
    assert team.repository.on_branch("x.txt") == "right\n"
    assert properties(team)["1"]["agent_iterations"] == "2"


def test_an_agent_that_never_gets_it_right_fails_after_so_many_iterations(team: Team) -> None:
    team.epic(agent={"max_iterations": 2})
    team.story("1", [{"edit": ["x.txt", "wrong\n"]}], acceptance_criteria=checked("x.txt", "right"))
    result = team.run()
    assert result.parseoutcomes() == {"failed": 2}
    assert len(team.logged("1", "prompt")) == 2
    assert "epics/shop" not in team.repository.branches()
    assert team.repository.on_branch("x.txt", "epic/shop/1") == "wrong\n"


def test_what_is_not_allowed_is_refused_and_told(team: Team) -> None:
    ask = [{"ask": {"title": "rm -rf /", "kind": "execute", "options": ["allow_once", "reject_once"], "then": []}}]
    team.story("1", [*ask, {"edit": ["x.txt", "x\n"]}])
    team.story("2", ask, agent={"allow": ["execute"]})
    result = team.run("-rA")
    assert result.parseoutcomes() == {"passed": 2}
    result.stdout.fnmatch_lines(["*execute rm -rf /: refused, since execute is not in allow*"])
    # In whichever order they ended.
    for answer in ("reject_once", "allow_once"):
        result.stdout.fnmatch_lines([f"*permission: {answer}*"])


def test_two_agents_that_change_the_same_lines_are_a_conflict(team: Team) -> None:
    for own, other in (("1", "2"), ("2", "1")):
        team.story(own, [*meets(team, other, own=own), {"edit": ["base.txt", f"of {own}\n"]}])
    result = team.run()
    assert result.parseoutcomes() == {"passed": 1, "failed": 1}
    result.stdout.re_match_lines([r"merge conflict with [12]: base\.txt.*"])
    result.stdout.fnmatch_lines(["*<<<<<<< 1", "*of 1", "*=======", "*of 2", "*>>>>>>> 2"])


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signal")
def test_an_agent_that_is_killed_fails_its_story_and_no_other(team: Team) -> None:
    team.story("1", [{"signal": "SIGKILL"}])
    team.story("2", [{"edit": ["x.txt", "x\n"]}])
    result = team.run()
    assert result.parseoutcomes() == {"passed": 1, "failed": 1}
    result.stdout.fnmatch_lines(["*signal 9 (SIGKILL)*"])


def test_a_timeout_ends_the_agent_and_all_that_it_started(team: Team) -> None:
    child = team.signs / "child"
    team.story("1", [{"spawn": str(child)}, {"stall": "for ever"}], timeout=8)
    result = team.run()
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["*timed out after 8 s*"])
    assert ended(int(child.read_text()))


def test_each_retry_is_a_new_agent_in_a_new_worktree(team: Team) -> None:
    steps: list[dict[str, Any]] = [
        {"tokens": 100},
        {"cost": [0.25, "USD"]},
        {"append": ["x.txt", "x\n"]},
        {"append": [str(team.signs / "count"), "x\n"]},
    ]
    once = [sys.executable, "-c", f"import sys; sys.exit(len(open({str(team.signs / 'count')!r}).readlines()) < 2)"]
    team.story(
        "1",
        steps,
        retries=1,
        agent={"max_iterations": 1},
        acceptance_criteria=[{"description": "tried twice", "run": once}],
    )
    result = team.run("--junitxml=report.xml")
    assert "failed" not in result.parseoutcomes()
    found = properties(team)["1"]
    assert (found["agent_tokens"], found["agent_cost"], found["agent_iterations"]) == ("200", "0.5 USD", "2")
    assert len(team.logged("1", "pid")) == 2
    assert len(set(team.logged("1", "cwd"))) == 2
    assert team.repository.on_branch("x.txt") == "x\n"


def properties(team: Team) -> dict[str, dict[str, str]]:
    cases = ElementTree.parse(team.repository.path / "report.xml").iter("testcase")
    return {
        case.get("name", ""): {p.get("name", ""): p.get("value", "") for p in case.iter("property")} for case in cases
    }


def test_text_tools_files_tokens_and_cost_are_in_the_report_and_in_junit_xml(team: Team) -> None:
    team.story(
        "1",
        [
            {"edit": ["src/x.py", "x = 1\n"]},
            {"say": "I wrote x."},
            {"tokens": 100},
            {"cost": [0.25, "USD"]},
        ],
    )
    result = team.run("-rA", "--junitxml=report.xml")
    result.stdout.fnmatch_lines(["*Captured agent answer*", "I wrote x."])
    result.stdout.fnmatch_lines(["*Captured agent tool calls*", "edit *src/x.py*: completed"])
    result.stdout.fnmatch_lines(["*Captured files changed*", "src/x.py"])
    found = properties(team)["1"]
    assert found["agent_tokens"] == "100"
    assert found["agent_cost"] == "0.25 USD"
    assert found["agent_iterations"] == "1"
    assert found["agent_tool_calls"] == "1"
    assert found["files_changed"] == "src/x.py"


def test_a_budget_that_is_used_up_opens_the_breaker(team: Team) -> None:
    team.epic(budget={"tokens": 150}, max_parallel_stories=1)
    for number in "1234":
        team.story(number, [{"tokens": 100}])
    result = team.run("-rs")
    assert result.parseoutcomes() == {"passed": 2, "failed": 1, "skipped": 2}
    result.stdout.fnmatch_lines(["*circuit breaker open: the budget is used up: 200 of 150 tokens, by 1, 2*"])
    result.stdout.fnmatch_lines(["*circuit breaker open*3*4*"])
    assert not team.logged("3", "prompt")


def test_a_budget_that_is_used_up_ends_the_iterations(team: Team) -> None:
    team.epic(budget={"cost": 0.5})
    team.story("1", [{"cost": [0.75, "EUR"]}], acceptance_criteria=checked("x.txt", "right"))
    result = team.run()
    result.stdout.fnmatch_lines(["the budget is used up: 0.75 of 0.50 EUR, and checks still fail*"])
    assert len(team.logged("1", "prompt")) == 1


def test_a_run_leaves_a_hand_over(team: Team) -> None:
    team.story("1", [{"edit": ["a.txt", "x\n"]}, {"say": "I made a."}], title="The first")
    team.story("2", [{"exit": 3}], title="The second")
    team.story("3", [], title="The third", dependencies=["2"])
    result = team.run()
    result.stdout.fnmatch_lines(["handed over in *handoff.md"])
    text = team.handoff()
    order = ["### Done", "**1** The first", "I made a.", "`a.txt`", "### Failed", "**2** The second", "exit status 3"]
    order += ["### Next", "**3** The third", "depends on 2, which failed", "git merge epics/shop", "kept: "]
    places = [text.find(words) for words in order]
    assert -1 not in places, dict(zip(order, places, strict=True))
    assert places == sorted(places)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no Ctrl-C for another process")
def test_ctrl_c_ends_agents_and_leaves_a_hand_over(team: Team) -> None:
    team.epic(timeout=0)
    team.story("1", [{"edit": ["a.txt", "x\n"]}])
    team.story("2", [{"create": str(team.signs / "at work")}, {"stall": "until cancelled"}], dependencies=["1"])
    team.story("3", [], dependencies=["2"])
    team.write()
    run = Run(team.repository.project)
    try:
        run.start(waits_for=())
        assert until((team.signs / "at work").exists)
        run.signal(signal.SIGINT)
        assert run.end() == pytest.ExitCode.INTERRUPTED
    finally:
        run.clean_up()
    text = team.handoff()
    assert text.index("### Done") < text.index("**1**") < text.index("### Next") < text.index("**2**")
    assert team.logged("2", "cancelled") == [True]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing ends the processes of a run that is killed")
def test_agents_end_with_a_run_that_is_killed_and_the_next_one_does_the_rest(team: Team) -> None:
    team.epic(timeout=0)
    at_work = team.signs / "at work"
    team.story("1", [{"edit": ["a.txt", "x\n"]}])
    team.story(
        "2", [{"edit": ["b.txt", "half\n"]}, {"create": str(at_work)}, {"stall": "for ever"}], dependencies=["1"]
    )
    team.write()
    run = Run(team.repository.project)
    try:
        run.start(waits_for=())
        assert until(at_work.exists)
        run.signal(signal.SIGKILL)
        run.end()
        assert until(lambda: all(map(ended, team.pids())))
    finally:
        run.clean_up()
    team._stories[1]["agent"]["env"]["ACP_AGENT"] = json.dumps({"turns": [[{"edit": ["b.txt", "whole\n"]}]]})
    team.write()
    assert team.repository.project.run("--epic-resume").parseoutcomes() == {"passed": 1, "skipped": 1}
    assert team.repository.on_branch("b.txt") == "whole\n"
    assert not team.repository.worktrees()


def test_stories_with_an_action_of_their_own_need_no_agent(team: Team) -> None:
    team._stories = [{"id": "1", "run": "echo x > x.txt"}]
    assert team.run().parseoutcomes() == {"passed": 1}
    assert team.repository.files_on() == ["x.txt"]


def test_a_story_without_an_action_is_done_by_the_agent_of_its_epic(team: Team) -> None:
    steps = json.dumps([{"edit": ["x.txt", "x\n"]}])
    team._stories = [{"id": "1", "title": "Plain", "description": f"steps: {steps}"}]
    assert team.run().parseoutcomes() == {"passed": 1}
    assert team.repository.files_on() == ["x.txt"]


@pytest.mark.parametrize("option", [(), ("--epic-parallel=2",)])
def test_the_strategy_of_the_file_holds_with_any_number_at_once(team: Team, option: tuple[str, ...]) -> None:
    steps = json.dumps([{"edit": ["x.txt", "x\n"]}])
    team._stories = [{"id": "1", "description": f"steps: {steps}"}]
    assert team.run(*option).parseoutcomes() == {"passed": 1}


def test_an_agent_works_in_the_users_tree_if_that_is_asked_for(team: Team) -> None:
    team.epic(isolation="none", parallel_strategy="asyncio")
    team.story("1", [{"edit": ["x.txt", "x\n"]}])
    assert team.run().parseoutcomes() == {"passed": 1}
    assert (team.repository.path / "x.txt").read_text() == "x\n"
    assert team.repository.branches() == ["main"]


def test_the_command_line_names_the_agent_of_all_stories(team: Team) -> None:
    team.epic(agent={"command": "no-such-agent"})
    team.story("1", [{"edit": ["x.txt", "x\n"]}])
    assert team.run(f"--epic-agent='{COMMAND[0]}' '{COMMAND[1]}'").parseoutcomes() == {"passed": 1}


@pytest.mark.parametrize(
    ("of_file", "of_ini"),
    [(None, f"'{COMMAND[0]}' '{COMMAND[1]}'"), (COMMAND, "no-such-agent")],
    ids=["in place of none", "not in place of the file's"],
)
def test_the_ini_file_names_the_agent_where_the_epic_file_does_not(
    team: Team, of_file: list[str] | None, of_ini: str
) -> None:
    team.epic(agent={"command": of_file})
    team.story("1", [{"edit": ["x.txt", "x\n"]}])
    assert team.run("-o", f"epic_agent={of_ini}").parseoutcomes() == {"passed": 1}


def refused(result: pytest.RunResult) -> str:
    """The one line of a usage error."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line.startswith("ERROR: ")]
    assert "passed" not in result.stdout.str()
    return line


def test_no_agent_is_a_usage_error_before_anything_runs(repository: Repository) -> None:
    repository.epic("""
        epic: {parallel_strategy: agent-teams}
        stories:
          - {id: first, run: touch ran}
          - {id: second, dependencies: [first]}
    """)
    line = refused(repository.project.run())
    assert "epic_shop.yaml:5: story second" in line
    assert "--epic-agent" in line
    assert not repository.worktrees()


@pytest.mark.parametrize("runner", ["acp", "command"])
def test_an_agent_that_is_not_there_is_a_usage_error_before_anything_runs(team: Team, runner: str) -> None:
    team.epic(agent={"command": ["no-such-agent", "{prompt}"], "runner": runner})
    team.story("1", [])
    line = refused(team.run())
    assert "epic_shop.yaml" in line
    assert "'no-such-agent'" in line


def test_the_protocol_not_installed_is_a_usage_error_that_says_how(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    team.story("1", [])
    assert "pip install 'pytest-tapps-waves[agents]'" in refused(team.run())


def test_the_plan_of_a_team_needs_no_agent(team: Team) -> None:
    team.epic(agent={"command": "no-such-agent"})
    team.story("1", [])
    result = team.run("--epic-plan")
    assert result.ret == 0
    assert not team.pids()


def test_a_command_can_be_the_agent(team: Team) -> None:
    code = (
        "import sys, pathlib; prompt = sys.argv[1]; pathlib.Path('x.txt').write_text("
        "'right' if 'exit status 1' in prompt else 'wrong'); print('I wrote', len(prompt))"
    )
    team.epic(agent={"runner": "command", "command": [sys.executable, "-c", code, "{prompt}"]})
    team.story("1", acceptance_criteria=checked("x.txt", "right"))
    result = team.run("-rA")
    assert "failed" not in result.parseoutcomes()
    result.stdout.fnmatch_lines(["*Captured agent answer*", "I wrote *"])
    assert team.repository.on_branch("x.txt") == "right"


def test_secrets_are_masked_in_what_agents_say(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "hunter-two-hunter")
    team.epic(secrets=["API_TOKEN"])
    call = {"id": "1", "title": "curl hunter-two-hunter", "kind": "fetch", "status": "completed"}
    team.story("1", [{"say": "the token is hunter-two-hunter"}, {"call": call}])
    team.story("2", [], dependencies=["1"])
    result = team.run("-rA", "--junitxml=report.xml")
    shown = result.stdout.str() + team.handoff() + (team.repository.path / "report.xml").read_text()
    assert "the token is ***" in shown
    assert "hunter-two-hunter" not in shown
    assert "hunter-two-hunter" not in team.logged("2", "prompt")[0]


def test_the_definition_of_an_agents_story_is_all_that_it_is_told(team: Team) -> None:
    team.story("1", [{"edit": ["x.txt", "x\n"]}], description="One thing.")
    team.story("2", [{"edit": ["y.txt", "x\n"]}], title="Another", agent={"max_iterations": 2})
    assert team.run().parseoutcomes() == {"passed": 2}
    team._stories[0]["description"] = "Another thing."
    team.write()
    result = team.repository.project.run("--epic-resume", "-rs")
    assert result.parseoutcomes() == {"passed": 1, "skipped": 1}
    result.stdout.fnmatch_lines(["ran again, since description changed after run * 1"])
