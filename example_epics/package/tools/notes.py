"""Release notes of the current version: notes.py PROJECT TARGET. The changelog must begin with it."""

import re
import sys
import tomllib
from pathlib import Path

HEADING = re.compile(r"## (?P<version>\S+) \((?P<date>\d{4}-\d{2}-\d{2})\)")


def main(project: Path, target: Path) -> None:
    table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (project / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = list(HEADING.finditer(changelog))
    dates = [one["date"] for one in releases]
    if not releases or releases[0]["version"] != table["version"]:
        sys.exit(f"the changelog does not begin with {table['version']}")
    if dates != sorted(dates, reverse=True):
        sys.exit("the releases are not in order")
    end = releases[1].start() if len(releases) > 1 else len(changelog)
    body = changelog[releases[0].end() : end].strip()
    release = f"{table['name']} {table['version']}"
    header = f"title: {release}\ndate: {dates[0]}\nsummary: {table['description']}.\n"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"{header}\n{body}\n", encoding="utf-8", newline="\n")
    print(f"{release}: {len(body.splitlines())} lines of notes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
