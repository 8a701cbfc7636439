"""The data of a promotion: what is known of a change, and the steps that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tagline.domain.changes.approvals import People
from tagline.domain.changes.changes import Change, Unknown
from tagline.domain.changes.intents import Intent
from tagline.domain.changes.overriding import Override
from tagline.domain.changes.verdicts import State, Verdict, worst
from tagline.domain.ledger.planning import NewTag, Row
from tagline.domain.ledger.registry import Stop
from tagline.domain.manifest.metrics import Metrics


class Content(NamedTuple):
    """What a version's bytes are, as trailers carry it; None where nobody has read it."""

    digest: str | None = None
    uri: str | None = None
    version_id: str | None = None
    sha256: str | None = None


class Linked(NamedTuple):
    """What is known of a version's MLflow run: the rule's word on it, and the registered model that the manifest names.

    ``shared`` says which other artifacts name the same model; empty: none does.
    """

    verdict: Verdict
    model: str | None = None
    shared: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything about a change that its plan depends on, beside the ledger and the policy.

    ``commit`` is what versions are registered at: the merge commit, before the merge the head.
    ``owners`` gives the code owners of an artifact's own file, ``file_owners`` those of request files.
    ``metrics``, ``contents``, ``stored`` (are the bytes there; of those that are
    ``placeless`` nothing says where they would be), ``reproduced`` (was the
    pipeline run on what is committed), ``mlflow`` and ``bytes_at`` (what names the bytes,
    None where there are none; only for what approvals must cover) are by artifact and commit;
    ``behind`` are the artifacts of an open change whose merge would bring other bytes than its head has;
    ``written_at`` gives for artifacts by tag objects an instant before which they were not written, as far as their
    chains show it;
    ``held_models`` are the registered models that the holders of stages name, by artifact and stage;
    ``newer`` tells of a commit whether ``commit`` lies strictly
    before it (None: nobody can tell). ``now`` is unix seconds.
    """

    change: Change
    commit: str
    now: int
    people: People = field(default_factory=People)
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    file_owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metrics: Mapping[tuple[str, str], Metrics] = field(default_factory=dict)
    contents: Mapping[tuple[str, str], Content] = field(default_factory=dict)
    stored: Mapping[tuple[str, str], Verdict] = field(default_factory=dict)
    placeless: frozenset[tuple[str, str]] = frozenset()
    reproduced: Mapping[tuple[str, str], Verdict] = field(default_factory=dict)
    mlflow: Mapping[tuple[str, str], Linked] = field(default_factory=dict)
    bytes_at: Mapping[tuple[str, str], str | Unknown | None] = field(default_factory=dict)
    behind: frozenset[str] = frozenset()
    written_at: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    held_models: Mapping[tuple[str, str], str] = field(default_factory=dict)
    newer: Mapping[str, bool | None] = field(default_factory=dict)
    run_url: str | None = None

    @property
    def judged_at(self) -> int:
        """When waiting ends, in unix seconds: at the merge, however late its job comes; before it, now."""
        return self.now if self.change.merged_at is None else min(self.now, int(self.change.merged_at))


@dataclass(frozen=True)
class Step:
    """One intent, decided.

    ``rows`` are the tags of the answer, ``new`` those to make. ``done``: this change did it before.
    ``before`` is the holder of the stage before the step, or the latest version before a registration. ``drift`` says
    which approvals were given for something else and count all the same. ``stop`` is what holds the stage before the
    step, ``override`` what an allowed one passes over.
    """

    intent: Intent
    version: str | None
    before: str | None
    rows: tuple[Row, ...] = ()
    new: tuple[NewTag, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    reviewers: tuple[tuple[str, str], ...] = ()
    approved_by: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    done: bool = False
    note: str = ""
    stop: Stop | None = None
    override: Override | None = None

    @property
    def state(self) -> State:
        """The verdict that decides."""
        return worst(self.verdicts)
