"""Everything that the environment says, as one value: ``Settings.from_environ(os.environ)``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tagline.settings import aws, github, gitlab, terminal
from tagline.settings.runner import RunnerSettings
from tagline.settings.secret import Login, Secret
from tagline.settings.variables import is_true, path, secret, size, text


@dataclass(frozen=True)
class Settings(RunnerSettings):
    """This run's surroundings: what the runner says, and what people set."""

    #: For this job's own repository. wiring/tokens.py says where each of these goes.
    token: Secret | None = None
    #: For the repository named by --repo, and the one host that gets it; None for whichever --repo names.
    repo_token: Secret | None = None
    repo_host: str | None = None
    #: For starting workflows and pipelines of other repositories.
    deliver_token: Secret | None = None
    #: Who is told what happens: addresses that may themselves be secrets, and what messages are signed with.
    webhook: Secret | None = None
    webhook_secret: Secret | None = None
    slack_webhook: Secret | None = None
    #: The policy that a repository's own may only tighten: a file of the machine, or an address.
    policy_floor: str | None = None
    #: The login that our comments are by, where the token cannot tell.
    identity: str | None = None
    #: A step (``tagline ci``) that leaves its answer in files for later ones.
    step: bool = False
    #: What names in the dotenv report begin with (GitLab).
    dotenv_prefix: str = "TAGLINE_"
    #: The AWS role to take on, and the token of this job's identity that shows who asks (GitLab).
    aws_role: str | None = None
    id_token: Secret | None = None
    #: What else the environment has of AWS.
    aws: aws.AwsEnvironment = field(default_factory=aws.AwsEnvironment)
    #: Where remote registries are kept between runs.
    cache: Path = field(default_factory=lambda: Path.home() / ".cache" / "tagline")
    #: The bytes of fetched artifacts that may be kept there for programs.
    cache_limit: int = 20 << 30
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
        mlflow_url, mlflow_login = _mlflow(environ)
        return Settings(
            **vars(_of_runner(environ)),
            token=secret(environ, "TAGLINE_TOKEN"),
            repo_token=secret(environ, "TAGLINE_REPO_TOKEN"),
            repo_host=text(environ, "TAGLINE_REPO_HOST"),
            deliver_token=secret(environ, "TAGLINE_DELIVER_TOKEN"),
            webhook=secret(environ, "TAGLINE_WEBHOOK_URL"),
            webhook_secret=secret(environ, "TAGLINE_WEBHOOK_SECRET"),
            slack_webhook=secret(environ, "TAGLINE_SLACK_WEBHOOK"),
            policy_floor=text(environ, "TAGLINE_POLICY_FLOOR"),
            identity=text(environ, "TAGLINE_IDENTITY"),
            dotenv_prefix=text(environ, "TAGLINE_DOTENV_PREFIX") or "TAGLINE_",
            aws_role=text(environ, "TAGLINE_AWS_ROLE"),
            id_token=secret(environ, "TAGLINE_AWS_ID_TOKEN"),
            aws=aws.read(environ),
            cache=_cache(environ),
            cache_limit=size(environ, "TAGLINE_CACHE_LIMIT", Settings.cache_limit),
            request_payer=environ.get("AWS_REQUEST_PAYER", "").lower() == "requester",
            objects=path(environ, "TAGLINE_OBJECTS"),
            home=path(environ, "HOME"),
            dvc_folders=_dvc_folders(environ),
            mlflow_url=mlflow_url,
            mlflow_login=mlflow_login,
            no_color=bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb",
        )


def _of_runner(environ: Mapping[str, str]) -> RunnerSettings:
    """What the runner that executes us says: here is chosen whose file reads it."""
    if is_true(environ.get("GITHUB_ACTIONS")):
        return github.read(environ)
    return gitlab.read(environ) if is_true(environ.get("GITLAB_CI")) else terminal.read(environ)


def _mlflow(environ: Mapping[str, str]) -> tuple[str | None, Login | None]:
    """MLflow's own variables. Source: https://mlflow.org/docs/latest/self-hosting/security/basic-http-auth/"""
    from tagline.domain.text.public import parted  # here, because most runs need none of it

    url, user, password = parted(environ.get("MLFLOW_TRACKING_URI", ""))
    login = Login(
        secret(environ, "MLFLOW_TRACKING_TOKEN"),
        text(environ, "MLFLOW_TRACKING_USERNAME") or user,
        secret(environ, "MLFLOW_TRACKING_PASSWORD") or (Secret(password) if password else None),
    )
    return url or None, login if any(login) else None


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
    home = path(environ, "HOME")
    found = {
        "system": path(environ, "DVC_SYSTEM_CONFIG_DIR")
        or (Path("/", library) if mac else Path(environ.get("XDG_CONFIG_DIRS", "").split(":")[0] or "/etc/xdg")) / "dvc"
    }
    user = path(environ, "XDG_CONFIG_HOME") or (home / (library or ".config") if home else None)
    named = path(environ, "DVC_GLOBAL_CONFIG_DIR") or (user / "dvc" if user else None)
    return found | ({"global": named} if named else {})
