"""Folders of a repository as Git keeps them, by one git process that answers one question after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from tagline.errors import PlatformRefused, TooManyPaths

#: Bytes of one folder.
_LARGEST = 64 * 1024 * 1024
#: Ids that are asked for at once: fewer bytes than a pipe holds, or git and we would wait for each other.
_AT_ONCE = 400


class FolderReader:
    """Reads trees by their ids while it is open.

    ``start`` starts ``git cat-file --batch`` with a pipe to it, which happens at the first question only.
    """

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start = start
        self._handle: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._handle is None:
            return
        if kind is not None:
            self._handle.proc.kill()  # it may be in the middle of an answer
        self._handle.proc.communicate()
        self._handle = None

    def trees(self, revisions: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
        """What was asked for, the tree's id and its content, in order; all of it must be taken.

        Raises PlatformRefused for what is no tree or not here, TooManyPaths for one that is too large.
        """
        for start in range(0, len(revisions), _AT_ONCE):
            some = revisions[start : start + _AT_ONCE]
            stdout = self._ask(some)
            for revision in some:
                yield (revision, *_answer(stdout, revision))

    def _ask(self, revisions: Sequence[str]) -> Any:
        if self._handle is None:
            self._handle = self._start()
        process = self._handle.proc
        process.stdin.write("".join(f"{revision}\n" for revision in revisions).encode())
        process.stdin.flush()
        return process.stdout


def _answer(stdout: Any, revision: str) -> tuple[str, bytes]:
    object_id, _, rest = stdout.readline().decode(errors="replace").rstrip("\n").partition(" ")
    kind, _, size = rest.partition(" ")
    if kind != "tree" or not size.isdigit():
        raise PlatformRefused(
            f"Git has no folder {revision[:7]}.", "The repository is damaged or incomplete: git fsck."
        )
    if int(size) > _LARGEST:
        raise TooManyPaths(f"A folder with {int(size) // 1024**2} MiB of names")
    content = stdout.read(int(size))
    stdout.read(1)
    return object_id, content
