"""Who pushed, and who started pipelines, by GitLab's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tagline.domain.changes.changes import Named
from tagline.domain.changes.pushes import Push
from tagline.domain.changes.runs import Attempt, starters

_PAGES, _PAGE = 3, 100
#: What was not heard of for so long does not go on.
_LONGEST = timedelta(days=7)
_MOST_PIPELINES = 20
_GO_ON = ("running", "canceling")


def pushes(project: Any, branch: str, at: float | None) -> Iterator[Push]:
    """The newest pushes to a branch of a project until about an instant, by its events; to all branches of that name.

    Of a push of more than three branches GitLab tells neither which they were nor what became of them.
    """
    # In days of the server's, and the day itself is not among what is found.
    until: dict[str, Any] = {}
    if at is not None:
        until["before"] = (datetime.fromtimestamp(at, UTC) + timedelta(days=2)).date().isoformat()
    for page in range(1, _PAGES + 1):
        rows = project.events.list(action="pushed", page=page, per_page=_PAGE, get_all=False, **until)
        for row in rows:
            told = row.push_data
            if (told["ref_type"], told["ref"]) == ("branch", branch):
                pushed_at = datetime.fromisoformat(row.created_at).timestamp()
                by = getattr(row, "author", None) or {}
                yield Push(by.get("username"), told["commit_from"], told["commit_to"], pushed_at)
        if len(rows) < _PAGE:
            return


def started(project: Any, at: float) -> Named:
    """Who started the jobs of a project that went on at an instant."""
    when, whole = datetime.fromtimestamp(at, UTC), True
    pipelines: dict[int, Any] = {}
    # Those below others are listed by themselves.
    for source in ({}, {"source": "parent_pipeline"}):
        for page in range(1, _PAGES + 1):
            rows = project.pipelines.list(
                updated_after=(when - _LONGEST).isoformat(), created_before=(when + timedelta(seconds=1)).isoformat(),
                page=page, per_page=_PAGE, get_all=False, **source,
            )  # fmt: skip
            pipelines.update((row.id, row) for row in rows if _went_on(row, when))
            if len(rows) < _PAGE:
                break
        else:
            whole = False
    found = []
    for pipeline in list(pipelines.values())[:_MOST_PIPELINES]:
        jobs = pipeline.jobs.list(include_retried="true", per_page=_PAGE, get_all=False)
        whole = whole and len(jobs) < _PAGE
        found += [_attempt(job) for job in jobs if job.started_at is not None]
    return starters(found, at, whole=whole and len(pipelines) <= _MOST_PIPELINES)


def _went_on(pipeline: Any, when: datetime) -> bool:
    return pipeline.status in _GO_ON or datetime.fromisoformat(pipeline.updated_at) >= when


def _attempt(job: Any) -> Attempt:
    ended = datetime.fromisoformat(job.finished_at).timestamp() if job.finished_at is not None else None
    return Attempt((job.user or {}).get("username"), datetime.fromisoformat(job.started_at).timestamp(), ended)
