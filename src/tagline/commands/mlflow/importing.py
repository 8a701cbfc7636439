"""``tagline import mlflow``: models, versions and stages of MLflow's registry become entries, commits and tags.

All is planned first and nothing is written where anything is refused. Then come the commits, their branch, and
the tags last: whatever a run that broke off has made is found again by the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tagline.commands.ledger.writing import Ledgered, WriteContext, write
from tagline.commands.mlflow.entries import Editor, Key
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.planning import Plan, Row, check_names
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.mlflow.importing import Imported, ImportedModel, ModelPlan, plan_model, plan_tags
from tagline.domain.mlflow.names import (
    Claim,
    ListedVersion,
    RegisteredModel,
    choose,
    claims,
    distinct,
    left_out,
    stage_names,
)
from tagline.errors import Conflict
from tagline.ports.artifacts import ByteImport
from tagline.ports.commits import Commits
from tagline.ports.mlflow import ModelRegistry

#: Tags that are published at once: an argument list and a push have limits.
AT_ONCE = 200
#: What stands for a commit that is not made yet begins so.
_PLANNED = "new-"


@dataclass(frozen=True)
class Wanted:
    """What is asked for: ``NAME[=OURS]`` of models (none: all), ``MLFLOW=OURS`` of stages; the stages that ``.gto``
    allows, None for any.
    """

    models: Sequence[str] = ()
    stages: Sequence[str] = ()
    allowed: Sequence[str] | None = None


@dataclass(frozen=True)
class _Listed:
    """A model as MLflow tells of it, and what it is called here."""

    artifact: str
    model: RegisteredModel
    versions: list[ListedVersion]
    claims: Mapping[str, Claim]
    #: Stages of ours that ``--stage MLFLOW=`` leaves out.
    left_out: Collection[str] = ()


@dataclass(frozen=True)
class _Outcome:
    """What came of one model's tags, made or planned."""

    plan: ModelPlan
    rows: list[Row]
    warnings: list[Warn]
    pushed: bool


def import_mlflow(
    context: WriteContext,
    registry: ModelRegistry,
    commits: Commits,
    wanted: Wanted,
    bytes_of: ByteImport | None = None,
) -> Imported:
    """Bring a registry, or the models that are wanted, into this repository; with ``bytes_of`` their bytes too.

    Raises NotFound for a model that is not there, Refused for names that clash, a manifest that cannot be
    edited and a guarded stage, and whatever ``registry``, ``commits`` and the ledger raise.
    """
    listed = _list(registry, wanted)
    planned = [_tag(dataclasses.replace(context, dry_run=True), one, None) for one in listed]
    new = [(outcome.plan, choice.version) for outcome in planned for choice in outcome.plan.new]
    editor = Editor(registry, commits, bytes_of)
    for plan, version in new:
        editor.describe(plan, version)
    if context.dry_run:
        return _answer(context, planned, editor, None)
    commit = editor.commit(int(context.clock.now()))
    done = [
        _publish(context, one, editor.commits) if outcome.plan.tags else outcome
        for one, outcome in zip(listed, planned, strict=True)
    ]
    return _answer(context, done, editor, commit)


def _list(registry: ModelRegistry, wanted: Wanted) -> list[_Listed]:
    """All that is wanted, with names that can be written."""
    chosen = choose(registry.models(), wanted.models)
    names = stage_names(wanted.stages, chosen.values())
    found = []
    for artifact, model in chosen.items():
        versions = distinct(registry.versions(model.name))
        claimed = claims(model, versions, names)
        check_names(artifact)
        for stage in claimed:
            check_names(artifact, stage, stages=wanted.allowed)
        found.append(_Listed(artifact, model, versions, claimed, left_out(names)))
    return found


# -- tags ---------------------------------------------------------------------


def _tag(
    context: WriteContext, listed: _Listed, commits: Mapping[Key, str] | None, most: int | None = None
) -> _Outcome:
    """Plan one model's tags by the ledger as it is now, and write them unless the context is dry: then there are no
    ``commits`` yet, and None stands for them.
    """
    made: list[ModelPlan] = []

    def find(version: ListedVersion) -> str:
        return _commit(commits, listed, version)

    def decide(ledger: Ledgered, now: int) -> Plan:
        plan = plan_model(
            listed.artifact, listed.model, listed.versions, listed.claims, ledger.state, ledger.raw, listed.left_out
        )
        made.append(plan)
        return plan_tags(plan, ledger.state, find, now, context.trailers(), most)

    def touches(_state: ArtifactState) -> list[str]:
        return [stage.stage for stage in made[-1].stages if stage.assign]

    written = write(context, listed.artifact, decide, touches=touches, must_exist=False)
    return _Outcome(made[-1], written.rows, [*written.warnings, *made[-1].warnings], written.pushed)


def _commit(commits: Mapping[Key, str] | None, listed: _Listed, version: ListedVersion) -> str:
    """The commit of a version; while none is made, something that is no other's."""
    if commits is None:
        return f"{_PLANNED}{version.number}"
    if (listed.artifact, version.number) not in commits:
        raise Conflict(f"{listed.artifact} changed while it was imported.", "Run the same command again.", code="raced")
    return commits[listed.artifact, version.number]


def _publish(context: WriteContext, listed: _Listed, commits: Mapping[Key, str]) -> _Outcome:
    """Write one model's tags, some at a time."""
    first = outcome = _tag(context, listed, commits, AT_ONCE)
    rows = [*outcome.rows]
    while outcome.plan.tags > AT_ONCE:
        outcome = _tag(context, listed, commits, AT_ONCE)
        rows += outcome.rows
    return dataclasses.replace(first, rows=rows, warnings=outcome.warnings, pushed=outcome.pushed or first.pushed)


def _answer(context: WriteContext, outcomes: Sequence[_Outcome], editor: Editor, commit: str | None) -> Imported:
    models = []
    for outcome in outcomes:
        artifact = outcome.plan.artifact
        entries = {number: text for (name, number), text in editor.entries.items() if name == artifact}
        rows = [row._replace(commit="") if row.commit.startswith(_PLANNED) else row for row in outcome.rows]
        models.append(ImportedModel(outcome.plan, rows, entries))
    unpushed = commit is None and not context.dry_run and editor.unpushed()
    pushed = any(outcome.pushed for outcome in outcomes)
    warnings = [*(warn for outcome in outcomes for warn in outcome.warnings), *editor.warnings]
    return Imported(
        models, editor.branch, commit, pushed, context.dry_run, warnings, context.remote, editor.anew, unpushed
    )
