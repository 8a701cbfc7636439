"""What a runner says of the job, in the same words for all; each has a file that reads its own variables into them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tagline.settings.secret import Secret

#: Who tags are by in a job whose forge has no bot of its own for it.
TAGGER = ("tagline", "tagline@users.noreply.invalid")


@dataclass(frozen=True)
class RunnerSettings:
    """What the runner that executes us says."""

    #: In a CI job: completeness is checked and tags are pushed by default.
    ci: bool = False
    #: ``github``, ``gitlab`` or None on a plain machine.
    platform: Literal["github", "gitlab"] | None = None
    #: The tag that started the job, without ``refs/tags/``; None when something else did.
    tag: str | None = None
    #: The job's page, for the ``Run:`` trailer.
    run_url: str | None = None
    #: The same as it was started this time; and its number on the forge (of GitLab the job's), which time it is, and
    #: the machine that runs it (GitHub).
    attempt_url: str | None = None
    run_id: str | None = None
    attempt: int = 1
    machine: str | None = None
    #: The environment that the job names, where the runner says it (GitLab); and the ref that it runs on, in full.
    environment: str | None = None
    ref: str | None = None
    #: Where the job's own forge serves repositories, such as ``https://github.com``.
    server_url: str | None = None
    #: The forge's API, the repository there (``owner/name``, or a project's path) and its page.
    api_url: str | None = None
    repository: str | None = None
    repository_url: str | None = None
    #: Who tags are by where Git knows nobody: in CI the job's own bot, elsewhere no one.
    tagger: tuple[str, str] | None = None
    #: GitLab's own token of the job, which reads less and writes nothing.
    job_token: Secret | None = None
    #: GitHub's own token of the job, whose pushes start no workflow. It goes nowhere: others are compared with it.
    workflow_token: Secret | None = None
    #: Where the runner gives out tokens of the job's identity, and what it asks for then (GitHub).
    id_token_url: str | None = None
    id_token_request: Secret | None = None
    #: The runner's own version, where it says it (GitLab).
    runner_version: str | None = None
    #: What started the job, in the platform's words, and the file that tells more (GitHub).
    event_name: str = ""
    event_file: Path | None = None
    commit: str | None = None
    branch: str | None = None
    #: Where the branch was before the push that started the job (GitLab; GitHub's file tells it).
    before: str | None = None
    #: The merge request that started the job (GitLab; GitHub's file tells it).
    change: str | None = None
    #: The files that the runner shows as the step's summary, and takes its outputs from (GitHub).
    summary: Path | None = None
    outputs: Path | None = None
    #: The one folder that outlives the container of a GitHub action; None outside of such.
    container_workspace: Path | None = None
