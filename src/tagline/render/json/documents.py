"""The JSON documents of the contract, one function a shape."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tagline.domain.delivery.receipts import Receipt
from tagline.domain.ledger import messages
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.messages import Trailers, shown_trailers
from tagline.domain.text.times import format_time
from tagline.errors import TaglineError

if TYPE_CHECKING:  # show loads none of what other commands are about
    from tagline.domain.changes.intents import Intent
    from tagline.domain.doctor.checks import Check
    from tagline.domain.ledger.holds import Holding, Tally
    from tagline.domain.ledger.planning import Row
    from tagline.domain.ledger.registry import ArtifactState, Hold, Stop
    from tagline.domain.ledger.results import History, Shown, StageHistory, Written
    from tagline.domain.lineage.planned import Planned
    from tagline.domain.manifest.results import Checked
    from tagline.domain.storage.results import Fetched, Resolved

Document = dict[str, Any]


def dumps(document: Any) -> str:
    """One JSON text. Escaped to ASCII: names in Git need not be valid Unicode.

    ``##[`` is written so that GitHub's runner, which takes it for a command anywhere in a line, does not see it.
    """
    return json.dumps(document).replace("##[", "##\\u005b")


def artifact(state: ArtifactState, deployed: Mapping[str, Document | None] | None = None) -> Document:
    """One artifact of ``show``; with what is reported of each stage, where that was asked."""
    latest = state.latest
    stages = {stage: holding(hold, state.stops.get(stage)) for stage, hold in state.stages.items()}
    if deployed is not None:
        stages = {stage: {**row, "deployed": deployed.get(stage)} for stage, row in stages.items()}
    return {
        "latest": latest.version if latest else None,
        "stages": stages,
        "versions": [
            {
                "version": row.version,
                "commit": row.commit,
                "tag": row.tag,
                "registered_at": format_time(row.registered_at),
                "active": row.active,
                "stages": row.stages,
            }
            for row in state.versions
        ],
        "deprecated": state.deprecated,
    }


def holding(hold: Hold, stop: Stop | None) -> Document:
    """The current holder of a stage, and whether the stage is held at a version."""
    return {
        "version": hold.version,
        "commit": hold.commit,
        "tag": hold.tag,
        "since": format_time(hold.since),
        "held": held(stop),
    }


def held(stop: Stop | None) -> Document | None:
    """Why nothing goes past a version, since when, by whom and by which tag."""
    if stop is None:
        return None
    return {
        "version": stop.version,
        "tag": stop.tag,
        "since": format_time(stop.since),
        "by": stop.by,
        "reason": stop.reason,
    }


def warnings(found: Iterable[Warn]) -> list[Document]:
    """Warnings of the ledger."""
    return [{"code": warn.code, "tag": warn.tag, "message": warn.message} for warn in found]


def registry(
    states: Iterable[ArtifactState],
    found: list[Warn],
    deployed: Mapping[str, Mapping[str, Document | None]] | None = None,
) -> Iterator[str]:
    """``show`` as pieces of one JSON text: a registry of a million tags is never held as text.

    ``found`` is read after the last state was taken. ``deployed`` is what is reported, by artifact and stage.
    """
    yield '{"artifacts": {'
    comma = ""
    for state in states:
        told = deployed.get(state.name, {}) if deployed is not None else None
        yield f"{comma}{dumps(state.name)}: {dumps(artifact(state, told))}"
        comma = ", "
    yield '}, "warnings": ' + dumps(warnings(found)) + "}"


def shown(result: Shown) -> Document:
    """``show NAME@...`` and ``show NAME#...``."""
    answer = result.answer
    return {
        "artifact": answer.artifact,
        "version": answer.version,
        "commit": answer.commit,
        "tag": answer.tag,
        "stage": answer.stage,
        "stages": answer.stages,
        "registered_at": _time(answer.registered_at),
        "active": answer.active,
        "held": held(result.state.stops.get(answer.stage or "")),
        "warnings": warnings(result.warnings),
    }


def history(result: History) -> Document:
    """``history``."""
    return {
        "events": [
            {
                "timestamp": format_time(past.event.time),
                "artifact": past.event.artifact,
                "event": str(past.event.kind),
                "version": past.version,
                "stage": past.event.stage,
                "commit": past.event.commit,
                "tag": past.event.tag,
                "actor": {"name": past.actor_name, "email": past.actor_email},
                "trailers": shown_trailers(past.trailers),
            }
            for past in result.events
        ],
        "warnings": warnings(result.warnings),
    }


def holds(result: StageHistory) -> Document:
    """``history --at``: the holds newest first, of several artifacts in one row."""
    rows = [(past.artifact, one) for past in result.artifacts for one in past.holdings]
    rows.sort(key=lambda row: row[1].hold.since, reverse=True)
    return {
        "holds": [_past_hold(artifact, one) for artifact, one in rows],
        "summary": {past.artifact: {**_tally(past.tally), "deprecated": past.deprecated} for past in result.artifacts},
        "overall": _tally(result.overall),
        "warnings": warnings(result.warnings),
    }


def _past_hold(artifact: str, one: Holding) -> Document:
    from tagline.domain.ledger.holds import approvals

    hold, trailers = one.hold, shown_trailers(one.trailers)
    return {
        "artifact": artifact,
        "stage": hold.stage,
        "version": hold.version,
        "commit": hold.commit,
        "tag": hold.tag,
        "since": format_time(hold.since),
        "until": _time(hold.until),
        "seconds": one.seconds,
        "current": one.current,
        "opened_by": hold.opened_by,
        "ended_by": hold.ended_by,
        "actor": {"name": one.actor_name, "email": one.actor_email},
        "change": _first(trailers, messages.CHANGE),
        "requested_by": trailers.get(messages.REQUESTED_BY, []),
        "approved_by": [approval._asdict() for approval in approvals(trailers)],
        "policy": _first(trailers, messages.POLICY),
        "reasons": trailers.get(messages.REASON, []),
        "tickets": trailers.get(messages.TICKET, []),
        "override": _first(trailers, messages.OVERRIDE),
        "rollback_from": _first(trailers, messages.ROLLBACK_FROM),
        "held": _first(trailers, messages.HOLD),
        "lifted": _first(trailers, messages.HOLD_LIFTED),
    }


def _first(trailers: Trailers, key: str) -> str | None:
    return next(iter(trailers.get(key, ())), None)


def _tally(tally: Tally) -> Document:
    return {
        "holds": tally.holds,
        "ended": tally.ended,
        "mean_seconds": tally.mean,
        "median_seconds": tally.median,
        "longest_seconds": tally.longest,
        "rollbacks": tally.rollbacks,
        "held_seconds": tally.held,
        "window_seconds": tally.window,
        "share": tally.share,
    }


def checked(result: Checked) -> Document:
    """``check-ref``; all null for a ref that is no registry tag."""
    event, entry = result.event, result.entry
    return {
        "event": str(event.kind) if event else None,
        "artifact": event.artifact if event else None,
        "name": event.artifact if event else None,
        "version": result.version,
        "stage": event.stage if event else None,
        "tag": event.tag if event else None,
        "commit": event.commit if event else None,
        "type": entry.type if entry else None,
        "path": entry.path if entry else None,
        "description": (entry.description or None) if entry else None,
        "current": result.current,
        "warnings": warnings(result.warnings),
    }


def resolved(result: Resolved) -> Document:
    """``resolve``."""
    answer, entry, location, signed = result.answer, result.entry, result.location, result.presigned
    return {
        "artifact": answer.artifact,
        "version": answer.version,
        "stage": answer.stage,
        "commit": answer.commit,
        "tag": answer.tag,
        "type": entry.type if entry else None,
        "path": entry.path if entry else None,
        "description": (entry.description or None) if entry else None,
        "labels": list(entry.labels) if entry else [],
        "uri": location.uri,
        "digest": location.digest,
        "sha256": location.sha256,
        "size": location.size,
        "version_id": location.version_id,
        "files": location.files,
        "current": result.current,
        "superseded": result.superseded,
        "previous_version": result.previous_version,
        "registered_at": _time(answer.registered_at),
        "presigned": {"url": signed.url, "expires_at": format_time(signed.expires_at)} if signed is not None else None,
        "warnings": warnings(result.warnings),
    }


def fetched(result: Fetched) -> Document:
    """``fetch``: what was resolved, where it is now, and whether anything had to be fetched for it."""
    return {
        **resolved(result.resolved),
        "destination": result.destination,
        "fetched": not result.there and result.destination is not None,
    }


def written(result: Written, stage: str | None) -> Document:
    """What the writing commands did.

    ``moved`` has the stages that changed hands, with the new holder; ``holder`` is who holds the
    stage that was asked about.
    """
    stops = result.state.stops
    document: Document = {
        "tags": [tag_row(row) for row in result.rows],
        "pushed": result.pushed,
        "dry_run": result.dry_run,
        "moved": {name: holding(new, stops.get(name)) if new else None for name, (_, new) in result.moved().items()},
    }
    if stage is not None:
        hold = result.holder(stage)
        document["holder"] = holding(hold, stops.get(stage)) if hold else None
    return {**document, "warnings": warnings(result.warnings)}


def changes(planned: Sequence[Planned], why: str, found: Iterable[Warn] = ()) -> Document:
    """``plan`` and ``promote``: one change, or a list of them; ``why`` there is none; ``found`` is about the run."""
    beside = warnings(found)
    if len(planned) == 1:
        document = _planned(planned[0])
        return {**document, "warnings": [*beside, *document["warnings"]]}
    document = {"changes": [_planned(one) for one in planned], "warnings": beside}
    return document if planned else {**document, "verdict": "nothing", "why": why}


def _planned(planned: Planned) -> Document:
    decided, change = planned.decided, planned.decided.change
    made = change.merged and not planned.dry_run
    document: Document = {
        "change": {
            "number": change.number,
            "url": change.url,
            "merged": change.merged,
            "commit": change.merge_commit if change.merged else change.head,
            "labels": list(change.labels),
        },
        "verdict": decided.verdict,
        "intents": [_intent(intent) for intent in decided.intents],
        # Before the merge, and of a dry run, no tag is there.
        "tags": [tag_row(row._replace(created=row.created and made)) for row in decided.rows],
        "refused": [refusal._asdict() for refusal in decided.refused],
        "waiting": [refusal._asdict() for refusal in decided.waiting],
        "rules": [
            {"artifact": step.intent.artifact, "stage": step.intent.stage, **verdict._asdict()}
            for step in decided.steps
            for verdict in step.verdicts
        ],
        "held": [
            {"artifact": step.intent.artifact, "stage": step.intent.stage, **(held(step.stop) or {})}
            for step in decided.steps
            if step.stop is not None
        ],
        "overrides": [
            {"artifact": step.intent.artifact, "stage": step.intent.stage, **step.override._asdict()}
            for step in decided.steps
            if step.override is not None
        ],
        "touched": dict(decided.touches.touched),
        "drift": list(decided.drift),
        "policy": planned.policy.digest,
        "why": planned.note or None,
        "comment_url": planned.comment_url,
        "delivery": [_receipt(one) for one in planned.delivery],
        "dry_run": planned.dry_run,
        "warnings": warnings(planned.warnings),
    }
    if planned.error is not None:
        document |= {"verdict": None, **failure(planned.error)}
    if planned.earlier:
        document["earlier"] = [_planned(one) for one in planned.earlier]
    return document


def _receipt(receipt: Receipt) -> Document:
    start, error = receipt.start, receipt.error
    return {
        "artifact": start.artifact,
        "stage": start.stage,
        "tag": start.tag,
        "target": start.target.key,
        "how": receipt.how,
        "run_url": receipt.run.url,
        "state": receipt.run.state,
        "environment": start.environment,
        "started": receipt.ours,
        "error": failure(error)["error"] if error is not None else None,
    }


def _intent(intent: Intent) -> Document:
    return {
        "artifact": intent.artifact,
        "action": str(intent.action),
        "stage": intent.stage,
        "version": intent.which,
        "sources": intent.sources,
    }


def tag_row(row: Row) -> Document:
    """One tag of a writing command's answer."""
    return {
        "tag": row.tag,
        "commit": row.commit,
        "artifact": row.artifact,
        "event": str(row.event),
        "version": row.version,
        "stage": row.stage,
        "created": row.created,
    }


def failure(error: TaglineError) -> Mapping[str, Any]:
    """A failure under ``--json``."""
    return {"error": {"code": error.code, "message": error.message, "hint": error.hint}}


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else format_time(seconds)


def doctor(checks: Sequence[Check], fixed: Sequence[str]) -> Document:
    """``doctor``: every check; ``repository`` is named where several were looked at."""
    return {"checks": [{**check._asdict(), "url": check.url} for check in checks], "fixed": list(fixed)}
