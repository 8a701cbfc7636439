"""Objects of a repository by their ids, by one git process that answers one question after the other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import IO, Any, Self

from tagline.errors import PlatformRefused, TooManyPaths

#: Bytes of one folder.
_LARGEST = 64 * 1024 * 1024
#: Objects that are asked for at once: fewer bytes than a pipe holds, or git and we would wait for each other.
_AT_ONCE = 400


class ObjectReader:
    """Reads objects while it is open.

    ``start`` starts ``git cat-file --batch-command`` with a pipe to it, which happens at the first question only.
    Where that ends because an object could not be fetched, ``bring`` tries once more and says why it cannot.
    """

    def __init__(self, start: Callable[[], Any], bring: Callable[[str], object]) -> None:
        self._start = start
        self._bring = bring
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
        for revision, (object_id, kind, size) in self._ask("contents", revisions):
            if kind != "tree":
                raise _missing("folder", revision)
            if size > _LARGEST:
                raise TooManyPaths(f"A folder with {size // 1024**2} MiB of names")
            yield revision, object_id, self._content(size)

    def sizes(self, object_ids: Sequence[str]) -> dict[str, int]:
        """Bytes, by id. Raises PlatformRefused for what is not here."""
        return {object_id: size for object_id, (_, _, size) in self._ask("info", object_ids)}

    def blobs(self, object_ids: Sequence[str]) -> dict[str, bytes]:
        """Contents, by id. Raises PlatformRefused for what is not here."""
        return {object_id: self._content(size) for object_id, (_, _, size) in self._ask("contents", object_ids)}

    def _ask(self, what: str, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, str, int]]]:
        """What was asked for, its id, kind and size; its content is to be taken before the next."""
        position, brought = 0, -1
        while position < len(names):
            some = names[position : position + _AT_ONCE]
            self._send("".join(f"{what} {name}\n" for name in some))
            for name in some:
                line = self._handle.proc.stdout.readline().decode(errors="replace")
                if not line and brought != position:
                    brought = position
                    self._handle.proc.communicate()
                    self._handle = None
                    self._bring(name)
                    break
                object_id, _, about = line.rstrip("\n").partition(" ")
                kind, _, size = about.partition(" ")
                if not size.isdigit():
                    raise _missing("object", name)
                yield name, (object_id, kind, int(size))
                position += 1

    def _send(self, questions: str) -> None:
        if self._handle is None:
            self._handle = self._start()
        with contextlib.suppress(BrokenPipeError):  # then it has no answer either
            self._handle.proc.stdin.write(questions.encode())
            self._handle.proc.stdin.flush()

    def _content(self, size: int) -> bytes:
        stdout = self._handle.proc.stdout
        content: bytes = stdout.read(size)
        stdout.read(1)
        return content


class ObjectStream:
    """Objects one after the other, by one process; contents are taken piece by piece, so that any size will do.

    ``start`` is as of :class:`ObjectReader`. Ids may have any length that Git knows.
    """

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start = start
        self._handle: Any = None

    def size(self, object_id: str) -> int | None:
        """An object's size in bytes; None for one that is not here."""
        return self._ask("info", object_id)

    def open(self, object_id: str) -> tuple[int, ContentReader] | None:
        """An object's size and its content, which must be read to its end, or :meth:`close` called; None as above."""
        size = self._ask("contents", object_id)
        return None if size is None else (size, ContentReader(self._handle.proc.stdout, size))

    def close(self) -> None:
        """End the process; the next question starts another."""
        if self._handle is not None:
            self._handle.proc.kill()  # it may be in the middle of an answer
            self._handle.proc.communicate()
            self._handle = None

    def _ask(self, what: str, object_id: str) -> int | None:
        if self._handle is None:
            self._handle = self._start()
        with contextlib.suppress(BrokenPipeError):  # then it has no answer either
            self._handle.proc.stdin.write(f"{what} {object_id}\n".encode())
            self._handle.proc.stdin.flush()
        line = self._handle.proc.stdout.readline()
        if not line:  # it ends when it cannot fetch what a partial repository lacks
            self.close()
        size = line.rpartition(b" ")[2].strip()
        return int(size) if size.isdigit() else None


class ContentReader:
    """One object's content as a file that ends where the object does."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size
        self._take_newline()

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes, none at the end."""
        piece = self._stream.read(min(count, self._left)) if self._left else b""
        if piece:
            self._left -= len(piece)
            self._take_newline()
        return piece

    def _take_newline(self) -> None:
        # Git ends a content by one, which is not a part of it.
        if not self._left:
            self._stream.read(1)


def _missing(kind: str, name: str) -> PlatformRefused:
    return PlatformRefused(f"Git has no {kind} {name[:7]}.", "The repository is damaged or incomplete: git fsck.")
