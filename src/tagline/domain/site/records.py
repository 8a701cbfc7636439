"""The rows of the index by the names of their columns; fields and order are those of ``domain.index.tables``."""

from __future__ import annotations

from typing import NamedTuple


class Repository(NamedTuple):
    """A repository that was asked for."""

    repository: str
    url: str
    forge: str
    visibility: str
    fingerprint: str | None
    indexed_at: int | None
    status: str
    reason: str | None
    branch: str | None


class Described(NamedTuple):
    """What the manifest says of an artifact (table ``artifacts``)."""

    repository: str
    visibility: str
    artifact: str
    type: str | None
    path: str | None
    description: str | None
    labels: list[str]
    owner: str | None
    card: str | None
    latest: str | None
    deprecated: bool


class Version(NamedTuple):
    """A registered version."""

    repository: str
    visibility: str
    artifact: str
    version: str
    commit: str
    tag: str
    registered_at: int
    active: bool
    digest: str | None
    sha256: str | None
    size: int | None
    uri: str | None
    change: str | None
    approved_by: list[str] | None


class Stage(NamedTuple):
    """A stage and who holds it now."""

    repository: str
    visibility: str
    artifact: str
    stage: str
    version: str | None
    commit: str
    tag: str
    since: int
    held: bool


class Hold(NamedTuple):
    """A span of time in which a version held a stage."""

    repository: str
    visibility: str
    artifact: str
    stage: str
    version: str | None
    since: int
    until: int | None
    change: str | None
    approved_by: list[str] | None


class Event(NamedTuple):
    """What a registry tag did."""

    repository: str
    visibility: str
    artifact: str
    event: str
    version: str | None
    stage: str | None
    commit: str
    tag: str
    timestamp: int
    actor: str | None
    change: str | None
    reason: str | None
    tickets: list[str] | None


class Metric(NamedTuple):
    """A metric of a version."""

    repository: str
    visibility: str
    artifact: str
    version: str
    name: str
    value: float | None
    source: str | None


class Param(NamedTuple):
    """A parameter of a version."""

    repository: str
    visibility: str
    artifact: str
    version: str
    name: str
    value: str | None
    source: str | None


class Input(NamedTuple):
    """A file that a version was made from."""

    repository: str
    visibility: str
    artifact: str
    version: str
    kind: str
    step: str | None
    path: str | None
    digest: str | None
    size: int | None
    origin: str | None


class Deployment(NamedTuple):
    """What a deployment of a stage reported last."""

    repository: str
    visibility: str
    artifact: str
    stage: str
    version: str | None
    tag: str
    state: str
    run_url: str | None
    reported_at: int


class CardText(NamedTuple):
    """A model card."""

    repository: str
    visibility: str
    artifact: str
    path: str
    text: str
    owner: str | None
    license: str | None
    intended_use: str | None
    risk_tier: str | None
    data: str | None


class Picture(NamedTuple):
    """A picture that a model card shows; ``data`` is base64."""

    repository: str
    visibility: str
    artifact: str
    path: str
    type: str
    width: int
    height: int
    data: str


class Pinned(NamedTuple):
    """An artifact of ``registry`` that a repository pins."""

    repository: str
    visibility: str
    artifact: str
    registry: str
    name: str
    target: str
    version: str | None
    commit: str
    digest: str


#: The record of each table.
RECORDS: dict[str, type[tuple[object, ...]]] = {
    "repositories": Repository,
    "artifacts": Described,
    "versions": Version,
    "stages": Stage,
    "holds": Hold,
    "events": Event,
    "metrics": Metric,
    "params": Param,
    "inputs": Input,
    "deployments": Deployment,
    "cards": CardText,
    "images": Picture,
    "pins": Pinned,
}
