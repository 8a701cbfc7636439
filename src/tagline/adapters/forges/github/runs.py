"""The port Delivery over GitHub's REST API: runs of workflows, looked up and dispatched.

A tag that GITHUB_TOKEN pushed starts nothing by itself; a dispatch with the same token does.
Source: https://docs.github.com/actions/concepts/security/github_token#when-github_token-triggers-workflow-runs
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import requests
from github.GithubException import GithubException

from tagline.adapters.forges.github.api import GARBLED, client, explained, is_passing, refusal_of, text
from tagline.adapters.forges.refusals import Refusal
from tagline.adapters.http import retries as http_retries
from tagline.domain.changes.delivery import Delivered
from tagline.errors import PlatformRefused
from tagline.settings import Secret

#: Seconds between looks for a run that may have been started without our hearing of it: lists lag behind.
LOOKS = (0.0, 1.0, 3.0)
_DETAILS = "return_run_details"
_PAGE = 100


class _Run(NamedTuple):
    url: str | None


class GitHubRuns:
    """The runs of one repository's workflows."""

    def __init__(self, api_url: str, repository: str, web_url: str, token: Secret | None) -> None:
        self._web = f"{web_url.rstrip('/')}/{repository}"
        self._repo = client(api_url, token).get_repo(repository)

    def deliver(self, workflow: str, tag: str, commit: str) -> Delivered:
        """Look first, then dispatch; after a failure that may hide a run, look again before the next attempt."""
        with self._explaining(workflow, tag):
            found = self._find(workflow, tag, commit)
            if found is not None:
                return Delivered(tag, workflow, found.url, started=False)
            made = http_retries.post_once(
                lambda: self._dispatch(workflow, tag), lambda: self._look(workflow, tag, commit), _is_passing
            )
            if made.url is None:  # a server that tells nothing of what it started
                made = self._find(workflow, tag, commit) or made
            return Delivered(tag, workflow, made.url, started=True)

    def _look(self, workflow: str, tag: str, commit: str) -> _Run | None:
        for pause in LOOKS:
            time.sleep(pause)
            if found := self._find(workflow, tag, commit):
                return found
        return None

    def _find(self, workflow: str, tag: str, commit: str) -> _Run | None:
        """The run of a workflow for a tag, whatever started it.

        GitHub calls a tag a branch here. A branch of that name, or an earlier tag of it, is told apart by the commit.
        Where there is such a branch now, nothing tells whose a run at this commit is, and none counts: whoever may
        make a branch could keep a deployment away with it.
        """
        for run in self._listed(tag):
            if (run["head_branch"], run["head_sha"]) == (tag, commit) and _is_of(run, workflow):
                return None if self._is_branch(tag) else _Run(text(run["html_url"]))
        return None

    def _listed(self, tag: str) -> Iterator[Any]:
        """The runs for a tag or a branch. Not by the library's list, for which an empty answer is an empty list."""
        seen = 0
        for page in itertools.count(1):
            asked = {"branch": tag, "per_page": _PAGE, "page": page}
            _, answer = self._repo.requester.requestJsonAndCheck("GET", f"{self._repo.url}/actions/runs", asked)
            runs = answer["workflow_runs"]
            yield from runs
            seen += len(runs)
            if not runs or seen >= answer["total_count"]:
                return

    def _is_branch(self, name: str) -> bool:
        url = f"{self._repo.url}/git/ref/heads/{quote(name, safe='')}"
        try:
            _, answer = self._repo.requester.requestJsonAndCheck("GET", url)
        except GithubException as error:
            if error.status == 404:
                return False
            raise
        return bool(answer["ref"] == f"refs/heads/{name}")

    def _dispatch(self, workflow: str, tag: str) -> _Run:
        # By its full name: a branch may be called as the tag is.
        ref = {"ref": f"refs/tags/{tag}"}
        try:
            answer = self._post(workflow, {**ref, _DETAILS: True})
        except GithubException as error:
            if error.status != 422 or _DETAILS not in refusal_of(error).words:
                raise
            answer = self._post(workflow, ref)  # a server of before 2026
        return _Run(answer)

    def _post(self, workflow: str, body: dict[str, Any]) -> str | None:
        """The page of the run that was started; None where the server tells nothing of it."""
        url = f"{self._repo.url}/actions/workflows/{quote(workflow, safe='')}/dispatches"
        _, answer = self._repo.requester.requestJsonAndCheck("POST", url, input=body)
        return None if answer is None else text(answer["html_url"])

    @contextmanager
    def _explaining(self, workflow: str, tag: str) -> Iterator[None]:
        try:
            yield
        except (GithubException, requests.RequestException, *GARBLED) as error:
            refusal = refusal_of(error)
            raise _refused(workflow, tag, refusal) or explained(self._web, error) from error


def _is_passing(error: Exception) -> float | None:
    if isinstance(error, GithubException) and error.status == 422 and "No ref found" in refusal_of(error).words:
        return 1.0  # the tag was pushed a moment ago, and not every machine of GitHub's knows it yet
    return is_passing(error)


def _refused(workflow: str, tag: str, refusal: Refusal) -> PlatformRefused | None:
    """What GitHub means by a refusal to start a workflow; None for what it means anywhere."""
    words = " ".join(refusal.words.split())[:300]
    if refusal.rate_limited:
        return None
    match refusal.status:
        case 403:
            return PlatformRefused(
                f"This token may not start {workflow}: {words}",
                "It needs `actions: write`: under `permissions:` of the job, or Actions: write of the App.",
                code="no-permission",
            )
        case 404:
            return PlatformRefused(
                f"GitHub knows no workflow {workflow} here, or does not show it to this token.",
                f".github/workflows/{workflow} must be on the default branch, and the token needs `actions: write`.",
                code="no-workflow",
            )
        case 422:
            return PlatformRefused(
                f"GitHub does not start {workflow} on {tag}: {words}",
                "The workflow needs `on: workflow_dispatch`, without inputs that are required, and must be enabled. "
                "The file at the tag's commit counts: an older commit has an older one.",
                code="workflow-refused",
            )
    return None


def _is_of(run: Mapping[str, Any], workflow: str) -> bool:
    """Whether a run's path is the workflow's: ``[OWNER/REPO/].github/workflows/FILE[@REF]``."""
    file = f".github/workflows/{workflow}"
    # As the repository is called now, which its job need not have heard of.
    local = run["path"].removeprefix(f"{run['repository']['full_name']}/")
    return bool(local == file or local.startswith(f"{file}@"))
