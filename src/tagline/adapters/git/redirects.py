"""Where a Git server sends us on to, and whether we go.

git itself follows no redirect (``http.followRedirects``), because it takes its headers along, and they carry tokens. A
command that was answered by a redirect fails; run once more, git tells where to. An address on the same server is then
the new one for the rest of the run. That costs requests only where a repository has moved.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit, urlunsplit

from tagline.domain.text.origins import origin_of
from tagline.domain.text.public import public
from tagline.errors import PlatformRefused

#: What makes git say which headers came. It leaves out those that carry tokens, and nothing of it is shown.
TELLING = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1", "GIT_TRACE_REDACT": "1"}
#: Of one command. Forges send on once.
MOST_REDIRECTS = 5
_REDIRECTED_RE = re.compile(r"unable to access '([^'\n]+)': The requested URL returned error: 30[12378]\b")
_LOCATION_RE = re.compile(r"<= Recv header:? location:[ \t]*([^\r\n]+)", re.IGNORECASE)
_TAIL = "/info/refs"


def redirected(stderr: str) -> str | None:
    """The address of the repository whose server answered with a redirect; None where none did."""
    found = _REDIRECTED_RE.search(stderr)
    return found[1].rstrip("/") if found else None


def moved_to(url: str, trace: str, *, has_login: bool) -> str | None:
    """The new address of a repository, by git's own trace of the answer; None where the trace names none.

    ``has_login``: a login of ours, or of the clone's own configuration, goes out to the old address. Raises
    PlatformRefused for an address on another server then, and for one without encryption in any case.
    """
    locations: list[str] = _LOCATION_RE.findall(trace)
    if not locations:
        return None
    asked = f"{url}{_TAIL}?service=git-upload-pack"
    try:
        parts = urlsplit(urljoin(asked, locations[-1].strip()))
        target = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        target = ""
    old, new = origin_of(url), origin_of(target)
    if old is None or new is None:
        raise _refusal(url, "to what is no address of a Git server")
    if new != old and (has_login or new.scheme == "http"):
        raise _refusal(url, f"to another server, {new}", target.removesuffix(_TAIL))
    if not target.endswith(_TAIL):
        raise _refusal(url, f"to a page that is no repository, {public(target)}")
    return target.removesuffix(_TAIL)


def _refusal(url: str, where: str, named: str = "") -> PlatformRefused:
    fix = "Check the address: a private repository without a token, or one that is gone, may be answered like this."
    if named:
        fix = (
            f"If that is right, name the new address yourself: {public(named)} (--repo, or git remote set-url). "
            "A token goes to the server that was named, and to no other."
        )
    return PlatformRefused(f"{public(url)} sends us on {where}: not followed.", fix, code="redirected")
