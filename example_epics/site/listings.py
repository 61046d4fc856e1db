"""What is made from all pages: listings.py index|feed|search PUBLIC."""

import html
import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pages

SITE = "Waves and other notes"
ATOM = "http://www.w3.org/2005/Atom"
SECTIONS = {"guides": "Guides", "notes": "Notes", "reports": "Reports"}


def newest_first(site: list[pages.Page]) -> list[pages.Page]:
    return sorted(site, key=lambda page: page.date, reverse=True)


def index(public: Path) -> None:
    body = ""
    for folder, title in SECTIONS.items():
        section = newest_first([page for page in pages.read_site(public) if page.path.parent.name == folder])
        body += f'<h2 id="{folder}">{title}</h2>\n<ul>\n'
        for page in section:
            link = f'<a href="{folder}/{page.path.name}">{html.escape(page.title)}</a>'
            body += f"<li>{link}: {html.escape(page.summary)}</li>\n"
        body += "</ul>\n"
    body += '<p><a href="feed.xml">Feed</a> of everything that has a date.</p>'
    header = {"title": SITE, "summary": "Guides, notes and reports."}
    pages.write_page(public / "index.html", header, body, home="")


def feed(public: Path) -> None:
    ET.register_namespace("", ATOM)
    root = ET.Element(f"{{{ATOM}}}feed")

    def add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
        child = ET.SubElement(parent, f"{{{ATOM}}}{tag}", attributes)
        child.text = text or None
        return child

    dated = newest_first([page for page in pages.read_site(public) if page.date])
    add(root, "title", SITE)
    add(root, "id", "tag:example.org,2025:waves")
    add(root, "updated", f"{dated[0].date}T00:00:00Z")
    add(add(root, "author"), "name", "The example epics")
    for page in dated:
        where = page.path.relative_to(public).as_posix()
        entry = add(root, "entry")
        add(entry, "title", page.title)
        add(entry, "id", f"tag:example.org,2025:{where.removesuffix('.html')}")
        add(entry, "updated", f"{page.date}T00:00:00Z")
        add(entry, "link", href=where)
        add(entry, "summary", page.summary)
    ET.indent(root)
    text = ET.tostring(root, encoding="utf-8", xml_declaration=True).decode()
    pages.write(public / "feed.xml", text + "\n")


def search(public: Path) -> None:
    """Which pages have a word, for a search box without a server."""
    found: dict[str, set[str]] = {}
    for page in pages.read_site(public):
        for word in re.findall(r"[^\W\d_]{3,}", " ".join(page.text).casefold()):
            found.setdefault(word, set()).add(page.path.relative_to(public).as_posix())
    table = {word: sorted(where) for word, where in sorted(found.items())}
    pages.write(public / "search.json", json.dumps(table, ensure_ascii=False) + "\n")
    print(f"{len(table)} words")


if __name__ == "__main__":
    {"index": index, "feed": feed, "search": search}[sys.argv[1]](Path(sys.argv[2]))
