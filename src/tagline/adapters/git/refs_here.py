"""The refs of a repository on this machine from its own files: a process a repository takes longer than all else.

Only the plain form is read, which all but a few repositories have. Whatever is odd is left to git, which knows it all.
But git opens a pipe and waits for a writer without end: a repository that has one is refused.
Source: https://git-scm.com/docs/gitrepository-layout
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tagline.errors import PlatformRefused

_ID = rb"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_ID_RE = re.compile(rb"(" + _ID + rb")\s*")
_SYMREF_RE = re.compile(rb"ref:\s*(refs/[^\s]+)\s*")
_PACKED_RE = re.compile(rb"^(" + _ID + rb") (refs/(?:tags/[^\n]*[@#][^\n]*|tagline/[^\n]*))$", re.M)
#: Every line of that file: what is cut off or no such file must not count as one with fewer refs.
_WHOLE_RE = re.compile(rb"(?:(?:#[^\n]*|\^" + _ID + rb"|" + _ID + rb" refs/[^\n]+)\n)*+")
#: What git takes for no name of a ref, or keeps aside.
_ODD_RE = re.compile(rb"\.\.|/\.|\.lock(?:/|$)|[\x00-\x20~^:?*\[\\\x7f]|@\{|/$|\.$")
#: Another place for refs, or another way to keep them.
_OTHER_WAY_RE = re.compile(rb"refstorage|worktreeconfig|^\s*\[\s*include", re.I | re.M)
_FOLDERS = (b"refs/tags", b"refs/tagline")
_NOTHING = frozenset(b"0")
#: Bytes of a file with one ref, and of any other one.
_MOST_OF_REF, _MOST = 4096, 64 << 20


class RefsHere(NamedTuple):
    """What HEAD leads to (None for a branch without commits), the full name of that branch, and (ref, id) of others."""

    head: bytes | None
    branch: bytes
    refs: dict[bytes, bytes]


class _OddError(Exception):
    """Git itself is to be asked."""


def refs_here(git_dir: Path) -> RefsHere | None:
    """Tags and our own memory, and HEAD; None where git has to be asked.

    Raises PlatformRefused where git would wait for what lies there.
    """
    root = os.fsencode(git_dir)
    found = _by_files(root)
    if found is None:
        _refuse_pipes(root)
    return found


def _by_files(root: bytes) -> RefsHere | None:
    try:
        if os.path.lexists(root + b"/commondir") or _OTHER_WAY_RE.search(_read(root + b"/config") or b""):
            return None
        head = _read(root + b"/HEAD", _MOST_OF_REF) or b""
        named = _SYMREF_RE.fullmatch(head)
        branch = named[1] if named is not None else b""
        if _ODD_RE.search(branch):
            return None
        # Loose ones first: while they are packed, the new file is there before they go.
        refs = dict(found for folder in _FOLDERS for found in _loose(root, folder))
        own = _read(root + b"/" + branch, _MOST_OF_REF) if branch else head
        packed = _read(root + b"/packed-refs") or b""
        if _WHOLE_RE.fullmatch(packed) is None:
            return None
        if own is None:
            tip = re.search(rb"^(" + _ID + rb") " + re.escape(branch) + rb"$", packed, re.M)
        elif (tip := _ID_RE.fullmatch(own)) is None:
            return None
        refs = {ref: one for one, ref in _PACKED_RE.findall(packed)} | refs
        if any(map(_ODD_RE.search, refs)):
            return None
    except (OSError, _OddError):
        return None
    return RefsHere(tip[1] if tip is not None else None, branch, refs)


def _loose(root: bytes, folder: bytes) -> Iterator[tuple[bytes, bytes]]:
    try:
        entries = list(os.scandir(root + b"/" + folder))
    except FileNotFoundError:
        return
    for entry in entries:
        name = folder + b"/" + entry.name
        if entry.is_symlink():
            raise _OddError
        if entry.is_dir(follow_symlinks=False):
            yield from _loose(root, name)
        elif not entry.name.endswith(b".lock"):
            content = _read(entry.path, _MOST_OF_REF)
            if content is None:  # it was packed, or deleted, meanwhile
                continue
            found = _ID_RE.fullmatch(content)
            if found is None or set(found[1]) <= _NOTHING:
                raise _OddError
            yield name, found[1]


def _read(path: bytes, most: int = _MOST) -> bytes | None:
    """A regular file's content; None where there is none."""
    try:
        # Without waiting: what lies there may be a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise _OddError
        content = file.read(most + 1)
        if len(content) > most:
            raise _OddError
        return content


def _refuse_pipes(root: bytes) -> None:
    """Raises PlatformRefused for what is neither a file nor a folder where git reads refs."""
    refs = (os.path.join(folder, name) for folder, _, names in os.walk(root + b"/refs") for name in names)  # noqa: PTH118 - names of refs are bytes
    for path in (root + b"/config", root + b"/HEAD", root + b"/packed-refs", root + b"/commondir", *refs):
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116
        except OSError:
            continue
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise PlatformRefused(
                f"{os.fsdecode(path)!r} is no regular file, and git would wait for it.",
                "Take it away, or name another repository.",
            )
