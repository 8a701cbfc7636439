"""Which adapters serve a step of CI: the runner that executes it, and who it is to a cloud."""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from tagline.settings import Settings

if TYPE_CHECKING:
    from tagline.ports.job import Job


def job_of(settings: Settings) -> Job:
    """The runner that executes us."""
    if settings.platform == "github":
        from tagline.adapters.runners.github import GitHubJob

        return GitHubJob(settings)
    if settings.platform == "gitlab":
        from tagline.adapters.runners.gitlab import GitLabJob

        return GitLabJob(settings)
    from tagline.adapters.runners.terminal import TerminalJob

    return TerminalJob()


def cloud_identity(settings: Settings, environ: MutableMapping[str, str]) -> AbstractContextManager[None]:
    """Be the role that was asked for, as long as it lasts. Raises WrongUsage for a role without a token."""
    from tagline.adapters.runners.web_identity import web_identity

    return web_identity(settings.aws_role, settings.id_token, environ)


def write_answer(file: Path, text: str) -> None:
    """Put an answer into a file, which is replaced as a whole. Raises PlatformRefused where that cannot be done."""
    from tagline.adapters.runners.answer_file import write_answer as write

    write(file, text)
