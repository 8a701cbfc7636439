"""The port Starter over GitHub's REST API: runs of workflows, looked up and dispatched.

A tag that GITHUB_TOKEN pushed starts nothing by itself; a dispatch with the same token does.
Source: https://docs.github.com/actions/concepts/security/github_token#when-github_token-triggers-workflow-runs
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import requests
from github.GithubException import GithubException

from tagline.adapters.forges.github.api import GARBLED, client, explained, refusal_of, text
from tagline.adapters.forges.refusals import Refusal, may_be_done
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.receipts import How, Run, Start, State
from tagline.errors import PlatformRefused, WrongUsage
from tagline.ports.delivery import Lost
from tagline.settings import Secret

#: Of more tags in one push GitHub starts no workflow.
#: Source: https://docs.github.com/actions/reference/events-that-trigger-workflows#push
EVENTS_A_PUSH = 3
#: What another repository's workflow listens to: ``on: repository_dispatch: types: [tagline]``.
EVENT_TYPE = "tagline"
_DISPATCHED = "workflow_dispatch"
_FOREVER = "9999-01-01T00:00:00Z"
_DETAILS = "return_run_details"
_PAGE = 100


class GitHubRuns:
    """The port Starter for the workflows of one repository. ``hears_pushes``: a push of this token starts workflows."""

    def __init__(
        self,
        api_url: str,
        repository: str,
        web_url: str,
        token: Secret | None,
        *,
        hears_pushes: bool = False,
        elsewhere: Callable[[str], Secret | None] = lambda _: None,
    ) -> None:
        self._web = f"{web_url.rstrip('/')}/{repository}"
        self._name, self._hears_pushes, self._elsewhere = repository, hears_pushes, elsewhere
        self._api_url = api_url
        self._repo = client(api_url, token).get_repo(repository)

    def how(self, start: Start) -> How:
        """A dispatch, in whichever repository."""
        if start.target.workflow is None:
            raise WrongUsage(
                "GitHub has no pipelines: the policy's deliver names no workflow.",
                "Write deliver: {workflow: deploy.yml} in .tagline.yaml.",
                code="deliver-elsewhere",
            )
        return "trigger" if start.target.repository else "dispatch"

    def pushes_start(self, start: Start, tags_in_push: int) -> bool:
        """Not with the workflow's own token, and not with many tags."""
        return self._hears_pushes and start.target.repository is None and tags_in_push <= EVENTS_A_PUSH

    def find(self, start: Start, since: float, *, asked_for: bool = False) -> Run | None:
        """By its tag and commit; in another repository by its title, and when it was made."""
        with self._explaining(start):
            if start.target.repository is not None:
                return self._find_elsewhere(start, since)
            return self._find(_workflow(start), start.tag, start.commit, _DISPATCHED if asked_for else None)

    def begin(self, start: Start, tags: Sequence[str] = ()) -> Run | None:
        """Once. Only what GitHub surely did not do is tried again: a tag that it does not know yet, a rate limit."""
        with self._explaining(start):
            try:
                return http_retries.again(lambda: self._begin(start, tags), _not_done)
            except (GithubException, requests.RequestException, *GARBLED) as error:
                if may_be_done(error, error.status if isinstance(error, GithubException) else None):
                    raise Lost from error
                raise

    def _begin(self, start: Start, tags: Sequence[str]) -> Run | None:
        if start.target.repository is None:
            return self._dispatch(_workflow(start), start.tag, tags)
        repo = self._other(start.target.repository)
        payload = {
            "artifact": start.artifact,
            "stage": start.stage,
            "version": start.version,
            "tag": start.tag,
            "commit": start.commit,
            "repository": self._name,
            **({"tags": list(tags)} if tags else {}),
        }
        body = {"event_type": EVENT_TYPE, "client_payload": payload}
        repo.requester.requestJsonAndCheck("POST", f"{repo.url}/dispatches", input=body)
        return None

    def _other(self, repository: str) -> Any:
        """Another repository, by the token for starting things there. Raises PlatformRefused where there is none."""
        token = self._elsewhere(repository)
        if token is None:
            raise PlatformRefused(
                f"No token may start anything in {repository}.",
                "Give TAGLINE_DELIVER_TOKEN: of an App or a person that may write there (contents: write).",
                code="no-deliver-token",
            )
        return client(self._api_url, token).get_repo(repository)

    def _find_elsewhere(self, start: Start, since: float) -> Run | None:
        """The run that a repository_dispatch of ours made: the first since then whose run-name has the tag.

        GitHub tells of no run what it was given: one without that name may be another tag's, and counts for none.
        """
        repo = self._other(str(start.target.repository))
        begin = datetime.fromtimestamp(max(since, 0), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        listed = _listed(repo, {"event": "repository_dispatch", "created": f"{begin}..{_FOREVER}"})
        runs = [run for run in listed if _is_of(run, _workflow(start))]
        return _first(run for run in runs if start.tag in str(run["display_title"]).split())

    def _find(self, workflow: str, tag: str, commit: str, event: str | None) -> Run | None:
        """The run of a workflow for a tag, whatever started it, or only by an ``event``.

        GitHub calls a tag a branch here. A branch of that name, or an earlier tag of it, is told apart by the commit.
        Where there is such a branch now, nothing tells whose a run at this commit is, and none counts: whoever may
        make a branch could keep a deployment away with it.
        """
        listed = [run for run in _listed(self._repo, {"branch": tag}) if run["head_branch"] == tag]
        ours = (run for run in listed if run["head_sha"] == commit and event in (None, run["event"]))
        found = _first(run for run in ours if _is_of(run, workflow))
        return None if found is None or self._is_branch(tag) else found

    def _is_branch(self, name: str) -> bool:
        url = f"{self._repo.url}/git/ref/heads/{quote(name, safe='')}"
        try:
            _, answer = self._repo.requester.requestJsonAndCheck("GET", url)
        except GithubException as error:
            if error.status == 404:
                return False
            raise
        return bool(answer["ref"] == f"refs/heads/{name}")

    def _dispatch(self, workflow: str, tag: str, tags: Sequence[str]) -> Run | None:
        # By its full name: a branch may be called as the tag is.
        ref: dict[str, Any] = {"ref": f"refs/tags/{tag}"}
        if tags:
            ref["inputs"] = {"tags": json.dumps(list(tags))}
        try:
            answer = self._post(workflow, {**ref, _DETAILS: True})
        except GithubException as error:
            if error.status != 422 or _DETAILS not in refusal_of(error).words:
                raise
            answer = self._post(workflow, ref)  # a server of before 2026
        return Run(answer) if answer is not None else None

    def _post(self, workflow: str, body: dict[str, Any]) -> str | None:
        """The page of the run that was started; None where the server tells nothing of it."""
        url = f"{self._repo.url}/actions/workflows/{quote(workflow, safe='')}/dispatches"
        _, answer = self._repo.requester.requestJsonAndCheck("POST", url, input=body)
        return None if answer is None else text(answer["html_url"])

    @contextmanager
    def _explaining(self, start: Start) -> Iterator[None]:
        try:
            yield
        except (GithubException, requests.RequestException, *GARBLED) as error:
            refused = _refused(_workflow(start), start, refusal_of(error))
            raise refused or explained(self._web, error) from error


def _workflow(start: Start) -> str:
    return start.target.workflow or ""


def _not_done(error: Exception) -> float | None:
    if isinstance(error, GithubException) and error.status == 422 and "No ref found" in refusal_of(error).words:
        return 1.0  # the tag was pushed a moment ago, and not every machine of GitHub's knows it yet
    return None


def _state(run: Mapping[str, Any]) -> State:
    """How far a run is. Source: https://docs.github.com/rest/actions/workflow-runs"""
    if run["status"] != "completed":
        return "started"
    return "succeeded" if run["conclusion"] == "success" else "failed"


def _listed(repo: Any, asked: Mapping[str, str]) -> Iterator[Any]:
    """The runs of a repository, the newest first. Not by the library's list, to which an empty answer is one."""
    seen = 0
    for page in itertools.count(1):
        query = {**asked, "per_page": _PAGE, "page": page}
        _, answer = repo.requester.requestJsonAndCheck("GET", f"{repo.url}/actions/runs", query)
        runs = answer["workflow_runs"]
        yield from runs
        seen += len(runs)
        if not runs or seen >= answer["total_count"]:
            return


def _first(runs: Iterable[Any]) -> Run | None:
    """The run that was made first, of a list with the newest first: of several on a tag the one that was asked for."""
    *_, first = (None, *runs)
    return Run(text(first["html_url"]), _state(first)) if first is not None else None


def _refused(workflow: str, start: Start, refusal: Refusal) -> PlatformRefused | None:
    """What GitHub means by a refusal to start a workflow; None for what it means anywhere."""
    tag = start.tag
    if start.target.repository is not None and refusal.status in (403, 404) and not refusal.rate_limited:
        return PlatformRefused(
            f"TAGLINE_DELIVER_TOKEN may not start anything in {start.target.repository}, or there is none such.",
            "It must be of an App or a person with contents: write and actions: read there.",
            code="no-permission",
        )
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
