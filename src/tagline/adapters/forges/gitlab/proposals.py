"""The port Proposer over GitLab's REST API: a commit that makes its branch, and a merge request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import client, explained, is_passing
from tagline.adapters.forges.patches import is_just_that_file
from tagline.adapters.forges.refusals import GARBLED, NO_TOKEN
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.events import ChangeLink
from tagline.domain.delivery.proposals import Proposal, Proposed
from tagline.errors import PlatformRefused
from tagline.ports.delivery import BranchTaken
from tagline.settings import Secret

#: GitLab lists forks' merge requests of the same branch too: room for many of them.
_PAGE = 100


class GitLabProposer:
    """Opens merge requests of one project, into ``base``.

    ``no_token`` says why none is sent, where none is; ``refusal`` is the code of the error where the token may not.
    """

    def __init__(
        self,
        server: str,
        project: str,
        web_url: str,
        token: Secret | None,
        no_token: str = NO_TOKEN,
        *,
        job_token: bool,
        base: str,
        refusal: str,
    ) -> None:
        self._web, self._name, self._base, self._refusal = web_url, project, base, refusal
        self._api: Any = client(server, token, job_token=job_token)
        self._path = f"/projects/{quote(project, safe='')}"
        self._no_token = None if token else no_token

    def find(self, branch: str) -> Proposed | None:
        """By the list of merge requests."""
        with self._explaining():
            return self._there(branch)

    def propose(self, proposal: Proposal) -> Proposed:
        """By three requests: the list of merge requests, the commit, the merge request.

        Of a branch that is there already one more tells what is in it.
        """
        with self._explaining():
            if (there := self._there(proposal.branch)) is not None:
                return there
            made = http_retries.again(lambda: self._commit(proposal), is_passing)
            if not made and not self._is_ours(proposal):
                raise BranchTaken(proposal.branch)
            return http_retries.post_once(
                lambda: self._open(proposal), lambda: self._there(proposal.branch), is_passing
            )

    def _there(self, branch: str) -> Proposed | None:
        """The merge request of the branch. One from a fork is somebody else's, and no answer."""
        asked = {"source_branch": branch, "state": "all", "per_page": _PAGE}
        rows = self._api.http_get(f"{self._path}/merge_requests", query_data=asked)
        own = [row for row in rows if row["source_project_id"] == row["target_project_id"]]
        found = sorted((row for row in own if row["source_branch"] == branch), key=lambda row: row["state"] != "opened")
        if not found:
            return None
        link = ChangeLink(int(found[0]["iid"]), str(found[0]["web_url"]))
        return Proposed(link, news=False, open=found[0]["state"] == "opened")

    def _commit(self, proposal: Proposal) -> bool:
        """Make the branch with the file; False where it is there."""
        body = {
            "branch": proposal.branch,
            "start_branch": self._base,
            "commit_message": proposal.title,
            "actions": [{"action": "create", "file_path": proposal.path, "content": proposal.content}],
        }
        try:
            self._api.http_post(f"{self._path}/repository/commits", post_data=body)
        except GitlabError as error:
            if error.response_code != 400 or "already exists" not in str(error.error_message):
                raise
            return False
        return True

    def _is_ours(self, proposal: Proposal) -> bool:
        """Whether nothing is in the branch but the file that this, or a killed run of it, made with the branch."""
        ends = {"from": self._base, "to": proposal.branch}
        try:
            found = self._api.http_get(f"{self._path}/repository/compare", query_data=ends)
        except GitlabError as error:
            if error.response_code == 404:  # it was the file that is there already, on the base branch
                return False
            raise
        files = [(str(one["new_path"]), bool(one["new_file"]), str(one["diff"])) for one in found["diffs"]]
        return is_just_that_file(files, proposal.path, proposal.content)

    def _open(self, proposal: Proposal) -> Proposed:
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
            there = self._there(proposal.branch) if error.response_code == 409 else None  # another run was faster
            if there is None:
                raise
            return there
        return Proposed(ChangeLink(int(row["iid"]), str(row["web_url"])), news=True)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            if getattr(error, "response_code", None) in (401, 403, 404):
                raise PlatformRefused(
                    f"The change could not be opened in {self._name} with this token.",
                    self._no_token
                    or "It needs a project's token with the scope api and the role Developer (TAGLINE_TOKEN; in "
                    "another project's job TAGLINE_REPO_TOKEN): the job token may not.",
                    code=self._refusal,
                ) from error
            raise explained(self._web, error) from error
