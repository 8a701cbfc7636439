"""The SHA-256 of an artifact's bytes: of a file as ``sha256sum`` says it, of a folder by a list of its files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from tagline.domain.ledger.messages import SHA256
from tagline.domain.storage.digests import Hasher, hasher_of
from tagline.domain.storage.objects import Item, only_file
from tagline.errors import WrongBytes

_HEX_RE = re.compile(r"[0-9a-f]{64}")


def sha256_of_folder(files: Mapping[str, str]) -> str:
    """Of files by their paths in it: the SHA-256 of the lines ``HEX  PATH``, sorted by path as bytes.

    ``find . -type f -printf '%P\\\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum`` says the same, and so does
    in-toto's ``dirHash``. Source: https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash#Hash1
    """
    names = sorted((path.encode(errors="surrogateescape"), hexdigest) for path, hexdigest in files.items())
    lines = b"".join(b"%s  %s\n" % (hexdigest.encode(), name) for name, hexdigest in names)
    return hashlib.sha256(lines).hexdigest()


def is_sha256(text: str) -> bool:
    """Whether a text is one, in small letters: what stands in a tag anybody may have written."""
    return _HEX_RE.fullmatch(text) is not None


def told_sha256(trailers: Mapping[str, Sequence[str]]) -> str | None:
    """What a tag's trailers say; None where they say none, or something else."""
    return next(filter(is_sha256, trailers.get(SHA256, ())), None)


def pointed_sha256(items: Sequence[Item]) -> str | None:
    """What pointers alone tell, as those of Git LFS do; None where one is of another kind."""
    told = {item.relpath: item.digest.removeprefix("sha256:") for item in items if item.digest.startswith("sha256:")}
    return _whole(items, told) if items and len(told) == len(items) else None


def _whole(items: Sequence[Item], files: Mapping[str, str]) -> str:
    one = only_file(items)
    return files[one.relpath] if one is not None else sha256_of_folder(files)


class Sha256s:
    """The SHA-256 of each file of an artifact, told as its bytes pass. Many threads may tell at once.

    ``expected`` is that of the whole; without one, and not ``counts``, nobody is asked to count.
    """

    def __init__(self, expected: str | None = None, *, counts: bool = False) -> None:
        self.expected = expected
        #: Whether to count.
        self.wanted = counts or expected is not None
        self._files: dict[str, str] = {}

    def hasher(self, item: Item, size: int | None = None) -> Hasher:
        """What a file's bytes are to be fed to; ``size`` is as of :func:`hasher_of`."""
        return hasher_of(item, size, sha256=self.wanted)

    def tell(self, item: Item, hasher: Hasher) -> None:
        """The bytes of a file have passed."""
        if self.wanted:
            self._files[item.relpath] = hasher.sha256

    def agree(self, items: Sequence[Item]) -> bool:
        """Whether all files together are what was expected."""
        return self.expected is None or self.of(items) == self.expected

    def of(self, items: Sequence[Item]) -> str | None:
        """That of all files together; None where one has not passed, and for no files."""
        if not items or any(item.relpath not in self._files for item in items):
            return None
        return _whole(items, {item.relpath: self._files[item.relpath] for item in items})

    def verify(self, items: Sequence[Item]) -> None:
        """Raises WrongBytes where they are not."""
        if not self.agree(items):
            raise WrongBytes(
                f"The bytes have the digest of their pointer, and not the SHA-256 that was recorded: {self.expected}.",
                "Two contents of one md5 can be made: somebody may have replaced the object. Compare it with a copy "
                "that you trust before anybody uses it.",
                code="wrong-sha256",
            )


#: Where nothing is counted.
UNCOUNTED = Sha256s()
