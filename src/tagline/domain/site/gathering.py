"""Rows of the index as artifacts with all that belongs to them, cleaned of what a page must not show."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from tagline.domain.ledger.tags import parse_tag
from tagline.domain.ledger.versions import precedence
from tagline.domain.site.records import (
    RECORDS,
    CardText,
    Deployment,
    Described,
    Event,
    Hold,
    Input,
    Metric,
    Param,
    Picture,
    Pinned,
    Repository,
    Stage,
    Version,
)
from tagline.errors import WrongUsage

Rows = Mapping[str, Iterable[tuple[Any, ...]]]
#: Who may see a site, and which rows it may then show.
AUDIENCES: dict[str, frozenset[str]] = {
    "public": frozenset({"public"}),
    "internal": frozenset({"public", "internal"}),
    "private": frozenset({"public", "internal", "private", "unknown"}),
}
#: An address of a person. A version after an artifact's name, and the user of a Git URL, are none.
_MAIL_RE = re.compile(r"(?<![\w.+/-])(?!git@)[\w.+-]{1,64}@(?!v\d)(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")


class Behind(NamedTuple):
    """What is behind one version."""

    metrics: tuple[Metric, ...] = ()
    params: tuple[Param, ...] = ()
    inputs: tuple[Input, ...] = ()


class Consumer(NamedTuple):
    """A repository that pins an artifact, and its page."""

    pin: Pinned
    url: str


@dataclass
class Artifact:
    """An artifact with all that belongs to it; versions, events and holds newest first."""

    repository: Repository
    described: Described
    versions: list[Version] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    cards: list[CardText] = field(default_factory=list)
    images: list[Picture] = field(default_factory=list)
    consumers: list[Consumer] = field(default_factory=list)
    behind: dict[str, Behind] = field(default_factory=dict)
    #: All stages of its repository, in one order: what it can be promoted to.
    known_stages: tuple[str, ...] = ()
    #: The same as long as its pages would be.
    fingerprint: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return self.described.artifact

    @property
    def key(self) -> tuple[str, str]:
        """Its repository and name."""
        return self.described.repository, self.described.artifact

    @property
    def card(self) -> CardText | None:
        """Its model card."""
        return self.cards[0] if self.cards else None

    def behind_of(self, version: str) -> Behind:
        """What is behind a version."""
        return self.behind.get(version, Behind())

    def before(self, version: str) -> Version | None:
        """The active version before one, by SemVer."""
        names = [one.version for one in self.versions]
        rest = self.versions[names.index(version) + 1 :] if version in names else []
        return next((one for one in rest if one.active), None)

    @cached_property
    def approvals(self) -> dict[str, tuple[str, ...]]:
        """Who approved, by the tag that was made: of a version its own, of a stage that of the span that it opened."""
        found = {row.tag: tuple(row.approved_by or ()) for row in self.versions}
        spans = {(hold.stage, hold.version, hold.since): tuple(hold.approved_by or ()) for hold in self.holds}
        for event in self.events:
            if event.event == "assignment":
                found[event.tag] = spans.get((event.stage or "", event.version, event.timestamp), ())
        return found

    def asks_for(self, version: Version) -> tuple[str, ...]:
        """The stages that a version can be promoted to: not those that it holds, nor where nothing is promoted past."""
        if self.described.deprecated or not version.active:
            return ()
        closed = {one.stage for one in self.stages if one.held or one.version == version.version}
        return tuple(stage for stage in self.known_stages if stage not in closed)

    def goes_back(self, stage: Stage) -> bool:
        """Whether an earlier holder of a stage is there to go back to."""
        active = {one.version for one in self.versions if one.active} - {stage.version}
        held = (hold.version for hold in self.holds if hold.stage == stage.stage and hold.until is not None)
        return not self.described.deprecated and stage.version is not None and any(one in active for one in held)

    def deployment(self, stage: str) -> Deployment | None:
        """What was reported of a stage."""
        return next((one for one in self.deployments if one.stage == stage), None)


class Site(NamedTuple):
    """All that the pages show. ``generated_at`` is the index's own time (RFC 3339)."""

    repositories: tuple[Repository, ...]
    artifacts: tuple[Artifact, ...]
    generated_at: str

    @property
    def stages(self) -> tuple[str, ...]:
        """All stages there are, in one order."""
        return _in_order(stage for one in self.artifacts for stage in one.known_stages)


def gather(rows: Rows, generated_at: str, audience: str = "public") -> Site:
    """All artifacts by repository and name. Raises WrongUsage for rows that the audience must not see."""
    repositories = [Repository._make(_shown(row)) for row in rows.get("repositories", ())]
    _check_audience(repositories, audience)
    artifacts: dict[tuple[str, str], Artifact] = {}
    by_name = {one.repository: one for one in repositories}
    for row in rows.get("artifacts", ()):
        one = Described._make(_shown(row))
        _check_row(one, audience)
        if one.repository in by_name:
            artifacts[one.repository, one.artifact] = Artifact(by_name[one.repository], one)
    _fill(artifacts, rows, audience)
    for row in rows.get("pins", ()):
        pin = Pinned._make(_shown(row))
        _check_row(pin, audience)
        if pin.repository in by_name and (pin.registry, pin.artifact) in artifacts:
            artifacts[pin.registry, pin.artifact].consumers.append(Consumer(pin, by_name[pin.repository].url))
    stages: dict[str, set[str]] = {}
    for (repository, _), made in artifacts.items():
        stages.setdefault(repository, set()).update(hold.stage for hold in made.holds)
        stages[repository].update(stage.stage for stage in made.stages)
    for key in sorted(artifacts):
        made = artifacts[key]
        made.known_stages = _in_order(stages[key[0]])
        _finish(made)
    repositories.sort(key=lambda one: one.repository)
    return Site(tuple(repositories), tuple(artifacts[key] for key in sorted(artifacts)), generated_at)


def _fill(artifacts: dict[tuple[str, str], Artifact], rows: Rows, audience: str) -> None:
    new: Any = tuple.__new__  # a row has as many cells as its record: the reader selects them by name
    for table in ("versions", "stages", "holds", "events", "deployments", "cards", "images"):
        make: Any = RECORDS[table]
        for row in rows.get(table, ()):
            one = new(make, _shown(row))
            _check_row(one, audience)
            artifact = artifacts.get((one.repository, one.artifact))
            if artifact is not None:
                getattr(artifact, table).append(one)
    kinds = ("metrics", "params", "inputs")
    found: dict[tuple[str, str, str], tuple[list[Any], ...]] = {}
    for position, table in enumerate(kinds):
        make = RECORDS[table]
        for row in rows.get(table, ()):
            one = new(make, _shown(row))
            _check_row(one, audience)
            lists = found.setdefault((one.repository, one.artifact, one.version), ([], [], []))
            lists[position].append(one)
    for (repository, name, version), lists in found.items():
        artifact = artifacts.get((repository, name))
        if artifact is not None:
            artifact.behind[version] = Behind(*(tuple(sorted(one, key=_text_order)) for one in lists))


def _text_order(row: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple("" if cell is None else str(cell) for cell in row[3:7])


def _finish(one: Artifact) -> None:
    one.versions.sort(key=lambda row: (precedence(row.version), row.registered_at, row.tag), reverse=True)
    one.stages.sort(key=lambda row: one.known_stages.index(row.stage))
    one.events.sort(key=_in_ledger, reverse=True)
    one.holds.sort(key=lambda row: (row.since, row.stage), reverse=True)
    one.deployments.sort()
    repository = one.repository._replace(fingerprint=None, indexed_at=None)
    one.images.sort()
    one.consumers.sort(key=lambda row: _text_order((None, *row.pin)))
    said = (one.versions, one.stages, one.holds, one.events, one.deployments, one.cards, one.images, one.consumers)
    lists = (*said, sorted(one.behind.items()))
    # JSON, since it takes named rows for lists and is quick: there are hundreds of thousands.
    whole = json.dumps((repository, one.described, *lists, one.known_stages))
    one.fingerprint = hashlib.sha256(whole.encode()).hexdigest()


def _in_ledger(event: Event) -> tuple[int, int, str]:
    """As the ledger orders events: of one second by their counters, then by name."""
    tag = parse_tag(event.tag)
    return event.timestamp, (tag.counter if tag is not None else None) or 0, event.tag


def _check_audience(repositories: Sequence[Repository], audience: str) -> None:
    hidden = [one for one in repositories if one.visibility not in AUDIENCES[audience]]
    if hidden:
        _refuse([one.repository for one in hidden], audience, hidden[0].visibility)


def _check_row(one: Any, audience: str) -> None:
    """Each row says who may see it, whatever its repository's says by now."""
    if one.visibility not in AUDIENCES[audience]:
        _refuse([one.repository], audience, one.visibility)


def _refuse(names: Sequence[str], audience: str, visibility: str) -> None:
    wider = next(name for name in ("internal", "private") if visibility in AUDIENCES[name] or name == "private")
    raise WrongUsage(
        f"{len(names)} of the index's repositories may not be shown to the audience {audience}: "
        f"{names[0]} is {visibility}.",
        f"Make an index of repositories that this audience may see, or publish where fewer people look, with "
        f"--audience {wider}.",
        code="audience",
    )


def _shown(row: tuple[Any, ...]) -> Iterable[Any]:
    """The row as it may be shown: mostly the same, and there are hundreds of thousands."""
    for cell in row:
        kind = cell.__class__
        if (kind is str and ("@" in cell or not cell.isascii())) or kind is list or kind is tuple:
            return map(_cell, row)
    return row


def _cell(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell if cell.isascii() and "@" not in cell else without_mail(cell.translate(_TURNS))
    return [_cell(part) for part in cell] if isinstance(cell, list | tuple) else cell


def without_mail(text: str) -> str:
    """The text without e-mail addresses."""
    return _MAIL_RE.sub("…", text) if "@" in text else text


#: Marks that turn the direction of all that follows: a name must not reorder what stands beside it.
_TURNS = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])

#: Stages as they usually follow each other; others come between, by name.
_USUAL = ("dev", "development", "test", "testing", "qa", "staging", "stage", "preprod", "canary")
_LAST = ("prod", "production")


def _in_order(stages: Iterable[str]) -> tuple[str, ...]:
    def order(stage: str) -> tuple[int, str]:
        low = stage.lower()
        if low in _USUAL:
            return _USUAL.index(low), stage
        return (100 if low in _LAST else 50), stage

    return tuple(sorted(set(stages), key=order))
