"""The port Proposer over GitLab's REST API: a commit that makes its branch, and a merge request."""

from __future__ import annotations

from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import is_passing
from tagline.adapters.forges.gitlab.updates import GitLabUpdates
from tagline.adapters.forges.patches import is_just_that_file
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.proposals import Proposal, Proposed
from tagline.ports.delivery import BranchTaken


class GitLabProposer:
    """Opens merge requests of one project, into ``base``."""

    def __init__(self, merges: GitLabUpdates, *, base: str) -> None:
        self._merges, self._api, self._path = merges, merges.api, merges.url
        self._base = base

    def find(self, branch: str) -> Proposed | None:
        """By the list of merge requests."""
        there = self._merges.newest(branch)
        return None if there is None else Proposed(there.change, news=False, open=there.state == "open")

    def propose(self, proposal: Proposal) -> Proposed:
        """By three requests: the list of merge requests, the commit, the merge request.

        Of a branch that is there already one more tells what is in it.
        """
        if (there := self.find(proposal.branch)) is not None:
            return there
        with self._merges.explaining():
            made = http_retries.again(lambda: self._commit(proposal), is_passing)
            if not made and not self._is_ours(proposal):
                raise BranchTaken(proposal.branch)
        return self._merges.open(proposal.branch, self._base, proposal.title, proposal.body)

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
                raise BranchTaken(proposal.branch, proposal.path) from error
            raise
        files = [(str(one["new_path"]), bool(one["new_file"]), str(one["diff"])) for one in found["diffs"]]
        return is_just_that_file(files, proposal.path, proposal.content)
