"""The answer of ``tagline import``: its JSON document, and a table for people."""

from __future__ import annotations

from shlex import quote
from typing import Any

from tagline.domain.ledger.tags import EventKind
from tagline.domain.mlflow.importing import Imported, ImportedModel, StageChoice
from tagline.render.escape import no_command, one_line
from tagline.render.json import documents
from tagline.render.terminal.tables import Pen, table

#: Lines of a table: a registry may have thousands of versions, and most are there already.
_MOST = 200
#: Tags that a command for people names one by one.
_FEW = 10


def document(result: Imported) -> dict[str, Any]:
    """What was made, or in a dry run would be."""
    rows = [documents.tag_row(row) for model in result.models for row in model.rows]
    return {
        "models": [_model(model) for model in result.models],
        "tags": [row | {"commit": row["commit"] or None} for row in rows],
        "branch": result.branch,
        "commit": result.commit,
        "pushed": result.pushed,
        "dry_run": result.dry_run,
        "warnings": documents.warnings(result.warnings),
    }


def _model(model: ImportedModel) -> dict[str, Any]:
    plan = model.plan
    registered = {row.version for row in model.rows if row.event is EventKind.REGISTRATION and row.created}
    return {
        "model": plan.model.name,
        "artifact": plan.artifact,
        "versions": [
            {
                "version": str(choice.version.number),
                "as": choice.name,
                "run_id": choice.version.run_id or None,
                "created": choice.skipped is None and choice.name in registered,
                "skipped": choice.skipped,
                "entry": model.entries.get(choice.version.number),
            }
            for choice in plan.versions
        ],
        "stages": {stage.stage: _stage(model, stage) for stage in plan.stages},
    }


def _stage(model: ImportedModel, stage: StageChoice) -> dict[str, Any]:
    made = any(row.created and row.stage == stage.stage for row in model.rows)
    return {
        "from": stage.claim.what,
        "version": str(stage.claim.versions[-1].number),
        "as": stage.name,
        "created": made,
        "skipped": stage.skipped,
    }


def text(result: Imported, pen: Pen) -> str:
    """A line a version, and where they are."""
    if not result.models:
        return "MLflow has no registered model."
    new = sum(len(model.plan.new) for model in result.models)
    tags = sum(model.plan.tags for model in result.models)
    rows = [row for model in result.models for row in _rows(model, dry_run=result.dry_run)]
    lines = [table(("MODEL", "VERSION", "AS", "STAGES", ""), rows[:_MOST], pen, ("bold", "", "green", "cyan", "dim"))]
    if len(rows) > _MOST:
        lines.append(f"... and {len(rows) - _MOST} more; --json has all of them.")
    lines += [line for model in result.models for line in _kept(model)]
    if not tags:
        lines.append("Nothing to import: all of it is here.")
        if result.unpushed:
            branch = one_line(result.branch)
            lines.append(
                f"The branch {branch} is here only. Unless it was merged: git push {result.remote} {quote(branch)}"
            )
        return "\n".join(lines)
    made = f"{new} version{'s' * (new != 1)}, {tags} tag{'s' * (tags != 1)}"
    if result.dry_run:
        lines.append(f"Would import {made}; nothing was written. --json shows each entry.")
        return "\n".join(lines)
    lines.append(f"Imported {made}{', pushed' if result.pushed else ''}.")
    if result.commit:
        branch = one_line(result.branch)
        lines.append(no_command(f"Open a change from {branch} so that the default branch has the entries."))
    if not result.pushed:
        lines.append(f"Nothing is pushed yet: {_push(result)}")
    return "\n".join(lines)


def _push(result: Imported) -> str:
    """The command that pushes what was made: the branch, and the tags of each model that has new ones."""
    words = ["git push --atomic", *(["--force-with-lease"] if result.anew else []), result.remote]
    words += [quote(one_line(result.branch))] if result.commit else []
    made = [row.tag for model in result.models for row in model.rows if row.created]
    if len(made) <= _FEW:
        return " ".join([*words, *(f"'refs/tags/{tag}'" for tag in made)])
    # A * stands for versions and counters: names of artifacts and stages have none.
    artifacts = dict.fromkeys(
        (row.artifact, mark)
        for model in result.models
        for row in model.rows
        if row.created
        for mark in ("@" if row.stage is None else "#")
    )
    return " ".join([*words, *(f"'refs/tags/{name}{mark}*:refs/tags/{name}{mark}*'" for name, mark in artifacts)])


def _rows(model: ImportedModel, *, dry_run: bool) -> list[tuple[str, str, str, str, str]]:
    plan = model.plan
    stages = {
        number: ", ".join(stage.stage for stage in plan.stages if stage.claim.versions[-1].number == number)
        for number in (choice.version.number for choice in plan.versions)
    }
    done = "would be imported" if dry_run else "imported"
    return [
        (
            plan.model.name,
            str(choice.version.number),
            f"{plan.artifact}@{choice.name}",
            stages[choice.version.number] or "-",
            choice.skipped or done,
        )
        for choice in plan.versions
    ]


def _kept(model: ImportedModel) -> list[str]:
    """Stages that are not as MLflow has them."""
    return [
        no_command(one_line(f"{model.plan.artifact}#{stage.stage} is not given to {stage.name}: {stage.skipped}"))
        for stage in model.plan.stages
        if stage.skipped and not stage.skipped.startswith("it holds")
    ]
