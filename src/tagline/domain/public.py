"""Text without the secrets that people write into URLs: what is read by some is shown to many.

What is dropped: user and password, and whatever stands behind ``?`` or ``#``, since nobody can tell a signature from
a page's number. Two limits: a password with blanks in it is no part of a URL, and of a login without a colon
(``https://TOKEN@host``) a slash makes a host and a path.
"""

from __future__ import annotations

import re

#: Where a scheme ends. Of the web's also with one slash: normalised as a path, or as curl takes it.
_MARK_RE = re.compile(r":/{2,}|(?:(?<=http)|(?<=https)|(?<=ssh)|(?<=ftp)):/", re.IGNORECASE)
_BARE_RE = re.compile(r"(?:\[[^\]]*\]|[^@:/?#]*)(?P<port>:[0-9]*)?(?=[/?#]|\Z)")
_HOST_RE = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):")
_IMAGE_RE = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})(?![0-9a-f])")
_SCHEME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-"
#: Here the user is a name, or even a place, and not a token.
_NAMED = {"ssh", "git+ssh", "ssh+git", "svn+ssh", "sftp", "scp", "rsync", "hdfs", "abfs", "abfss", "wasb", "wasbs"}
_CLOSING = "\"'`)]}>,;"
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


def _word(word: str) -> str:
    """One word, which may have several URLs, one in another's path."""
    mark = _MARK_RE.search(word)
    if mark is None:
        return _scp(word)
    done: list[str] = []
    for _ in range(_MOST):
        if mark is None:
            return "".join((*done, word))
        head, word = word[: mark.start()], word[mark.end() :]
        scheme = head[len(head.rstrip(_SCHEME)) :].lower()
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
        # The last @ of the authority; where that has none, a password has a slash in it.
        end = re.search(r"[/?#]", rest)
        within = rest.rfind("@", 0, end.start()) if end is not None else last
        cut = within if within >= 0 else last
        name = rest[:cut].partition(":")[0].partition("@")[0]
        if bare is not None:
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
