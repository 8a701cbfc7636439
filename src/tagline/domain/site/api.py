"""The site for programs: one JSON document an artifact and a stage, an index of them, badges."""

from __future__ import annotations

from typing import Any

from tagline.domain.site.gaps import opened_by
from tagline.domain.site.gathering import Artifact, Site
from tagline.domain.site.places import api_artifact, api_badge, api_stage, artifact_page, url_of
from tagline.domain.site.records import Stage
from tagline.domain.text.times import format_time, time_or_none


def index(site: Site, base: str) -> dict[str, Any]:
    """``api/v1/index.json``. ``base`` is what its links begin with."""
    artifacts = [
        {
            "repository": one.repository.repository,
            "artifact": one.name,
            "type": one.described.type,
            "latest": one.described.latest,
            "stages": {stage.stage: stage.version for stage in one.stages},
            "deprecated": one.described.deprecated,
            "url": base + url_of(api_artifact(*one.key)),
            "page": base + url_of(artifact_page(*one.key)),
        }
        for one in site.artifacts
    ]
    return {"format": 1, "generated_at": site.generated_at, "artifacts": artifacts}


def artifact(one: Artifact, base: str) -> dict[str, Any]:
    """``api/v1/artifacts/REPO/NAME.json``; ``versions`` are the highest first."""
    described = one.described
    return {
        "repository": one.repository.repository,
        "artifact": one.name,
        "url": one.repository.url,
        "type": described.type,
        "path": described.path,
        "description": described.description,
        "labels": list(described.labels),
        "owner": described.owner,
        "card": described.card,
        "latest": described.latest,
        "deprecated": described.deprecated,
        "stages": {
            stage.stage: {
                "version": stage.version,
                "commit": stage.commit,
                "tag": stage.tag,
                "since": format_time(stage.since),
                "held": stage.held,
                "url": base + url_of(api_stage(*one.key, stage.stage)),
                "badge": base + url_of(api_badge(*one.key, stage.stage)),
            }
            for stage in one.stages
        },
        "versions": [
            {
                "version": row.version,
                "commit": row.commit,
                "tag": row.tag,
                "registered_at": format_time(row.registered_at),
                "active": row.active,
                "digest": row.digest,
                "sha256": row.sha256,
                "size": row.size,
                "uri": row.uri,
                "change": row.change,
                "approved_by": list(row.approved_by or ()),
                "stages": [stage.stage for stage in one.stages if stage.version == row.version],
            }
            for row in one.versions
        ],
    }


def stage(one: Artifact, held: Stage) -> dict[str, Any]:
    """``api/v1/artifacts/REPO/NAME/stages/STAGE.json``."""
    row = next((row for row in one.versions if row.version == held.version), None)
    span = opened_by(one, held.stage)
    reported = one.deployment(held.stage)
    return {
        "repository": one.repository.repository,
        "artifact": one.name,
        "stage": held.stage,
        "version": held.version,
        "commit": held.commit,
        "tag": held.tag,
        "since": format_time(held.since),
        "held": held.held,
        "digest": row.digest if row else None,
        "sha256": row.sha256 if row else None,
        "uri": row.uri if row else None,
        "change": span.change if span else None,
        "approved_by": list((span.approved_by if span else None) or ()),
        "deployed": None
        if reported is None
        else {
            "version": reported.version,
            "tag": reported.tag,
            "state": reported.state,
            "run_url": reported.run_url,
            "reported_at": time_or_none(reported.reported_at),
        },
    }


def badge(one: Artifact, held: Stage) -> dict[str, Any]:
    """``.../STAGE.badge.json``: what Shields' endpoint badge asks for."""
    message = (held.version or held.commit[:7]) + (" (held)" if held.held else "")
    color = "orange" if held.held else "blue"
    return {"schemaVersion": 1, "label": f"{one.name} {held.stage}", "message": message, "color": color}
