"""The port Starter over GitLab's REST API: pipelines, looked up and started.

A push by a job's own token starts nothing, nor does one of many tags. Source:
https://docs.gitlab.com/ci/triggers/ and https://docs.gitlab.com/administration/settings/continuous_integration/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import client, explained
from tagline.adapters.forges.refusals import GARBLED, may_be_done
from tagline.domain.delivery.receipts import How, Run, Start, State
from tagline.errors import PlatformRefused, WrongUsage
from tagline.ports.delivery import Lost
from tagline.settings import Secret

#: Of more tags in one push GitLab starts no pipelines, by its default limit.
PIPELINES_A_PUSH = 4
#: How tokens that may only trigger begin.
_TRIGGER = "glptt-"
#: Where a pipeline comes from that somebody asked for.
_ASKED_FOR = ("api", "trigger", "pipeline")
#: So many pipelines since a start are looked through for its own, the first ones.
_MOST = 20
_ENDED: dict[str, State] = {"success": "succeeded", "failed": "failed", "canceled": "failed", "skipped": "failed"}


class GitLabPipelines:
    """The pipelines of one project, and those of others that ``elsewhere`` has a token for."""

    def __init__(
        self,
        server: str,
        project: str,
        web_url: str,
        token: Secret | None,
        *,
        job_token: bool,
        elsewhere: Callable[[str], Secret | None] = lambda _: None,
    ) -> None:
        self._server, self._project, self._web = server, project, web_url
        self._token, self._job_token, self._elsewhere = token, job_token, elsewhere

    def how(self, start: Start) -> How:
        """A trigger in another project; in this one a pipeline on the tag."""
        if start.target.workflow is not None:
            raise WrongUsage(
                f"GitLab has no workflow {start.target.workflow}: the policy's deliver is GitHub's.",
                "Write deliver: {pipeline: true}, or {project: group/app}, in .tagline.yaml.",
                code="deliver-elsewhere",
            )
        return "trigger" if start.target.repository else "dispatch"

    def pushes_start(self, start: Start, tags_in_push: int) -> bool:
        """Not with a job's own token, and not with many tags."""
        return not self._job_token and start.target.repository is None and tags_in_push <= PIPELINES_A_PUSH

    def find(self, start: Start, since: float, *, asked_for: bool = False) -> Run | None:
        """By its tag and commit; in another project by the variable that we gave it. A job's token may look at none."""
        token, is_job = self._token_for(start)
        if token is None or is_job or _only_triggers(token):
            return None
        with self._explaining(start):
            api = client(self._server, token, job_token=False)
            path = f"/projects/{quote(start.target.repository or self._project, safe='')}/pipelines"
            asked: dict[str, Any]
            if start.target.repository is None:
                asked = {"ref": start.tag, "sha": start.commit, "scope": "tags"}
                found = [
                    one
                    for one in _listed(api, path, asked)
                    if (one["ref"], one["sha"]) == (start.tag, start.commit)
                    and (not asked_for or one["source"] in _ASKED_FOR)
                ]
                return _run(found[-1]) if found else None
            begin = datetime.fromtimestamp(max(since, 0), UTC).isoformat()
            asked = {"created_after": begin, "order_by": "id", "sort": "asc"}
            if start.target.ref is not None:
                asked["ref"] = start.target.ref
            ours = [one for one in _listed(api, path, asked) if one["source"] in _ASKED_FOR]
            for one in ours[:_MOST]:
                given = _listed(api, f"{path}/{one['id']}/variables", {})
                if {"key": "TAGLINE_TAG", "value": start.tag} in [
                    {k: row[k] for k in ("key", "value")} for row in given
                ]:
                    return _run(one)
            return None

    def begin(self, start: Start, tags: Sequence[str] = ()) -> Run | None:
        """Once: what has no answer may be there."""
        token, is_job = self._token_for(start)
        if token is None:
            raise PlatformRefused(
                f"No token may start {start.target.title}.",
                "Give TAGLINE_DELIVER_TOKEN: a trigger token of that project, or a bot's there with the scope api.",
                code="no-deliver-token",
            )
        triggers = is_job or _only_triggers(token)
        with self._explaining(start):
            api = client(self._server, None if triggers else token, job_token=False)
            ref = self._ref(start, None if triggers else api)  # asked before, where nothing can be started by it
            try:
                return _run(self._post(start, token if triggers else None, api, ref, tags))
            except (GitlabError, requests.RequestException, *GARBLED) as error:
                if may_be_done(error, error.response_code or 0 if isinstance(error, GitlabError) else None):
                    raise Lost from error
                raise

    def _post(self, start: Start, trigger: Secret | None, api: Any, ref: str, tags: Sequence[str]) -> Any:
        path = f"/projects/{quote(start.target.repository or self._project, safe='')}"
        variables = {} if start.target.repository is None else _variables(start, self._project)
        if tags:
            variables["TAGLINE_TAGS"] = json.dumps(list(tags))
        if trigger is not None:
            # Whoever has such a token shows it in the body, and nowhere else.
            body: dict[str, Any] = {"token": trigger.reveal(), "ref": ref, "variables": variables}
            return api.http_post(f"{path}/trigger/pipeline", post_data=body)
        rows = [{"key": key, "value": value} for key, value in variables.items()]
        body = {"ref": ref, **({"variables": rows} if rows else {})}
        return api.http_post(f"{path}/pipeline", post_data=body)

    def _ref(self, start: Start, api: Any) -> str:
        """The tag; in another project the branch, which only a token that may read there can leave open."""
        if start.target.repository is None:
            return start.tag
        if start.target.ref is not None:
            return start.target.ref
        if api is None:
            raise WrongUsage(
                f"The policy does not say on which branch of {start.target.repository} a pipeline starts.",
                "A trigger token cannot read it: add ref: main beside project.",
                code="no-deliver-ref",
            )
        return str(api.http_get(f"/projects/{quote(start.target.repository, safe='')}")["default_branch"])

    def _token_for(self, start: Start) -> tuple[Secret | None, bool]:
        """What may start something there, and whether it is the job's own token."""
        if start.target.repository is None:
            return self._token, self._job_token
        token = self._elsewhere(start.target.repository)
        # The job's own token may trigger where the other project lets it.
        return (token, False) if token is not None else (self._token if self._job_token else None, self._job_token)

    @contextmanager
    def _explaining(self, start: Start) -> Iterator[None]:
        try:
            yield
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            raise _refused(start, error) or explained(self._web, error) from error


def _listed(api: Any, path: str, asked: dict[str, Any]) -> list[Any]:
    rows = api.http_get(path, query_data={**asked, "per_page": 100})
    if not isinstance(rows, list):
        raise TypeError(f"no list, but {type(rows).__name__}")
    return rows


def _run(row: Any) -> Run:
    return Run(str(row["web_url"]), _ENDED.get(row["status"], "started"))


def _only_triggers(token: Secret) -> bool:
    return token.reveal().startswith(_TRIGGER)


def _variables(start: Start, project: str) -> dict[str, str]:
    """What another project's pipeline is told."""
    told = {
        "TAG": start.tag,
        "ARTIFACT": start.artifact,
        "STAGE": start.stage,
        "VERSION": start.version,
        "COMMIT": start.commit,
        "REPOSITORY": project,
    }
    return {f"TAGLINE_{key}": value for key, value in told.items() if value is not None}


def _refused(start: Start, error: Exception) -> PlatformRefused | None:
    """What GitLab means by a refusal to start a pipeline; None for what it means anywhere."""
    status = getattr(error, "response_code", None)
    where = start.target.repository or "this project"
    if status == 400:
        words = " ".join(str(getattr(error, "error_message", error)).split())[:300]
        return PlatformRefused(
            f"GitLab starts no pipeline of {where} for {start.tag}: {words}",
            "Its .gitlab-ci.yml needs a job for it (workflow:rules and rules count), and the project must let this "
            "token set pipeline variables: Settings > CI/CD > Variables > Minimum role to use pipeline variables.",
            code="pipeline-refused",
        )
    if status in (401, 403, 404):
        return PlatformRefused(
            f"This token may not start a pipeline of {where}.",
            "TAGLINE_DELIVER_TOKEN: a trigger token of that project, or a bot's with the scope api; for the job token "
            "add this project there under Settings > CI/CD > Job token permissions."
            if start.target.repository
            else "Use a project token with the scope api and the role Developer as TAGLINE_TOKEN, allowed to run "
            "pipelines on protected tags.",
            code="no-permission",
        )
    return None
