"""What was read of one repository as rows of the tables: pure, so that an index and a clone in memory agree."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from tagline.domain.delivery.book import Report
from tagline.domain.index.sources import repository_name
from tagline.domain.ledger.answers import versions_by_commit
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.holds import approvals
from tagline.domain.ledger.messages import CHANGE, REASON, TICKET, Trailers, parse_trailers
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.targets import parse_target
from tagline.domain.lineage.lineage import Figure, Lineage, Parameter
from tagline.domain.manifest.card_images import Image
from tagline.domain.manifest.cards import Card
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.pins.lock import Pin
from tagline.domain.storage.sha256 import told_sha256
from tagline.domain.text.public import public

#: A table's rows, in the order of its columns; times are whole unix seconds.
Row = tuple[Any, ...]
Rows = dict[str, list[Row]]

#: Characters of one cell: what is longer was never meant to be looked for.
LONGEST = 10_000
#: Rows of metrics, of parameters and of inputs that one version has at most.
MOST_OF_VERSION = 10_000
#: Rows of all three that a repository has: tags cost nothing, and each makes a version of the same commit.
MOST_OF_REPOSITORY = 400_000


class About(NamedTuple):
    """The row of the table ``repositories``."""

    repository: str
    url: str
    forge: str
    visibility: str = "unknown"
    fingerprint: str | None = None
    indexed_at: int | None = None
    status: str = "ok"
    reason: str | None = None
    branch: str | None = None


class Behind(NamedTuple):
    """What a version's commit says of it: where its bytes are, and rows without the version's own key.

    ``metrics`` and ``params`` are (name, value, source), ``inputs`` (kind, step, path, digest, size, origin).
    """

    digest: str | None = None
    sha256: str | None = None
    size: int | None = None
    uri: str | None = None
    metrics: Sequence[Row] = ()
    params: Sequence[Row] = ()
    inputs: Sequence[Row] = ()

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.metrics) + len(self.params) + len(self.inputs)


class Registry(NamedTuple):
    """What was read of a repository.

    ``raw`` are its tags with their messages, ``entries`` the manifests of the default branch by name, ``behind`` what
    is known of versions, by artifact and version; ``reports`` what deployments said, by artifact, oldest first.
    """

    states: Sequence[ArtifactState]
    raw: Mapping[str, RawTag]
    entries: Mapping[str, ManifestEntry]
    behind: Mapping[tuple[str, str], Behind]
    reports: Mapping[str, Sequence[Report]] = {}
    #: The card of each artifact that has one.
    cards: Mapping[str, Card] = {}
    #: The pictures that it shows.
    images: Mapping[str, Sequence[Image]] = {}
    #: What its own lock pins, by name.
    pins: Mapping[str, Pin] = {}


class _Said(NamedTuple):
    """The words of a tag: the page of the change that asked, and who approved that."""

    change: str | None
    approved_by: list[str] | None


def repository_rows(about: About, registry: Registry | None = None) -> Rows:
    """All rows of one repository, by table; of one that could not be read its own row alone."""
    rows: Rows = {"repositories": [_clean(about)]}
    if registry is None:
        return rows
    trailers: dict[str, Trailers] = {}

    def said(tag: str) -> Trailers:
        if tag not in trailers:
            found = registry.raw.get(tag)
            trailers[tag] = parse_trailers(found.message) if found is not None else {}
        return trailers[tag]

    def add(table: str, artifact: str, *cells: Any) -> None:
        rows.setdefault(table, []).append(_clean((about.repository, about.visibility, artifact, *cells)))

    states = {state.name: state for state in registry.states}
    for name in sorted({*states, *registry.entries}):
        card = registry.cards.get(name)
        entry = registry.entries.get(name)
        _artifact(add, name, entry, states.get(name), card)
        if card is not None and entry is not None:
            _card(rows, about, name, entry.card or "", card)
            _images(rows, about, name, registry.images.get(name, ()))
    for name, pin in sorted(registry.pins.items())[:MOST_OF_VERSION]:
        where, version = repository_name(pin.repository), public(pin.version) if pin.version else None
        said_so = (public(name), public(pin.target), version, pin.commit, pin.digest)
        add("pins", parse_target(pin.target).artifact, where, *said_so)
    for name in sorted(states):
        state = states[name]
        _versions(add, state, registry, said)
        _stages(add, state, said)
        _events(add, state, registry.raw, said)
        for report in _newest(registry.reports.get(name, ())):
            cells = (report.stage, report.version, report.tag, report.state, report.run_url, report.time)
            add("deployments", name, *cells)
    return rows


def _card(rows: Rows, about: About, name: str, path: str, card: Card) -> None:
    """Its text is longer than other cells may be."""
    said = (public(value) if value else None for value in card[1:])
    key = (about.repository, about.visibility, name, public(path))
    text = public(card.text).encode(errors="replace").decode()
    rows.setdefault("cards", []).append((*_clean(key), text, *_clean(said)))


def _images(rows: Rows, about: About, name: str, images: Sequence[Image]) -> None:
    """Their bytes, too, are longer than other cells."""
    for one in images:
        key = _clean((about.repository, about.visibility, name, public(one.path), one.type, one.width, one.height))
        rows.setdefault("images", []).append((*key, b64encode(one.data).decode()))


def _artifact(add: Any, name: str, entry: ManifestEntry | None, state: ArtifactState | None, card: Card | None) -> None:
    latest = state.latest if state is not None else None
    cells: tuple[Any, ...] = (None, None, None, [], None, None)
    if entry is not None:
        custom = entry.custom if isinstance(entry.custom, Mapping) else {}
        owner = _text(custom.get("owner")) or (public(card.owner) if card is not None and card.owner else None)
        own = [owner, public(entry.card) if entry.card else None]
        labels = [public(label) for label in entry.labels]
        path = public(entry.path) if entry.path is not None else None
        cells = (entry.type, path, public(entry.description) or None, labels, *own)
    add("artifacts", name, *cells, latest.version if latest else None, state is not None and state.deprecated)


def _versions(add: Any, state: ArtifactState, registry: Registry, said: Any) -> None:
    told: dict[tuple[str | None, str], str] = {}
    for event in state.events:
        if sha256 := told_sha256(said(event.tag)):
            told.setdefault((event.version, event.commit), sha256)
            told.setdefault((None, event.commit), sha256)
    for row in state.versions:
        behind = registry.behind.get((state.name, row.version), Behind())
        words = _said(said(row.tag))
        own = told.get((row.version, row.commit), told.get((None, row.commit)))
        add(
            "versions", state.name, row.version, row.commit, row.tag, row.registered_at,
            row.active and not state.deprecated, behind.digest, behind.sha256 or own, behind.size, behind.uri, *words,
        )  # fmt: skip
        for table in ("metrics", "params", "inputs"):
            for cells in getattr(behind, table):
                add(table, state.name, row.version, *cells)


def _stages(add: Any, state: ArtifactState, said: Any) -> None:
    for stage, hold in sorted(state.stages.items()):
        held = stage in state.stops
        add("stages", state.name, stage, hold.version, hold.commit, hold.tag, hold.since, held)
    for stage, holds in sorted(state.holds.items()):
        for hold in holds:
            words = _said(said(hold.opened_by))
            add("holds", state.name, stage, hold.version, hold.since, hold.until, *words)


def _events(add: Any, state: ArtifactState, raw: Mapping[str, RawTag], said: Any) -> None:
    versions = versions_by_commit(state)
    for event in state.events:
        version = versions.get(event.commit) if event.stage is not None else event.version
        actor = raw[event.tag].actor_name if event.tag in raw else ""
        add(
            "events", state.name, str(event.kind), version, event.stage, event.commit, event.tag, event.time,
            public(actor) or None, _said(said(event.tag)).change, *_why(said(event.tag)),
        )  # fmt: skip


def _why(trailers: Trailers) -> tuple[str | None, list[str] | None]:
    """The reason and the tickets of a request."""
    reason = next(iter(trailers.get(REASON, ())), None)
    return public(reason) if reason else None, list(map(public, trailers.get(TICKET, ()))) or None


def _newest(reports: Sequence[Report]) -> list[Report]:
    """What each stage was told last."""
    return [report for _, report in sorted({report.stage: report for report in reports}.items())]


def _said(trailers: Trailers) -> _Said:
    change = next(iter(trailers.get(CHANGE, ())), None)
    who = list(dict.fromkeys(public(one.login) for one in approvals(trailers)))
    return _Said(public(change) if change else None, who or None)


def behind_of(lineage: Lineage, *, rows: bool = True) -> Behind:
    """What the tables keep of a lineage; without ``rows`` its bytes alone."""
    content = lineage.content
    found = Behind(content.digest, content.sha256, content.size, content.uri)
    if not rows:
        return found
    return found._replace(
        metrics=_few(_metrics(lineage.metrics)),
        params=_few(_params(lineage.parameters)),
        inputs=_few(_inputs(lineage)),
    )


def has_rows(lineage: Lineage) -> bool:
    """Whether it has rows, for which the first one is enough to look at."""
    found = chain(_metrics(lineage.metrics), _params(lineage.parameters), _inputs(lineage))
    return next(found, None) is not None


def _metrics(figures: Iterable[Figure]) -> Iterable[Row]:
    """Numbers alone: a text that stands among metrics is none."""
    for figure in figures:
        if isinstance(figure.value, int | float):
            try:
                value = float(figure.value)
            except OverflowError:
                continue
            yield _clean((figure.name, value, figure.file))


def _params(parameters: Iterable[Parameter]) -> Iterable[Row]:
    for parameter in parameters:
        yield _clean((parameter.name, _text(parameter.value), parameter.file))


def _text(value: Any) -> str | None:
    """A value as a text: JSON for what is none."""
    if value is None or isinstance(value, str):
        return value if value is None else public(value)
    try:
        return public(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
    except (ValueError, TypeError, RecursionError):  # a number of thousands of digits; keys of several kinds
        return None


def _inputs(lineage: Lineage) -> Iterable[Row]:
    """What the steps that the artifact comes from read and wrote, and where its own bytes were imported from.

    What measures it is none of its inputs. The digest is what the step read, where its lock says so.
    """
    graph = lineage.graph
    steps = {step.name for step in graph.upstream}
    for path, step in graph.reads:
        if step in steps:
            file = graph.files[path]
            kind = "data" if file.role == "data" and file.maker is None else "dep"
            yield _input(kind, step, path, graph.read.get((path, step)) or file.digest, file.size, file.origin)
    for step, path in graph.writes:
        if step in steps:
            file = graph.files[path]
            yield _input("out", step, path, file.digest, file.size, file.origin)
    own = graph.artifact
    if own is not None and own.origin is not None:
        yield _input("data", None, own.path, own.digest, own.size, own.origin)


def _input(kind: str, step: str | None, path: str, digest: str | None, size: int | None, origin: Any) -> Row:
    return _clean((kind, step, path, digest, size, origin.url if origin is not None else None))


def _few(rows: Iterable[Row]) -> list[Row]:
    """Each row once, in one order whatever order the files had, and no more than anybody looks at."""
    return sorted(dict.fromkeys(rows), key=_order)[:MOST_OF_VERSION]


def _order(row: Row) -> tuple[tuple[bool, str], ...]:
    return tuple((cell is not None, str(cell)) for cell in row)


def _clean(row: Iterable[Any]) -> Row:
    """Cells that every reader of Parquet takes: valid Unicode, of bounded length, whole numbers of 64 bits."""
    return tuple(map(_cell, row))


def _cell(cell: Any) -> Any:
    if isinstance(cell, str):
        cut = cell[:LONGEST]
        return cut if cut.isascii() else cut.encode(errors="replace").decode()
    if isinstance(cell, list):
        return [_cell(part) for part in cell]
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) >= 1 << 63:
        return None
    return cell
