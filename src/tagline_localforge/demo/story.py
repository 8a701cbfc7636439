"""What the demo tells."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tagline_localforge import serve
from tagline_localforge.demo.shops import GitHub, GitLab, new_forge
from tagline_localforge.demo.stage import Stage

_MANIFEST = """\
churn:
  type: model
  path: models/churn.txt
  metrics: metrics/churn.json
  description: Who is about to leave
  card: MODEL_CARD.md
"""
_CARD = """\
---
license: apache-2.0
owner: retention
intended_use: Ranks customers for a call. Decides nothing by itself.
risk_tier: low
data: Contracts of the last two years
---
# Churn

Trees that say who is about to leave. Trained on contracts, **without** names.
"""
_BROKEN = _MANIFEST.replace("metrics:", "metrcs:")
_POLICY = """\
stages:
  staging: {}
  prod:
    after: [staging]
    approvals: {count: 1, from: [carol]}
    gates: [{metric: accuracy, not_worse_than: prod}]
"""
#: What the page is made with, beside Tagline itself.
_NEEDED = ("duckdb", "jinja2", "markdown_it", "nh3")
_FIRST_HOUR = "https://github.com/tagline-dev/tagline/blob/main/docs/first-hour.md"


def demo(keep: str | None, *, color: bool) -> int:
    """Play the demo in a temporary folder, or in ``keep``, which then stays.

    Raises FileExistsError when ``keep`` exists already and is not empty.
    """
    has_page = all(map(find_spec, _NEEDED))
    if keep is None:
        # The page outlives the registry that it shows.
        page = Path(tempfile.mkdtemp(prefix="tagline-page-")) if has_page else None
        with tempfile.TemporaryDirectory(prefix="tagline-demo-") as folder:
            _play(Path(folder), page, color=color)
        return _next(page, "demo --keep DIR", "this registry again, to look around in")
    folder_to_keep = Path(keep)
    if folder_to_keep.exists() and any(folder_to_keep.iterdir()):
        raise FileExistsError(f"{keep} is not empty.")
    folder_to_keep.mkdir(parents=True, exist_ok=True)
    page = folder_to_keep.resolve() / "page" if has_page else None
    _play(folder_to_keep.resolve(), page, color=color)
    return _next(page, f"show --repo ./{folder_to_keep / 'shop'}", "this registry: a clone of it is there")


def _next(page: Path | None, command: str, what: str) -> int:
    """The end: where the page is, and what to do now."""
    program = "tagline" if shutil.which("tagline") else str(Path(sys.executable).parent / "tagline")
    if page is None:
        print("\n# To look at it as a page as well: pip install 'tagline[site]', and the demo again.")
    else:
        ended = "The page stays; the forge that it links ended with the demo."
        print(f"\n# {ended} Open it in a browser:\n{page / 'index.html'}")
    print(
        "\n# Next, a repository of your own:\n"
        f"{_FIRST_HOUR}\n"
        "    from nothing to a model in prod, with DVC and S3\n"
        f"{program} init --dry-run\n"
        "    in a clone of yours: what it would write there, and what is left to do\n"
        f"{program} {command}\n"
        f"    {what}"
    )
    return 0


def _play(folder: Path, page: Path | None, *, color: bool) -> None:
    files = {"artifacts.yaml": _MANIFEST, ".tagline.yaml": _POLICY, "MODEL_CARD.md": _CARD, **_model(1, 0.5)}
    with serve(new_forge(folder / "forge")) as server:
        stage = Stage(folder, server, color=color)
        on_github = GitHub(stage, "org/shop", "shop", files)
        stage.call(on_github.url, "$SHOP")
        _on_github(stage, on_github)
        on_gitlab = GitLab(stage, "group/shop", "shop-on-gitlab", files)
        stage.call(on_gitlab.url, "$SHOP_ON_GITLAB")
        _on_gitlab(stage, on_gitlab)
        _read_it(stage, on_github.url)
        if page is not None:
            _show_it(stage, (on_github.url, on_gitlab.url), page)
        on_github.update_clone()


def _model(trees: int, accuracy: float) -> dict[str, str]:
    return {"models/churn.txt": f"trees: {trees}\n", "metrics/churn.json": json.dumps({"accuracy": accuracy})}


def _on_github(stage: Stage, shop: GitHub) -> None:
    stage.say("A shop has a model in Git. $SHOP is its address, on a forge of this machine that ends with the demo.")
    stage.say("artifacts.yaml describes the model, .tagline.yaml guards prod:")
    stage.show(_POLICY)
    stage.say("A mistake is refused at its line, before anybody reviews it.")
    shop.write({"artifacts.yaml": _BROKEN})
    stage.tagline("validate", where=shop.clone, expect=1)

    stage.say("A pull request brings the first version. Labels say what its merge is to do.")
    first = shop.propose("first", "First trees", _model(10, 0.90), "version:major", "stage:staging", "stage:prod")
    shop.plan(first, "labeled", only="waiting")
    shop.comment(first)
    shop.status()
    shop.approve(first)
    shop.plan(first, "submitted", only="  ok")
    shop.status()
    shop.merge(first, "squash")
    shop.comment(first)
    stage.say("Tags are numbered in the order in which churn's stages were given, whichever stage it was:")
    stage.act(
        "churn#staging#1 is the first of them, churn#prod#2 the second. The highest of a stage says who holds it."
    )

    stage.say("The next one is better, and goes to staging for now.")
    second = shop.propose("deeper", "Deeper trees", _model(50, 0.93), "version:minor", "stage:staging")
    shop.plan(second, "labeled", only="  ok")
    shop.merge(second, "rebase")

    stage.say("The third one is worse than what is in prod: refused, whoever approves.")
    third = shop.propose("fewer", "Fewer trees", _model(5, 0.81), "version:minor", "stage:staging", "stage:prod")
    shop.plan(third, "labeled", expect=1)
    shop.status()
    shop.close(third)

    stage.say("v1.1.0 goes to prod by a label, without a change of files.")
    # An approval within two minutes of another tag counts for nothing: clocks differ by so much.
    stage.act("three minutes pass, so that nobody can doubt what was there when carol approves")
    shop.repository.forge.pass_time(180)
    fourth = shop.propose("promote", "v1.1.0 to prod", {}, "stage:churn@v1.1.0#prod")
    shop.approve(fourth)
    shop.plan(fourth, "submitted", only="gate:")
    shop.merge(fourth, "merge")

    stage.say("It misbehaves: back to the version before, reviewed like everything else. It holds prod.")
    fifth = shop.propose("back", "Back to the version before", {}, "rollback:churn#prod")
    shop.approve(fifth)
    shop.merge(fifth, "merge")


def _on_gitlab(stage: Stage, shop: GitLab) -> None:
    stage.say("The same on GitLab: a merge request, a scoped label, and a request file in place of a label.")
    request = {"promotions/prod/churn.yaml": "- {artifact: churn, version: this}\n"}
    first = shop.propose("first", "First trees", {**_model(10, 0.90), **request}, "version::minor", "stage:staging")
    shop.plan(first)
    shop.comment(first, lines=4)
    shop.approve(first)
    stage.act("nothing starts a job there: a scheduled pipeline looks at what is open")
    shop.plan_open()
    shop.merge(first, "squash-merge")
    shop.comment(first, lines=2)


def _read_it(stage: Stage, url: str) -> None:
    stage.say("Which version is in prod, and why? From any folder, without a clone.")
    stage.tagline("show", "--repo", url)
    stage.tagline("history", "churn", "--repo", url)
    stage.tagline("resolve", "churn#prod", "--repo", url)

    stage.say("And what would the other version be instead? tagline lineage shows all that is behind it.")
    stage.tagline("diff", "churn#prod", "churn@v1.1.0", "--repo", url)


def _show_it(stage: Stage, urls: tuple[str, ...], page: Path) -> None:
    stage.say("And to look at: an index of both repositories, and a static site from it. It needs no server.")
    stage.call(str(page), "$PAGE")
    stage.tagline("index", *urls, "-o", "index", only=" read, ")
    stage.tagline("site", "--index", "index", "-o", str(page), "--audience", "private")
