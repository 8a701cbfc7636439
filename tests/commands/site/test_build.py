"""``site`` without a browser: what it writes, what it leaves, what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tagline.adapters.site.folder import STATE, DiskFolder
from tagline.cli.main import main
from tagline.commands.site.build import build
from tagline.domain.index.tables import TABLES
from tagline.domain.site.places import folder_of
from tagline.domain.site.results import Built
from tagline.errors import Conflict, WrongUsage
from tagline.ports.site import Made
from tagline.render.site.markdown import card_html
from tagline.render.site.pages import SitePages
from tests.support import indexes, sites

CHURN = "artifacts/github.com%2Facme%2Frisk/churn"


class Memory:
    """Rows that need no files."""

    generated_at = "2026-03-01T00:00:00Z"

    def __init__(self, rows: sites.Rows) -> None:
        self._rows = rows

    def rows(self) -> Mapping[str, Any]:
        return self._rows


def made(folder: Path, rows: sites.Rows, audience: str = "public", base: str = "") -> Built:
    with DiskFolder(folder).locked() as place:
        return build(Memory(rows), SitePages(base), place, audience, base)


def state_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file: when it was written, and what it says."""
    return {
        str(file.relative_to(folder)): (file.stat().st_mtime_ns, file.read_bytes())
        for file in folder.rglob("*")
        if file.is_file() and file.name != STATE
    }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("story")
    made(folder, sites.story())
    return folder


def test_site__command__reads_an_index_and_says_what_it_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "index").mkdir()
    indexes.build(tmp_path / "index", sites.story())
    line = ["site", "--index", str(tmp_path / "index"), "-o", str(tmp_path / "site"), "--json"]
    assert main(line) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["artifacts"], said["versions"], said["repositories"], said["kept"]) == (5, 11, 3, 0)
    assert said["written"] == said["files"] == len(state_of(tmp_path / "site"))
    assert main(line) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["kept"], again["written"], again["removed"]) == (5, 0, 0)


def test_site__links__are_relative_and_all_lead_somewhere(story: Path) -> None:
    count = 0
    for page in story.rglob("*.html"):
        text = page.read_text()
        assert "default-src 'self'" in text
        assert len(re.findall("<h1[ >]", text)) == 1, page
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", text), page
        for link in re.findall(r'(?:href|src)="([^"#]*)(?:#[^"]*)?"', text):
            if link and not link.startswith("https://"):
                assert (page.parent / unquote(link)).exists(), (page, link)
                count += 1
    assert count > 200


def test_site__base_url__is_what_links_between_pages_begin_with(tmp_path: Path) -> None:
    made(tmp_path, sites.story(), base="https://acme.example/models/")
    text = (tmp_path / CHURN / "index.html").read_text()
    assert 'href="https://acme.example/models/board.html"' in text
    assert 'src="../../../assets/base.js"' in text
    api = json.loads((tmp_path / "api/v1/index.json").read_text())
    assert api["artifacts"][0]["url"] == (
        "https://acme.example/models/api/v1/artifacts/github.com%252Facme%252Frisk/churn.json"
    )


def test_site__for_programs__artifact_stage_and_badge(story: Path) -> None:
    api = story / "api/v1"
    listed = json.loads((api / "index.json").read_text())["artifacts"]
    for one in listed:
        document = json.loads((api / unquote(one["url"])).read_text())
        assert (document["repository"], document["artifact"]) == (one["repository"], one["artifact"])
    prod = json.loads((api / "artifacts/github.com%2Facme%2Frisk/churn/stages/prod.json").read_text())
    assert (prod["artifact"], prod["stage"], prod["version"]) == ("churn", "prod", "v1.3.0")
    assert prod["change"] == "https://github.com/acme/risk/pull/23"
    assert prod["digest"].startswith("md5:")
    assert prod["deployed"]["state"] == "success"
    held = api / "artifacts/github.com%2Facme%2Frisk/models%2Ffraud%3Ascorer/stages/prod.badge.json"
    assert json.loads(held.read_text()) == {
        "schemaVersion": 1, "label": "models/fraud:scorer prod", "message": "v0.1.0 (held)", "color": "orange",
    }  # fmt: skip


def test_renovate__as_documented__finds_the_file_and_what_its_transformation_names(story: Path) -> None:
    text = (Path(__file__).parents[3] / "docs/page.md").read_text()
    config = json.loads(text.partition("### Renovate")[2].partition("```json")[2].partition("```")[0])
    package = re.search(config["customManagers"][0]["matchStrings"][0].replace("(?<", "(?P<"), text)
    assert package is not None
    assert package["currentValue"] == "v1.2.0"
    source = config["customDatasources"]["tagline"]
    address = source["defaultRegistryUrlTemplate"].replace("{{packageName}}", package["packageName"])
    document = json.loads((story / unquote(address.partition("/models/")[2])).read_text())
    # It names keys of the document; Renovate itself was run by hand.
    assert document["url"] == "https://github.com/acme/risk"
    assert document["stages"][config["packageRules"][0]["followTag"]]["version"] == "v1.3.0"
    assert {"version", "active", "registered_at"} <= set(document["versions"][0])
    template = re.sub(r'"[^"]*"', "", source["transformTemplates"][0])
    words = {"versions", "active", "version", "registered_at", "stages", "url", "function"}
    variables = {"$merge", "$each", "$held", "$stage", ".version"}
    assert set(re.findall(r"[$.]?\b[a-z_]+\b", template)) == words | variables
    # Handlebars reads it first: nothing in it may look like one of its words.
    assert "{{" not in source["transformTemplates"][0]


def _asks(page: str) -> dict[str, dict[str, list[str]]]:
    """The buttons of a version's page: what each says, and what its form is filled in with."""
    found = re.findall(r'<a class="button" href="([^"]*)"[^>]*>([^<]*)</a>', page)
    return {text: parse_qs(urlsplit(unescape(url)).query) for url, text in found}


def test_asks__lead_to_the_forms_of_their_own_forge__and_there_is_none_for_what_cannot_be_promoted(
    tmp_path: Path,
) -> None:
    rows = sites.empty()
    for where, forge in (("git.acme.example/ml/risk", "gitlab"), ("github.com/acme/risk", "github")):
        one = sites.Story(rows, sites.repository(rows, where, forge=forge), "churn")
        for number in range(4):
            one.registers(f"v1.{number}.0", sites.NOW - (9 - number) * sites.DAY, active=number != 2)
        one.assigns("staging", "v1.3.0", sites.NOW - 3 * sites.DAY)
        for number in (0, 1):
            one.assigns("prod", f"v1.{number}.0", sites.NOW - (2 - number) * sites.DAY)
        one.ends()
    gone = sites.Story(rows, "git.acme.example/ml/risk", "old").registers("v1.0.0", sites.NOW)
    gone.ends(deprecated=True)
    held = sites.Story(rows, "git.acme.example/ml/risk", "held").registers("v1.0.0", sites.NOW)
    held.registers("v1.1.0", sites.NOW).assigns("prod", "v1.0.0", sites.NOW, held=True).ends()
    rows["repositories"].append(
        ("git.acme.example/x", "https://evil.example/x", "gitlab", "public", "f", sites.NOW, "ok", None, "main")
    )
    sites.Story(rows, "git.acme.example/x", "churn").registers("v1.0.0", sites.NOW).assigns(
        "prod", "v1.0.0", sites.NOW
    ).ends()
    made(tmp_path, rows)

    def page(where: str, artifact: str, version: str) -> str:
        return (tmp_path / f"artifacts/{where.replace('/', '%2F')}/{artifact}/{version}.html").read_text()

    latest = page("git.acme.example/ml/risk", "churn", "v1.3.0")
    assert 'href="https://git.acme.example/ml/risk/-/pipelines/new?ref=main&amp;var' in latest
    form = {"ref": ["main"], "var[TAGLINE_PROPOSE_ARTIFACT]": ["churn"], "var[TAGLINE_PROPOSE_ACTION]": ["promote"]}
    form |= {"var[TAGLINE_PROPOSE_VERSION]": ["v1.3.0"], "var[TAGLINE_PROPOSE_STAGE]": ["prod"]}
    assert _asks(latest) == {"Ask to promote to prod": form}, "staging it holds, and nobody held that before"
    command = "tagline propose churn v1.3.0 prod --repo https://git.acme.example/ml/risk --repo-forge gitlab"
    assert f"<code>{command}</code>" in latest
    prod = _asks(page("git.acme.example/ml/risk", "churn", "v1.1.0"))
    assert list(prod) == ["Ask to promote to staging", "Ask to roll back prod"]
    back = prod["Ask to roll back prod"]
    assert [back[f"var[TAGLINE_PROPOSE_{name}]"] for name in ("ACTION", "VERSION")] == [["rollback"], ["v1.1.0"]]
    of_github = page("github.com/acme/risk", "churn", "v1.1.0")
    assert "/new/main?filename=promotions/prod/churn-rollback-v1.1.0.yaml&amp;value=" in of_github
    on_github = _asks(of_github)["Ask to roll back prod"]
    assert on_github["filename"] == ["promotions/prod/churn-rollback-v1.1.0.yaml"]
    assert on_github["value"] == ["- artifact: churn\n  rollback: true\n  from: v1.1.0\n"]
    for where, artifact, version in (
        ("git.acme.example/ml/risk", "churn", "v1.2.0"),  # withdrawn
        ("git.acme.example/ml/risk", "old", "v1.0.0"),  # deprecated
        ("git.acme.example/x", "churn", "v1.0.0"),  # another host than its name's
    ):
        text = page(where, artifact, version)
        assert not _asks(text)
        assert "Ask" not in text
    assert list(_asks(page("git.acme.example/ml/risk", "held", "v1.1.0"))) == ["Ask to promote to staging"]


def test_consumers__of_an_artifact__are_the_repositories_that_pin_it(story: Path) -> None:
    page = (story / CHURN / "index.html").read_text()
    users = page.partition('id="consumers"')[2].partition("</section>")[0]
    assert re.findall(r'<th scope="row">(.*?)</th>', users) == [
        '<a href="https://gitlab.example/ml/vision" rel="noopener noreferrer">gitlab.example/ml/vision</a>'
    ]
    assert re.search(r'<td><a href="[^"]*v1\.3\.0\.html">v1\.3\.0</a></td><td><code>churn#prod</code></td>', users)
    assert "Used by" not in (story / "artifacts/gitlab.example%2Fml%2Fvision/images/index.html").read_text()


def test_card__is_text_tables_and_harmless_links_alone(story: Path) -> None:
    card = (story / CHURN / "index.html").read_text().partition('class="card"')[2].partition("</section>")[0]
    assert "<h3>Churn</h3>" in card
    assert "<td>0.91</td>" in card
    assert '<a href="https://example.org/churn.pdf"' in card
    assert card.count("<a ") == 1
    assert "a form" in card
    assert "[image: a curve]" in card
    assert "<script" not in card
    # Of its images one is the repository's: a file beside the page, named by its content.
    (image,) = re.findall(r"<img ([^>]*)>", card)
    assert 'alt="Calibration on contracts of 2025" width="480" height="180"' in image
    (file,) = (story / CHURN / "images").iterdir()
    assert file.read_bytes() == sites.picture()
    assert f'src="../../../artifacts/github.com%252Facme%252Frisk/churn/images/{file.name}"' in image
    page = (story / CHURN / "index.html").read_text()
    assert "<dt>Intended use</dt><dd>Ranks customers for a call.</dd>" in page


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/o/r/new/main?filename=x", "https://github.com/o/r/%6Eew/main", "https://github.com/o/r/n%2565w/main",
        "https://github.com/o/r/New/main", "https://gitlab.com/o/r/-/pipelines/ne%77", "https://github.com/o/r/blob/x%3Fa=b",
        "//github.com/o/r", "javascript:alert(1)", "data:text/html,x", "https://u@github.com/o", "HTTPS://github.com/o/r/edit/x",
    ],
)  # fmt: skip
def test_card__link_that_asks_for_something__is_text(address: str) -> None:
    assert "<a " not in card_html(f"[x](<{address}>) [y][z] <{address}>\n\n[z]: <{address}>")


def test_rebuild__one_change__writes_what_shows_it_and_no_more(tmp_path: Path) -> None:
    made(tmp_path, sites.story())
    before = state_of(tmp_path)
    rows = sites.story()
    rows["artifacts"] = [(*row[:7], "new-owner", *row[8:]) if row[2] == "images" else row for row in rows["artifacts"]]
    built = made(tmp_path, rows)
    after = state_of(tmp_path)
    assert built.kept == 4
    changed = {name for name in after if before.get(name) != after[name]}
    assert {name for name in changed if not name.startswith("data/")} == {
        "index.html", "board.html", "log.html", "compare.html", "repositories.html",
        "artifacts/gitlab.example%2Fml%2Fvision/images/index.html",
        "api/v1/artifacts/gitlab.example%2Fml%2Fvision/images.json",
    }  # fmt: skip
    assert built.written == len(changed)


def test_rebuild__what_is_gone__is_taken_away_with_its_folder(tmp_path: Path) -> None:
    made(tmp_path, sites.story())
    (tmp_path / "CNAME").write_text("models.example\n")
    rows = {
        table: [row for row in rows if row[0] != "gitlab.example/ml/vision"] for table, rows in sites.story().items()
    }
    assert made(tmp_path, rows).removed >= 8
    assert not (tmp_path / "artifacts/gitlab.example%2Fml%2Fvision").exists()
    assert (tmp_path / "CNAME").exists()


def test_site__name_that_is_what_another_one_becomes__has_pages_of_its_own(tmp_path: Path) -> None:
    long = "x" * 300
    names = ["", "~", "%7E", long, folder_of("r", long).rpartition("/")[2]]
    rows = sites.empty()
    where = sites.repository(rows)
    for name in names:
        sites.Story(rows, where, name).registers("v1.0.0", sites.NOW).assigns("prod", "v1.0.0", sites.NOW).ends()
    made(tmp_path, rows)
    documents = [json.loads(file.read_text()) for file in tmp_path.glob("api/v1/artifacts/*/*.json")]
    assert sorted(one["artifact"] for one in documents) == sorted(names)
    assert len(list(tmp_path.glob("artifacts/*/*/v1.0.0.html"))) == len(names)


def test_site__somebody_elses_folder__is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(WrongUsage, match=r"index\.html"):
        made(tmp_path, sites.story())
    assert [file.name for file in tmp_path.iterdir()] == ["index.html"]


def test_site__state_that_names_files_outside__deletes_none(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    site = tmp_path / "site"
    made(site, sites.story())
    state = json.loads((site / STATE).read_text())
    state["others"] |= {"../kept": 4, str(tmp_path / "kept"): 4}
    (site / STATE).write_text(json.dumps(state))
    made(site, sites.story())
    assert (tmp_path / "kept").exists()


def test_site__another_run__is_waited_for(tmp_path: Path) -> None:
    with DiskFolder(tmp_path).locked(), pytest.raises(Conflict), DiskFolder(tmp_path, wait=0.2).locked():
        pass


@pytest.mark.parametrize(
    ("audience", "visibility", "shown"),
    [
        ("public", "public", True),
        ("public", "internal", False),
        ("public", "unknown", False),
        ("internal", "internal", True),
        ("internal", "private", False),
        ("private", "private", True),
        ("private", "unknown", True),
    ],
)
def test_audience__less_visible_rows__are_refused(tmp_path: Path, audience: str, visibility: str, shown: bool) -> None:
    rows = sites.empty()
    where = sites.repository(rows, "github.com/acme/secret", visibility=visibility)
    sites.Story(rows, where, "churn").registers("v1.0.0", sites.NOW).ends()
    if shown:
        assert made(tmp_path, rows, audience).artifacts == 1
        return
    with pytest.raises(WrongUsage, match="secret") as refused:
        made(tmp_path, rows, audience)
    assert "--audience" in refused.value.hint
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_audience__row_of_any_table__is_refused_by_its_own_visibility(tmp_path: Path) -> None:
    for table in sites.story():
        rows = sites.story()
        at = TABLES[table].names.index("visibility")
        if not rows[table]:
            continue
        row = list(rows[table][-1])
        row[at] = "private"
        rows[table][-1] = tuple(row)
        with pytest.raises(WrongUsage, match="is private"):
            made(tmp_path, rows)


def test_site__addresses_of_people__are_nowhere(tmp_path: Path) -> None:
    rows = sites.empty()
    where = sites.repository(rows)
    one = sites.Story(rows, where, "churn", owner="ann.lee@acme.example", description="Ask bo@acme.example, not us.")
    one.registers("v1.0.0", sites.NOW, by="cy@acme.example", approved=["dana@acme.example"]).ends()
    made(tmp_path, rows)
    texts = [file.read_text() for file in tmp_path.rglob("*") if file.suffix in (".html", ".json", ".js")]
    assert not [text for text in texts if "@acme" in text]
    assert any("churn@v1.0.0" in text for text in texts)


_KILLED = """
import sys
from pathlib import Path
from tagline.adapters.site.folder import DiskFolder
from tests.commands.site.test_build import Memory
from tests.support import sites
from tagline.commands.site.build import build
from tagline.render.site.pages import SitePages
import os, pathlib
left = int(sys.argv[2])
real = pathlib.Path.replace
def counted(self, target):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), 9)
    return real(self, target)
pathlib.Path.replace = counted
rows = sites.story()
rows["artifacts"] = [(*row[:7], "somebody", *row[8:]) for row in rows["artifacts"]]
with DiskFolder(Path(sys.argv[1])).locked() as folder:
    build(Memory(rows), SitePages(), folder, "public", "")
"""


@pytest.mark.parametrize("after", [0, 3, 12])
def test_killed__at_any_rename__leaves_whole_pages_and_the_next_run_finishes(tmp_path: Path, after: int) -> None:
    made(tmp_path, sites.story())
    done = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path), str(after)], check=False, capture_output=True)
    assert done.returncode == -9, done.stderr
    for page in tmp_path.glob("*.html"):
        text = page.read_text()
        assert text.endswith("</html>"), page
        for script in re.findall(r'src="([^"]*)"', text):
            assert (tmp_path / unquote(script)).exists(), script
    rows = sites.story()
    rows["artifacts"] = [(*row[:7], "somebody", *row[8:]) for row in rows["artifacts"]]
    made(tmp_path, rows)
    clean = tmp_path.with_name("clean")
    made(clean, rows)
    assert {name: text for name, (_, text) in state_of(tmp_path).items()} == {
        name: text for name, (_, text) in state_of(clean).items()
    }


def test_there__file_of_another_size__is_made_again(tmp_path: Path) -> None:
    made(tmp_path, sites.story())
    (tmp_path / CHURN / "index.html").write_text("broken")
    assert made(tmp_path, sites.story()).kept == 4
    assert "churn" in (tmp_path / CHURN / "index.html").read_text()


def test_before__unreadable_state__is_none(tmp_path: Path) -> None:
    (tmp_path / STATE).write_text("{")
    assert DiskFolder(tmp_path).before() == Made()


def test_build__two_hundred_artifacts__is_quick(tmp_path: Path) -> None:
    rows = sites.many(200, 10)
    begin = time.monotonic()
    made(tmp_path, rows)
    assert time.monotonic() - begin < 30
