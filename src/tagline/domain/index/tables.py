"""The tables of the index: their columns, and what each of them means.

This is the one description of the data set: its Parquet files, ``schemas/index/*.json``, the documents and the page
are made from it. Rows are tuples in the order of the columns. Times are whole seconds in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: The format of the data set. It grows when a reader of the one before would misread the new one.
FORMAT = 1

Kind = Literal["VARCHAR", "BOOLEAN", "BIGINT", "DOUBLE", "TIMESTAMP WITH TIME ZONE", "VARCHAR[]"]


@dataclass(frozen=True)
class Column:
    """One column: its name, its type as SQL says it, what it means, whether a row may have none (NULL)."""

    name: str
    kind: Kind
    meaning: str
    nullable: bool = True


@dataclass(frozen=True)
class Table:
    """One table: its name, what one row is, its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        return tuple(one.name for one in self.columns)


def _text(name: str, meaning: str, *, nullable: bool = True) -> Column:
    return Column(name, "VARCHAR", meaning, nullable)


def _time(name: str, meaning: str, *, nullable: bool = True) -> Column:
    return Column(name, "TIMESTAMP WITH TIME ZONE", meaning, nullable)


_REPOSITORY = _text("repository", "which repository: host/owner/name, or the Git URL without secrets", nullable=False)
_VISIBILITY = _text(
    "visibility", "who may see its repository: public, internal, private, or unknown (plain Git)", nullable=False
)
_ARTIFACT = _text("artifact", "the artifact's name: NAME, or DIR:NAME", nullable=False)
_VERSION = _text("version", "its version: v1.2.3", nullable=False)
_STAGE = _text("stage", "the stage", nullable=False)
_COMMIT = _text("commit", "the commit of its version", nullable=False)
_TAG = _text("tag", "the tag that says so", nullable=False)
_CHANGE = _text("change", "the page of the change (PR or MR) that asked for it")
_APPROVED_BY = Column("approved_by", "VARCHAR[]", "who approved that change")
_SOURCE = _text("source", "the file that says so, from the root of the repository")

_TABLES = (
    Table(
        "repositories",
        "a repository that was asked for, readable or not",
        (
            _REPOSITORY,
            _text("url", "its page, or where it is cloned from", nullable=False),
            _text("forge", "github, gitlab or git", nullable=False),
            _VISIBILITY,
            _text("fingerprint", "what its refs were when it was read: the same, nothing to read again"),
            _time("indexed_at", "when it was last read"),
            _text("status", "ok, empty, broken, forbidden or gone", nullable=False),
            _text("reason", "why it is not ok"),
            _text("branch", "its default branch"),
        ),
    ),
    Table(
        "artifacts",
        "an artifact that has registry tags or stands in a manifest of the default branch",
        (
            _REPOSITORY,
            _VISIBILITY,
            _ARTIFACT,
            _text("type", "model, dataset, or what the manifest says"),
            _text("path", "where its bytes are, from the root of the repository"),
            _text("description", "one line about it"),
            Column("labels", "VARCHAR[]", "its labels", nullable=False),
            _text("owner", "who looks after it"),
            _text("card", "its model card, from the root of the repository"),
            _text("latest", "its latest active version"),
            Column("deprecated", "BOOLEAN", "whether it is deprecated", nullable=False),
        ),
    ),
    Table(
        "versions",
        "a registered version, active or not",
        (
            _REPOSITORY,
            _VISIBILITY,
            _ARTIFACT,
            _VERSION,
            _COMMIT,
            _TAG,
            _time("registered_at", "when it was registered", nullable=False),
            Column("active", "BOOLEAN", "false once it is deregistered or its artifact deprecated", nullable=False),
            _text("digest", "what it holds: md5:HEX, md5:HEX.dir, gitblob:SHA, gittree:SHA, sha256:HEX"),
            _text("sha256", "the SHA-256 of its bytes, where somebody computed it"),
            Column("size", "BIGINT", "bytes, where the source says"),
            _text("uri", "where its bytes are"),
            _CHANGE,
            _APPROVED_BY,
        ),
    ),
    Table(
        "stages",
        "a stage and the version that holds it now",
        (
            _REPOSITORY,
            _VISIBILITY,
            _ARTIFACT,
            _STAGE,
            _text("version", "the version that holds it; none for a commit without one"),
            _COMMIT,
            _TAG,
            _time("since", "since when", nullable=False),
            Column("held", "BOOLEAN", "whether a rollback holds it: nothing is promoted past it", nullable=False),
        ),
    ),
    Table(
        "holds",
        "a span of time in which a version held a stage",
        (
            _REPOSITORY,
            _VISIBILITY,
            _ARTIFACT,
            _STAGE,
            _text("version", "the version that held it; none for a commit without one"),
            _time("since", "from", nullable=False),
            _time("until", "to, not included; none for the version that holds it now"),
            _CHANGE,
            _APPROVED_BY,
        ),
    ),
    Table(
        "events",
        "what a registry tag did",
        (
            _REPOSITORY,
            _VISIBILITY,
            _ARTIFACT,
            _text("event", "registration, deregistration, assignment, unassignment or deprecation", nullable=False),
            _text("version", "the version it is about"),
            _text("stage", "the stage it is about"),
            _COMMIT,
            _TAG,
            _time("timestamp", "when", nullable=False),
            _text("actor", "who: the tagger's name"),
            _CHANGE,
            _text("reason", "why, as a request file says"),
            Column("tickets", "VARCHAR[]", "where that was decided, as a request file says"),
        ),
    ),
    Table(
        "metrics",
        "a metric of a version",
        (
            _REPOSITORY,
            _VISIBILITY,
            _ARTIFACT,
            _VERSION,
            _text("name", "its name, nested ones with dots: test.accuracy", nullable=False),
            Column("value", "DOUBLE", "its value; NaN and infinities as they are"),
            _SOURCE,
        ),
    ),
    Table(
        "params",
        "a parameter of a version",
        (
            _REPOSITORY,
            _VISIBILITY,
            _ARTIFACT,
            _VERSION,
            _text("name", "its name, nested ones with dots: train.lr", nullable=False),
            _text("value", "its value as text: JSON for what is no text"),
            _SOURCE,
        ),
    ),
    Table(
        "inputs",
        "a file that a version was made from, or that a step on its way wrote",
        (
            _REPOSITORY,
            _VISIBILITY,
            _ARTIFACT,
            _VERSION,
            _text("kind", "data (made nowhere here), dep (read by a step), out (written by one)", nullable=False),
            _text("step", "the step of the pipeline"),
            _text("path", "where, from the root of the repository"),
            _text("digest", "what was in it, as in versions"),
            Column("size", "BIGINT", "bytes, where the source says"),
            _text("origin", "the repository or address that it was imported from"),
        ),
    ),
    Table(
        "deployments",
        "what a deployment of a stage reported last",
        (
            _REPOSITORY,
            _VISIBILITY,
            _ARTIFACT,
            _STAGE,
            _text("version", "the version that was deployed"),
            _TAG,
            _text("state", "in_progress, success or failure", nullable=False),
            _text("run_url", "the run that reported"),
            _time("reported_at", "when", nullable=False),
        ),
    ),
    Table(
        "cards",
        "the model card of an artifact, as the default branch has it",
        (
            _REPOSITORY,
            _VISIBILITY,
            _ARTIFACT,
            _text("path", "where the card is, from the root of the repository", nullable=False),
            _text("text", "its Markdown without the front matter, at most 100,000 characters", nullable=False),
            _text("owner", "who looks after the artifact, by its front matter"),
            _text("license", "the licence"),
            _text("intended_use", "what it is for"),
            _text("risk_tier", "how much harm it could do"),
            _text("data", "what it was made from, in words"),
        ),
    ),
    Table(
        "images",
        "a picture that a model card shows, a file of the default branch of at most 1 MiB",
        (
            _REPOSITORY,
            _VISIBILITY,
            _ARTIFACT,
            _text("path", "where it is, from the root of the repository", nullable=False),
            _text("type", "png, jpeg, gif or webp, as its content says", nullable=False),
            Column("width", "BIGINT", "its pixels from left to right", nullable=False),
            Column("height", "BIGINT", "its pixels from top to bottom", nullable=False),
            _text("data", "its bytes, as base64", nullable=False),
        ),
    ),
    Table(
        "pins",
        "an artifact that a repository pins in the tagline.lock of its default branch",
        (
            _text("repository", "which repository pins it: host/owner/name, or the Git URL", nullable=False),
            _VISIBILITY,
            _text("artifact", "what is pinned: NAME, or DIR:NAME", nullable=False),
            _text("registry", "the repository that it is in, called as it is called in this index", nullable=False),
            _text("name", "what the pin is called", nullable=False),
            _text("target", "what was asked for, which updates follow: NAME#STAGE, NAME@VERSION", nullable=False),
            _text("version", "the version that it is pinned to; none for a commit without one"),
            _text("commit", "the commit of that version", nullable=False),
            _text("digest", "what it holds, as in versions", nullable=False),
        ),
    ),
)

#: All tables by name.
TABLES: dict[str, Table] = {one.name: one for one in _TABLES}
