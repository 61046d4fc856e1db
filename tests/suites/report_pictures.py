"""Makes the pictures of the report page in ``docs/pictures``: a real run, opened in Chromium, light, dark and narrow.

``python tests/suites/report_pictures.py`` writes them anew; ``--folder F`` writes them elsewhere. Needs playwright (a
part of ``[dev]``) and a Chromium on PATH.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"

EPIC = """
epic: {id: "8", title: Checkout, conflict_detection: serialize}
stories:
  - {id: "8.1", title: Create the schema, run: "sleep 0.5; echo 4 tables", critical: true}
  - {id: "8.2", title: Load the catalogue, run: "sleep 1.4; echo 1,204 articles", dependencies: ["8.1"]}
  - {id: "8.3", title: Build the search index, dependencies: ["8.1"],
     run: "sleep 0.6; echo reading shards; echo 'no such shard: 7' >&2; exit 3", files_affected: ["data/index/**"]}
  - {id: "8.4", title: Warm the caches, run: "sleep 0.4", dependencies: ["8.1"], files_affected: ["data/index/warm"]}
  - {id: "8.5", title: Price rules, run: "sleep 0.9", dependencies: ["8.2"]}
  - {id: "8.6", title: Taxes of the EU, run: "sleep 0.5; [ $STORY_ATTEMPT = 2 ]", retries: 1, dependencies: ["8.2"]}
  - {id: "8.7", title: Search page, run: "true", dependencies: ["8.3"]}
  - {id: "8.8", title: Notes for the release, dependencies: ["8.5"]}
  - {id: "8.9", title: Release, run: "sleep 0.3; echo shipped", dependencies: ["8.5", "8.6"]}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=PICTURES, help="where the pictures go (default: docs/pictures)")
    folder = parser.parse_args().folder
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no Chromium on PATH: apt-get install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        page = run(Path(work))
        arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=arguments)
            take(browser, page, folder / "report-light.png", 800, "light", unfolded="8.3")
            take(browser, page, folder / "report-dark.png", 800, "dark")
            take(browser, page, folder / "report-narrow.png", 400, "light")
            browser.close()


def run(folder: Path) -> Path:
    """The page of a run of the epic."""
    (folder / "epic_checkout.yaml").write_text(EPIC, encoding="utf-8")
    ini = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
    (folder / "pytest.ini").write_text(ini, encoding="utf-8")
    words = ["-m", "pytest", "-q", "-p", "no:randomly", "--epic-parallel=3", "--epic-report=page.html"]
    subprocess.run([sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL, check=False)
    return folder / "page.html"


def take(
    browser: Browser, page: Path, picture: Path, width: int, scheme: Literal["light", "dark"], unfolded: str = ""
) -> None:
    """:param unfolded: the story whose output is shown, as is the graph; both stay folded without one."""
    view = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    view.goto(page.as_uri())
    if unfolded:
        view.click("#graph summary")
        view.wait_for_selector("#graph .mark")
        view.click(f"tbody .fold:text-is('{unfolded}')")
    view.hover("#bars .mark.failed")
    view.screenshot(path=picture, full_page=True)
    view.close()
    sys.stdout.write(f"{picture}: {picture.stat().st_size // 1024} KiB\n")


if __name__ == "__main__":
    main()
