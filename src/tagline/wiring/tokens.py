"""Whose token goes where: the one rule, and pure. Every file of wiring asks it, for every address that it opens.

A token goes to a server that the environment or the caller named. What a repository says (a lock, a manifest, a policy,
a clone's configuration) never introduces one. Redirects are the adapters' affair: none takes a token along.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from tagline.domain.text.origins import Origin, origin_of, same_origin
from tagline.errors import WrongUsage

if TYPE_CHECKING:
    from tagline.settings import Login, Secret, Settings

#: Where GitHub is, and where its API is, which is another host.
GITHUB, GITHUB_API = "https://github.com", "https://api.github.com"

#: Who named the repository: the command line or a step's input; the job itself, or the clone that one stands in; or
#: a file of a repository; or the policy of the default branch, which people guard: what it extends is read with the
#: rights of the job, on its own forge.
NamedBy = Literal["caller", "here", "content", "policy"]


class Grant(NamedTuple):
    """A token that may go out, and whether it is GitLab's own token of the job, which may less."""

    token: Secret
    is_job_token: bool = False


def token_for(settings: Settings, asked: str, repository: str, by: NamedBy) -> Grant | None:
    """The token for a request to ``asked``, an address of Git or of an API; None for no token.

    ``repository`` is the address of the repository that the request is about, ``by`` who named it. Raises WrongUsage
    for a TAGLINE_REPO_HOST that is no host.
    """
    origin = origin_of(asked)
    if origin is None:
        return None
    given = _given_for_elsewhere(settings, origin, repository, by)
    return given if by == "caller" and given is not None else _job_for(settings, asked, repository, by) or given


def withheld(settings: Settings, asked: str, repository: str, by: NamedBy) -> str | None:
    """Why TAGLINE_REPO_TOKEN is set and does not go to an address; None where a token goes there, or none is set."""
    if settings.repo_token is None or token_for(settings, asked, repository, by) is not None:
        return None
    host = urlsplit(repository).netloc.rpartition("@")[2]
    if settings.repo_host is not None:
        named = settings.repo_host.strip()
        return f"TAGLINE_REPO_TOKEN is not sent to {host}: TAGLINE_REPO_HOST says that it is for {named} alone."
    return (
        f"TAGLINE_REPO_TOKEN is not sent to {host}: only the clone's own configuration names that host. "
        f"If it may have the token, set TAGLINE_REPO_HOST={host}"
    )


def token_to_start(settings: Settings, asked: str, repository: str) -> Grant | None:
    """The token that starts workflows or pipelines of ``repository``, which is another one than the run is about.

    TAGLINE_DELIVER_TOKEN, to this job's forge: a policy names the repository, and so no other host.
    """
    if settings.deliver_token is None or _is_own(settings, repository) or not _is_of_jobs_forge(settings, asked):
        return None
    return Grant(settings.deliver_token)


def token_of_job(settings: Settings, asked: str) -> Secret | None:
    """GitLab's own token of this job, to this job's forge: by it the forge tells which job asks, and whose it is."""
    return settings.job_token if _is_of_jobs_forge(settings, asked) else None


def mlflow_login_for(settings: Settings, url: str) -> Login | None:
    """The environment's login to MLflow, for the environment's server only; for the caller's where it names none."""
    named = settings.mlflow_url
    return settings.mlflow_login if named is None or same_origin(named, url) else None


def _given_for_elsewhere(settings: Settings, origin: Origin, repository: str, by: NamedBy) -> Grant | None:
    """TAGLINE_REPO_TOKEN: to TAGLINE_REPO_HOST where that is set, else to the caller's own host."""
    if settings.repo_token is None:
        return None
    if settings.repo_host is not None:
        host: Origin | None = _host(settings.repo_host)
    else:
        host = origin_of(repository) if by == "caller" else None
    return Grant(settings.repo_token) if host is not None and origin in (host, _api_of(host)) else None


def _job_for(settings: Settings, asked: str, repository: str, by: NamedBy) -> Grant | None:
    """This job's token, to this job's forge. What a file names gets it only as this job's own repository.

    GitLab's own token of the job also reads other repositories that let it, which a project's token does not.
    """
    if not _is_of_jobs_forge(settings, asked):
        return None
    own = _is_own(settings, repository)
    if by == "content" and not own:
        return None
    job = Grant(settings.job_token, is_job_token=True) if settings.job_token else None
    token = Grant(settings.token) if settings.token else None
    return token or job if own else job or token


def _is_own(settings: Settings, repository: str) -> bool:
    own = settings.repository_url
    return own is not None and repository.rstrip("/").removesuffix(".git") == own.rstrip("/").removesuffix(".git")


def _is_of_jobs_forge(settings: Settings, asked: str) -> bool:
    return any(base is not None and _is_below(base, asked) for base in (settings.server_url, settings.api_url))


def _is_below(base: str, asked: str) -> bool:
    """Whether an address is a forge's, which may have a part of a server only."""
    if not same_origin(base, asked):
        return False
    root, path = (posixpath.normpath(f"/{unquote(urlsplit(url).path)}").strip("/") for url in (base, asked))
    return not root or f"{path}/".startswith(f"{root}/")


def _api_of(host: Origin) -> Origin:
    """The server of a forge's API: its own, but for GitHub's."""
    return origin_of(GITHUB_API) or host if host == origin_of(GITHUB) else host


def _host(text: str) -> Origin:
    """What TAGLINE_REPO_HOST says: ``git.example.org``, ``git.example.org:8443``, ``http://git.example.org``."""
    url = text.strip() if "://" in text else f"https://{text.strip()}"
    found = origin_of(url)
    if found is None or url.rstrip("/").count("/") > 2 or "@" in url or "?" in url or "#" in url:
        raise WrongUsage(
            "TAGLINE_REPO_HOST is no host.",
            "Name one that TAGLINE_REPO_TOKEN may go to, such as git.example.org or git.example.org:8443.",
            code="bad-repo-host",
        )
    return found
