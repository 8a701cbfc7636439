"""A deployment that was reported, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tagline.domain.delivery.deployments import Reported
from tagline.domain.delivery.drift import WORDS, Deployed
from tagline.domain.text.times import format_time
from tagline.render.escape import no_command, one_line
from tagline.render.terminal.tables import Pen, table

if TYPE_CHECKING:
    from tagline.domain.ledger.registry import ArtifactState

_SAID = {"in_progress": "is being deployed", "success": "is deployed", "failure": "was not deployed: it failed"}
_COLORS = {"in_progress": "yellow", "success": "green", "failure": "red"}
_STATES = {"started": "started", "in_progress": "in progress", "success": "succeeded", "failure": "failed"}


def reported(result: Reported, pen: Pen) -> str:
    """``deployed``: what was reported and who knows it."""
    report = result.report
    what = pen(f"{result.artifact}#{report.stage}", "bold")
    version = report.version or f"commit {result.commit[:7]}"
    lines = [f"{what}  {version} {pen(_SAID[report.state], _COLORS[report.state])} ({one_line(report.tag)})"]
    if result.dry_run:
        return "\n".join([*lines, "  nothing was reported: --dry-run"])
    if not result.current:
        lines.append("  another tag holds the stage by now, or this one counts no more")
    if result.remembered:
        lines.append("  remembered in the registry" if result.news else "  the registry knew it already")
    if result.deployment is not None:
        by = "the deployment that the forge made for this job" if result.deployment.by == "forge" else "deployment"
        page = f": {result.deployment.url}" if result.deployment.url else ""
        lines.append(f"  {by} in {result.deployment.environment}{page}")
    if result.recorded:
        lines.append("  recorded by its SHA-256")
    if result.rollback is not None:
        verb = "opened" if result.rollback.news else "was opened already"
        lines.append(f"  the change that rolls back {verb}: {result.rollback.change.url}")
    return "\n".join(no_command(one_line(line)) for line in lines)


class StageRow(NamedTuple):
    """A stage: who it is assigned to by which tag, beside what a run reported and where that run is."""

    artifact: str
    stage: str
    assigned: str
    reported: str
    run_url: str | None


def rows_of(states: Sequence[ArtifactState], found: Mapping[str, Mapping[str, Deployed | None]]) -> list[StageRow]:
    """``show --deployed``: a row for each stage that was looked up."""
    rows = []
    for state in states:
        for stage, one in found.get(state.name, {}).items():
            hold = state.stages[stage]
            assigned = f"{hold.version or f'commit {hold.commit[:7]}'} ({hold.tag})"
            rows.append(StageRow(state.name, stage, assigned, told(one), one.run_url if one is not None else None))
    return rows


def table_of(rows: Sequence[StageRow], pen: Pen) -> str:
    """The rows for a terminal."""
    head = ("ARTIFACT", "STAGE", "ASSIGNED", "REPORTED", "BY RUN")
    return table(head, [(*row[:4], row.run_url or "-") for row in rows], pen, ("bold", "cyan", "green"))


def told(found: Deployed | None) -> str:
    """What is reported of a stage, in a cell: version, state, and how that differs from what is assigned."""
    if found is None:
        return "-"
    what = found.version or found.tag
    at = f" {format_time(found.reported_at)}" if found.reported_at is not None else ""
    drift = f"; {WORDS[found.drift]}" if found.drift is not None else ""
    return f"{what} {_STATES[found.state]}{at}{drift}"
