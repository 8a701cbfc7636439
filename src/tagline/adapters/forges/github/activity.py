"""Who pushed, and who started runs, by GitHub's REST API: routes that PyGithub does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from github.Requester import Requester

from tagline.adapters.forges.pages import next_page
from tagline.domain.changes.changes import Named, Unknown
from tagline.domain.changes.pushes import Push
from tagline.domain.changes.runs import Attempt, starters
from tagline.domain.text.times import format_time
from tagline.ports.forge import CannotRead

_PAGES = 3
#: A run ends after 35 days, and is started once more within 30. Source:
#: https://docs.github.com/actions/reference/limits
_LONGEST = 35 * 86_400
#: GitHub lists no more of a search.
_MOST_RUNS, _PAGE = 1000, 100
_MOST_ATTEMPTS = 30
_NO_COMMIT = "0" * 40
_KINDS: Mapping[str, Literal["merge", "queue"]] = {"pr_merge": "merge", "merge_queue_merge": "queue"}


def pushes(requester: Requester, repository: str | None, branch: str) -> Iterator[Push]:
    """The newest pushes to a branch of a repository, by its activity; to all of that name, one after the other."""
    if repository is None:
        raise CannotRead(Unknown("who pushed to its branch", "Its repository is gone: push the commits to this one."))
    url = f"/repos/{repository}/activity"
    asked: dict[str, Any] = {"ref": f"refs/heads/{branch}", "per_page": 100}
    for _ in range(_PAGES):
        headers, rows = requester.requestJsonAndCheck("GET", url, asked)
        for row in rows:
            before, after = (None if row[end] == _NO_COMMIT else row[end] for end in ("before", "after"))
            by, at = (row["actor"] or {}).get("login"), _seconds(row["timestamp"])
            yield Push(by, before, after, at, _KINDS.get(row["activity_type"], "push"))
        more = next_page(headers.get("link", ""))
        if more is None:
            return
        url, asked = more, {}


def started(requester: Requester, repository: str, at: float) -> Named:
    """Who started the runs of a repository that went on at an instant."""
    url, whole = f"/repos/{repository}/actions/runs", True
    asked = {"created": f"{format_time(int(at - _LONGEST))}..{format_time(int(at))}", "per_page": _PAGE}
    left, found = iter(range(_MOST_ATTEMPTS)), []
    for page in range(1, _MOST_RUNS // _PAGE + 1):
        _, answer = requester.requestJsonAndCheck("GET", url, {**asked, "page": page})
        for run in answer["workflow_runs"]:
            attempt, number = _attempt(run), run["run_attempt"]
            while attempt.started > at and number > 1:
                if next(left, None) is None:
                    whole = False
                    break
                number -= 1
                _, earlier = requester.requestJsonAndCheck("GET", f"{url}/{run['id']}/attempts/{number}")
                attempt = _attempt(earlier)
            found.append(attempt)
        if page * _PAGE >= answer["total_count"]:
            break
    return starters(found, at, whole=whole and len(found) < _MOST_RUNS)


def _attempt(run: Mapping[str, Any]) -> Attempt:
    ended = _seconds(run["updated_at"]) if run["status"] == "completed" else None
    return Attempt((run["triggering_actor"] or {}).get("login"), _seconds(run["run_started_at"]), ended)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
