"""Who pushed, by GitLab's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import gitlab

from tagline.domain.changes import Unknown
from tagline.domain.pushes import Push
from tagline.ports import CannotRead

_PAGES, _PAGE = 3, 100


def pushes(api: gitlab.Gitlab, request: Any, merged_at: float | None) -> Iterator[Push]:
    """The newest pushes to branches of the name of a merge request's own, by its project's events.

    Of a push of more than three branches GitLab tells neither which they were nor what became of them.
    """
    if request.source_project_id is None:
        raise CannotRead(Unknown("who pushed to its branch", "Its project is gone: push the commits to this one."))
    events = api.projects.get(request.source_project_id, lazy=True).events
    # In days of the server's, and the day itself is not among what is found.
    until: dict[str, Any] = {}
    if merged_at is not None:
        until["before"] = (datetime.fromtimestamp(merged_at, UTC) + timedelta(days=2)).date().isoformat()
    for page in range(1, _PAGES + 1):
        rows = events.list(action="pushed", page=page, per_page=_PAGE, get_all=False, **until)
        for row in rows:
            told = row.push_data
            if (told["ref_type"], told["ref"]) == ("branch", request.source_branch):
                at = datetime.fromisoformat(row.created_at).timestamp()
                by = getattr(row, "author", None) or {}
                yield Push(by.get("username"), told["commit_from"], told["commit_to"], at)
        if len(rows) < _PAGE:
            return
