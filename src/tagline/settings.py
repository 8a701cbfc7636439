"""What the environment says, read once: ``Settings.from_environ(os.environ)``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class Secret:
    """A token. It cannot be printed by accident: its text is behind :meth:`reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The token itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a Secret is never serialized")


@dataclass(frozen=True)
class Settings:
    """This run's surroundings."""

    #: In a CI job: completeness is checked and tags are pushed by default.
    ci: bool = False
    #: ``github``, ``gitlab`` or None on a plain machine.
    platform: str | None = None
    #: The tag that started the job, without ``refs/tags/``; None when something else did.
    tag: str | None = None
    #: The job's page, for the ``Run:`` trailer.
    run_url: str | None = None
    #: Where the job's own forge serves repositories, such as ``https://github.com``.
    server_url: str | None = None
    #: For this job's own repository.
    token: Secret | None = None
    #: For the repository named by --repo.
    repo_token: Secret | None = None
    #: Where remote registries are kept between runs.
    cache: Path = field(default_factory=lambda: Path.home() / ".cache" / "tagline")
    #: Plain text was asked for (``NO_COLOR``, https://no-color.org) or is all the terminal can do.
    no_color: bool = False

    @staticmethod
    def from_environ(environ: Mapping[str, str]) -> Settings:
        """Read the environment of a job or of a terminal."""
        platform = _platform(environ)
        return Settings(
            ci=_true(environ.get("CI")) or platform is not None,
            platform=platform,
            tag=_tag(environ, platform),
            run_url=_run_url(environ, platform),
            server_url=_first(environ, "GITHUB_SERVER_URL", "CI_SERVER_URL"),
            token=_secret(environ, "TAGLINE_TOKEN"),
            repo_token=_secret(environ, "TAGLINE_REPO_TOKEN"),
            cache=_cache(environ),
            no_color=bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb",
        )

    @property
    def tagger(self) -> tuple[str, str] | None:
        """Who tags are by where Git knows nobody: in CI the job's own bot, elsewhere no one."""
        if not self.ci:
            return None
        if self.platform == "github":
            return ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
        return ("tagline", "tagline@users.noreply.invalid")


def _true(value: str | None) -> bool:
    return value is not None and value.strip().lower() not in ("", "0", "false", "no")


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)


def _secret(environ: Mapping[str, str], name: str) -> Secret | None:
    value = environ.get(name, "").strip()
    return Secret(value) if value else None


def _platform(environ: Mapping[str, str]) -> str | None:
    if _true(environ.get("GITHUB_ACTIONS")):
        return "github"
    return "gitlab" if _true(environ.get("GITLAB_CI")) else None


def _tag(environ: Mapping[str, str], platform: str | None) -> str | None:
    if platform == "github":
        ref = environ.get("GITHUB_REF", "")
        return ref.removeprefix("refs/tags/") if ref.startswith("refs/tags/") else None
    return _first(environ, "CI_COMMIT_TAG")


def _run_url(environ: Mapping[str, str], platform: str | None) -> str | None:
    if platform == "github":
        parts = [environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
        return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else None
    return _first(environ, "CI_JOB_URL")


def _cache(environ: Mapping[str, str]) -> Path:
    if environ.get("TAGLINE_CACHE"):
        return Path(environ["TAGLINE_CACHE"])
    if environ.get("XDG_CACHE_HOME"):
        return Path(environ["XDG_CACHE_HOME"]) / "tagline"
    if environ.get("HOME"):
        return Path(environ["HOME"]) / ".cache" / "tagline"
    # A container without HOME. The cache refuses a folder that is somebody else's.
    return Path(f"/tmp/tagline-{os.getuid()}")  # noqa: S108
