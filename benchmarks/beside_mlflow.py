"""Tagline's page beside MLflow's UI: ``python -m benchmarks.beside_mlflow [FOLDER]``.

The same models in both: an index and a site on one side, a real ``mlflow server`` on the other. A real Chromium answers
questions of a manager, a data scientist and an auditor in each, by the shortest way that we found, from the first page
on; it counts clicks and filled fields, and ends only where the answer stands on the screen. MLflow gets what Tagline's
own bridge tells it (aliases, tags with the change), and beside that who approved and since when, as tags that a careful
team would write by hand. FOLDER gets the pictures of docs/compare.md and docs/page.md.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tagline.cli.main import main as tagline
from tests.support import indexes, mlflowserver, sites
from tests.support.pages import chromium


class Hand:
    """A person's hand on one page: each click and each field filled in counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def click(self, what: Locator) -> None:
        """One click."""
        what.first.click()
        self.count += 1

    def fill(self, what: Locator, text: str) -> None:
        """One field: to go into it and type."""
        what.first.fill(text)
        self.count += 1

    def sees(self, *texts: str | re.Pattern[str]) -> None:
        """What the answer says stands on the page; who only looks clicks nothing."""
        for text in texts:
            expect(self.page.get_by_text(text).first).to_be_visible(timeout=20_000)


Way = Callable[[Hand], None]


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


# -- the same models on both sides -------------------------------------------------------------------


def site(folder: Path, rows: sites.Rows) -> Path:
    """Ours."""
    (folder / "index").mkdir()
    indexes.build(folder / "index", rows)
    if tagline(["site", "--index", str(folder / "index"), "-o", str(folder / "site")]):
        raise SystemExit(1)
    return folder / "site"


def into_mlflow(server: mlflowserver.MlflowServer, rows: sites.Rows) -> None:
    """Theirs: an experiment a model, a run a version, aliases for stages, tags for what was decided."""
    post = server.client.post
    numbers: dict[tuple[str, str], str] = {}
    for artifact in rows["artifacts"]:
        name, kind = artifact[2], artifact[3]
        if kind != "model":
            continue
        experiment = post("experiments/create", {"name": _plain(name)})["experiment_id"]
        model = _plain(name)
        post("registered-models/create", {"name": model, "description": artifact[5] or ""})
        for version in (row for row in rows["versions"] if row[2] == name):
            metrics = {row[4]: row[5] for row in rows["metrics"] if row[2:4] == (name, version[3])}
            params = {row[4]: row[5] for row in rows["params"] if row[2:4] == (name, version[3])}
            data = [row for row in rows["inputs"] if row[2:5] == (name, version[3], "data")]
            sets = tuple(
                {"name": row[6], "digest": row[7][4:12], "source_type": "http", "source": f'{{"url": "{row[9]}"}}'}
                for row in data
            )
            run = server.run(metrics, params, experiment, sets)
            post("runs/set-tag", {"run_id": run, "key": "mlflow.runName", "value": version[3]})
            numbers[name, version[3]] = number = server.version(model, run)
            _tags(server, model, number, {"version": version[3], "tagline.change": version[12] or ""})
    for _, _, name, stage, version, *_ in rows["stages"]:
        if (name, version) in numbers:
            body = {"name": _plain(name), "alias": stage, "version": numbers[name, version]}
            post("registered-models/alias", body)
    for _, _, name, stage, version, since, _, change, approved in sorted(rows["holds"], key=lambda row: row[5]):
        if (name, version) in numbers:
            told = {"since": _day(since), "approved_by": ", ".join(approved or ()), "change": change or ""}
            said = {f"{stage}.{key}": value for key, value in told.items() if value}
            _tags(server, _plain(name), numbers[name, version], said)


def _tags(server: mlflowserver.MlflowServer, model: str, version: str, tags: dict[str, str]) -> None:
    for key, value in tags.items():
        server.client.post("model-versions/set-tag", {"name": model, "version": version, "key": key, "value": value})


def _plain(name: str) -> str:
    """MLflow's names have neither slash nor colon."""
    return name.rpartition(":")[2]


# -- the ways, each from the first page on -----------------------------------------------------------

QUARTER = ("2025-12-01", "2026-02-28")
#: All promotions to prod in that quarter, and who approved: one who asks wants them all.
PROMOTIONS = sorted(
    (row[2], row[4], _day(row[5]), ", ".join(row[8] or ()))
    for row in sites.story()["holds"]
    if row[3] == "prod" and QUARTER[0] <= _day(row[5]) <= QUARTER[1]
)


def our_prod(hand: Hand) -> None:
    """The first page says it."""
    rows = hand.page.locator("#hits tbody tr")
    expect(rows.filter(has_text="churn")).to_contain_text("prod v1.3.0")
    expect(rows.filter(has_text="scorer")).to_contain_text("prod v0.1.0 held")


def their_prod(hand: Hand) -> None:
    """The list of models; of a model with several aliases the others unfold."""
    hand.click(hand.page.get_by_role("link", name="Model registry"))
    hand.click(hand.page.get_by_text("+1"))
    expect(hand.page.get_by_role("menuitem", name="prod : Version 4")).to_be_visible()


def our_since(hand: Hand) -> None:
    """The artifact's first table."""
    hand.click(hand.page.locator("#hits").get_by_role("link", name="churn", exact=True))
    expect(hand.page.locator("tr", has_text="prod").first).to_contain_text(
        re.compile("v1.3.0.*2026-02-09.*dana, eli", re.DOTALL)
    )


def their_since(hand: Hand) -> None:
    """The model's page, by tags."""
    hand.click(hand.page.get_by_role("link", name="Model registry"))
    hand.click(hand.page.get_by_role("link", name="churn", exact=True))
    hand.sees("prod.since", "2026-02-09", "dana, eli")


def our_best(hand: Hand) -> None:
    """The chart and the table of metrics."""
    hand.click(hand.page.locator("#hits").get_by_role("link", name="churn", exact=True))
    expect(hand.page.locator("#metrics-table tbody tr").first).to_contain_text(re.compile("v1.4.0.*0.93", re.DOTALL))


def their_best(hand: Hand) -> None:
    """The runs by accuracy."""
    hand.click(hand.page.get_by_role("link", name="churn", exact=True))
    hand.click(hand.page.get_by_text("Sort: Created"))
    hand.click(hand.page.get_by_text("accuracy", exact=True))
    hand.sees("Sort: accuracy", "0.93")


def our_data(hand: Hand) -> None:
    """The version's lineage."""
    hand.click(hand.page.locator("#hits").get_by_role("link", name="v1.4.0"))
    expect(hand.page.locator("#inputs tbody tr").first).to_contain_text("data/raw.csv")


def their_data(hand: Hand) -> None:
    """The list of runs has a column of data sets."""
    hand.click(hand.page.get_by_role("link", name="churn", exact=True))
    hand.sees(re.compile(r"data/raw.csv \(74d34759\)"))


def our_pair(hand: Hand) -> None:
    """Two ticks and a button."""
    hand.click(hand.page.locator("#hits").get_by_role("link", name="churn", exact=True))
    hand.click(hand.page.get_by_role("checkbox", name="Compare v1.4.0"))
    hand.click(hand.page.get_by_role("checkbox", name="Compare v1.3.0"))
    hand.click(hand.page.get_by_role("button", name="Compare two"))
    expect(hand.page.locator("#result tr", has_text="accuracy")).to_contain_text("+0.025")


def their_pair(hand: Hand) -> None:
    """The same, among runs."""
    hand.click(hand.page.get_by_role("link", name="churn", exact=True))
    hand.sees("v1.4.0")
    for version in ("v1.4.0", "v1.3.0"):
        row = hand.page.get_by_role("row").filter(has_text=version)
        hand.click(row.get_by_role("checkbox", name="Press Space to toggle row selection"))
    hand.click(hand.page.get_by_role("button", name="Compare", exact=True))
    hand.sees("Comparing 2 Runs", "0.905")


def our_approvals(hand: Hand) -> None:
    """The log, filtered."""
    hand.click(hand.page.get_by_role("link", name="Log", exact=True))
    hand.fill(hand.page.get_by_label("From"), QUARTER[0])
    hand.fill(hand.page.get_by_label("Until"), QUARTER[1])
    hand.page.get_by_label("Stage").select_option("prod")
    hand.count += 1
    expect(hand.page.locator("#log tbody tr")).to_have_count(len(PROMOTIONS))
    for name, version, day, who in PROMOTIONS:
        row = hand.page.locator("#log tbody tr", has_text=day)
        expect(row).to_contain_text(re.compile(f"{re.escape(name)}.*{version}.*{who}", re.DOTALL))


def their_approvals(hand: Hand) -> None:
    """Every model's page, for the tags of its versions; of a stage held twice they tell the last time."""
    hand.click(hand.page.get_by_role("link", name="Model registry"))
    found: set[str] = set()
    names = ("churn", "detector", "old-model", "scorer")
    for number, name in enumerate(names):
        hand.click(hand.page.get_by_role("link", name=name, exact=True))
        hand.sees("Registered at")
        hand.page.wait_for_timeout(1_500)
        text = hand.page.locator("body").inner_text()
        found |= {f"{name} {day}" for day in re.findall(r"prod\.since\s*:?\s*(\d{4}-\d\d-\d\d)", text)}
        if number < len(names) - 1:
            hand.click(hand.page.get_by_role("link", name="Registered Models"))
    wanted = {f"{_plain(name)} {day}" for name, _, day, _ in PROMOTIONS}
    raise LookupError(f"{len(found & wanted)} of {len(wanted)} promotions")


def our_then(hand: Hand) -> None:
    """A search."""
    hand.fill(hand.page.get_by_role("searchbox", name="Search"), "stage:prod as-of:2026-02-01")
    rows = hand.page.locator("#hits tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("v1.2.0")
    expect(rows.nth(1)).to_contain_text("v0.1.0")


def their_then(hand: Hand) -> None:
    """From the same tags: of scorer they say a later day, so that nothing seems to have been in prod."""
    try:
        their_approvals(hand)
    except LookupError:
        raise LookupError("1 of 2 models") from None


QUESTIONS: tuple[tuple[str, str, Way, Way], ...] = (
    ("manager", "What is in prod, everywhere?", our_prod, their_prod),
    ("manager", "Since when is this churn in prod, and who approved?", our_since, their_since),
    ("data scientist", "Which churn has the best accuracy?", our_best, their_best),
    ("data scientist", "Which data was it trained on?", our_data, their_data),
    ("data scientist", "What differs between it and the one in prod?", our_pair, their_pair),
    ("auditor", "Who approved each promotion to prod last quarter?", our_approvals, their_approvals),
    ("auditor", "What was in prod on 1 February?", our_then, their_then),
)
#: Pictures: a question, whose page, its name.
PICTURES = {
    (our_since, "compare-artifact"), (their_since, "compare-mlflow-model"), (our_approvals, "compare-log"),
    (their_best, "compare-mlflow-runs"),
}  # fmt: skip


def asked(page: Page, first: str, way: Way, pictures: Path | None) -> str:
    """How many clicks an answer took."""
    page.goto("about:blank")
    page.goto(first)
    hand = Hand(page)
    try:
        way(hand)
        answer = str(hand.count)
    except LookupError as lack:
        answer = f"not all: {lack}, {hand.count}"
    name = next((name for one, name in PICTURES if one is way), None)
    if pictures is not None and name is not None:
        page.wait_for_timeout(800)
        picture(page, pictures / f"{name}.png")
    return answer


def picture(page: Page, file: Path) -> None:
    """A small picture of what stands on the screen."""
    from PIL import Image

    page.screenshot(path=file)
    with Image.open(file) as whole:
        whole.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(file, optimize=True)


def _alone(browser: Any, ours: str, pictures: Path) -> None:
    """The page on a desk and on a phone, for docs/page.md."""
    for width, height, scheme in ((1440, 860, "light"), (360, 740, "dark")):
        page = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
        page.goto(ours)
        page.locator("#hits tbody tr").first.wait_for()
        picture(page, pictures / f"page-{width}.png")


#: One who uses MLflow daily has chosen a kind of work and closed what greets newcomers.
_SETTLED = """
localStorage.setItem('mlflow.workflowType_v1', '"machine_learning"');
localStorage.setItem('mlflow.assistant.panelOpen_v1', 'false');
localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true');
"""


def main() -> None:
    """Ask, and print a table."""
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    rows = sites.story()
    with tempfile.TemporaryDirectory() as folder, mlflowserver.running() as server, chromium() as browser:
        ours = f"{site(Path(folder), rows).as_uri()}/index.html"
        into_mlflow(server, rows)
        size: Any = {"width": 1440, "height": 860}
        our_page = browser.new_context(viewport=size).new_page()
        context = browser.new_context(viewport=size)
        context.add_init_script(_SETTLED)
        their_page = context.new_page()
        their_page.goto(f"{server.url}/#/models")
        their_page.get_by_role("dialog").get_by_role("button", name="Close").click()
        print("| Who | Question | Tagline's page | MLflow's UI |\n| --- | --- | --- | --- |")
        for who, question, our_way, their_way in QUESTIONS:
            mine = asked(our_page, ours, our_way, pictures)
            theirs = asked(their_page, f"{server.url}/", their_way, pictures)
            print(f"| {who} | {question} | {mine} | {theirs} |", flush=True)
        if pictures is not None:
            _alone(browser, ours, pictures)


if __name__ == "__main__":
    main()
