"""What GitLab CI says in a job's environment.

Source: https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

from collections.abc import Mapping

from tagline.settings.runner import TAGGER, RunnerSettings
from tagline.settings.variables import address, secret, text


def read(environ: Mapping[str, str]) -> RunnerSettings:
    """The job, in our words."""
    return RunnerSettings(
        ci=True,
        platform="gitlab",
        tag=text(environ, "CI_COMMIT_TAG"),
        run_url=text(environ, "CI_JOB_URL"),
        attempt_url=text(environ, "CI_JOB_URL"),
        run_id=text(environ, "CI_JOB_ID"),
        environment=_environment(environ),
        ref=_ref(environ),
        server_url=address(environ, "CI_SERVER_URL"),
        api_url=address(environ, "CI_API_V4_URL"),
        repository=text(environ, "CI_PROJECT_PATH"),
        repository_url=address(environ, "CI_PROJECT_URL"),
        tagger=TAGGER,
        job_token=secret(environ, "CI_JOB_TOKEN"),
        runner_version=text(environ, "CI_RUNNER_VERSION"),
        event_name=text(environ, "CI_PIPELINE_SOURCE") or "",
        commit=text(environ, "CI_COMMIT_SHA"),
        branch=text(environ, "CI_COMMIT_BRANCH"),
        before=text(environ, "CI_COMMIT_BEFORE_SHA"),
        change=text(environ, "CI_MERGE_REQUEST_IID"),
    )


def _environment(environ: Mapping[str, str]) -> str | None:
    """The environment that the job deploys to: other actions make no deployment.

    Source: https://docs.gitlab.com/ci/yaml/#environmentaction
    """
    return text(environ, "CI_ENVIRONMENT_NAME") if environ.get("CI_ENVIRONMENT_ACTION", "start") == "start" else None


def _ref(environ: Mapping[str, str]) -> str | None:
    tag, branch = text(environ, "CI_COMMIT_TAG"), text(environ, "CI_COMMIT_BRANCH")
    return f"refs/tags/{tag}" if tag else f"refs/heads/{branch}" if branch else None
