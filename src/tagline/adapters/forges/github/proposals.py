"""The port Proposer over GitHub's REST API: a branch, a file on it, a pull request. Each is looked for first."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import requests
from github.GithubException import GithubException

from tagline.adapters.forges.github.api import GARBLED, client, explained, is_passing, refusal_of, text
from tagline.adapters.forges.patches import is_just_that_file
from tagline.adapters.forges.refusals import NO_TOKEN
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.events import ChangeLink
from tagline.domain.delivery.proposals import Proposal, Proposed
from tagline.errors import PlatformRefused
from tagline.ports.delivery import BranchTaken
from tagline.settings import Secret


class GitHubProposer:
    """Opens pull requests of one repository, into ``base``, whose newest commit is ``tip``.

    ``no_token`` says why none is sent, where none is; ``refusal`` is the code of the error where the token may not.
    """

    def __init__(
        self,
        api_url: str,
        repository: str,
        web_url: str,
        token: Secret | None,
        no_token: str = NO_TOKEN,
        *,
        base: str,
        tip: str,
        refusal: str,
    ) -> None:
        self._name, self._web = repository, f"{web_url.rstrip('/')}/{repository}"
        api = client(api_url, token)
        self._api, self._url = api.requester, api.get_repo(repository).url
        self._base, self._tip, self._refusal = base, tip, refusal
        self._no_token = None if token else no_token

    def find(self, branch: str) -> Proposed | None:
        """By the list of pull requests."""
        with self._explaining():
            return self._there(branch)

    def propose(self, proposal: Proposal) -> Proposed:
        """By five requests at most: the list of pull requests, the branch, the file (looked for, made), the request.

        Of a branch that is there already one more tells what is in it.
        """
        with self._explaining():
            if (there := self._there(proposal.branch)) is not None:
                return there
            made = http_retries.again(lambda: self._branch(proposal), is_passing)
            if made or not self._has_file(proposal):
                if self._file(proposal) is not None:  # it lies on the base branch: nothing would be asked
                    raise BranchTaken(proposal.branch)
                http_retries.post_once(lambda: self._write(proposal), lambda: self._file(proposal), is_passing)
            return http_retries.post_once(
                lambda: self._open(proposal), lambda: self._there(proposal.branch), is_passing
            )

    def _there(self, branch: str) -> Proposed | None:
        """The pull request of the branch. One from a fork of the same owner is another's."""
        owner = self._name.partition("/")[0]
        asked = {"head": f"{owner}:{branch}", "state": "all", "per_page": 10}
        _, rows = self._api.requestJsonAndCheck("GET", f"{self._url}/pulls", asked)
        own = [row for row in rows if (row["head"]["repo"] or {}).get("id") == row["base"]["repo"]["id"]]
        found = sorted((row for row in own if row["head"]["ref"] == branch), key=lambda row: row["state"] != "open")
        if not found:
            return None
        link = ChangeLink(int(found[0]["number"]), text(found[0]["html_url"]))
        return Proposed(link, news=False, open=found[0]["state"] == "open")

    def _branch(self, proposal: Proposal) -> bool:
        """Make the branch; False where it is there."""
        body = {"ref": f"refs/heads/{proposal.branch}", "sha": self._tip}
        try:
            self._api.requestJsonAndCheck("POST", f"{self._url}/git/refs", input=body)
        except GithubException as error:
            if error.status != 422 or "already exists" not in refusal_of(error).words:
                raise
            return False
        return True

    def _has_file(self, proposal: Proposal) -> bool:
        """Whether a killed run of this has made the file too. Raises BranchTaken for anything else in the branch."""
        ends = f"{quote(self._base, safe='')}...{quote(proposal.branch, safe='')}"
        _, found = self._api.requestJsonAndCheck("GET", f"{self._url}/compare/{ends}")
        files = [(text(one["filename"]), one["status"] == "added", str(one.get("patch"))) for one in found["files"]]
        if files and not is_just_that_file(files, proposal.path, proposal.content):
            raise BranchTaken(proposal.branch)
        return bool(files)

    def _at(self, proposal: Proposal) -> str:
        return f"{self._url}/contents/{quote(proposal.path)}"

    def _file(self, proposal: Proposal) -> bool | None:
        try:
            self._api.requestJsonAndCheck("GET", self._at(proposal), {"ref": f"refs/heads/{proposal.branch}"})
        except GithubException as error:
            if error.status == 404:
                return None
            raise
        return True

    def _write(self, proposal: Proposal) -> bool:
        content = base64.b64encode(proposal.content.encode()).decode()
        body = {"message": proposal.title, "content": content, "branch": proposal.branch}
        self._api.requestJsonAndCheck("PUT", self._at(proposal), input=body)
        return True

    def _open(self, proposal: Proposal) -> Proposed:
        body = {"title": proposal.title, "head": proposal.branch, "base": self._base, "body": proposal.body}
        try:
            _, row = self._api.requestJsonAndCheck("POST", f"{self._url}/pulls", input=body)
        except GithubException as error:
            there = self._there(proposal.branch) if error.status == 422 else None  # another run was faster
            if there is None:
                raise
            return there
        return Proposed(ChangeLink(int(row["number"]), text(row["html_url"])), news=True)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (GithubException, requests.RequestException, *GARBLED) as error:
            refusal = refusal_of(error)
            denied = (403, 404) if self._no_token is None else (401, 403, 404)
            if refusal.status in denied and not refusal.rate_limited:
                raise PlatformRefused(
                    f"The change could not be opened in {self._name}: {' '.join(refusal.words.split())[:300]}",
                    self._no_token
                    or "The token needs contents: write and pull-requests: write there; for github.token allow GitHub "
                    "Actions to create pull requests under Settings > Actions > General.",
                    code=self._refusal,
                ) from error
            raise explained(self._web, error) from error
