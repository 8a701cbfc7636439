"""The document of ``propose``."""

from __future__ import annotations

from tagline.domain.delivery.proposals import Asked, Proposed
from tagline.render.json.documents import Document, warnings


def asked(found: Asked) -> Document:
    """``propose``."""
    request = found.request
    return {
        "action": request.kind,
        "artifact": request.artifact,
        "version": request.version,
        "stage": request.stage,
        "reason": request.reason,
        "ticket": request.ticket,
        "requester": found.requester,
        "change": proposed(found.change),
        "branch": found.branch,
        "file": found.path,
        "content": found.content,
        "why": found.why,
        "dry_run": found.dry_run,
        "warnings": warnings(found.warnings),
    }


def proposed(change: Proposed | None) -> Document | None:
    """A change that was opened, by this run or before."""
    return None if change is None else {**change.change._asdict(), "opened": change.news}
