"""Who pushed, by GitHub's REST API: routes that PyGithub does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from github.Requester import Requester

from tagline.domain.changes import Unknown
from tagline.domain.pushes import Push
from tagline.ports import CannotRead

_PAGES = 3
_NO_COMMIT = "0" * 40
_NEXT_PAGE = re.compile(r'<([^>]*)>; rel="next"')


def pushes(requester: Requester, head: Any) -> Iterator[Push]:
    """The newest pushes to branches of the name of ``head``, a side of a pull request, by its repository's activity."""
    if head.repo is None:
        raise CannotRead(Unknown("who pushed to its branch", "Its repository is gone: push the commits to this one."))
    url = f"/repos/{head.repo.full_name}/activity"
    asked: dict[str, Any] = {"ref": f"refs/heads/{head.ref}", "per_page": 100}
    for _ in range(_PAGES):
        headers, rows = requester.requestJsonAndCheck("GET", url, asked)
        for row in rows:
            before, after = (None if row[end] == _NO_COMMIT else row[end] for end in ("before", "after"))
            at = datetime.fromisoformat(row["timestamp"]).timestamp()
            yield Push((row["actor"] or {}).get("login"), before, after, at)
        more = _NEXT_PAGE.search(headers.get("link", ""))
        if more is None:
            return
        url, asked = more[1], {}
