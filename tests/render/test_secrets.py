"""Secrets that people wrote into URLs, planted wherever a lineage reads something, are in no output."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tagline.domain.ledger.events import Warn
from tagline.domain.lineage.comparison import Traced
from tagline.domain.lineage.graph import Pointed, graph_of
from tagline.domain.lineage.lineage import Lineage, figures_of, parameters_of
from tagline.domain.lineage.pipelines import imported_of, steps_of
from tagline.domain.manifest.manifest import ManifestEntry, MlflowRun
from tagline.domain.mlflow.runs import Checked, Dataset, Run
from tagline.domain.storage.objects import Location
from tagline.render.json import lineage as lineage_document
from tagline.render.markdown.lineage import section
from tagline.render.markdown.lineage_mermaid import diagram
from tagline.render.terminal.lineage import lineages
from tagline.render.terminal.tables import Pen
from tests.support.judges import all_of
from tests.support.lineages import FACTS, REPO

URLS = (
    "https://h/y?sig=SECRET", "https://h/y?private_token=SECRET", "https://bob:pa/SECRET@h/x", " https://bob:SECRET@h/x",
    "bob:SECRET@host:repo", "git+https://SECRET@host/r", "http+git://bob:SECRET@host/r", "https://h/x#t=SECRET",
)  # fmt: skip


def planted(url: str) -> Lineage:
    rows = [{"path": "data", "md5": "1" * 32}, *([{"path": url, "etag": url}] if "://" in url else [])]
    stage = {
        "cmd": f"curl {url}", "deps": rows, "outs": [{"path": "m.pkl", "md5": "2" * 32}],
        "params": {"params.yaml": {"at": url, "deep": {"list": [url, {url: url}]}}},
    }  # fmt: skip
    steps = steps_of(
        "dvc.lock", {"stages": {"train": stage}}, {"stages": {"train": {"cmd": f"wget {url}", "outs": ["m.pkl"]}}}
    )
    dep = {"path": "d", "repo": {"url": url, "rev": url, "rev_lock": url}}
    imported = imported_of("data.dvc", {"outs": [{"path": "data", "md5": "1" * 32}], "deps": [dep]})
    assert imported is not None
    run = Run("r", url, user=url, params={"p": url}, tags={"t": url}, datasets=(Dataset("d", url, "http", url, url),))
    entry = ManifestEntry("m", "artifacts.yaml", 1, url, url, url, (url,), mlflow=MlflowRun("r", url))
    return Lineage(
        "m", FACTS._replace(subject=url), "v1.0.0", "m@v1.0.0", entry, Location(url),
        graph_of("m.pkl", Pointed(steps, [imported]), []), parameters_of(steps),
        tuple(figures_of({"where": url}, "metrics.json")), no_content=url, run=Checked("unknown", url, url, run),
        warnings=(Warn("lineage-gap", None, url),),
    )  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_outputs__secret_wherever_a_url_may_stand__in_none(url: str) -> None:
    lineage = planted(url)
    traced = Traced("m", lineage)
    outputs = {
        "json": json.dumps(lineage_document.traced(traced, lineage.warnings)),
        "text": lineages([traced], Pen(color=False)),
        "markdown": section([traced], None),
        "mermaid": str(diagram(lineage)),
        "formats": json.dumps(all_of(lineage, REPO)),
    }
    assert [name for name, text in outputs.items() if "SECRET" in text] == []
    assert "curl" in outputs["json"]


def test_lineage__replaced_parts__are_cleaned_too() -> None:
    made = replace(planted(URLS[0]), content=Location("https://u:SECRET@h/x?sig=SECRET"))
    assert made.content.uri == "https://h/x?…"
