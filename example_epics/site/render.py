"""Render a page or a folder of them: render.py SOURCE TARGET. Only read them: render.py --check FOLDER."""

import sys
from pathlib import Path

import markup
import pages


def render_file(source: Path, target: Path) -> None:
    header, body = pages.read_source(source)
    stamp = f"<p><time>{header['date']}</time></p>\n" if "date" in header else ""
    pages.write_page(target, header, stamp + markup.render(body), home="../")
    print(target.as_posix())


def render_folder(source: Path, target: Path) -> None:
    for old in target.glob("*.html"):  # of a page that was renamed since
        old.unlink()
    for path in sorted(source.glob("*.md")):
        render_file(path, target / f"{path.stem}.html")


def check(folder: Path) -> None:
    found = sorted(folder.glob("*/*.md"))
    for path in found:
        markup.render(pages.read_source(path)[1])
    print(f"{len(found)} pages can be read")


def main(source: str, target: str) -> None:
    if source == "--check":
        check(Path(target))
    elif Path(source).is_dir():
        render_folder(Path(source), Path(target))
    else:
        render_file(Path(source), Path(target))


if __name__ == "__main__":
    main(*sys.argv[1:])
