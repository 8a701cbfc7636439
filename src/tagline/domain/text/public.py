"""Addresses and other people's words without secrets: what is read by some is shown to many. The only place for that.

What is dropped: user and password, and whatever stands behind ``?`` or ``#``, since nobody can tell a signature from
a page's number. Two limits: a password with blanks in it is no part of a URL, and of a login without a colon
(``https://TOKEN@host``) a slash makes a host and a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

#: Where a scheme ends. Of the web's also with one slash: normalised as a path, or as curl takes it.
_MARK_RE = re.compile(r":/{2,}|(?:(?<=http)|(?<=https)|(?<=ssh)|(?<=ftp)):/", re.IGNORECASE)
_BARE_RE = re.compile(r"(?:\[[^\]]*\]|[^@:/?#]*)(?P<port>:[0-9]*)?(?=[/?#]|\Z)")
_HOST_RE = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):(?!\Z)")
_IMAGE_RE = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})(?![0-9a-f])")
#: ``git+REPOSITORY@COMMIT#PATH``, as Tagline says where something lies in Git: what comes after the repository.
_AT_COMMIT_RE = re.compile(r"@(?:[0-9a-f]{64}|[0-9a-f]{40})(?=#|[\"'`)\]}>,;:.]*\Z)")
#: A login in a path on the web, as a proxy's URL may have one; an image with its digest is none.
_WEB_RE = re.compile(r"https?:/", re.IGNORECASE)
_IN_PATH_RE = re.compile(r"(?<=/)[^/@:?#]+:[^/?#]*@(?!sha(?:256|512):)")
_SCHEME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-"
#: Here the user is a name, or even a place, and not a token.
_NAMED = {"ssh", "git+ssh", "ssh+git", "svn+ssh", "sftp", "scp", "rsync", "hdfs", "abfs", "abfss", "wasb", "wasbs"}
#: Of another one nobody knows whether it is a scheme, or a user before a password that begins with slashes.
_SCHEMES = _NAMED | {
    "http", "https", "ftp", "ftps", "git", "file", "s3", "gs", "gcs",
    "azure", "az", "oss", "webdav", "webdavs", "models", "runs", "oci", "docker",
}  # fmt: skip
_CLOSING = "\"'`)]}>,;"
#: In the words of others: a value whose name says that it is a secret, and what AWS signs requests with.
_NAMED_RE = re.compile(
    r"(?i)\b([\w.-]*(?:token|secret|signature|password|passwd|credential|api[_-]?key|x-amz-)[\w.-]*|sig)=[^\s&,;'\"]*"
)
_SIGNED_RE = re.compile(r"AWS4-HMAC-SHA256.*", re.DOTALL)
#: What stands for something dropped.
_DROPPED = "…"
#: URLs in one word; nobody writes more, and each costs a look at all that follows.
_MOST = 10


def public(text: str) -> str:
    """The text with every URL in it as anybody may see it; text without URLs stays as it is.

    ``https://u:p@h/x?sig=1`` becomes ``https://h/x?…``, ``ssh://git:p@h`` ``ssh://git@h``, and ``u:p@h:path`` (as git
    and scp write it) ``u@h:path``. ``https://a:1/b@c`` may be a port or a password: ``https://…@c``. What was cleaned
    once stays as it is. The time is linear in the text's length.
    """
    if ":" not in text or not ("@" in text or _MARK_RE.search(text)):
        return text
    return "".join(part if not part or part.isspace() else _word(part) for part in re.split(r"(\s+)", text))


def public_uri(uri: str) -> str:
    """Where an artifact's bytes are, as anybody may see it: what is behind ``#`` is Tagline's own word."""
    base, mark, inner = (uri, "", "") if uri.startswith("git+") else uri.partition("#")
    return f"{public(base)}{mark}{inner}"


def lowered_scheme(address: str) -> str:
    """An address with its scheme in small letters: ``S3://`` is what somebody wrote by hand, and the same."""
    scheme, mark, rest = address.partition("://")
    return f"{scheme.lower()}{mark}{rest}" if mark else address


def parted(url: str) -> tuple[str, str, str]:
    """An address without its login and without a slash at its end; then user and password, decoded, empty if absent.

    A password with a slash in it is no valid address, and still a password. One that may end at two places is none that
    anybody is asked with: the address has no host then.
    """
    url = url.strip().rstrip("/")
    scheme, mark, rest = url.partition("://")
    if not mark or "@" not in rest or _BARE_RE.match(rest):
        return url, "", ""
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    end = end if "@" in rest[:end] else len(rest)
    login, _, host = rest[:end].rpartition("@")
    user, colon, password = login.partition(":")
    if colon and "@" in rest[end:]:
        return f"{scheme}://", "", ""
    return f"{scheme}://{host}{rest[end:]}", unquote(user), unquote(password)


def has_unclear_login(url: str) -> bool:
    """Whether a login in an address may end at two places: then a part of a password may be what is asked for."""
    scheme, mark, _ = url.strip().partition("://")
    return bool(mark) and parted(url)[0] == f"{scheme}://"


def words_of(text: object, secrets: Iterable[str] = (), longest: int = 300) -> str:
    """A server's or a library's words for an error: one line, printable and short.

    It may repeat what it was asked with. Dropped are ``secrets``, values named as one, and those in URLs.
    """
    said = str(text)[: longest * 20]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        said = said.replace(secret, _DROPPED)
    said = _SIGNED_RE.sub(_DROPPED, _NAMED_RE.sub(rf"\1={_DROPPED}", said))
    line = " ".join("".join(char if char.isprintable() else " " for char in said).split())
    return public(line)[:longest]


def _word(word: str) -> str:
    """One word; what Tagline itself puts behind a repository's URL stays."""
    ours = _AT_COMMIT_RE.search(word)
    if ours is not None and "git+" in word[: ours.start()] and not _MARK_RE.search(word, ours.start()):
        return f"{_addresses(word[: ours.start()])}{word[ours.start() :]}"
    return _addresses(word)


def _addresses(word: str) -> str:
    """One word, which may have several URLs, one in another's path, and a login in a path."""
    clean = _without_logins(word)
    web = _WEB_RE.search(clean)
    return clean if web is None else clean[: web.end()] + _IN_PATH_RE.sub(f"{_DROPPED}@", clean[web.end() :])


def _without_logins(word: str) -> str:
    mark = _MARK_RE.search(word)
    if mark is None:
        return _scp(word)
    done: list[str] = []
    for _ in range(_MOST):
        if mark is None:
            return "".join((*done, word))
        head, word = word[: mark.start()], word[mark.end() :]
        scheme = head[len(head.rstrip(_SCHEME)) :].lower()
        if "@" in word and _SCHEMES.isdisjoint((scheme, *scheme.split("+"))):
            return "".join((*done, head, mark[0], _DROPPED))
        user, word = _without_login(word, named=scheme in _NAMED)
        done += [head, mark[0], user]
        mark = _MARK_RE.search(word)
        end = re.search(r"[?#]", word)
        if end is not None and (mark is None or end.start() < mark.start()):
            kept = word[len(word.rstrip(_CLOSING)) :] if end.end() < len(word) else ""
            tail = f"?{_DROPPED}{kept}" if end.end() < len(word) else ""
            return "".join((*done, word[: end.start()], tail))
    return "".join((*done, word if mark is None else _DROPPED))


def _without_login(rest: str, *, named: bool) -> tuple[str, str]:
    """What follows ``://`` in two parts: the user that may be shown, with its @, and the rest without a login."""
    user = ""
    while True:
        last = rest.rfind("@")
        if last < 0:
            return user, rest
        bare = _BARE_RE.match(rest)
        if bare is not None and bare["port"] is None:
            return user, rest
        behind = re.search(r"[?#]", rest)
        if behind is not None and behind.start() < last:
            return user, _DROPPED  # a password with a question mark, or a query with an @: neither is shown
        # The last @ of the authority; where that has none, or one within a password, a password has a slash in it.
        end = re.search(r"[/?#]", rest)
        within = rest.rfind("@", 0, end.start()) if end is not None else last
        certain = within == last or (within >= 0 and ":" not in rest[:within])
        cut = within if certain else last
        name = rest[:cut].partition(":")[0].partition("@")[0]
        if bare is not None or (within >= 0 and not certain):
            name = _DROPPED
        keep = named or name == _DROPPED
        user = f"{name}@" if keep and name else user
        rest = rest[cut + 1 :]


def _scp(word: str) -> str:
    """``user:password@host:path`` without the password; an image with its digest is none."""
    at = word.rfind("@")
    while at >= 0:
        if _HOST_RE.match(word, at + 1) and not _IMAGE_RE.match(word, at + 1):
            user, colon, _ = word[:at].partition(":")
            return f"{user}{word[at:]}" if colon else word
        at = word.rfind("@", 0, at)
    return word
