"""Digests of bytes as they arrive: MD5 as DVC 3 and DVC 2 count it, SHA-256, Git's blob ids."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from tagline.errors import BadPointer

if TYPE_CHECKING:
    from hashlib import _Hash

    from tagline.domain.storage.objects import Item

_DIGEST = re.compile(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}|gitblob:(?:[0-9a-f]{40}|[0-9a-f]{64})")
#: DVC 2 looked at files in pieces of this size, and at the beginning of each to tell text from the rest.
_TEXT_CHUNK = 1 << 20
_TEXT_SAMPLE = 512
_TEXT_BYTES = bytes(range(32, 127)) + b"\n\r\t\f\b"


class Hasher:
    """The digest of one file, fed piece by piece.

    ``size`` is needed for Git's blob ids, which begin with it. ``sha256``: count that too, in the same pass.
    """

    def __init__(self, digest: str, size: int | None, *, text: bool = False, sha256: bool = False) -> None:
        if not _DIGEST.fullmatch(digest):
            raise BadPointer(
                f"{digest!r} is no digest that can be checked.",
                "Digests are md5:HEX, sha256:HEX or gitblob:HEX, in small letters.",
            )
        self._expected = digest
        self._kind, _, self._hex = digest.partition(":")
        self._text = _TextMd5() if text and self._kind == "md5" else None
        self._hash = _start(self._kind, len(self._hex), size)
        self._sha256 = _start("sha256", 64, size) if sha256 and self._kind != "sha256" else None

    def update(self, data: bytes) -> None:
        """The next bytes of the file."""
        self.update_digest(data)
        self.update_sha256(data)

    def update_digest(self, data: bytes) -> None:
        """The next bytes, for the expected digest alone: another thread may count the SHA-256 meanwhile."""
        if self._text is None:
            self._hash.update(data)
        else:
            self._text.update(data)

    def update_sha256(self, data: bytes) -> None:
        """The next bytes, for the SHA-256 alone; nothing to do where it is not counted beside the digest."""
        if self._sha256 is not None:
            self._sha256.update(data)

    def matches(self) -> bool:
        """Whether all the bytes were the expected ones."""
        if self._text is not None:
            return self._hex in self._text.digests()
        return self._hash.hexdigest() == self._hex

    @property
    def found(self) -> str:
        """The digest of the bytes so far, written as the expected one is."""
        found = self._hash.hexdigest() if self._text is None else self._text.digests()[0]
        return f"{self._kind}:{found}"

    @property
    def sha256(self) -> str:
        """In hex, where it was counted."""
        counted = self._hash if self._kind == "sha256" else self._sha256
        assert counted is not None  # noqa: S101 - the caller asked for it
        return counted.hexdigest()


def hasher_of(item: Item, size: int | None = None, *, sha256: bool = False) -> Hasher:
    """A hasher for an item whose pointer may not tell the size."""
    return Hasher(item.digest, item.size if size is None else size, text=item.text, sha256=sha256)


def _start(kind: str, length: int, size: int | None) -> _Hash:
    """The hash itself; none of them guards against attackers who choose both sides, so FIPS may look away."""
    if kind == "md5":
        return hashlib.md5(usedforsecurity=False)
    if kind == "sha256":
        return hashlib.sha256(usedforsecurity=False)
    if size is None:
        raise BadPointer(
            "The size of a file is not known, and Git's id of it begins with the size.",
            "The store should tell it; report this with the output under TAGLINE_DEBUG=1.",
        )
    algorithm = "sha1" if length == 40 else "sha256"
    return hashlib.new(algorithm, b"blob %d\0" % size, usedforsecurity=False)


class _TextMd5:
    """Both MD5s of one file: of its bytes, and with Unix's line ends where DVC 2 took a chunk for text.

    They are one until the first CRLF in text, so most files are hashed once only.
    """

    def __init__(self) -> None:
        self._plain = hashlib.md5(usedforsecurity=False)
        self._unix: _Hash | None = None
        self._chunk = bytearray()

    def update(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            room = _TEXT_CHUNK - len(self._chunk)
            self._chunk += view[:room]
            view = view[room:]
            if len(self._chunk) == _TEXT_CHUNK:
                self._flush()

    def _flush(self) -> None:
        chunk, self._chunk = bytes(self._chunk), bytearray()
        unix = chunk.replace(b"\r\n", b"\n") if _is_text(chunk[:_TEXT_SAMPLE]) else chunk
        if self._unix is None and len(unix) != len(chunk):
            self._unix = self._plain.copy()
        if self._unix is not None:
            self._unix.update(unix)
        self._plain.update(chunk)

    def digests(self) -> tuple[str, str]:
        """As the bytes are, and as DVC 2 counted them. Only at the end: the last chunk is closed by it."""
        if self._chunk:
            self._flush()
        return self._plain.hexdigest(), (self._unix or self._plain).hexdigest()


def _is_text(sample: bytes) -> bool:
    odd = len(sample.translate(None, _TEXT_BYTES))
    return b"\0" not in sample and odd / len(sample) <= 0.30
