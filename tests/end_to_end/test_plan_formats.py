"""What ``--epic-plan=json``, ``mermaid`` and ``dot`` promise to the programs that read them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from project import Project

NODE_MODULES = Path.home() / ".cache" / "pytest-tapps-waves" / "node"
"""Where ``.ci/run`` puts the packages ``mermaid`` and ``jsdom``."""

TITLE = """Say "hi" & <b>'bye'</b> #1; `x` [y] {z} (w) | %% \\\\ end --> ü"""
EPIC = f"""
    epic: {{title: Checkout}}
    stories:
      - {{id: "8.1", title: '{TITLE.replace("'", "''")}', run: exit 0, files_affected: [a.py]}}
      - {{id: end, title: subgraph, run: exit 0, files_affected: [a.py]}}
      - {{id: "8.3", run: exit 0, dependencies: ["8.1", "test_it.py::test_it[a]"]}}
"""
PARSE = """
import { JSDOM } from "jsdom";
globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
let text = "";
for await (const piece of process.stdin) text += piece;
await mermaid.parse(text);
const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
console.log(JSON.stringify({
    nodes: [...db.getVertices().values()].map(
        (node) => [node.id, node.text, [...node.classes, ...node.styles.slice(0, 1)]]),
    edges: db.getEdges().map((edge) => [edge.start, edge.end, edge.text, edge.style ?? []]),
    groups: db.getSubGraphs().map((group) => [group.title, group.nodes]),
}));
"""


@pytest.fixture(autouse=True)
def a_plan(project: Project) -> None:
    project.epic(EPIC)
    project.write("test_it.py", "import pytest\n@pytest.mark.parametrize('x', ['a'])\ndef test_it(x): pass")


def plan(project: Project, form: str, *options: str) -> str:
    result = project.run_process(f"--epic-plan={form}", "--epic-conflicts=warn", "-W", "error", *options)
    assert result.ret == pytest.ExitCode.OK
    assert not result.errlines
    return result.stdout.str()


@pytest.mark.parametrize("options", [(), ("-q",), ("-v", "--color=yes")])
def test_json_stands_alone_on_stdout_and_holds_the_whole_plan(project: Project, options: tuple[str, ...]) -> None:
    document = json.loads(plan(project, "json", *options))
    assert document["version"] == 1
    stories = [[story["node"] for story in wave["stories"]] for wave in document["waves"]]
    assert stories == [
        ["epic_shop.yaml::8.1", "epic_shop.yaml::end", "test_it.py::test_it[a]"],
        ["epic_shop.yaml::8.3"],
    ]
    first = document["waves"][0]["stories"][0]
    assert (first["title"], first["epic"], first["line"], first["files_affected"]) == (
        TITLE,
        "epic_shop.yaml",
        4,
        ["a.py"],
    )
    assert document["waves"][1]["stories"][0]["dependencies"] == ["epic_shop.yaml::8.1", "test_it.py::test_it[a]"]
    assert document["conflicts"] == [
        {"wave": 1, "stories": ["epic_shop.yaml::8.1", "epic_shop.yaml::end"], "paths": ["a.py"], "policy": "warn"}
    ]
    assert document["critical_path"] == {"stories": ["epic_shop.yaml::8.1", "epic_shop.yaml::8.3"], "seconds": None}
    assert document["epics"] == [{"path": "epic_shop.yaml", "title": "Checkout"}]


def test_json_tells_seconds_once_stories_have_been_run(project: Project) -> None:
    assert json.loads(plan(project, "json"))["makespans"] is None
    project.run("--epic-conflicts=warn").assert_outcomes(passed=4)
    document = json.loads(plan(project, "json"))
    assert set(document["makespans"]) == {"waves", "eager"}
    seconds = {story["node"]: story["seconds"] for wave in document["waves"] for story in wave["stories"]}
    path = document["critical_path"]
    assert sum(seconds[node] for node in path["stories"]) == pytest.approx(path["seconds"])
    assert document["lower_bound"] >= path["seconds"] > 0


def parsed(text: str) -> Any:
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "node_modules" / "mermaid").is_dir():
        pytest.skip(f"needs node, and `npm install --prefix {NODE_MODULES} mermaid jsdom`")
    done = subprocess.run(
        [node, "--input-type=module", "-e", PARSE], cwd=NODE_MODULES, input=text, capture_output=True, encoding="utf-8"
    )
    assert not done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_mermaid_itself_reads_the_flowchart_and_every_title_in_it(project: Project) -> None:
    found = parsed(plan(project, "mermaid"))
    # As mermaid keeps entity codes until it draws them.
    texts = {name: re.sub(r"ﬂ°°(\d+)¶ß", lambda code: chr(int(code[1])), text) for name, text, _ in found["nodes"]}
    name = {text.partition("<br>")[2]: key for key, text in texts.items()}
    assert set(name) == {f"8.1 {TITLE}", "end subgraph", "8.3", "test_it[a]"}
    first, second, last, test = name[f"8.1 {TITLE}"], name["end subgraph"], name["8.3"], name["test_it[a]"]
    assert [(title, set(members)) for title, members in found["groups"]] == [
        ("wave 1", {first, second, test}),
        ("wave 2", {last}),
    ]
    edges = {(start, end): (text, bool(style)) for start, end, text, style in found["edges"]}
    assert edges == {(first, last): ("", True), (test, last): ("", False), (first, second): ("a.py", False)}
    assert {key: classes for key, _, classes in found["nodes"]} == {
        first: ["conflict", "stroke:#d1242f"],
        second: ["conflict"],
        last: ["stroke:#d1242f"],
        test: [],
    }


def test_mermaid_needs_nothing_but_what_markdown_lets_through(project: Project) -> None:
    text = plan(project, "mermaid", "-q")
    assert text.startswith("flowchart LR\n")
    assert "```" not in text


def test_graphviz_itself_reads_the_graph_and_every_title_in_it(project: Project) -> None:
    dot = shutil.which("dot")
    if dot is None:
        pytest.skip("needs graphviz")
    done = subprocess.run([dot, "-Tjson"], input=plan(project, "dot"), capture_output=True, encoding="utf-8")
    assert not done.returncode, done.stderr
    assert not done.stderr
    found = json.loads(done.stdout)
    clusters = [thing for thing in found["objects"] if "nodes" in thing]
    nodes = {thing["_gvid"]: thing for thing in found["objects"] if "nodes" not in thing}
    assert {node["name"]: node["label"] for node in nodes.values()} == {
        # As Graphviz keeps what it is going to draw.
        "epic_shop.yaml::8.1": rf"epic_shop.yaml\n8.1 {TITLE}".replace(" \\\\", r" \\\\"),
        "epic_shop.yaml::end": r"epic_shop.yaml\nend subgraph",
        "epic_shop.yaml::8.3": r"epic_shop.yaml\n8.3",
        "test_it.py::test_it[a]": r"test_it.py\ntest_it[a]",
    }
    assert [cluster["label"] for cluster in clusters] == ["wave 1", "wave 2"]
    edges = {
        (nodes[edge["tail"]]["name"], nodes[edge["head"]]["name"]): edge.get("label") or edge.get("penwidth")
        for edge in found["edges"]
    }
    assert edges == {
        ("epic_shop.yaml::8.1", "epic_shop.yaml::8.3"): "3",
        ("test_it.py::test_it[a]", "epic_shop.yaml::8.3"): None,
        ("epic_shop.yaml::8.1", "epic_shop.yaml::end"): "a.py",
    }


@pytest.mark.parametrize("form", ["text", "json", "mermaid", "dot"])
def test_every_format_has_something_to_say_of_no_stories(project: Project, form: str) -> None:
    project.path.joinpath("epic_shop.yaml").unlink()
    project.path.joinpath("test_it.py").unlink()
    project.write("test_plain.py", "def test_it(): assert 0")
    assert plan(project, form, "-q")


def test_an_unknown_format_is_refused_with_those_there_are(project: Project) -> None:
    result = project.run_process("--epic-plan=svg")
    result.stderr.fnmatch_lines(["*--epic-plan*must be one of text, json, mermaid, dot; not 'svg'*"])
