"""The document of ``deployed``, and what ``show --deployed`` adds to a stage."""

from __future__ import annotations

from tagline.domain.delivery.deployments import Deployment, Reported
from tagline.domain.delivery.drift import Deployed
from tagline.domain.text.times import format_time
from tagline.render.json.documents import Document, failure, warnings
from tagline.render.json.proposals import proposed


def reported(result: Reported) -> Document:
    """``deployed``."""
    report = result.report
    return {
        "artifact": result.artifact,
        "stage": report.stage,
        "version": report.version,
        "commit": result.commit,
        "tag": report.tag,
        "state": report.state,
        "digest": report.digest,
        "sha256": result.sha256,
        "url": report.url,
        "run_url": report.run_url,
        "reported_at": format_time(report.time),
        "environment": result.environment,
        "current": result.current,
        "news": result.news,
        "remembered": result.remembered,
        "deployment": _deployment(result.deployment),
        "recorded": result.recorded,
        "rollback_change": proposed(result.rollback),
        "dry_run": result.dry_run,
        "errors": [failure(error)["error"] for error in result.errors],
        "warnings": warnings(result.warnings),
    }


def _deployment(deployment: Deployment | None) -> Document | None:
    return None if deployment is None else deployment._asdict()


def deployed(found: Deployed | None) -> Document | None:
    """What is reported of a stage, beside who holds it."""
    if found is None:
        return None
    at = None if found.reported_at is None else format_time(found.reported_at)
    return {**found._asdict(), "reported_at": at}
