"""From a small Markdown to HTML: headings, paragraphs, lists, quotes, tables, code; bold, emphasis, links."""

import html
import re
from collections.abc import Callable

BLOCK = re.compile(r"```\n.*?\n```|(?:(?!```)[^\n]+(?:\n(?!```)|$))+", re.DOTALL)
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
PLAIN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*(.+?)\*"), r"<em>\1</em>"),
)


def inline(text: str) -> str:
    """Code is left as it is; between code, links and emphasis are marked up."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        raise ValueError(f"a ` is not closed: {text!r}")
    for i, part in enumerate(parts):
        parts[i] = html.escape(part)
        if i % 2:
            parts[i] = f"<code>{parts[i]}</code>"
            continue
        for pattern, replacement in PLAIN:
            parts[i] = pattern.sub(replacement, parts[i])
        parts[i] = LINK.sub(lambda link: f'<a href="{target(link[2])}">{link[1]}</a>', parts[i])
    return "".join(parts)


def target(link: str) -> str:
    """A page links to the source of another; its reader wants the rendered one."""
    return link if "://" in link else re.sub(r"\.md(?=#|$)", ".html", link)


def slug(heading: str) -> str:
    return "-".join(re.findall(r"\w+", heading.casefold()))


def heading(lines: list[str]) -> str:
    marks, _, text = lines[0].partition(" ")
    level = len(marks)
    return f'<h{level} id="{slug(text)}">{inline(text)}</h{level}>'


def items(tag: str, lines: list[str]) -> str:
    inner = "".join(f"<li>{inline(line.split(' ', 1)[1])}</li>" for line in lines)
    return f"<{tag}>{inner}</{tag}>"


def quote(lines: list[str]) -> str:
    return f"<blockquote><p>{inline(' '.join(line.lstrip('> ') for line in lines))}</p></blockquote>"


def table(lines: list[str]) -> str:
    rows = [[inline(cell.strip()) for cell in line.strip("|").split("|")] for line in lines]
    head = "".join(f"<th>{cell}</th>" for cell in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows[2:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def code(lines: list[str]) -> str:
    return f"<pre><code>{html.escape(chr(10).join(lines[1:-1]))}</code></pre>"


BLOCKS: tuple[tuple[str, Callable[[list[str]], str]], ...] = (
    (r"```", code),
    (r"#{1,6} ", heading),
    (r"[-*] ", lambda lines: items("ul", lines)),
    (r"\d+\. ", lambda lines: items("ol", lines)),
    (r"> ", quote),
    (r"\|", table),
)


def render(text: str) -> str:
    blocks = []
    for match in BLOCK.finditer(text):
        lines = match[0].strip().splitlines()
        kind = next((make for start, make in BLOCKS if re.match(start, lines[0])), None)
        blocks.append(kind(lines) if kind else f"<p>{inline(' '.join(lines))}</p>")
    return "\n".join(blocks)
