"""Where the rows of a repository lie: in one of 256 buckets, several of which share a file.

Readers need none of it. It lets a run rewrite a few files where a few repositories changed, and lets the shards of a
matrix write at once: each owns whole buckets.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from tagline.errors import WrongUsage

BUCKETS = 256
#: Rows that a file has in the mean, as long as the most files are not reached.
ROWS_OF_FILE = 4_096
#: Files of one table: a reader opens each of them.
MOST_FILES = 64

_SHARD_RE = re.compile(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")


def bucket_of(repository: str) -> int:
    """The bucket of a repository, by its name alone."""
    return hashlib.sha256(repository.encode(errors="surrogatepass")).digest()[0]


def files_for(rows: int) -> int:
    """How many files a table of so many rows is split into: a power of two, and the same for the same number."""
    files = 1
    while files < MOST_FILES and rows > files * ROWS_OF_FILE:
        files *= 2
    return files


def group_of(bucket: int, files: int) -> int:
    """Which of so many files has a bucket's rows: neighbours share one."""
    return bucket * files // BUCKETS


@dataclass(frozen=True)
class Shard:
    """One of ``total`` runs, counted from 1, that share the work. It owns whole buckets, side by side."""

    number: int = 1
    total: int = 1

    def owns(self, bucket: int) -> bool:
        """Whether a bucket is this shard's."""
        return bucket * self.total // BUCKETS == self.number - 1


def shard_of(text: str | None) -> Shard:
    """What ``--shard I/N`` says; all of it for None. Raises WrongUsage."""
    if text is None:
        return Shard()
    found = _SHARD_RE.fullmatch(text.strip())
    if found is None or not int(found[1]) <= int(found[2]) <= BUCKETS:
        raise WrongUsage(
            f"--shard {text!r} is none: it is written I/N, from 1/N to N/N, with N up to {BUCKETS}.",
            "For four jobs: --shard 1/4, --shard 2/4, --shard 3/4, --shard 4/4",
            code="bad-shard",
        )
    return Shard(int(found[1]), int(found[2]))
