"""The port Deployments over GitHub's REST API, for the repository whose job deploys.

A job that names an ``environment`` has a deployment of GitHub's own, and no variable tells so: it is found by its
statuses, whose log is a page of this run. Source: https://docs.github.com/rest/deployments/deployments and
https://docs.github.com/actions/reference/workflows-and-actions/deployments-and-environments
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import requests
from github.GithubException import GithubException

from tagline.adapters.forges.github.api import GARBLED, client, explained, is_passing, refusal_of, text
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.deployments import Announcement, Deployment, record_name
from tagline.errors import PlatformRefused
from tagline.settings import Secret

#: Of the newest deployments of a commit so many may be this job's own.
_MOST_LOOKS = 5
_PAGE = 100
_DESCRIPTION = 140
#: In the payload of ours.
_OURS = "tagline"


class JobOfRun(NamedTuple):
    """The job that executes us: the page of its run, its number, which time it is, the machine, commit and ref.

    ``is_registry``: it runs in the ledger's own repository, where the tags are.
    """

    page: str | None
    run_id: str | None
    attempt: int
    machine: str | None
    commit: str | None
    ref: str | None
    is_registry: bool


class GitHubDeployments:
    """The deployments of one repository."""

    def __init__(self, api_url: str, repository: str, web_url: str, token: Secret | None, job: JobOfRun) -> None:
        self._name, self._web, self._job = repository, f"{web_url.rstrip('/')}/{repository}", job
        api = client(api_url, token)
        self._api = api.requester
        self._url = api.get_repo(repository).url
        self._root = api_url.rstrip("/")

    def announce(self, announcement: Announcement, *, news: bool) -> Deployment:
        """By one list, and what is missing: the deployment, its newest status."""
        with self._explaining("deployments: write"):
            rows = self._listed(self._sha(announcement))
            if (environment := self._own(rows, announcement)) is not None:
                return Deployment(self._page(environment), environment, "forge", news=False)
            found = self._ours(rows, announcement)
            if found is None:
                found = http_retries.post_once(
                    lambda: self._create(announcement),
                    lambda: self._ours(self._listed(self._sha(announcement)), announcement),
                    is_passing,
                )
                told = False
            else:
                told = self._says(found, announcement)
            if not told:
                http_retries.post_once(
                    lambda: self._say(found, announcement),
                    lambda: True if self._says(found, announcement) else None,
                    is_passing,
                )
            page = self._page(announcement.environment)
            return Deployment(page, announcement.environment, "tagline", news=not told)

    def record(self, announcement: Announcement) -> None:
        """One POST, which GitHub takes for the newest word about its name and environment."""
        if announcement.sha256 is None:
            raise PlatformRefused(
                f"No record of {announcement.tag} is kept by digest: nobody knows its SHA-256.",
                "Say sha256: required in the policy, so that it is computed when a version is registered; or leave "
                "--record out.",
                code="no-sha256",
            )
        owner, _, name = self._name.partition("/")
        body = {
            "name": announcement.artifact,
            "digest": f"sha256:{announcement.sha256}",
            "version": announcement.version or announcement.commit,
            "status": "deployed",
            "logical_environment": announcement.environment,
            "deployment_name": record_name(announcement.artifact, announcement.environment),
            "github_repository": name,
        }
        with self._explaining("artifact-metadata: write"):
            url = f"{self._root}/orgs/{quote(owner, safe='')}/artifacts/metadata/deployment-record"
            # The same words make one record, however often they are said.
            http_retries.again(lambda: self._api.requestJsonAndCheck("POST", url, input=body), is_passing)

    def starter(self) -> str | None:
        """Who started this attempt of the run."""
        if self._job.run_id is None:
            return None
        with self._explaining("actions: read"):
            _, run = self._api.requestJsonAndCheck("GET", self._run)
            actor = run["triggering_actor"]
            return text(actor["login"]) if actor is not None else None

    @property
    def _run(self) -> str:
        return f"{self._url}/actions/runs/{quote(self._job.run_id or '', safe='')}/attempts/{self._job.attempt}"

    # -- what is there ---------------------------------------------------------------

    def _sha(self, announcement: Announcement) -> str:
        """The commit that our deployment is of: the tag's, which another repository has not."""
        return announcement.commit if self._job.is_registry else self._job.commit or announcement.commit

    def _listed(self, sha: str) -> list[Any]:
        """The newest deployments of a commit. Another repository's job has one commit for all."""
        _, rows = self._api.requestJsonAndCheck("GET", f"{self._url}/deployments", {"sha": sha, "per_page": _PAGE})
        return list(rows)

    def _ours(self, rows: list[Any], announcement: Announcement) -> Any:
        """The one that an earlier step of this job made."""
        mark = (announcement.environment, announcement.tag, announcement.run_url)
        return next((row for row in rows if (row["environment"], *_mark(row)) == mark), None)

    def _own(self, rows: list[Any], announcement: Announcement) -> str | None:
        """The environment of the deployment that GitHub made for this job; None where there is none."""
        if self._job.page is None or self._job.run_id is None:
            return None
        if self._job.commit not in (None, self._sha(announcement)):
            rows = self._listed(str(self._job.commit))
        foreign = [row for row in rows if _mark(row) == (None, None)]
        foreign.sort(key=lambda row: row["environment"] != announcement.environment)  # ours first
        others = []
        for row in foreign[:_MOST_LOOKS]:
            logs = [self._log_of(status) for status in self._statuses(row)]
            of_run = [log for log in logs if log is not None]
            if of_run and row["environment"] == announcement.environment:
                return text(row["environment"])
            others += [(text(row["environment"]), of_run[0])] if of_run else []
        return self._of_this_job(others) if others else None

    def _of_this_job(self, found: list[tuple[str, str]]) -> str | None:
        """Of deployments of this run, in environments of other names, the job's own. Unsure: the first.

        Another job of the run may name an environment, and this one none.
        """
        try:
            _, answer = self._api.requestJsonAndCheck("GET", f"{self._run}/jobs", {"per_page": _PAGE})
        except GithubException:
            return found[0][0]
        jobs = [job for job in answer["jobs"] if job["runner_name"] == self._job.machine]
        running = [job for job in jobs if job["status"] == "in_progress"]
        if len(running) != 1:
            return found[0][0]
        mine = str(running[0]["id"])
        return next((environment for environment, job in found if job in (mine, "")), None)

    def _log_of(self, status: Mapping[str, Any]) -> str | None:
        """The number of the job of this run that a status is of ("" where it names none); None for another run's."""
        log, page = str(status.get("log_url") or status.get("target_url") or ""), f"{self._job.page}"
        rest = log.removeprefix(page)
        if rest == log or not (rest == "" or rest.startswith("/")):
            return None
        return rest.partition("/job/")[2].partition("/")[0]

    def _statuses(self, row: Mapping[str, Any]) -> list[Any]:
        url = f"{self._url}/deployments/{int(row['id'])}/statuses"
        _, statuses = self._api.requestJsonAndCheck("GET", url, {"per_page": _PAGE})
        return list(statuses)

    def _says(self, row: Mapping[str, Any], announcement: Announcement) -> bool:
        """Whether the newest status says it already."""
        newest = next(iter(self._statuses(row)), None)
        wanted = (announcement.state, announcement.url or "")
        return newest is not None and (newest["state"], newest.get("environment_url") or "") == wanted

    # -- what is made ------------------------------------------------------------------

    def _create(self, announcement: Announcement) -> Any:
        ref = announcement.tag if self._job.is_registry else self._job.ref or self._sha(announcement)
        body = {
            "ref": ref,
            "task": "deploy",
            "auto_merge": False,
            "required_contexts": [],
            "environment": announcement.environment,
            "description": f"{announcement.artifact} {announcement.version or announcement.commit[:7]}"[:_DESCRIPTION],
            "payload": {
                _OURS: {
                    "artifact": announcement.artifact,
                    "stage": announcement.stage,
                    "version": announcement.version,
                    "tag": announcement.tag,
                    "run": announcement.run_url,
                }
            },
        }
        _, row = self._api.requestJsonAndCheck("POST", f"{self._url}/deployments", input=body)
        return {"id": int(row["id"])}

    def _say(self, row: Mapping[str, Any], announcement: Announcement) -> bool:
        body: dict[str, Any] = {
            "state": announcement.state,
            "description": f"{announcement.tag}: {announcement.state}"[:_DESCRIPTION],
            "auto_inactive": announcement.state == "success",
            **({"log_url": announcement.run_url} if announcement.run_url else {}),
            **({"environment_url": announcement.url} if announcement.url else {}),
        }
        url = f"{self._url}/deployments/{int(row['id'])}/statuses"
        self._api.requestJsonAndCheck("POST", url, input=body)
        return True

    def _page(self, environment: str) -> str:
        return f"{self._web}/deployments/{quote(environment, safe='')}"

    @contextmanager
    def _explaining(self, needs: str) -> Iterator[None]:
        try:
            yield
        except (GithubException, requests.RequestException, *GARBLED) as error:
            refusal = refusal_of(error)
            if refusal.status in (403, 404) and not refusal.rate_limited:
                fix = f"It needs `{needs}`: under `permissions:` of the job, or of the App. {_MORE.get(needs, '')}"
                raise PlatformRefused(
                    f"This token may not do that in {self._name}: {' '.join(refusal.words.split())[:300]}",
                    fix.strip(),
                    code="no-permission",
                ) from error
            raise explained(self._web, error) from error


_MORE = {"artifact-metadata: write": "Records by digest are of organizations: a person's repository has none."}


def _mark(row: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Tag and run of a deployment of ours; nothing of another."""
    payload: Any = row["payload"]
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            return None, None
    ours = payload.get(_OURS) if isinstance(payload, dict) else None
    return (ours.get("tag"), ours.get("run")) if isinstance(ours, dict) else (None, None)
