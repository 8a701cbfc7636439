"""The port Proposer over GitHub's REST API: a branch, a file on it, a pull request. Each is looked for first."""

from __future__ import annotations

import base64
from urllib.parse import quote

from github.GithubException import GithubException

from tagline.adapters.forges.github.api import is_passing, refusal_of, text
from tagline.adapters.forges.github.updates import GitHubUpdates
from tagline.adapters.forges.patches import is_just_that_file
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.proposals import Proposal, Proposed
from tagline.ports.delivery import BranchTaken


class GitHubProposer:
    """Opens pull requests of one repository, into ``base``, whose newest commit is ``tip``."""

    def __init__(self, pulls: GitHubUpdates, *, base: str, tip: str) -> None:
        self._pulls, self._api, self._url = pulls, pulls.api, pulls.url
        self._base, self._tip = base, tip

    def find(self, branch: str) -> Proposed | None:
        """By the list of pull requests."""
        there = self._pulls.newest(branch)
        return None if there is None else Proposed(there.change, news=False, open=there.state == "open")

    def propose(self, proposal: Proposal) -> Proposed:
        """By five requests at most: the list of pull requests, the file on the base, the branch, the file, the request.

        Of a branch that is there already one or two more tell what is in it.
        """
        if (there := self.find(proposal.branch)) is not None:
            return there
        with self._pulls.explaining():
            if http_retries.again(lambda: self._file(proposal, self._tip), is_passing):
                raise BranchTaken(proposal.branch, proposal.path)
            made = http_retries.again(lambda: self._branch(proposal), is_passing)
            if made or not self._has_file(proposal):
                head = f"refs/heads/{proposal.branch}"
                new = http_retries.post_once(
                    lambda: self._write(proposal), lambda: self._file(proposal, head), is_passing
                )
                if not new and not self._has_file(proposal):
                    raise BranchTaken(proposal.branch)
        return self._pulls.open(proposal.branch, self._base, proposal.title, proposal.body)

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

    def _file(self, proposal: Proposal, ref: str) -> bool | None:
        try:
            self._api.requestJsonAndCheck("GET", self._at(proposal), {"ref": ref})
        except GithubException as error:
            if error.status == 404:
                return None
            raise
        return True

    def _write(self, proposal: Proposal) -> bool:
        """Make the file; False where it is there, as another run may have made it a moment ago."""
        content = base64.b64encode(proposal.content.encode()).decode()
        body = {"message": proposal.title, "content": content, "branch": proposal.branch}
        try:
            self._api.requestJsonAndCheck("PUT", self._at(proposal), input=body)
        except GithubException as error:
            if error.status != 409 and (error.status != 422 or '"sha"' not in refusal_of(error).words):
                raise
            return False
        return True
