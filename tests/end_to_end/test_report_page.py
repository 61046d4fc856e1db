"""``--epic-report`` in a real browser: what people can see and do, and what a story's output cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Literal

import pytest
from project import PLUGINS

from pytest_tapps_waves.core.happened import Happened, RunHappened
from pytest_tapps_waves.reports.html import page as page_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a POSIX shell")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the page is driven by playwright: pip install playwright"
)

SMUGGLED = "<script>document.title = 1</script><img src=https://example.org/x onerror=document.title=2>"
SHOP = f"""
    epic: {{title: "Checkout {SMUGGLED}", circuit_breaker: 2, conflict_detection: serialize}}
    stories:
      - {{id: "8.1", title: Create the schema, run: sleep 0.1; cat smuggled, critical: true}}
      - {{id: "8.2", title: "{SMUGGLED}", run: sleep 0.3, dependencies: ["8.1"], files_affected: [a]}}
      - {{id: "8.10", title: Search, run: "sleep 0.1; cat smuggled; exit 1", dependencies: ["8.1"]}}
      - {{id: "8.3", title: Fill, run: "true", dependencies: ["8.2"], files_affected: [b]}}
      - {{id: "8.4", title: Notes, dependencies: ["8.2"]}}
      - {{id: "8.5", title: Ship, run: "exit 1", dependencies: ["8.2"], files_affected: [b]}}
      - {{id: "8.6", title: Too late, run: "true", dependencies: ["8.5", "8.3"]}}
"""

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("there is no Chromium to open the page in: apt-get install chromium")
    # Its sandbox is not for root.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens a page, which must neither complain on its console nor ask for anything but itself."""
    trouble: list[str] = []
    contexts = []

    def opened(
        path: Path, *, width: int = 1000, dark: bool = False, before: Callable[..., None] = lambda page: None
    ) -> Page:
        scheme: Literal["light", "dark"] = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda request: trouble.append(request.url) if request.url != path.as_uri() else None)
        before(page)
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a real run."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (folder / "epic_shop.yaml").write_text(dedent(SHOP))
    (folder / "smuggled").write_text(f"{SMUGGLED}</pre></template>\n\x1b[31m")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    words = [sys.executable, "-m", "pytest", *PLUGINS, "--epic-parallel=2", "--epic-report=page.html"]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return folder / "page.html"


def shown(page: Page) -> list[str]:
    """The ids of the stories in the table, from the top."""
    ids: list[str] = page.eval_on_selector_all(
        "tbody:not([hidden]) .fold", "found => found.map(one => one.textContent)"
    )
    return ids


def test_what_a_story_says_stays_text(shop: Path, opened: Open) -> None:
    page = opened(shop)
    assert page.title() == f"Checkout {SMUGGLED}"
    assert page.inner_text("h1") == f"Checkout {SMUGGLED}"
    page.click("tbody .fold:text-is('8.10')")
    told = page.inner_text("tbody .more:visible")
    assert f"{SMUGGLED}</pre></template>" in told
    assert "exit status 1" in told
    assert page.locator("script").count() == 1
    assert page.locator("img, iframe, object, b:not(#conflicts b)").count() == 0


def test_even_markup_that_came_through_would_run_nothing_and_fetch_nothing(
    shop: Path, tmp_path: Path, browser: Browser
) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        shop.read_text("utf-8").replace("<main>", f"<main>{SMUGGLED}<p onclick='document.title=3'>here</p>")
    )
    page = browser.new_page()
    refused: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.on("requestfinished", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.click("text=here")
    assert page.title() == f"Checkout {SMUGGLED}"
    assert sum("Content Security Policy" in line for line in refused) >= 3
    assert requests == [path.as_uri()]
    page.close()


def test_a_bar_tells_of_its_story_on_hover_and_on_focus(shop: Path, opened: Open) -> None:
    page = opened(shop)
    assert page.locator("#bars .mark").count() == 5
    assert page.locator("#bars .gap").count() >= 1
    page.hover("#bars .mark.failed >> nth=0")
    assert page.inner_text("#tip").splitlines()[:3] == ["8.10 Search", "✗ failed", "wave 2, slot 2"]
    page.mouse.move(0, 0)
    assert not page.is_visible("#tip")
    # One stop of the Tab key, and from there by the arrows.
    page.focus("#wider")
    page.keyboard.press("Tab")
    assert page.is_visible("#tip")
    assert page.inner_text("#tip").startswith("8.1 Create the schema")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#tip").startswith("8.2 ")
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#tip").startswith("8.10 ")
    assert page.get_attribute(":focus", "aria-label") == page.inner_text("#tip").replace("\n", ", ")
    page.keyboard.press("Enter")
    assert page.is_visible("tbody:target .failure")
    assert page.inner_text(":focus") == "8.10"


def test_the_table_is_sorted_filtered_and_unfolded_by_keyboard(shop: Path, opened: Open) -> None:
    page = opened(shop)
    in_order = ["8.1", "8.2", "8.10", "8.3", "8.4", "8.5", "8.6"]
    assert shown(page) == in_order
    page.focus("th.id button")
    page.keyboard.press("Enter")
    assert shown(page) == ["8.1", "8.2", "8.3", "8.4", "8.5", "8.6", "8.10"]
    assert page.get_attribute("th.id", "aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert shown(page)[:2] == ["8.10", "8.6"]
    page.click("th.took button")
    page.click("th.took button")
    assert shown(page)[0] == "8.2"
    assert set(shown(page)[-2:]) == {"8.4", "8.6"}, "what took no time at all is last"
    page.click("th.outcome button")
    assert set(shown(page)[:2]) == {"8.10", "8.5"}
    page.fill("#filter", "SEARCH epic_shop")
    assert shown(page) == ["8.10"]
    assert page.inner_text("#shown") == "1 of 7 stories"
    assert page.locator("#bars .mark.out").count() == 4
    page.fill("#filter", "")
    page.focus("button[data-state=failed]")
    page.keyboard.press("Space")
    assert set(shown(page)) == {"8.10", "8.5"}
    page.focus("tbody:not([hidden]) .fold")
    page.keyboard.press("Enter")
    assert page.locator(".failure:visible").count() == 1
    page.keyboard.press("Enter")
    assert page.locator(".failure:visible").count() == 0


def test_conflicts_breaker_critical_path_and_graph_are_told(shop: Path, opened: Open) -> None:
    page = opened(shop)
    assert "serialize: 8.3 and 8.5 are both in wave 3 and both affect b" in page.inner_text("#conflicts")
    assert "The circuit breaker of epic_shop.yaml opened" not in page.inner_text("main")
    path = page.locator("#path a").all_inner_texts()
    assert [text.split()[0] for text in path][:2] == ["8.1", "8.2"]
    assert page.locator("#graph svg").count() == 0, "it is drawn when somebody looks at it"
    page.click("#graph summary")
    page.wait_for_selector("#graph .mark")
    assert page.locator("#graph .mark").count() == 7
    edges = page.eval_on_selector_all(
        "#graph .edge", "found => found.map(one => one.getAttribute('d').split('M').length - 1)"
    )
    assert edges == [7 - (len(path) - 1), len(path) - 1]
    page.hover("#graph .mark.documented")
    assert page.inner_text("#tip").startswith("8.4 Notes")
    page.click("#path a >> nth=1")
    # Unfolded by the event of the address, which comes after the click.
    page.wait_for_selector("tbody:target .more")


def test_an_open_breaker_names_the_stories(tmp_path: Path, opened: Open) -> None:
    run = many(3)._replace(tripped=[("epic_big.yaml", ("epic_big.yaml::0", "epic_big.yaml::2"))], stopped="SIGTERM")
    page = opened(write(run, tmp_path))
    notices = page.locator(".notice").all_inner_texts()
    assert notices[0] == "The run was stopped: SIGTERM"
    assert notices[1].splitlines()[0] == "The circuit breaker of epic_big.yaml opened"
    page.click(".notice a >> nth=1")
    assert page.inner_text("tbody:target .fold") == "2"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_names_can_be_read_in_light_and_in_dark(shop: Path, opened: Open, dark: bool) -> None:
    page = opened(shop, dark=dark)
    page.click("#graph summary")
    page.wait_for_selector("#graph .mark")
    contrasts: list[float] = page.evaluate(
        """() => {
            const light = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255)
              .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
              .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
            const contrast = (one, other) => {
              const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
              return (bright + 0.05) / (dark + 0.05);
            };
            const page = getComputedStyle(document.body);
            const name = getComputedStyle(document.querySelector("#graph text")).fill;
            const marks = [...document.querySelectorAll("#graph .mark")].map((mark) => getComputedStyle(mark).fill);
            const faint = getComputedStyle(document.querySelector(".facts")).color;
            return [contrast(page.color, page.backgroundColor), contrast(faint, page.backgroundColor),
              ...marks.map((mark) => contrast(mark, name))];
        }"""
    )
    # https://www.w3.org/TR/WCAG21/#contrast-minimum
    assert min(contrasts) >= 4.5
    is_dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    assert is_dark == dark


def test_it_fits_a_telephone(shop: Path, opened: Open) -> None:
    page = opened(shop, width=400)
    page.click("#graph summary")
    page.click("tbody .fold:text-is('8.10')")
    # To a bar at the right edge, by keys: how wide it is is up to the machine, and may be less than a pixel.
    page.focus("#wider")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    for selector in ("tbody .title >> nth=0", "tbody .outcome >> nth=0", "tbody .took >> nth=0", "#tip", ".failure"):
        box = page.locator(selector).filter(visible=True).first.bounding_box()
        assert box is not None
        assert box["width"] > 30
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 400


def many(number: int) -> RunHappened:
    """A run of so many stories, eight at once, in waves of five hundred."""
    names = [f"epic_big.yaml::{place}" for place in range(number)]

    def story(place: int) -> Happened:
        needs = tuple(names[other] for other in (place - 500, place - 501) if other >= 0)
        failed = place % 97 == 0
        start = 1e9 + place // 8
        end = start + 0.2 + place % 8 / 10
        texts = ("exit status 1\n" * 5 if failed else "", f"a line of story {place}\n" * 40, 0)
        wave = 1 + place // 500
        told = (names[place], str(place), f"Story number {place}", "epic_big.yaml", place + 2, wave)
        return Happened(*told, "failed" if failed else "passed", "", needs, False, True, start, end, 1, *texts)

    return RunHappened(list(map(story, range(number))), "waves", 8)


def write(run: RunHappened, folder: Path) -> Path:
    path = folder / "page.html"
    path.write_text(page_of(run), encoding="utf-8")
    return path


def test_long_lists_are_folded_and_stories_without_length_are_drawn(tmp_path: Path, opened: Open) -> None:
    chain = [
        story._replace(dependencies=(f"epic_big.yaml::{place - 1}",)) for place, story in enumerate(many(20).stories)
    ]
    page = opened(write(RunHappened([chain[0]._replace(dependencies=()), *chain[1:]]), tmp_path))
    assert page.locator("#path li").count() == 20
    assert not page.is_visible("#path li >> nth=0")
    page.click("#path summary")
    assert page.is_visible("#path li >> nth=0")
    sudden = many(1).stories[0]._replace(end=1e9)
    assert opened(write(RunHappened([sudden]), tmp_path)).locator("#bars .mark").count() == 1


def test_a_narrow_bar_between_two_of_the_path_can_be_pointed_at(tmp_path: Path, opened: Open) -> None:
    narrow, long, last = (story._replace(dependencies=()) for story in many(3).stories)
    stories = [
        narrow._replace(start=1e9 + 99.5, end=1e9 + 99.66),
        long._replace(start=1e9, end=1e9 + 99.5),
        last._replace(start=1e9 + 99.66, end=1e9 + 100, dependencies=(long.key,)),
    ]
    page = opened(write(RunHappened(stories), tmp_path))
    assert page.locator("#bars .mark.onpath").count() == 2
    page.hover("#bars .mark:not(.onpath)")
    assert page.inner_text("#tip").startswith("0 Story number 0")


def test_five_thousand_stories_can_be_used_at_once(tmp_path: Path, opened: Open) -> None:
    sessions: list[CDPSession] = []

    def measure(page: Page) -> None:
        sessions.append(page.context.new_cdp_session(page))
        # What the page's own thread works, which is the same on a busy machine.
        sessions[0].send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        metrics = sessions[0].send("Performance.getMetrics")["metrics"]
        return float({metric["name"]: metric["value"] for metric in metrics}["ThreadTime"])

    page = opened(write(many(5000), tmp_path), before=measure)
    loading = worked()
    assert loading < 2
    page.fill("#filter", "::4999")
    assert shown(page) == ["4999"]
    assert worked() - loading < 2
    page.fill("#filter", "")
    page.focus("th.outcome button")
    page.keyboard.press("Enter")
    assert shown(page)[:3] == ["0", "97", "194"]
    page.click("#s97 .fold")
    assert "a line of story 97\n" in page.inner_text("#m97")
    page.click("#graph summary")
    page.wait_for_selector("#graph .mark")
    assert page.locator("#graph .mark").count() == 5000
