"""Pages as HTML: Jinja2 escapes every value; a template says what a page shows, this file what it is given."""

from __future__ import annotations

import json
import math
import re
import shlex
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tagline.domain.site import gaps, links
from tagline.domain.site.gathering import Artifact, Site
from tagline.domain.site.images import images_of
from tagline.domain.site.places import (
    api_artifact,
    api_badge,
    api_stage,
    artifact_page,
    root_from,
    url_of,
    version_page,
)
from tagline.domain.site.records import Event, Version
from tagline.domain.site.scripts import Scripts
from tagline.domain.text.times import format_time
from tagline.errors import WrongUsage
from tagline.render.site.markdown import Drawn, card_html

if TYPE_CHECKING:
    from jinja2 import Environment, Template

#: Kinds of inputs, in words.
KINDS = {"data": "data", "dep": "read", "out": "made"}
#: Metrics that an artifact's page draws.
_CHARTED = 12
_LATELY = 12
#: What the scripts and styles are called here, and in the site.
ASSETS = (
    "style.css", "icon.svg", "base.js", "query.js", "find.js", "index.js", "board.js", "log.js", "compare.js",
    "artifact.js", "version.js",
)  # fmt: skip
VENDORED = ("uPlot.iife.min.js", "uPlot.min.css", "dagre.min.js", "minisearch.js")


class SitePages:
    """Every page of a site. ``base`` is what links between its pages begin with; empty: relative ones."""

    def __init__(self, base: str = "") -> None:
        self._base = f"{base.rstrip('/')}/" if base else ""
        self._env = _environment()
        self._made: dict[str, Template] = {}

    def assets(self) -> dict[str, bytes]:
        """Styles and scripts by their path in the site."""
        here = files("tagline.render.site")
        own = {f"assets/{name}": (here / "assets" / name).read_bytes() for name in ASSETS}
        return own | {f"assets/{name}": (here / "vendored" / name).read_bytes() for name in VENDORED}

    def source(self) -> str:
        """All that pages are made from but for the rows: what makes a page another one."""
        here = files("tagline.render.site")
        names = sorted(one.name for one in (here / "templates").iterdir() if one.name.endswith(".html"))
        texts = [(here / "templates" / name).read_text(encoding="utf-8") for name in names]
        code = [(here / name).read_text(encoding="utf-8") for name in ("pages.py", "markdown.py")]
        return "\0".join([self._base, *code, *texts])

    def index(self, site: Site, scripts: Scripts) -> str:
        """All artifacts."""
        return self._page(
            "index.html",
            files=[one.file for one in (*scripts.artifacts,)],
            artifacts=len(site.artifacts),
            repositories=len(site.repositories),
            lately=_lately(site),
            generated_at=site.generated_at,
            versions=[one.file for one in scripts.versions],
            behind=[one.file for one in scripts.behind],
            log=[one.file for one in scripts.log],
        )

    def board(self, scripts: Scripts) -> str:
        """Artifacts by stages."""
        return self._page("board.html", files=[one.file for one in scripts.artifacts])

    def log(self, scripts: Scripts) -> str:
        """All decisions."""
        return self._page(
            "log.html", files=[one.file for one in scripts.artifacts], parts=[url_of(one.file) for one in scripts.log]
        )

    def compare(self, scripts: Scripts) -> str:
        """Any two versions."""
        return self._page("compare.html", files=[one.file for one in scripts.artifacts])

    def repositories(self, site: Site) -> str:
        """Repositories and what is missing in them."""
        found = gaps.overviews(site)
        return self._page(
            "repositories.html",
            overviews=found,
            gaps=sum(one.lacks for one in found),
            meanings=gaps.GAPS,
            numbers={one.repository.repository: number for number, one in enumerate(found, 1)},
        )

    def artifact(self, one: Artifact) -> str:
        """An artifact."""
        file = artifact_page(*one.key)
        names = sorted({metric.name for behind in one.behind.values() for metric in behind.metrics})
        charted = names[:_CHARTED]
        values = {
            row.version: {metric.name: metric.value for metric in one.behind_of(row.version).metrics}
            for row in one.versions
        }
        rows = [(row, [values[row.version].get(name) for name in charted]) for row in one.versions]
        return self._page(
            "artifact.html",
            file,
            one=one,
            web=links.web_of(one.repository),
            known_versions={row.version for row in one.versions},
            spans={stage.stage: gaps.opened_by(one, stage.stage) for stage in one.stages},
            rollbacks=_rollbacks(one),
            card=_card(one, root_from(file)),
            card_facts=_card_facts(one),
            charted=charted,
            metric_rows=[(row, found) for row, found in rows if any(value is not None for value in found)],
            more_metrics=max(0, len(names) - len(charted)),
            commands=_commands(one, one.stages[-1].stage if one.stages else None, None),
        )

    def version(self, one: Artifact, row: Version) -> str:
        """A version of an artifact."""
        file = version_page(*one.key, row.version)
        previous = one.before(row.version)
        now, then = one.behind_of(row.version), one.behind_of(previous.version if previous else "")
        metrics = [(metric.name, metric.value, metric.source) for metric in now.metrics]
        old_metrics = {metric.name: metric.value for metric in then.metrics}
        params = [(param.name, param.value, param.source) for param in now.params]
        old_params = {param.name: param.value for param in then.params}
        return self._page(
            "version.html",
            file,
            one=one,
            row=row,
            previous=previous,
            behind=now,
            web=links.web_of(one.repository),
            download=None if (row.digest or "").startswith("gittree:") else links.download(one.repository, row.uri),
            code=_code(one, row),
            commit_url=links.commit_url(one.repository, row.commit),
            holding=[stage for stage in one.stages if stage.version == row.version],
            holds=[hold for hold in one.holds if hold.version == row.version],
            asks=_asks(one, row),
            kinds=KINDS,
            metrics=[
                (
                    name,
                    _number(value),
                    _number(old_metrics.get(name)),
                    _difference(value, old_metrics.get(name)),
                    source,
                )
                for name, value, source in metrics
            ],
            params=[
                (name, value, old_params.get(name, ""), _changed(name, value, old_params), source)
                for name, value, source in params
            ],
            commands=_commands(one, None, row.version),
            compare=self._compare(file, one, previous, row) if previous else "",
        )

    def _compare(self, file: str, one: Artifact, old: Version, new: Version) -> str:
        sides = [json.dumps([*one.key, version.version], ensure_ascii=True) for version in (old, new)]
        state = "&".join(f"{side}={quote(text, safe='')}" for side, text in zip("ab", sides, strict=True))
        return f"{self._base or root_from(file)}compare.html#{state}"

    def _page(self, template: str, file: str | None = None, **given: Any) -> str:
        here = file or template
        root = root_from(here)
        if template not in self._made:
            self._made[template] = self._env.get_template(template)
        base = self._base or root
        return self._made[template].render(
            here=here, root=root, base=self._base, link=lambda to: base + url_of(to), **given
        )


def _environment() -> Environment:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as missing:
        raise WrongUsage(
            "The site needs libraries that are not installed.", "Install them: pip install 'tagline[site]'"
        ) from missing
    env = Environment(
        loader=PackageLoader("tagline.render.site", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        iso=format_time,
        day=lambda seconds: format_time(seconds)[:16].replace("T", " ") + " UTC",
        short=_short,
        bytes=_bytes,
        number=_number,
        words=lambda text: text.replace("_", " "),
        change_name=_change_name,
    )
    env.globals.update(
        url_of=url_of,
        safe_url=links.safe_url,
        artifact_page=lambda one: artifact_page(*one.key),
        version_page=lambda one, version: version_page(one.repository.repository, one.name, version),
        api_artifact=lambda one: api_artifact(*one.key),
        api_stage=lambda one, stage: api_stage(one.repository.repository, one.name, stage),
        api_badge=lambda one, stage: api_badge(one.repository.repository, one.name, stage),
    )
    return env


def _lately(site: Site) -> list[tuple[Artifact, Event]]:
    """What happened last, one line an artifact and hour: a registration and its promotion are two."""
    events = [(one, row) for one in site.artifacts for row in one.events[:_LATELY]]
    events.sort(key=lambda pair: (-pair[1].timestamp, pair[0].key, pair[1].tag))
    return events[:_LATELY]


def _safe(html: str) -> Any:
    """HTML that is clean already."""
    from markupsafe import Markup

    return Markup(html)  # noqa: S704


def _card(one: Artifact, root: str) -> Any:
    """The model card as HTML; its pictures lie beside the page."""
    if one.card is None:
        return ""
    shown = {
        path: Drawn(root + url_of(image.file), image.width, image.height) for path, image in images_of(one).items()
    }
    return _safe(card_html(one.card.text, one.card.path, shown))


def _card_facts(one: Artifact) -> list[tuple[str, str]]:
    card = one.card
    if card is None:
        return []
    named = {"Intended use": card.intended_use, "Risk": card.risk_tier, "License": card.license, "Data": card.data}
    return [(name, value) for name, value in named.items() if value]


def _code(one: Artifact, row: Version) -> dict[str, str]:
    """The pages of the files that steps read and none wrote, as the version's commit has them: its code."""
    inputs = one.behind_of(row.version).inputs
    made = {file.path for file in inputs if file.kind != "dep"}
    paths = {file.path for file in inputs if file.kind == "dep" and file.path and file.path not in made}
    found = {path: links.file_url(one.repository, row.commit, path) for path in paths}
    return {path: url for path, url in found.items() if url is not None}


def _asks(one: Artifact, row: Version) -> list[tuple[str, links.Ask]]:
    """What may be asked of a version: a stage that it does not hold; the way back where it holds one."""
    repository, name = one.repository, one.name
    holding = [stage.stage for stage in one.stages if stage.version == row.version and one.goes_back(stage)]
    found = [
        (f"Ask to promote to {stage}", links.promote(repository, name, row.version, stage))
        for stage in one.asks_for(row)
    ]
    found += [(f"Ask to roll back {stage}", links.rollback(repository, name, stage, row.version)) for stage in holding]
    return [(text, form) for text, form in found if form is not None]


def _rollbacks(one: Artifact) -> dict[str, links.Ask | None]:
    return {
        stage.stage: links.rollback(one.repository, one.name, stage.stage, stage.version)
        for stage in one.stages
        if stage.version is not None and one.goes_back(stage)
    }


def _commands(one: Artifact, stage: str | None, version: str | None) -> list[str]:
    """Command lines to copy."""
    url = links.web_of(one.repository) or one.repository.url
    target = f"{one.name}@{version}" if version else f"{one.name}#{stage}" if stage else one.name
    repo = f"--repo {shlex.quote(url)}"
    return [
        f"tagline fetch {shlex.quote(target)} {repo} -o {shlex.quote(one.name.replace(':', '/').rsplit('/', 1)[-1])}",
        f"tagline resolve {shlex.quote(target)} {repo} --json",
        f"tagline lineage {shlex.quote(target)} {repo}",
    ]


def _short(digest: str) -> str:
    kind, _, value = digest.rpartition(":")
    return f"{kind}:{value[:12]}" if kind else value[:12]


def _bytes(size: int) -> str:
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if math.isfinite(value) else str(value)


def _difference(value: float | None, old: float | None) -> str:
    if value is None or old is None or not math.isfinite(value - old) or value == old:
        return ""
    return f"{value - old:+.4g}".replace("-", "−")


def _changed(name: str, value: str | None, old: dict[str, str | None]) -> str:
    if not old:
        return ""
    return ("changed" if old[name] != value else "") if name in old else "new"


def _change_name(url: str) -> str:
    """A change as people call it: #12 or !12."""
    found = re.search(r"/(pull|pulls|merge_requests)/(\d+)/?$", url)
    return url if found is None else f"{'!' if found[1] == 'merge_requests' else '#'}{found[2]}"
