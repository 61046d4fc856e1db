"""Checks of the site: check.py CHECK FOLDER. Exit status 1 says what is wrong."""

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote

import pages

ATOM = {"": "http://www.w3.org/2005/Atom"}


def local_links(page: pages.Page) -> list[tuple[Path, str]]:
    """The file and the fragment of each link that stays on the site."""
    links = [link.partition("#") for link in page.links if "://" not in link]
    here = page.path
    return [((here.parent / unquote(to)).resolve() if to else here, part) for to, _, part in links]


def whole_site(public: Path) -> dict[Path, pages.Page]:
    every = [pages.read_page(public / "index.html"), *pages.read_site(public)]
    return {page.path: page for page in every}


def all_pages(folder: Path) -> None:
    """Well-formed, with a title, a summary and some text."""
    found = sorted(folder.glob("*.html"))
    for path in found:
        page = pages.read_page(path)
        if not (page.title and page.summary and len(" ".join(page.text).split()) > 20):
            sys.exit(f"{path.as_posix()} says too little")
    if not found:
        sys.exit(f"{folder.as_posix()} has no pages")


def index(public: Path) -> None:
    listed = {path for path, _ in local_links(pages.read_page(public / "index.html"))}
    missing = [page.path.as_posix() for page in pages.read_site(public) if page.path not in listed]
    if missing:
        sys.exit(f"not in the index: {', '.join(missing)}")


def feed(public: Path) -> None:
    root = ET.parse(public / "feed.xml").getroot()
    dates = [entry.findtext("updated", "", ATOM) for entry in root.findall("entry", ATOM)]
    dated = [page for page in pages.read_site(public) if page.date]
    if len(dates) != len(dated) or dates != sorted(dates, reverse=True):
        sys.exit("the feed does not have every dated page, newest first")


def search(public: Path) -> None:
    table: dict[str, list[str]] = json.loads((public / "search.json").read_text(encoding="utf-8"))
    found = {where for places in table.values() for where in places}
    if found != {page.path.relative_to(public).as_posix() for page in pages.read_site(public)}:
        sys.exit("a page cannot be found by any word")


def links(public: Path) -> None:
    site = whole_site(public)
    broken = []
    for page in site.values():
        for path, part in local_links(page):
            there = path.is_file() and path.is_relative_to(public)
            if not there or (part and part not in site[path].ids):
                broken.append(f"{page.path.name} -> {path.name}{'#' * bool(part)}{part}")
    if broken:
        sys.exit("broken links:\n" + "\n".join(broken))
    print(f"{sum(len(page.links) for page in site.values())} links on {len(site)} pages lead somewhere")


def reachable(public: Path) -> None:
    site = whole_site(public)
    seen: set[Path] = set()
    todo = [public / "index.html"]
    while todo:
        path = todo.pop()
        if path in site and path not in seen:
            seen.add(path)
            todo += [target for target, _ in local_links(site[path])]
    if lost := site.keys() - seen:
        sys.exit(f"no way leads from the index to {', '.join(sorted(path.name for path in lost))}")


if __name__ == "__main__":
    checks = {
        "pages": all_pages,
        "index": index,
        "feed": feed,
        "search": search,
        "links": links,
        "reachable": reachable,
    }
    checks[sys.argv[1]](Path(sys.argv[2]).resolve())
