"""What the environment says, read once: ``Settings.from_environ(os.environ)``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


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


class Login(NamedTuple):
    """A bearer token, or a user and a password; the token counts where both are there."""

    token: Secret | None = None
    user: str = ""
    password: Secret | None = None


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
    #: For this job's own repository. token_wiring says where each of these goes.
    token: Secret | None = None
    #: For the repository named by --repo, and the one host that gets it; None for whichever --repo names.
    repo_token: Secret | None = None
    repo_host: str | None = None
    #: For starting workflows and pipelines of other repositories.
    deliver_token: Secret | None = None
    #: The forge's API, the repository there (``owner/name``, or a project's path) and its page.
    api_url: str | None = None
    repository: str | None = None
    repository_url: str | None = None
    #: The login that our comments are by, where the token cannot tell.
    identity: str | None = None
    #: GitLab's own token of the job, which reads less and writes nothing.
    job_token: Secret | None = None
    #: What started the job, in the platform's words, and the file that tells more (GitHub).
    event_name: str = ""
    event_file: Path | None = None
    commit: str | None = None
    branch: str | None = None
    #: Where the branch was before the push that started the job (GitLab; GitHub's file tells it).
    before: str | None = None
    #: The merge request that started the job (GitLab; GitHub's file tells it).
    change: str | None = None
    #: The file that the runner shows as the step's summary.
    summary: Path | None = None
    #: A step (``tagline ci``) that leaves its answer in files for later ones.
    step: bool = False
    #: The file that takes the step's outputs (GitHub), and what names in the dotenv report begin with (GitLab).
    outputs: Path | None = None
    dotenv_prefix: str = "TAGLINE_"
    #: The one folder that outlives the container of a GitHub action; None outside of such.
    container_workspace: Path | None = None
    #: The AWS role to take on, and the token of this job's identity that shows who asks (GitLab).
    aws_role: str | None = None
    id_token: Secret | None = None
    #: Where remote registries are kept between runs.
    cache: Path = field(default_factory=lambda: Path.home() / ".cache" / "tagline")
    #: Where fetched objects are kept between runs, in the layout of DVC's cache; None for nowhere.
    objects: Path | None = None
    #: Whoever reads from a bucket whose readers pay agrees to pay.
    request_payer: bool = False
    #: What ``~`` means in DVC's configuration, and the folders of its ``system`` and ``global`` files.
    home: Path | None = None
    dvc_folders: Mapping[str, Path] = field(default_factory=dict)
    #: The MLflow server (MLflow's own variables), without a login; any text, also one that is no http(s) address.
    mlflow_url: str | None = None
    #: For it and nothing else.
    mlflow_login: Login | None = None
    #: Plain text was asked for (``NO_COLOR``, https://no-color.org) or is all the terminal can do.
    no_color: bool = False

    @staticmethod
    def from_environ(environ: Mapping[str, str]) -> Settings:
        """Read the environment of a job or of a terminal."""
        platform = _platform(environ)
        mlflow_url, mlflow_login = _mlflow(environ)
        return Settings(
            ci=_true(environ.get("CI")) or platform is not None,
            platform=platform,
            tag=_tag(environ, platform),
            run_url=_run_url(environ, platform),
            server_url=_first(environ, "GITHUB_SERVER_URL", "CI_SERVER_URL"),
            token=_secret(environ, "TAGLINE_TOKEN"),
            repo_token=_secret(environ, "TAGLINE_REPO_TOKEN"),
            repo_host=_first(environ, "TAGLINE_REPO_HOST"),
            deliver_token=_secret(environ, "TAGLINE_DELIVER_TOKEN"),
            api_url=_first(environ, "GITHUB_API_URL" if platform == "github" else "CI_API_V4_URL"),
            repository=_first(environ, "GITHUB_REPOSITORY" if platform == "github" else "CI_PROJECT_PATH"),
            repository_url=_repository_url(environ, platform),
            identity=_first(environ, "TAGLINE_IDENTITY"),
            job_token=_secret(environ, "CI_JOB_TOKEN") if platform == "gitlab" else None,
            event_name=_first(environ, "GITHUB_EVENT_NAME" if platform == "github" else "CI_PIPELINE_SOURCE") or "",
            event_file=_path(environ, "GITHUB_EVENT_PATH"),
            commit=_first(environ, "GITHUB_SHA" if platform == "github" else "CI_COMMIT_SHA"),
            branch=_branch(environ, platform),
            before=_first(environ, "CI_COMMIT_BEFORE_SHA"),
            change=_first(environ, "CI_MERGE_REQUEST_IID"),
            summary=_path(environ, "GITHUB_STEP_SUMMARY"),
            outputs=_path(environ, "GITHUB_OUTPUT"),
            dotenv_prefix=_first(environ, "TAGLINE_DOTENV_PREFIX") or "TAGLINE_",
            container_workspace=_container_workspace(environ),
            aws_role=_first(environ, "TAGLINE_AWS_ROLE"),
            id_token=_secret(environ, "TAGLINE_AWS_ID_TOKEN"),
            cache=_cache(environ),
            request_payer=environ.get("AWS_REQUEST_PAYER", "").lower() == "requester",
            objects=_path(environ, "TAGLINE_OBJECTS"),
            home=_path(environ, "HOME"),
            dvc_folders=_dvc_folders(environ),
            mlflow_url=mlflow_url,
            mlflow_login=mlflow_login,
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


def _mlflow(environ: Mapping[str, str]) -> tuple[str | None, Login | None]:
    """MLflow's own variables. Source: https://mlflow.org/docs/latest/self-hosting/security/basic-http-auth/"""
    from tagline.domain.text.public import parted  # here, because most runs need none of it

    url, user, password = parted(environ.get("MLFLOW_TRACKING_URI", ""))
    login = Login(
        _secret(environ, "MLFLOW_TRACKING_TOKEN"),
        _first(environ, "MLFLOW_TRACKING_USERNAME") or user,
        _secret(environ, "MLFLOW_TRACKING_PASSWORD") or (Secret(password) if password else None),
    )
    return url or None, login if any(login) else None


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


def _branch(environ: Mapping[str, str], platform: str | None) -> str | None:
    if platform == "github":
        ref = environ.get("GITHUB_REF", "")
        return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None
    return _first(environ, "CI_COMMIT_BRANCH")


def _repository_url(environ: Mapping[str, str], platform: str | None) -> str | None:
    if platform == "github":
        server, repository = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_REPOSITORY")
        return f"{server.rstrip('/')}/{repository}" if server and repository else None
    return _first(environ, "CI_PROJECT_URL")


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None


def _container_workspace(environ: Mapping[str, str]) -> Path | None:
    """Where the runner puts the workspace in the container of an action.

    Source: https://docs.github.com/actions/reference/dockerfile-support-for-github-actions
    """
    workspace = _path(environ, "GITHUB_WORKSPACE")
    return workspace if workspace == Path("/github/workspace") else None


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


def _dvc_folders(environ: Mapping[str, str]) -> dict[str, Path]:
    """Where DVC keeps its configuration for the machine and for the user.

    Source: https://dvc.org/doc/user-guide/project-structure/configuration
    """
    mac = sys.platform == "darwin"
    library = "Library/Application Support" if mac else ""
    home = _path(environ, "HOME")
    found = {
        "system": _path(environ, "DVC_SYSTEM_CONFIG_DIR")
        or (Path("/", library) if mac else Path(environ.get("XDG_CONFIG_DIRS", "").split(":")[0] or "/etc/xdg")) / "dvc"
    }
    user = _path(environ, "XDG_CONFIG_HOME") or (home / (library or ".config") if home else None)
    named = _path(environ, "DVC_GLOBAL_CONFIG_DIR") or (user / "dvc" if user else None)
    return found | ({"global": named} if named else {})
