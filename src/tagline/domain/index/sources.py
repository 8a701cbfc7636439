"""Which repositories an index is asked for, and what each of them is called in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from tagline.domain.index.refs import Refs
from tagline.domain.text.public import parted, public

#: ``git@host:owner/name.git`` and ``ssh://git@host:22/owner/name.git``.
_SSH_RE = re.compile(
    r"(?:ssh://(?:[^@/]+@)?(?P<host>[A-Za-z0-9.-]+)(?::[0-9]+)?/|(?:[^@/:]+@)(?P<short>[A-Za-z0-9.-]+):)(?P<path>[^:]+)"
)
#: Visibilities, most open first. Nobody knows of plain Git: it is treated as private.
VISIBILITIES = ("public", "internal", "private", "unknown")


@dataclass(frozen=True)
class Wanted:
    """A repository that an index is asked for.

    ``address`` is where Git reads it: a URL, or the path of a folder here. ``refs`` are its refs where the forge told
    them with its list; ``problem`` is status and reason where the forge says that there is nothing to read.
    """

    repository: str
    url: str
    address: str
    forge: str = "git"
    visibility: str = "unknown"
    refs: Refs | None = None
    problem: tuple[str, str] | None = None


def repository_name(url: str) -> str:
    """What a repository is called in an index: ``host/owner/name``; of other than the web and SSH its URL."""
    clean = public(parted(url)[0])
    ssh = _SSH_RE.fullmatch(clean)
    if ssh is not None:
        host, path = (ssh["host"] or ssh["short"]).lower(), ssh["path"]
    else:
        parts = urlsplit(clean)
        if parts.scheme not in ("http", "https"):
            return clean
        host, path = parts.netloc.lower(), parts.path
    return f"{host}/{_named(path)}"


def page_of(url: str) -> str:
    """Its page, or where it is cloned from; without secrets."""
    clean = public(parted(url)[0])
    ssh = _SSH_RE.fullmatch(clean)
    if ssh is not None:
        return f"https://{ssh['host'] or ssh['short']}/{_named(ssh['path'])}"
    return clean.removesuffix(".git") if clean.startswith(("http://", "https://")) else clean


def _named(path: str) -> str:
    return path.strip("/").removesuffix(".git")


def once(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Each repository once, by name: what knows more of it (its visibility) comes before what does not.

    Both forges pass over the case of names; plain Git does not.
    """
    found: dict[str, Wanted] = {}
    for one in wanted:
        key = one.repository if one.forge == "git" else one.repository.lower()
        known = found.get(key)
        if known is None or (known.visibility == "unknown" and one.visibility != "unknown"):
            found[key] = one
    return sorted(found.values(), key=lambda one: one.repository)


def listed(text: str) -> list[str]:
    """The repositories that a file names: one a line, ``#`` begins a comment."""
    lines = (re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip() for line in text.splitlines())
    return [line for line in lines if line]
