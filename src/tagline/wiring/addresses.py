"""Which remote ``--repo`` names: a URL, or ``owner/name`` on a forge."""

from __future__ import annotations

import re

from tagline.errors import WrongUsage
from tagline.settings import Settings
from tagline.wiring.tokens import GITHUB, GITHUB_API

#: ``owner/name`` on a forge, groups in between included.
OWNER_NAME_RE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)+")
#: ``git@host:owner/name.git`` and ``ssh://git@host:22/owner/name.git``.
_SSH_RE = re.compile(
    r"(?:ssh://(?:[^@/]+@)?(?P<host>[A-Za-z0-9.-]+)(?::[0-9]+)?/|(?:[^@/:]+@)(?P<short>[A-Za-z0-9.-]+):)(?P<path>[^:]+)"
)
#: Where a forge is when nobody says otherwise.
_PUBLIC = {"github": GITHUB, "gitlab": "https://gitlab.com"}


def over_https(text: str) -> str:
    """The page of a repository that git reaches by ssh; any other address as it is. The user and port are ssh's."""
    found = _SSH_RE.fullmatch(text)
    return f"https://{found['host'] or found['short']}/{found['path'].strip('/')}" if found else text


def server_of(settings: Settings, forge: str | None, api_url: str | None) -> str | None:
    """The forge on which ``owner/name`` is: as said, else this job's; None where nothing says it."""
    if api_url is not None:
        text = api_url.rstrip("/")
        return GITHUB if text == GITHUB_API else re.sub(r"/api(/v[34]|/graphql)?$", "", text)
    if settings.server_url is not None and forge in (None, settings.platform):
        return settings.server_url.rstrip("/")
    return _PUBLIC.get(forge or "")


def address_of(text: str | None, settings: Settings, forge: str | None, api_url: str | None) -> str | None:
    """The remote's URL; None when a folder here is named, or nothing. Raises WrongUsage for what is neither."""
    if text is None or text.startswith((".", "/", "~")):
        return None
    from tagline.adapters.git.running import is_url

    if is_url(text) and not _odd_host(text):
        return _checked_url(text)
    if not OWNER_NAME_RE.fullmatch(text):
        raise WrongUsage(
            f"--repo {text!r} is neither a URL nor owner/name.",
            f"A folder's path starts with '.', '/' or '~': write ./{text}",
            code="bad-repo",
        )
    server = server_of(settings, forge, api_url)
    if server is None:
        raise WrongUsage(
            f"--repo {text!r} means owner/name on a forge, and nothing says on which.",
            f"Write the whole URL, say --repo-forge github or gitlab, or for a folder ./{text}",
            code="bad-repo",
        )
    return f"{server}/{text}.git"


def _odd_host(text: str) -> bool:
    """Whether what git takes for ``host:path`` is rather a sentence: no host has a blank in its name."""
    return "://" not in text and re.search(r"\s", text.partition(":")[0]) is not None


def _checked_url(text: str) -> str:
    """A URL without the blanks that would be taken for something else. Raises WrongUsage.

    A ``file://`` URL and a path behind ``host:`` may have blanks inside: git takes them as they are.
    """
    if re.match(r"[A-Za-z0-9]+::", text):
        raise WrongUsage(
            f"--repo {text!r} names a program that git would run for it.",
            "Use https, ssh, git or file.",
            code="bad-repo",
        )
    odd = text.strip() != text or re.search(r"[^\S ]", text) or (" " in text and text.lower().startswith("http"))
    if odd:
        raise WrongUsage(
            f"--repo {text!r} has blanks where no URL has any.",
            "Take them away at its ends, and write %20 for each inside.",
            code="bad-repo",
        )
    return text
