"""The lock file: what is pinned, as JSON that people review and programs write.

It lies in a repository, so anybody may have edited it: it is data, each field is checked, and it names no host that
gets a token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from tagline.domain.ledger.targets import parse_target
from tagline.domain.storage.sha256 import is_sha256
from tagline.domain.text.similar import suggestion
from tagline.errors import Conflict, NotFound, WrongUsage

#: What the file is called when nobody says otherwise, the version of its form, and the most bytes of it.
LOCK_FILE, FORMAT, MAX_LOCK = "tagline.lock", 1, 4 << 20
_OBJECT_RE = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DIGEST_RE = re.compile(r"md5:[0-9a-f]{32}(\.dir)?|(gitblob|gittree|sha256):[0-9a-f]{40,64}")


@dataclass(frozen=True)
class Pin:
    """One artifact as it was when it was pinned.

    ``target`` was asked for and says what *newer* means, ``repository`` is its URL without secrets. ``tag`` and
    ``tag_object`` (Git's id) decided; ``digest`` and ``sha256`` are as ``resolve`` gives them, ``size`` in bytes.
    """

    target: str
    repository: str
    version: str | None
    commit: str
    tag: str
    tag_object: str
    digest: str
    sha256: str | None
    size: int | None

    def is_current(self, now: Pin) -> bool:
        """Whether what the target names now is this: the same version and bytes, and no tag that was replaced.

        A stage tag that names the same version again is nothing new. A SHA-256 that one lacks is no difference.
        """
        same = (self.version, self.commit, self.digest) == (now.version, now.commit, now.digest)
        replaced = self.tag == now.tag and self.tag_object != now.tag_object
        return same and not replaced and (None in (self.sha256, now.sha256) or self.sha256 == now.sha256)


def read_lock(data: bytes, name: str) -> dict[str, Pin]:
    """The pins of a lock file by their names. Raises WrongUsage, with the pin and the field that are wrong."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _bad(name, f"it is no JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("pins"), dict):
        raise _bad(name, "it has no pins")
    if document.get("version") != FORMAT:
        raise _bad(name, f"its version is {document.get('version')!r}, and this Tagline reads {FORMAT}")
    return {key: _pin(value, f"{name}, {key!r}") for key, value in document["pins"].items()}


def write_lock(pins: Mapping[str, Pin]) -> str:
    """The file's text: sorted, a field a line, so that a change of one pin is a small difference."""
    rows = {name: asdict(pins[name]) for name in sorted(pins)}
    return json.dumps({"version": FORMAT, "pins": rows}, indent=2) + "\n"


def pin_of(pins: Mapping[str, Pin], name: str, file: str) -> Pin:
    """One pin by its name. Raises NotFound with what it may have been."""
    if name not in pins:
        raise NotFound(
            f"{file} pins no {name!r}.",
            f"{suggestion(name, list(pins)).lstrip()} Pin it: tagline pin {name}#STAGE --repo URL".lstrip(),
            code="not-pinned",
        )
    return pins[name]


def require_same(name: str, pinned: Pin, found: Pin) -> None:
    """Raises Conflict where what a pin names is not what it was, which somebody must look at."""
    for field in fields(Pin):
        before, after = getattr(pinned, field.name), getattr(found, field.name)
        if before != after and not (field.name in ("sha256", "size") and None in (before, after)):
            raise Conflict(
                f"{name} is pinned with {field.name} {before}, and {pinned.tag} has {after}.",
                "A tag or its bytes were replaced after they were pinned. Find out who did it; if it is right, pin it "
                f"anew: tagline pin --update {name}",
                code="pin-differs",
            )


def _pin(value: Any, where: str) -> Pin:
    if not isinstance(value, dict):
        raise _bad(where, "it is no object")
    texts = {
        name: _text(value, name, where) for name in ("target", "repository", "commit", "tag", "tag_object", "digest")
    }
    for name in ("commit", "tag_object"):
        if not _OBJECT_RE.fullmatch(texts[name]):
            raise _bad(where, f"{name} is no id of Git: {texts[name]!r}")
    if texts["repository"].startswith((".", "/", "~")):
        # git does what the configuration of a repository says, and whoever wrote the lock may have brought that too.
        raise _bad(where, f"repository is a folder, and no URL: {texts['repository']!r}")
    if not _DIGEST_RE.fullmatch(texts["digest"]):
        raise _bad(where, f"digest is none: {texts['digest']!r}")
    parse_target(texts["target"])
    sha256, size, version = value.get("sha256"), value.get("size"), value.get("version")
    if sha256 is not None and not (isinstance(sha256, str) and is_sha256(sha256)):
        raise _bad(where, f"sha256 is none: {sha256!r}")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise _bad(where, f"size is no number of bytes: {size!r}")
    return Pin(**texts, version=None if version is None else _text(value, "version", where), sha256=sha256, size=size)


def _text(value: Mapping[str, Any], name: str, where: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise _bad(where, f"{name} is missing or no text")
    return found


def _bad(where: str, why: str) -> WrongUsage:
    return WrongUsage(f"{where}: {why[:300]}.", "Restore the file from Git, or pin anew: tagline pin", code="bad-lock")
