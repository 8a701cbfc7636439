"""The port Proposer over GitLab's REST API: a commit that makes its branch, and a merge request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import client, explained, is_passing
from tagline.adapters.forges.refusals import GARBLED
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.deployments import Proposal, Proposed
from tagline.domain.delivery.events import ChangeLink
from tagline.errors import PlatformRefused
from tagline.settings import Secret

#: GitLab lists forks' merge requests of the same branch too: room for many of them.
_PAGE = 100


class GitLabProposer:
    """Opens merge requests of one project, into ``base``."""

    def __init__(
        self, server: str, project: str, web_url: str, token: Secret | None, *, job_token: bool, base: str
    ) -> None:
        self._web, self._name, self._base = web_url, project, base
        self._api: Any = client(server, token, job_token=job_token)
        self._path = f"/projects/{quote(project, safe='')}"

    def propose(self, proposal: Proposal) -> Proposed:
        """By three requests: the list of merge requests, the commit, the merge request."""
        with self._explaining():
            if (there := self._there(proposal)) is not None:
                return Proposed(there, news=False)
            http_retries.again(lambda: self._commit(proposal), is_passing)
            change = http_retries.post_once(lambda: self._open(proposal), lambda: self._there(proposal), is_passing)
            return Proposed(change, news=True)

    def _there(self, proposal: Proposal) -> ChangeLink | None:
        """The merge request of the branch, whatever became of it. One from a fork is somebody else's, and no answer."""
        asked = {"source_branch": proposal.branch, "state": "all", "per_page": _PAGE}
        rows = self._api.http_get(f"{self._path}/merge_requests", query_data=asked)
        own = [row for row in rows if row["source_project_id"] == row["target_project_id"]]
        found = [row for row in own if row["source_branch"] == proposal.branch]
        return ChangeLink(int(found[0]["iid"]), str(found[0]["web_url"])) if found else None

    def _commit(self, proposal: Proposal) -> None:
        body = {
            "branch": proposal.branch,
            "start_branch": self._base,
            "commit_message": proposal.title,
            "actions": [{"action": "create", "file_path": proposal.path, "content": proposal.content}],
        }
        try:
            self._api.http_post(f"{self._path}/repository/commits", post_data=body)
        except GitlabError as error:
            # The commit is what makes the branch: where that is, the file is too.
            if error.response_code != 400 or "already exists" not in str(error.error_message):
                raise

    def _open(self, proposal: Proposal) -> ChangeLink:
        body = {
            "source_branch": proposal.branch,
            "target_branch": self._base,
            "title": proposal.title,
            "description": proposal.body,
            "remove_source_branch": True,
        }
        try:
            row = self._api.http_post(f"{self._path}/merge_requests", post_data=body)
        except GitlabError as error:
            there = self._there(proposal) if error.response_code == 409 else None  # another run was faster
            if there is None:
                raise
            return there
        return ChangeLink(int(row["iid"]), str(row["web_url"]))

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            if getattr(error, "response_code", None) in (401, 403, 404):
                raise PlatformRefused(
                    f"The change that rolls back could not be opened in {self._name} with this token.",
                    "It needs a project's token with the scope api and the role Developer (TAGLINE_TOKEN; in another "
                    "project's job TAGLINE_REPO_TOKEN): the job token may not.",
                    code="no-rollback-change",
                ) from error
            raise explained(self._web, error) from error
