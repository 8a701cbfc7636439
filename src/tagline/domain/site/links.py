"""Links from the page to the forge: commits, and the forms with which people ask for a promotion.

A link leads to the repository's own forge or is none: the host is that of the repository's name in the index, and the
scheme is the web's.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from tagline.domain.delivery.proposals import Request, request_file
from tagline.domain.site.records import Repository

_COMMIT_RE = re.compile(r"[0-9a-f]{40,64}")
_NOT_IN_FILES_RE = re.compile(r"[^A-Za-z0-9._-]+")


class Ask(NamedTuple):
    """A form of the forge, filled in: asking, not doing. ``what`` says where it leads; ``command`` asks the same."""

    url: str
    what: str
    command: str


def web_of(repository: Repository) -> str | None:
    """The repository's page at its own forge; None where the index has none that one may trust."""
    url = safe_url(repository.url)
    if url is None or repository.forge not in ("github", "gitlab"):
        return None
    host, _, path = repository.repository.partition("/")
    split = urlsplit(url)
    if split.netloc.lower() != host.lower() or split.query or split.fragment:
        return None
    own = split.path.strip("/").removesuffix(".git")
    return f"{split.scheme}://{split.netloc}/{own}" if own.lower() == path.lower() and path else None


def safe_url(url: str | None) -> str | None:
    """An address of the web, as it is; None for anything else (a script, a file, text)."""
    if not url or any(ord(mark) <= 32 or mark in "\\\"'<>`" for mark in url):
        return None
    try:
        split = urlsplit(url)
    except ValueError:
        return None
    return url if split.scheme in ("http", "https") and split.netloc and "@" not in split.netloc else None


def commit_url(repository: Repository, commit: str) -> str | None:
    """The commit's page."""
    web = web_of(repository)
    return None if web is None else f"{web}{_way(repository)}/commit/{quote(commit)}"


def file_url(repository: Repository, commit: str, path: str) -> str | None:
    """A file's page at a commit."""
    web = web_of(repository)
    return None if web is None else f"{web}{_way(repository)}/blob/{quote(commit)}/{quote(path)}"


def download(repository: Repository, uri: str | None) -> str | None:
    """Where a browser gets the bytes of a version: an address of the web, or a file in Git at its own forge."""
    found = safe_url(uri)
    if found is not None or not uri or not uri.startswith("git+"):
        return found
    place, _, path = uri.partition("#")
    web, commit = web_of(repository), place.rpartition("@")[2]
    if web is None or not path or not _COMMIT_RE.fullmatch(commit):
        return None
    return f"{web}{_way(repository)}/raw/{commit}/{quote(path)}"


def promote(repository: Repository, artifact: str, version: str, stage: str) -> Ask | None:
    """The form that asks to promote a version to a stage; None where its forge has none that does."""
    return _ask(repository, Request(artifact, version, stage), f"{artifact}-{version}")


def rollback(repository: Repository, artifact: str, stage: str, version: str) -> Ask | None:
    """The form that asks to give a stage back to the version before; ``version`` is the one that holds it."""
    return _ask(repository, Request(artifact, version, stage, "rollback"), f"{artifact}-rollback-{version}")


def _ask(repository: Repository, request: Request, name: str) -> Ask | None:
    web = web_of(repository)
    if web is None or any(part in ("", ".", "..") for part in request.stage.split("/")):
        return None
    command = ["tagline", "propose", request.artifact, request.version, request.stage]
    command += ["--rollback"] if request.kind == "rollback" else []
    line = shlex.join([*command, "--repo", web, "--repo-forge", repository.forge])
    if repository.forge == "gitlab":
        return Ask(f"{web}/-/pipelines/new?{_pipeline(repository, request)}", _ON_GITLAB, line)
    branch = repository.branch or "HEAD"
    file = f"promotions/{request.stage}/{_NOT_IN_FILES_RE.sub('-', name)}.yaml"
    form = urlencode({"filename": file, "value": request_file(request)}, quote_via=quote, safe="/")
    return Ask(f"{web}/new/{quote(branch)}?{form}", _ON_GITHUB, line)


_ON_GITHUB = "opens GitHub's form for a new file, which becomes a pull request"
_ON_GITLAB = "opens GitLab's form for a new pipeline, whose job opens a merge request"


def _pipeline(repository: Repository, request: Request) -> str:
    """GitLab fills in variables by an address, not inputs; without a branch it takes the default one.

    Source: https://docs.gitlab.com/ci/pipelines/#run-a-pipeline-by-using-a-url-query-string
    """
    said = {"ARTIFACT": request.artifact, "VERSION": request.version, "STAGE": request.stage, "ACTION": request.kind}
    ref = {"ref": repository.branch} if repository.branch else {}
    variables = {f"var[TAGLINE_PROPOSE_{name}]": value for name, value in said.items()}
    return urlencode({**ref, **variables}, quote_via=quote, safe="/")


def _way(repository: Repository) -> str:
    return "/-" if repository.forge == "gitlab" else ""
