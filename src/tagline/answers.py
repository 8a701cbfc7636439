"""What the Python functions answer: the JSON documents of the command line as frozen values.

Fields have the documents' names. Times are :class:`datetime.datetime` in UTC, lists are tuples, and ``to_dict()``
gives the document itself. The shapes are described in ``schemas/output`` of the package.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, get_args, get_origin, get_type_hints

Document = dict[str, Any]


class _Answer:
    """What every answer can do."""

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """An answer from a document of this shape; what the document has beyond it is left out."""
        return cls(**{name: read(document.get(name)) for name, read in _readers(cls).items()})

    def to_dict(self) -> Document:
        """The JSON document, as ``--json`` prints it."""
        return {name: _plain(getattr(self, name)) for name in _readers(self.__class__)}


_READERS: dict[type, dict[str, Callable[[Any], Any]]] = {}


def _readers(cls: type) -> dict[str, Callable[[Any], Any]]:
    """For each field what makes its value of the document's."""
    if cls not in _READERS:
        _READERS[cls] = {name: _reader(hint) for name, hint in get_type_hints(cls).items()}
    return _READERS[cls]


def _reader(hint: Any) -> Callable[[Any], Any]:
    if get_origin(hint) is types.UnionType:
        inner = _reader(next(one for one in get_args(hint) if one is not type(None)))
        return lambda value: None if value is None else inner(value)
    if get_origin(hint) is tuple:
        item = _reader(get_args(hint)[0])
        return lambda value: tuple(map(item, value or ()))
    if get_origin(hint) is Mapping:
        each = _reader(get_args(hint)[1])
        return lambda value: {key: each(one) for key, one in (value or {}).items()}
    if hint is datetime:
        return datetime.fromisoformat
    if isinstance(hint, type) and issubclass(hint, _Answer):
        return hint.from_dict
    return lambda value: value


def _plain(value: Any) -> Any:
    if isinstance(value, _Answer):
        return value.to_dict()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return {key: _plain(one) for key, one in value.items()} if isinstance(value, dict) else value


@dataclass(frozen=True)
class LedgerWarning(_Answer):
    """Something odd that did not stop an answer: ``code`` is stable, ``tag`` is what it is about."""

    code: str
    tag: str | None
    message: str


@dataclass(frozen=True)
class Held(_Answer):
    """Why nothing is promoted past a version, since when, and by whom."""

    version: str | None
    tag: str
    since: datetime
    by: str | None
    reason: str


@dataclass(frozen=True)
class Holder(_Answer):
    """Who holds a stage; ``version`` is None for a stage tag on a commit that has none."""

    version: str | None
    commit: str
    tag: str
    since: datetime
    held: Held | None


@dataclass(frozen=True)
class Version(_Answer):
    """A version of an artifact, and the stages that it holds."""

    version: str
    commit: str
    tag: str
    registered_at: datetime
    active: bool
    stages: tuple[str, ...]


@dataclass(frozen=True)
class Artifact(_Answer):
    """An artifact of the registry: versions by SemVer, highest first; stages that somebody holds."""

    latest: str | None
    stages: Mapping[str, Holder]
    versions: tuple[Version, ...]
    deprecated: bool


@dataclass(frozen=True)
class Registry(_Answer):
    """What the registry holds: artifacts by name."""

    artifacts: Mapping[str, Artifact]
    warnings: tuple[LedgerWarning, ...]


@dataclass(frozen=True)
class Shown(_Answer):
    """What ``NAME@version`` or ``NAME#stage`` names; ``tag`` decides the answer."""

    artifact: str
    version: str | None
    commit: str
    tag: str
    stage: str | None
    stages: tuple[str, ...]
    registered_at: datetime | None
    active: bool
    held: Held | None
    warnings: tuple[LedgerWarning, ...]


@dataclass(frozen=True)
class Presigned(_Answer):
    """A URL that reads the bytes without credentials, as long as it lasts. It is a secret: no repr shows it."""

    url: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Presigned(url='***', expires_at={self.expires_at!r})"


@dataclass(frozen=True)
class Resolved(_Answer):
    """An artifact's version and where its bytes are. ``size`` is in bytes; ``path`` is from the repository's root."""

    artifact: str
    version: str | None
    stage: str | None
    commit: str
    tag: str
    type: str | None
    path: str | None
    description: str | None
    labels: tuple[str, ...]
    uri: str | None
    digest: str | None
    sha256: str | None
    size: int | None
    version_id: str | None
    files: int | None
    current: bool
    superseded: bool
    previous_version: str | None
    registered_at: datetime | None
    presigned: Presigned | None
    warnings: tuple[LedgerWarning, ...]


@dataclass(frozen=True)
class Person(_Answer):
    """Somebody, as Git has them."""

    name: str
    email: str


@dataclass(frozen=True)
class Event(_Answer):
    """What a registry tag did; ``event`` is registration, deregistration, assignment, unassignment, deprecation."""

    timestamp: datetime
    artifact: str
    event: str
    version: str | None
    stage: str | None
    commit: str
    tag: str
    actor: Person
    trailers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class History(_Answer):
    """Events, newest first."""

    events: tuple[Event, ...]
    warnings: tuple[LedgerWarning, ...]


@dataclass(frozen=True)
class Approval(_Answer):
    """Who approved, of which commit, when; as the stage's tag says."""

    login: str
    commit: str | None
    at: str | None


@dataclass(frozen=True)
class Hold(_Answer):
    """A span of time in which a version held a stage; ``seconds`` long so far where it is ``current``."""

    artifact: str
    stage: str
    version: str | None
    commit: str
    tag: str
    since: datetime
    until: datetime | None
    seconds: int
    current: bool
    opened_by: str | None
    ended_by: str | None
    actor: Person
    change: str | None
    requested_by: tuple[str, ...]
    approved_by: tuple[Approval, ...]
    policy: str | None
    reasons: tuple[str, ...]
    tickets: tuple[str, ...]
    override: str | None
    rollback_from: str | None
    held: str | None
    lifted: str | None


@dataclass(frozen=True)
class Holds(_Answer):
    """Who held a stage, newest first; ``summary`` by artifact and ``overall`` count them, in seconds."""

    holds: tuple[Hold, ...]
    summary: Mapping[str, Mapping[str, Any]]
    overall: Mapping[str, Any]
    warnings: tuple[LedgerWarning, ...]


@dataclass(frozen=True)
class Finding(_Answer):
    """What is wrong in a file, where (lines and columns from 1), and how to mend it."""

    file: str
    line: int
    column: int
    artifact: str | None
    rule: str
    severity: str
    message: str
    hint: str


@dataclass(frozen=True)
class CheckedFile(_Answer):
    """A file that was looked at, and the artifacts that it describes."""

    file: str
    artifacts: int


@dataclass(frozen=True)
class Validation(_Answer):
    """What ``validate`` found; ``ok`` where no finding is an error."""

    ok: bool
    checked: tuple[CheckedFile, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class OpenedChange(_Answer):
    """A pull or merge request; ``opened`` by this very call."""

    number: int
    url: str
    opened: bool


@dataclass(frozen=True)
class Proposed(_Answer):
    """What came of asking for a promotion or a rollback; ``version`` is what ``latest`` meant.

    ``change`` is None where there is nothing to ask, which ``why`` says, and in a dry run where none is open.
    ``requester`` is who started the run that asks, as the forge says; None outside of one.
    """

    action: str
    artifact: str
    version: str
    stage: str
    reason: str | None
    ticket: str | None
    requester: str | None
    change: OpenedChange | None
    branch: str | None
    file: str | None
    content: str | None
    why: str | None
    dry_run: bool
    warnings: tuple[LedgerWarning, ...]


@dataclass(frozen=True)
class Lineage(_Answer):
    """What is behind a version: code, data, steps, parameters and metrics; who promoted it (``record``); and how it
    differs from what the stages hold (``against``). The inner tables are as in ``schemas/output/lineage.schema.json``.
    """

    artifact: str
    why: str | None
    version: str | None
    tag: str | None
    commit: str
    made: Mapping[str, Any]
    type: str | None
    path: str | None
    description: str | None
    labels: tuple[str, ...]
    uri: str | None
    digest: str | None
    sha256: str | None
    size: int | None
    files: int | None
    code: tuple[Mapping[str, Any], ...]
    data: tuple[Mapping[str, Any], ...]
    steps: tuple[Mapping[str, Any], ...]
    edges: tuple[tuple[str, ...], ...]
    parameters: tuple[Mapping[str, Any], ...]
    metrics: tuple[Mapping[str, Any], ...]
    no_metrics: str | None
    partial: str | None
    mlflow: Mapping[str, Any] | None
    record: tuple[Mapping[str, Any], ...]
    stage: str | None
    asked: tuple[str, ...]
    against: tuple[Mapping[str, Any], ...]
    history: tuple[Mapping[str, Any], ...]
    warnings: tuple[LedgerWarning, ...]
