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
