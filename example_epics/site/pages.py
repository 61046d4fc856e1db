"""What a page is: its source with a header, its HTML, and what can be read back from the HTML."""

import datetime
import html
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

KEYS = {"title", "date", "summary"}

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<meta name="description" content="{summary}">
<meta name="date" content="{date}">
<link rel="stylesheet" href="{home}style.css">
</head>
<body>
<header><a href="{home}index.html">Home</a></header>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def read_source(path: Path) -> tuple[dict[str, str], str]:
    """The header (`key: value` lines up to the first empty one) and the text of a page."""
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    header = dict(line.split(": ", 1) for line in head.splitlines())
    if not {"title", "summary"} <= header.keys() <= KEYS:
        sys.exit(f"{path.as_posix()}: a header has title, summary and perhaps date")
    if "date" in header:
        datetime.date.fromisoformat(header["date"])
    return header, body


def write_page(path: Path, header: dict[str, str], body: str, home: str) -> None:
    fields = {key: html.escape(header.get(key, "")) for key in KEYS}
    write(path, PAGE.format(**fields, body=body, home=home))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


@dataclass
class Page:
    """A rendered page, read back."""

    path: Path
    title: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    text: list[str] = field(default_factory=list)

    @property
    def date(self) -> str:
        return self.meta.get("date", "")

    @property
    def summary(self) -> str:
        return self.meta.get("description", "")


class Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.page.links += [given[key] for key in ("href", "src") if key in given]
        if "id" in given:
            self.page.ids.add(given["id"])
        if tag == "meta" and "name" in given:
            self.page.meta[given["name"]] = given["content"]
        elif tag not in ("meta", "link"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.inside or self.inside.pop() != tag:
            sys.exit(f"{self.page.path.as_posix()}: </{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if "title" in self.inside:
            self.page.title += data
        elif "main" in self.inside:
            self.page.text.append(data)


def read_page(path: Path) -> Page:
    page = Page(path)
    reader = Reader(page)
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    if reader.inside:
        sys.exit(f"{path.as_posix()}: <{reader.inside[-1]}> is not closed")
    return page


def read_site(public: Path) -> list[Page]:
    """Every page but the index, in the order of their paths."""
    return [read_page(path) for path in sorted(public.glob("*/*.html"))]
