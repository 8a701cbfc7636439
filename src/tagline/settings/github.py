"""What GitHub Actions says in a job's environment.

Source: https://docs.github.com/actions/reference/variables-reference
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tagline.settings.runner import RunnerSettings
from tagline.settings.variables import address, path, secret, text


def read(environ: Mapping[str, str]) -> RunnerSettings:
    """The job, in our words."""
    server, repository, run = (
        address(environ, "GITHUB_SERVER_URL"),
        text(environ, "GITHUB_REPOSITORY"),
        text(environ, "GITHUB_RUN_ID"),
    )
    page = f"{server.rstrip('/')}/{repository}" if server and repository else None
    run_url = f"{server}/{repository}/actions/runs/{run}" if page and run else None
    attempt = environ.get("GITHUB_RUN_ATTEMPT", "")
    number = int(attempt) if attempt.isdigit() and len(attempt) < 6 else 1
    return RunnerSettings(
        ci=True,
        platform="github",
        tag=_ref(environ, "refs/tags/"),
        run_url=run_url,
        # A run that is started again has the same page, and deploys again.
        attempt_url=f"{run_url}/attempts/{number}" if run_url and number > 1 else run_url,
        run_id=run,
        attempt=number,
        machine=text(environ, "RUNNER_NAME"),
        ref=text(environ, "GITHUB_REF"),
        server_url=server,
        api_url=address(environ, "GITHUB_API_URL"),
        repository=repository,
        repository_url=page,
        workflow_token=secret(environ, "TAGLINE_JOB_TOKEN"),
        tagger=("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com"),
        event_name=text(environ, "GITHUB_EVENT_NAME") or "",
        event_file=path(environ, "GITHUB_EVENT_PATH"),
        commit=text(environ, "GITHUB_SHA"),
        branch=_ref(environ, "refs/heads/"),
        summary=path(environ, "GITHUB_STEP_SUMMARY"),
        outputs=path(environ, "GITHUB_OUTPUT"),
        id_token_url=text(environ, "ACTIONS_ID_TOKEN_REQUEST_URL"),
        id_token_request=secret(environ, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        container_workspace=_container_workspace(environ),
    )


def _ref(environ: Mapping[str, str], kind: str) -> str | None:
    ref = environ.get("GITHUB_REF", "")
    return ref.removeprefix(kind) if ref.startswith(kind) else None


def _container_workspace(environ: Mapping[str, str]) -> Path | None:
    """Where the runner puts the workspace in the container of an action.

    Source: https://docs.github.com/actions/reference/dockerfile-support-for-github-actions
    """
    workspace = path(environ, "GITHUB_WORKSPACE")
    return workspace if workspace == Path("/github/workspace") else None
