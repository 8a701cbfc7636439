"""Which adapters serve a step of CI: the runner that executes it, and who it is to a cloud."""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tagline.settings import Settings

if TYPE_CHECKING:
    from tagline.ports import Job


def job_of(settings: Settings) -> Job:
    """The runner that executes us."""
    if settings.platform == "github":
        from tagline.adapters.github_job import GitHubJob

        return GitHubJob(settings)
    if settings.platform == "gitlab":
        from tagline.adapters.gitlab_job import GitLabJob

        return GitLabJob(settings)
    from tagline.adapters.terminal_job import TerminalJob

    return TerminalJob()


def cloud_identity(settings: Settings, environ: MutableMapping[str, str]) -> AbstractContextManager[None]:
    """Be the role that was asked for, as long as it lasts. Raises WrongUsage for a role without a token."""
    from tagline.adapters.web_identity import web_identity

    return web_identity(settings.aws_role, settings.id_token, environ)
