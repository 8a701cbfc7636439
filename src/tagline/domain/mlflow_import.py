"""From a registry of MLflow and our ledger to what an import makes: entries, versions, stages, tags.

Version N becomes ``vN.0.0``. What is here already is left as it is, so that an import can be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from tagline.domain import messages
from tagline.domain.answers import versions_by_commit
from tagline.domain.events import RawTag, Warn
from tagline.domain.mlflow_names import READY, Claim, ListedVersion, RegisteredModel
from tagline.domain.planning import NewTag, Plan, Row, Trailers, plan_assign, plan_register, projected
from tagline.domain.registry import ArtifactState
from tagline.domain.tags import parse_tag
from tagline.domain.times import MAX_TIME, format_time

#: The tag that a promotion of ours puts on the version in MLflow that it is about.
OUR_TAG = "tagline.tag"
#: Characters: what readers of YAML bear. MLflow's own limit is 250.
_LONGEST_KEY = 1000
#: The largest float, which MLflow's databases keep in the place of infinity.
_INFINITE = 1.7976931348623157e308
_OURS, _THEIRS = "tagline.", "mlflow."
_LABEL_RE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_ONE_SLASH_RE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/(?!/)")
_URI_RE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.")


class Choice(NamedTuple):
    """A version of MLflow's, what it is called here, and why it is not imported (None: it is)."""

    version: ListedVersion
    name: str
    skipped: str | None


@dataclass(frozen=True)
class StageChoice:
    """A stage that MLflow tells of. ``name`` is what its holder there is called here; ``assign`` are the versions to
    give it to, in this order and by our names; none if it is skipped.
    """

    stage: str
    claim: Claim
    name: str
    assign: tuple[tuple[str, ListedVersion], ...] = ()
    skipped: str | None = None


@dataclass(frozen=True)
class ModelPlan:
    """What an import makes of one model."""

    artifact: str
    model: RegisteredModel
    versions: tuple[Choice, ...]
    stages: tuple[StageChoice, ...]
    warnings: tuple[Warn, ...] = ()

    @property
    def new(self) -> list[Choice]:
        """The versions that are imported, by number."""
        return [choice for choice in self.versions if choice.skipped is None]

    @property
    def tags(self) -> int:
        """How many tags that takes."""
        return len(self.new) + sum(len(stage.assign) for stage in self.stages)


@dataclass(frozen=True)
class Described:
    """A version to be imported with its entry: the mapping, and the YAML as it is written."""

    choice: Choice
    entry: Mapping[str, Any]
    text: str


@dataclass(frozen=True)
class ImportedModel:
    """One model's part of the answer. ``entries`` is the YAML of each new version, by its number."""

    plan: ModelPlan
    rows: list[Row] = field(default_factory=list)
    entries: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Imported:
    """The answer of ``import``. ``commit`` is where ``branch`` is now, None where no version was new; ``remote`` is
    what Git calls where it is pushed to.
    """

    models: list[ImportedModel]
    branch: str
    commit: str | None
    pushed: bool
    dry_run: bool
    warnings: list[Warn] = field(default_factory=list)
    remote: str = "origin"


# -- what is imported ---------------------------------------------------------


def plan_model(
    artifact: str,
    model: RegisteredModel,
    versions: Sequence[ListedVersion],
    claims: Mapping[str, Claim],
    state: ArtifactState,
    raw: Mapping[str, RawTag],
) -> ModelPlan:
    """What to make of a model, by what the ledger has of it (``raw``: its tags by name, with messages)."""
    choices = tuple(_choice(artifact, version, state) for version in sorted(versions, key=lambda v: v.number))
    there = {choice.version.number: choice.name for choice in choices if _usable(choice, state)}
    stages, warnings = [], []
    for stage, claim in claims.items():
        chosen, warning = _stage(stage, claim, there, state, raw)
        stages.append(chosen)
        warnings += [warning] if warning else []
    return ModelPlan(artifact, model, choices, tuple(stages), tuple(warnings))


def _choice(artifact: str, version: ListedVersion, state: ArtifactState) -> Choice:
    name = f"v{version.number}.0.0"
    if (ours := _made_here(artifact, version, state)) is not None:
        return Choice(version, ours, f"its tag {OUR_TAG} says that it came from here")
    row = state.version(name)
    if row is not None:
        return Choice(version, name, "registered already" if row.active else "deregistered here")
    if version.status != READY:
        return Choice(version, name, f"its status is {messages.one_line(version.status) or 'unknown'}, not {READY}")
    return Choice(version, name, "the artifact is deprecated here" if state.deprecated else None)


def _made_here(artifact: str, version: ListedVersion, state: ArtifactState) -> str | None:
    """The version of ours that a promotion noted on MLflow's; None where this ledger has no such tag."""
    parsed = parse_tag(version.tags.get(OUR_TAG, ""))
    if parsed is None or parsed.artifact != artifact:
        return None
    event = next((event for event in state.events if event.tag == version.tags[OUR_TAG]), None)
    if event is None:
        return None
    return event.version or versions_by_commit(state).get(event.commit)


def _usable(choice: Choice, state: ArtifactState) -> bool:
    """Whether the version is here after the import, to hold a stage."""
    row = state.version(choice.name)
    return row.active if row is not None else choice.skipped is None


def _stage(
    stage: str, claim: Claim, there: Mapping[int, str], state: ArtifactState, raw: Mapping[str, RawTag]
) -> tuple[StageChoice, Warn | None]:
    """Who is given a stage, and what there is to say when nobody is."""
    holder = claim.versions[-1]
    name = there.get(holder.number)
    if name is None:
        return StageChoice(stage, claim, f"v{holder.number}.0.0", skipped="that version is not imported"), None
    hold = state.stages.get(stage)
    if hold is not None and hold.version == name:
        return StageChoice(stage, claim, name, skipped="it holds the stage already"), None
    if state.deprecated:
        return StageChoice(stage, claim, name, skipped="the artifact is deprecated here"), None
    newest = next((event for event in reversed(state.events) if event.stage == stage), None)
    if newest is not None and not is_import(raw[newest.tag].message):
        warning = Warn(
            "import-stage-kept",
            newest.tag,
            f"{newest.tag} decides {state.name}#{stage} and is no import's: it stays as it is, "
            f"though MLflow's {claim.what} is version {holder.number}.",
        )
        return StageChoice(stage, claim, name, skipped="it was decided here since"), warning
    held = {past.version for past in state.holds.get(stage, ())}
    named = [(there[version.number], version) for version in claim.versions if version.number in there]
    assign = (*((known, version) for known, version in named[:-1] if known not in held), named[-1])
    return StageChoice(stage, claim, name, assign), None


def is_import(message: str) -> bool:
    """Whether a tag was made by an import, by its message."""
    return messages.IMPORTED_FROM in messages.parse_trailers(message)


# -- the ledger ---------------------------------------------------------------


def plan_tags(
    plan: ModelPlan,
    state: ArtifactState,
    commits: Callable[[ListedVersion], str],
    now: int,
    trailers: Trailers = (),
    most: int | None = None,
) -> Plan:
    """The tags of an import, or the first ``most`` of its registrations; stages come with the last of them.

    Tags of one artifact differ in their second. Those of an import end now, so that none is in the future.
    """
    time = max(now - plan.tags + 1, state.newest + 1)
    rows: list[Row] = []
    new: list[NewTag] = []
    chosen = plan.new[:most]
    for count, choice in enumerate(chosen):
        said = [(messages.IMPORTED_FROM, choice.version.uri), *trailers]
        made = plan_register(state, commits(choice.version), time + count, version=choice.name, trailers=said)
        rows += made.rows
        new += made.new
    if len(chosen) < len(plan.new):
        return Plan(rows, new)
    state, time = projected(state, new), time + len(new)
    for stage in plan.stages:
        for name, version in stage.assign:
            said = [(messages.IMPORTED_FROM, version.uri), *trailers]
            row = next(row for row in state.versions if row.version == name)
            assigned = plan_assign(state, stage.stage, row, time, said)
            rows += assigned.rows
            new += assigned.new
            state, time = projected(state, assigned.new), time + 1
    return Plan(rows, new)


# -- the manifest -------------------------------------------------------------


def entry_of(
    model: RegisteredModel, version: ListedVersion, *, location: str, metrics: Mapping[str, float], server: str
) -> dict[str, Any]:
    """The entry of ``artifacts.yaml`` as of one version: ``location`` is where its bytes are, ``server`` MLflow's URL.

    The bytes stay where they are: the entry is ``virtual``.
    """
    path = uri_of(location)
    labels, rest = split_tags({**model.tags, **version.tags})
    ours = {"run_id": version.run_id} if version.run_id else {}
    source = {"tracking_uri": server, "model": version.model, "version": version.number}
    about: dict[str, Any] = {} if ours else source
    about |= {"description": model.description} if version.description and model.description else {}
    about |= {"source": without_password(location)} if location and path != location else {}
    about |= {"tags": rest} if rest else {}
    about |= {"created": format_time(version.created // 1000)} if 0 < version.created // 1000 <= MAX_TIME else {}
    about |= {"user": version.user} if version.user else {}
    fields: dict[str, Any] = {
        "type": "model",
        "path": path,
        "virtual": True,
        "description": version.description or model.description,
        "labels": labels,
        "metrics": {name: metrics[name] for name in sorted(metrics) if _fits(name) and abs(metrics[name]) < _INFINITE},
        "mlflow": {**ours, **source} if ours else None,
        "custom": {"mlflow": about} if about else None,
    }
    return {key: value for key, value in fields.items() if value}


def split_tags(tags: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Tags that are words, as labels (``key`` or ``key:value``), and the rest; our own are neither."""
    labels, rest = [], {}
    for key, value in sorted(tags.items()):
        if key.startswith(_OURS) or not _fits(key):
            continue
        plain = _LABEL_RE.fullmatch(key) and not key.startswith(_THEIRS)
        if plain and value in ("", "true"):
            labels.append(key)
        elif plain and _LABEL_RE.fullmatch(value):
            labels.append(f"{key}:{value}")
        else:
            rest[key] = value
    return labels, rest


def _fits(key: str) -> bool:
    return len(key) <= _LONGEST_KEY


def uri_of(location: str) -> str | None:
    """Where a version's bytes are as a URI with ``//``; None for a path that means something on one machine only."""
    text = without_password(location)
    if text.startswith("/"):
        return "file://" + quote(text)
    text = _ONE_SLASH_RE.sub(r"\1:///", text, count=1) if _ONE_SLASH_RE.match(text) else text
    return text if _URI_RE.match(text) else None


def without_password(text: str) -> str:
    """A location without ``user:password@``; a container before an ``@`` stays, as Azure's addresses have."""
    return re.sub(r"(?<=://)[^/@\s]*:[^/\s]*@", "", text)
