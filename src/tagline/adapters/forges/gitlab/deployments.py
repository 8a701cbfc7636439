"""The port Deployments over GitLab's REST API, for the project whose job deploys.

A job that names an environment (``CI_ENVIRONMENT_NAME``) has a deployment of GitLab's own, which follows the job.
Source: https://docs.gitlab.com/api/deployments/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import client, explained, is_passing
from tagline.adapters.forges.refusals import GARBLED
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.deployments import Announcement, Deployment
from tagline.errors import PlatformRefused, WrongUsage
from tagline.settings import Secret

_STATES = {"in_progress": "running", "success": "success", "failure": "failed"}
_UNDER_WAY = ("created", "running")
#: So many of an environment's newest deployments may be of this one.
_PAGE = 20


class JobHere(NamedTuple):
    """The job that executes us: its number, its environment, its commit and full ref.

    ``is_registry``: it runs in the ledger's own project, where the tags are. ``token`` is its own.
    """

    job_id: str | None
    environment: str | None
    commit: str | None
    ref: str | None
    is_registry: bool
    token: Secret | None = None


class GitLabDeployments:
    """The deployments of one project."""

    def __init__(
        self, server: str, project: str, web_url: str, token: Secret | None, job: JobHere, *, job_token: bool
    ) -> None:
        self._web, self._name, self._job = web_url.rstrip("/"), project, job
        self._api: Any = client(server, token, job_token=job_token)
        self._path = f"/projects/{quote(project, safe='')}"
        self._server = server

    def announce(self, announcement: Announcement, *, news: bool) -> Deployment:
        """By one list, and one request that makes or moves a deployment."""
        if self._job.environment is not None:
            return Deployment(f"{self._web}/-/environments", self._job.environment, "forge", news=False)
        with self._explaining():
            status = _STATES[announcement.state]
            newest = self._newest(announcement)
            under_way = newest is not None and newest["status"] in _UNDER_WAY
            if newest is not None and newest["status"] == status and (under_way or not news):
                return self._answer(newest, announcement, news=False)
            if newest is not None and under_way:
                path, number = f"{self._path}/deployments", int(newest["id"])
                return self._answer(self._api.http_put(f"{path}/{number}", post_data={"status": status}), announcement)
            before = int(newest["id"]) if newest is not None else 0
            made = http_retries.post_once(
                lambda: self._create(announcement, status),
                lambda: self._made_since(before, announcement),
                is_passing,
            )
            return self._answer(made, announcement)

    def record(self, announcement: Announcement) -> None:
        """GitLab keeps none."""
        raise WrongUsage("GitLab keeps no records by digest.", "Leave --record out: it is GitHub's.", code="no-records")

    def starter(self) -> str | None:
        """Who started this job: by its own token, since whoever starts a pipeline may set its number to another's."""
        with self._explaining("read this job of"):
            if self._job.token is not None:
                own: Any = client(self._server, self._job.token, job_token=True)
                found = own.http_get("/job")
            elif self._job.job_id is not None:
                found = self._api.http_get(f"{self._path}/jobs/{quote(self._job.job_id, safe='')}")
            else:
                return None
            user = found["user"]
            return str(user["username"]) if user is not None else None

    def _place(self, announcement: Announcement) -> tuple[str, str, bool]:
        """Commit, ref and whether that is a tag: the ledger's own, which another project has not."""
        if self._job.is_registry:
            return announcement.commit, announcement.tag, True
        ref = self._job.ref or ""
        name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        return self._job.commit or announcement.commit, name, ref.startswith("refs/tags/")

    def _newest(self, announcement: Announcement) -> Any:
        sha, ref, _ = self._place(announcement)
        asked = {"environment": announcement.environment, "order_by": "id", "sort": "desc", "per_page": _PAGE}
        rows = self._api.http_get(f"{self._path}/deployments", query_data=asked)
        if not isinstance(rows, list):
            raise TypeError(f"no list, but {type(rows).__name__}")
        return next((row for row in rows if (row["sha"], row["ref"]) == (sha, ref)), None)

    def _made_since(self, before: int, announcement: Announcement) -> Any:
        newest = self._newest(announcement)
        return newest if newest is not None and int(newest["id"]) > before else None

    def _create(self, announcement: Announcement, status: str) -> Any:
        sha, ref, tag = self._place(announcement)
        body = {"environment": announcement.environment, "sha": sha, "ref": ref, "tag": tag, "status": status}
        return self._api.http_post(f"{self._path}/deployments", post_data=body)

    def _answer(self, row: Any, announcement: Announcement, *, news: bool = True) -> Deployment:
        page = f"{self._web}/-/environments/{int(row['environment']['id'])}"
        return Deployment(page, announcement.environment, "tagline", news)

    @contextmanager
    def _explaining(self, what: str = "write deployments of") -> Iterator[None]:
        try:
            yield
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            if getattr(error, "response_code", None) in (401, 403, 404):
                raise PlatformRefused(
                    f"This token may not {what} {self._name}.",
                    "The job token may (leave TAGLINE_TOKEN out), or a project's token with the scope api and the role "
                    "Developer; for a protected environment whoever may deploy to it.",
                    code="no-permission",
                ) from error
            raise explained(self._web, error) from error
