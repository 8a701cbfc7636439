"""What the commands about the index print with ``--json``."""

from __future__ import annotations

from typing import Any

from tagline.domain.index.results import Indexed


def indexed(done: Indexed) -> dict[str, Any]:
    """``index``."""
    return {
        "index": done.place,
        "repositories": done.repositories,
        "read": done.read,
        "unchanged": done.unchanged,
        "removed": done.removed,
        "failed": [
            {"repository": repository, "status": status, "reason": reason} for repository, status, reason in done.failed
        ],
        "rows": dict(done.rows),
    }
