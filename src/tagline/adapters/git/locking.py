"""One writer at a time in a repository of this machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tagline.ports.ledger import Raced

_LOCK_SECONDS = 30


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the repository's own folder against other runs of tagline on this machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Raced from None
                time.sleep(0.02)
            except OSError:  # a file system without locks: Git's own ref locks remain
                break
        yield
    finally:
        os.close(descriptor)
