"""Links from the page to the forge: commits, and the forms with which people ask for a promotion.

A link leads to the repository's own forge or is none: the host is that of the repository's name in the index, and the
scheme is the web's.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from tagline.domain.site.records import Repository

_COMMIT_RE = re.compile(r"[0-9a-f]{40,64}")
_PLAIN_RE = re.compile(r"[A-Za-z][A-Za-z0-9_/-]*(?::[A-Za-z0-9_/-]+)?")
_NOT_IN_FILES_RE = re.compile(r"[^A-Za-z0-9._-]+")


class Ask(NamedTuple):
    """A form of the forge, filled in: asking, not doing. ``what`` says where it leads."""

    url: str
    what: str


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
    lines = [f"- artifact: {_scalar(artifact)}", f"  version: {_scalar(version)}"]
    return _ask(repository, stage, f"{artifact}-{version}", lines)


def rollback(repository: Repository, artifact: str, stage: str, version: str) -> Ask | None:
    """The form that asks to give a stage back to the version before; ``version`` is the one that holds it."""
    lines = [f"- artifact: {_scalar(artifact)}", "  rollback: true"]
    return _ask(repository, stage, f"{artifact}-rollback-{version}", lines)


def _ask(repository: Repository, stage: str, name: str, lines: list[str]) -> Ask | None:
    web = web_of(repository) if repository.forge == "github" else None
    if web is None or any(part in ("", ".", "..") for part in stage.split("/")):
        return None
    branch = repository.branch or "HEAD"
    file = f"promotions/{stage}/{_NOT_IN_FILES_RE.sub('-', name)}.yaml"
    form = urlencode({"filename": file, "value": "\n".join([*lines, ""])}, quote_via=quote)
    return Ask(f"{web}/new/{quote(branch)}?{form}", "opens GitHub's form for a new file, which becomes a pull request")


def _way(repository: Repository) -> str:
    return "/-" if repository.forge == "gitlab" else ""


def _scalar(text: str) -> str:
    """A text as YAML reads it back."""
    if (_PLAIN_RE.fullmatch(text) and text.lower() not in ("true", "false", "null")) or re.fullmatch(
        r"v\d+\.\d+\.\d+", text
    ):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(mark if mark.isprintable() else f"\\U{ord(mark):08x}" for mark in escaped) + '"'
