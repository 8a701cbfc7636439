"""The site in a real Chromium: what people do with it, what it never does, how it looks to a screen reader."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tagline.cli.main import main
from tagline.domain.index.tables import TABLES, Column
from tagline.domain.text.times import parse_time
from tests.support import indexes, sites
from tests.support.pages import Watched, chromium, served

pytestmark = pytest.mark.e2e

CHURN = "artifacts/github.com%252Facme%252Frisk/churn/"
PAGES = {
    "index": "index.html",
    "board": "board.html",
    "log": "log.html",
    "compare": "compare.html",
    "repositories": "repositories.html",
    "artifact": f"{CHURN}index.html",
    "version": f"{CHURN}v1.4.0.html",
}


def made(folder: Path, rows: sites.Rows, *more: str) -> Path:
    """A site of these rows."""
    index = folder / "index"
    index.mkdir()
    indexes.build(index, rows)
    assert main(["site", "--index", str(index), "-o", str(folder / "site"), *more]) == 0
    return folder / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site below another folder, as forges publish it."""
    return made(tmp_path_factory.mktemp("sub"), sites.story())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("hostile"), sites.hostile())


@pytest.fixture(scope="module")
def web(story: Path) -> Iterator[str]:
    with served(story.parent) as root:
        yield f"{root}{story.name}/"


@pytest.fixture
def page(browser: Any, web: str) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    watched = Watched(context.new_page(), web)
    yield watched
    context.close()
    assert watched.wrongs == []


def shows(page: Any, table: str, rows: int) -> None:
    """Wait until a table has so many rows."""
    from playwright.sync_api import expect

    expect(page.locator(f"{table} tbody tr")).to_have_count(rows)


def cells(page: Any, table: str) -> list[list[str]]:
    """The texts of a table's cells, by rows."""
    rows = page.locator(f"{table} tbody tr").all()
    return [row.locator("td").all_inner_texts() for row in rows]


def names(page: Any) -> list[str]:
    """The artifacts that the first page lists."""
    return [one.split("\n")[0] for one in page.locator("#hits tbody th").all_inner_texts()]


def test_first_page__search_filter_sort_open_back(page: Watched) -> None:
    it = page.open("index.html")
    assert names(it) == ["churn", "models/fraud:scorer", "detector", "images"]
    search = it.get_by_role("searchbox", name="Search")
    search.fill("metric:accuracy>0.9 stage:prod")
    shows(it, "#hits", 1)
    assert names(it) == ["churn"]
    # The newest version that holds prod, not the newest.
    assert it.locator("#hits tbody tr").first.get_by_role("link", name="v1.3.0").is_visible()
    assert "github.com/acme/risk" in it.locator("#hits tbody tr").first.inner_text()
    search.fill("")
    it.get_by_label("Type").select_option("dataset")
    assert names(it) == ["images"]
    it.get_by_label("Type").select_option("")
    it.get_by_label("Sort").select_option("changed")
    it.wait_for_selector("#hits tbody tr:first-child th:has-text('detector')")
    it.get_by_role("link", name="churn", exact=True).first.click()
    assert it.locator("h1").inner_text() == "churn"
    it.go_back()
    # What was chosen is still chosen.
    assert it.get_by_label("Sort").input_value() == "changed"
    assert names(it)[0] == "detector"


def test_first_page__by_keyboard_alone__is_searched_filtered_and_left(page: Watched) -> None:
    from playwright.sync_api import expect

    it = page.open("index.html")
    it.keyboard.press("/")
    it.keyboard.type("stage:prod")
    shows(it, "#hits", 2)
    # Sort is three fields further; the arrow chooses.
    for key in ("Tab", "Tab", "Tab", "ArrowDown"):
        it.keyboard.press(key)
    assert it.get_by_label("Sort").input_value() == "changed"
    # The first stop of every page leads past the menu, and leaves what was asked as it is.
    it.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges()")
    skip = it.get_by_role("link", name="Skip to the content")
    skip.focus()
    expect(skip).to_be_in_viewport()
    it.keyboard.press("Enter")
    expect(it.locator("main")).to_be_focused()
    assert it.get_by_role("searchbox", name="Search").input_value() == "stage:prod"
    assert "q=stage%3Aprod" in it.url
    for _ in range(20):
        it.keyboard.press("Tab")
        if it.evaluate("document.activeElement.closest('#hits') !== null"):
            break
    it.keyboard.press("Enter")
    expect(it.locator("h1")).to_have_text("models/fraud:scorer")


def test_search__as_of_a_date__shows_what_was_held_then(page: Watched) -> None:
    it = page.open("index.html#q=stage%3Aprod%20as-of%3A2026-02-01")
    shows(it, "#hits", 2)
    assert [row[2] for row in cells(it, "#hits")] == ["v1.2.0", "v0.1.0"]
    # Not what they hold now.
    assert [row[3] for row in cells(it, "#hits")] == ["staging v1.2.0prod v1.2.0", "prod v0.1.0"]


def test_search__what_cannot_be_meant__says_so_with_a_proposal(page: Watched) -> None:
    it = page.open("index.html#q=stge%3Aprod")
    assert "Did you mean 'stage'?" in it.get_by_role("alert").inner_text()
    it.get_by_role("searchbox", name="Search").fill("chrun")
    shows(it, "#hits", 1)
    assert names(it) == ["churn"]
    assert "close" in it.locator("#count").inner_text()


def test_search__vectors_of_the_command_line__are_read_and_answered_alike(browser: Any, tmp_path: Path) -> None:
    vectors = json.loads((Path(__file__).parents[2] / "schemas/search/vectors.json").read_text())
    rows = {
        name: [tuple(_cell(column, row.get(column.name)) for column in TABLES[name].columns) for row in found]
        for name, found in vectors["data"].items()
    }
    site = made(tmp_path, rows, "--audience", "private")
    context = browser.new_context()
    it = Watched(context.new_page(), f"{site.as_uri()}/").open("index.html")
    queries = [one["query"] for one in vectors["searches"]]
    found = it.evaluate(_ASK, queries)
    wrong = [
        (vector["query"], name, told[name], vector[name])
        for vector, told in zip(vectors["searches"], found, strict=True)
        for name in ("tree", "found", "all")
        if told.get(name) != vector[name]
    ]
    assert wrong == []
    mistakes = it.evaluate(_ASK, [one["query"] for one in vectors["mistakes"]])
    assert [(one["code"], one["place"]) for one in mistakes] == [
        (one["code"], one["place"]) for one in vectors["mistakes"]
    ]
    context.close()


_ASK = """async (queries) => {
  const told = async (query, every) => (await tagline.find(query, {every})).hits
    .map((hit) => `${hit.one.repository.name.split('/').pop()} ${hit.one.name}@${hit.version}`);
  const answers = [];
  for (const query of queries) {
    try {
      const tree = tagline.query.tree(query);
      let found = (await tagline.find(query, {}));
      found = (found.note ? [] : found.hits.filter((hit) => hit.version).sort((a, b) => a.one.number - b.one.number))
        .map((hit) => `${hit.one.repository.name.split('/').pop()} ${hit.one.name}@${hit.version}`);
      answers.push({tree, found, all: await told(query, true)});
    } catch (error) { answers.push({code: error.code, place: error.place, message: String(error)}); }
  }
  return answers;
}"""


def _cell(column: Column, value: Any) -> Any:
    """A cell of the vectors as rows have it."""
    if value is None:
        return None
    if column.kind.startswith("TIMESTAMP"):
        return parse_time(value)
    return float(value) if column.kind == "DOUBLE" else value


def test_artifact__charts_timeline_and_two_versions__lead_to_a_comparison(page: Watched) -> None:
    it = page.open(PAGES["artifact"])
    assert it.locator("#charts canvas").count() == 3
    assert it.locator("#timeline rect").count() == 8
    # The card's picture is drawn under the page's own policy, once one comes to it.
    it.locator(".card img").scroll_into_view_if_needed()
    it.wait_for_function("document.querySelector('.card img').naturalWidth === 480")
    it.get_by_role("checkbox", name="Compare v1.4.0").check()
    it.get_by_role("checkbox", name="Compare v1.1.0").check()
    it.get_by_role("button", name="Compare two").click()
    it.wait_for_selector("#result table")
    assert it.locator("h1").inner_text() == "churn v1.1.0 and churn v1.4.0"
    row = it.locator("#result tr", has_text="accuracy").first
    assert row.locator("td").all_inner_texts() == ["0.88", "0.93", "+0.05"]
    # The address alone says it all.
    address = it.url
    it.goto("about:blank")
    it.goto(address)
    it.wait_for_selector("#result table")
    assert it.locator("h1").inner_text() == "churn v1.1.0 and churn v1.4.0"


def test_version__lineage_is_drawn_and_promotion_is_asked_of_the_forge(page: Watched) -> None:
    it = page.open(PAGES["version"])
    assert it.locator("#graph g.node").count() == 7
    assert it.locator("#graph g.own text").text_content().startswith("churn v1.4.0")
    code = it.get_by_role("link", name="src/train.py").get_attribute("href")
    assert code.startswith("https://github.com/acme/risk/blob/0000")
    assert it.get_by_role("link", name="data/features.parquet").count() == 0
    link = it.get_by_role("link", name="Ask to promote to prod").get_attribute("href")
    assert link.startswith("https://github.com/acme/risk/new/main?filename=promotions/prod/churn-v1.4.0.yaml&value=")
    asked = parse_qs(urlsplit(link).query)
    assert asked["filename"] == ["promotions/prod/churn-v1.4.0.yaml"]
    assert asked["value"] == ["- artifact: churn\n  version: v1.4.0\n"]
    board = page.open("board.html")
    assert (
        board.locator("tr", has_text="churn").get_by_role("link", name="promote v1.4.0").get_attribute("href") == link
    )


def test_board__asks_what_the_pages_of_versions_ask(page: Watched, story: Path) -> None:
    it = page.open("board.html")
    asked = {link.get_attribute("href") for link in it.locator("#board a.ask").all()}
    buttons = {
        unescape(url)
        for file in story.rglob("*.html")
        for url in re.findall(r'<a class="button" href="([^"]*)"', file.read_text())
    }
    assert asked <= buttons
    assert any("/-/pipelines/new?ref=" in url for url in asked)
    assert any("rollback" in url for url in asked)


def test_board__stages_in_order_with_what_is_held_and_reported(page: Watched) -> None:
    it = page.open("board.html")
    assert it.locator("#board thead th").all_inner_texts() == ["Artifact", "Latest", "dev", "staging", "prod"]
    assert "failure v1.3.0" in it.locator("tr", has_text="churn").inner_text()
    it.get_by_label("Show").select_option("held")
    assert it.locator("#board tbody th a").all_inner_texts() == ["models/fraud:scorer"]


def test_log__person_stage_and_time__filter(page: Watched) -> None:
    it = page.open("log.html#stage=prod&person=bo")
    it.wait_for_selector("#log tbody tr")
    assert it.locator("#log tbody tr").count() == 6
    it.get_by_label("From").fill("2026-02-10")
    shows(it, "#log", 2)
    assert "from=2026-02-10" in it.url
    it.get_by_label("From").fill("")
    it.get_by_label("Person").fill("eli")
    # Eli tagged nothing: he approved.
    shows(it, "#log", 3)
    assert {row[3] for row in cells(it, "#log")} == {"Bo Chen"}
    assert {row[2] for row in cells(it, "#log")} == {"dana, eli"}


def test_every_page__from_a_file__works_without_a_server(browser: Any, story: Path) -> None:
    context = browser.new_context()
    watched = Watched(context.new_page(), f"{story.as_uri()}/")
    for name, path in PAGES.items():
        it = watched.open(path)
        assert it.locator("h1").count() == 1, name
    watched.open("index.html").get_by_role("searchbox", name="Search").fill("param:train.depth=6")
    shows(watched.page, "#hits", 1)
    assert watched.wrongs == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page__axe__finds_nothing(browser: Any, web: str, scheme: str) -> None:
    for width in (1440, 360):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
        watched = Watched(context.new_page(), web)
        for name, path in PAGES.items():
            it = watched.open(path)
            it.wait_for_load_state("networkidle")
            assert watched.axe() == [], (name, width)
            assert it.evaluate("document.documentElement.scrollWidth") <= width, name
            if name in ("index", "board", "log", "repositories"):
                # Whoever reads on a phone sees every column without scrolling sideways, and a table all the same.
                assert it.evaluate(
                    "[...document.querySelectorAll('.scroll')].every(one => one.scrollWidth <= one.clientWidth)"
                )
                assert it.get_by_role("table").first.get_by_role("columnheader").count() > 3
        context.close()
        assert watched.wrongs == []


def test_hostile_content__on_every_page__executes_nothing_and_breaks_no_layout(browser: Any, hostile: Path) -> None:
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    watched = Watched(context.new_page(), f"{hostile.as_uri()}/")
    found = sorted(hostile.glob("artifacts/*/*/*.html"))
    assert len(found) == 3
    pages = [hostile / f"{name}.html" for name in ("index", "board", "log", "compare", "repositories")] + found
    for place in pages:
        it = watched.page
        it.goto(place.as_uri())
        it.wait_for_timeout(150)
        assert it.evaluate("window.harmed === undefined && document.body.offsetHeight > 200"), place
        assert it.evaluate("document.documentElement.scrollWidth") <= 1000, place
        links = it.eval_on_selector_all("a", "all => all.map(one => one.href)")
        assert all(link.startswith((hostile.as_uri(), "https://github.com/")) for link in links), place
        foreign = "main script, main style, main img, main iframe, main object, [style]:not(.uplot *)"
        assert it.locator(foreign).count() == 0, place
    assert watched.wrongs == []
    context.close()


def test_links__of_odd_names__lead_somewhere(browser: Any, tmp_path: Path) -> None:
    rows = sites.empty()
    where = sites.repository(rows)
    names = ["", ".", "..", "index", "stages", "a/b", "a%2Fb", "~", "x.json", "é", "a\\b", "?q#f", "x" * 300]
    for name in names:
        one = sites.Story(rows, where, name).registers("v1.0.0", sites.NOW).registers(f"v2.0.0-{'a' * 200}", sites.NOW)
        one.assigns("index", "v1.0.0", sites.NOW).ends()
    site = made(tmp_path, rows)
    with served(site) as root:
        context = browser.new_context()
        watched = Watched(context.new_page(), root)
        it = watched.open("index.html")
        shows(it, "#hits", len(names))
        found = it.locator("#hits tbody a").evaluate_all("(all) => all.map((one) => one.href)")
        board = watched.open("board.html").locator("#board tbody a:not(.ask)")
        found += board.evaluate_all("(all) => all.map((one) => one.href)")
        answers = it.evaluate("(all) => Promise.all(all.map((one) => fetch(one).then((got) => got.status)))", found)
        assert len({*found}) >= 2 * len(names)
        assert [url for url, status in zip(found, answers, strict=True) if status != 200 or "//" in url[8:]] == []
        context.close()
    assert watched.wrongs == []


def test_names__that_are_javascripts_own__are_names_as_any(browser: Any, tmp_path: Path) -> None:
    own = ("__proto__", "constructor", "toString", "valueOf")
    rows = sites.empty()
    where = sites.repository(rows)
    one = sites.Story(rows, where, "constructor", type="valueOf")
    for number, version in enumerate(("v1.0.0", "v1.1.0")):
        one.registers(
            version, sites.NOW + number, metrics=dict.fromkeys(own, float(number)), params=dict.fromkeys(own, "x")
        )
        one.assigns("toString", version, sites.NOW + number)
    one.ends()
    site = made(tmp_path, rows)
    context = browser.new_context()
    watched = Watched(context.new_page(), f"{site.as_uri()}/")
    it = watched.open("index.html#q=__proto__&type=constructor&stage=hasOwnProperty&sort=constructor")
    shows(it, "#hits", 0)
    it = watched.open("log.html#stage=toString")
    shows(it, "#log", 2)
    it = watched.open("board.html")
    assert it.locator("#board thead th").all_inner_texts()[-1].lower() == "tostring"
    sides = (json.dumps([where, "constructor", version]) for version in ("v1.0.0", "v1.1.0"))
    it = watched.open(
        "compare.html#" + "&".join(f"{side}={quote(text)}" for side, text in zip("ab", sides, strict=True))
    )
    it.wait_for_selector("#result table")
    shown = it.locator("#result section").first.locator("tbody th").all_inner_texts()
    assert sorted(shown) == sorted(own)
    it.locator("#a-artifact").fill("hasOwnProperty")
    it.locator("#a-artifact").press("Enter")
    assert it.locator("#a-version").inner_text() == "no such artifact"
    assert it.evaluate("[0, 1].every((key) => !(key in {}) && !(key in Object))")
    context.close()
    assert watched.wrongs == []
