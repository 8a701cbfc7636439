"""Pictures of the comment as both forges show it: ``python -m tests.pictures [DIR]``; without DIR those of docs/.

Chromium and Mermaid are those of the end-to-end tests (.ci/runners). The forges' style sheets are sketched in
pictures.css: fonts, tables, code and folds, light and dark, wide and narrow.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tagline.adapters.forges.pages import GitHubPages, GitLabPages
from tagline.domain.changes.approvals import People
from tagline.domain.changes.asks import read_labels
from tagline.domain.changes.changes import Review, Reviews
from tagline.domain.changes.intents import resolve
from tagline.domain.changes.promotion import Decided, settle
from tagline.domain.changes.record import Record
from tagline.domain.changes.touches import Touches
from tagline.domain.changes.verdicts import Verdict
from tagline.domain.ledger.tags import EventKind
from tagline.domain.lineage.comparison import Traced
from tagline.domain.lineage.lineage import Passage
from tagline.errors import PlatformRefused, TaglineError
from tagline.render.markdown.comment import comment
from tagline.render.markdown.foot import Run
from tagline.render.markdown.lineage import section
from tagline.render.markdown.pins import proposed
from tests.render.markdown.test_lineage import CASES, PROD, STAGING, traced
from tests.render.markdown.test_pins import moved
from tests.support import browser
from tests.support.lineages import FACTS, pipeline
from tests.support.promotions import (
    HEAD,
    LABELLED,
    decided,
    facts,
    known,
    labels,
    ledger,
    merged_change,
    open_change,
    plan_intents,
    policy,
)

DOCS = Path(__file__).parents[1] / "docs"
_STYLE = Path(__file__).with_suffix(".css")
RULES = """
stages:
  staging: {}
  prod:
    approvals: {count: 2, from: [bob, carol, "@org/ml-leads"], not: [author, pusher, labeller]}
    gates: [{metric: auc, not_worse_than: prod, tolerance: 0.01}]
"""


_ID, _AT = "50dbab0c1e7f4a2d93b86e5f0a1c2d3e4f5a6b7c", 1_795_600_200


class Look(NamedTuple):
    """How a page is looked at."""

    forge: str = "github"
    theme: str = "light"
    width: int = 1000
    #: What is opened of what is folded: nothing, "svg" or everything ("*").
    opened: str = ""
    scale: float = 1


def _waiting() -> Decided:
    """A change of alice for prod, labelled by bob, who approved it as well; dave did too."""
    reviews = (Review("bob", "approved", HEAD, LABELLED + 60), Review("dave", "approved", HEAD, LABELLED + 90))
    people = People(
        Reviews(reviews),
        {"bob": True, "dave": True},
        {"@org/ml-leads": frozenset({"alice", "dave", "erin"})},
        looked_for=frozenset({"bob", "carol", "dave"}),
    )
    rules = policy(RULES)
    given = facts(
        open_change(),
        people=people,
        metrics={("risk", HEAD): {"auc": 0.91}, ("risk", "a" * 40): {"auc": 0.9}},
        stored={("risk", HEAD): Verdict("storage", "ok", "All 5 objects are in s3://acme-dvc, of the right size.")},
        bytes_at={("risk", HEAD): "md5:6"},
    )
    asks, _ = read_labels(labels("version:minor", "stage:staging", "stage:prod", by="bob"), "")
    wanted, _ = resolve(asks, known("risk", described=["risk"]), 5)
    book = ledger("risk@v1.0.0 a", "risk#prod#1 a", "risk@v1.1.0 b", "risk#staging#2 b")
    steps = plan_intents(book, wanted, rules, given)
    touches = Touches({"risk": "models/risk.pkl changed"})
    return settle(decided(steps, open_change(), touches=touches, rules_at="c" * 40), rules)


def _lineage() -> tuple[Traced, ...]:
    new = pipeline(commit=FACTS._replace(id=HEAD), version="v1.2.0", passages=())
    return (traced(new, (("prod",), PROD), (("staging",), STAGING), asked=("staging", "prod")),)


def _update() -> str:
    """The request that updates a lock."""
    (behind,) = _lineage()
    assert behind.lineage is not None
    passage = Passage(
        1_767_398_400, EventKind.ASSIGNMENT, "prod", "risk#prod#2", "https://github.com/acme/risk/pull/13", ("grace",),
        ("ada x", "linus x"), reason="The quarter's data",
    )  # fmt: skip
    new = replace(behind.lineage, passages=(passage,))
    one = moved("risk", artifact="risk", page="https://github.com/acme/risk", before="v1.1.0", now="v1.2.0")
    against = behind.against[0]._replace(stages=(), version="v1.1.0")
    shown = one._replace(traced=Traced("risk", new, (against,), ("prod",)))
    return proposed([shown], [shown.looked], "tagline.lock")


def _comment(forge: str, found: Decided, behind: tuple[Traced, ...] = (), error: TaglineError | None = None) -> str:
    if forge == "gitlab":
        web, job = "https://gitlab.example/acme/risk", "https://gitlab.example/acme/risk/-/jobs/99"
        return comment(found, Record(), GitLabPages(web), "sha256:0", _AT, behind, error, Run(job, "gitlab"))
    web, job = "https://github.com/acme/risk", "https://github.com/acme/risk/actions/runs/99"
    return comment(found, Record(), GitHubPages(web), "sha256:0", _AT, behind, error, Run(job, "github"))


def texts(forge: str) -> dict[str, str]:
    """What there is to see, by name; with ids that look like some."""
    found = _texts(forge)
    return {name: text.replace(HEAD, _ID).replace(HEAD[:7], _ID[:7]) for name, text in found.items()}


def _texts(forge: str) -> dict[str, str]:
    found = _waiting()
    rest = tuple(replace(step, verdicts=(), rows=step.rows) for step in found.steps)
    failed = PlatformRefused("A ruleset refused the tag risk#prod#3.", "Let the App past the ruleset, then run again.")
    return {
        "plan-comment": _comment(forge, found),
        "whole": _comment(forge, found, _lineage()),
        "ready": _comment(forge, replace(found, steps=rest), _lineage()),
        "failed": _comment(forge, Decided(merged_change()), error=failed),
        "lineage-comment": section(_lineage(), GitHubPages("https://github.com/acme/risk"), change=open_change()),
        "update-comment": _update(),
        **{name: section(case(), GitHubPages("https://github.com/acme/risk")) for name, case in CASES.items()},
    }


def draw(markdown: str, look: Look, target: Path) -> None:
    """A PNG of one text."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(_page(markdown, look), encoding="utf-8")
        # A window is never narrower than 500: what is narrow is so within it, and cut out.
        size = json.loads(_found(browser.chromium(Path(folder), page, max(look.width, 500), 800, "--dump-dom")))
        browser.chromium(
            Path(folder), page, look.width, size["height"], f"--screenshot={target}",
            f"--force-device-scale-factor={look.scale}",
        )  # fmt: skip


def _found(dom: str) -> str:
    match = re.search(r'<script type="application/json" id="size">(.*?)</script>', dom, re.DOTALL)
    assert match is not None, dom[-2000:]
    return match[1]


def _page(markdown: str, look: Look) -> str:
    theme = {"startOnLoad": False, "securityLevel": "strict", "theme": "dark" if look.theme == "dark" else "default"}
    body = browser.markdown_html(markdown)
    return f"""<!doctype html><html><head><meta charset="utf-8"><style>{_STYLE.read_text()}</style></head>
<body class="{look.forge} {look.theme}" style="width: {look.width}px">
<div class="note"><div class="head"><b>tagline</b> <span class="bot">bot</span> commented 2 minutes ago</div>
<div class="md">{body}</div></div>
<script src="{browser.script("11").as_uri()}"></script>
<script>mermaid.initialize({json.dumps(theme)});
(async () => {{
  let n = 0;
  for (const details of document.querySelectorAll('details')) details.open = true;
  for (const block of document.querySelectorAll('pre.mermaid')) {{
    const box = document.createElement('div'), text = block.textContent;
    block.replaceWith(box);
    box.innerHTML = (await mermaid.render('d' + n++, text)).svg;
  }}
  for (const details of document.querySelectorAll('details'))
    details.open = !!details.querySelector({json.dumps(look.opened or "nothing")});
  const out = document.createElement('script');
  out.type = 'application/json';
  out.id = 'size';
  out.textContent = JSON.stringify({{height: Math.ceil(document.body.getBoundingClientRect().height)}});
  document.body.append(out);
}})();</script></body></html>"""


LOOKS = [
    Look(forge, theme, width, opened)
    for forge in ("github", "gitlab")
    for theme in ("light", "dark")
    for width, opened in ((1000, ""), (1000, "*"), (360, ""))
]
#: The pictures of the documents.
SHOWN = {
    "plan-comment": Look(width=860, scale=1.5),
    "lineage-comment": Look(width=940, opened="svg"),
    "update-comment": Look(width=940),
}


def main() -> None:
    """Write the documents' pictures, or all of them into a folder."""
    if len(sys.argv) == 1:
        for name, look in SHOWN.items():
            draw(texts(look.forge)[name], look, DOCS / f"{name}.png")
        return
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:] or ["whole", "ready", "failed"]
    for look in LOOKS:
        for name in names:
            opened = "-opened" if look.opened else ""
            draw(texts(look.forge)[name], look, folder / f"{name}-{look.forge}-{look.theme}-{look.width}{opened}.png")


if __name__ == "__main__":
    main()
