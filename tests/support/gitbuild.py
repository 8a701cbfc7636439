"""Builds real repositories from a declared history: object ids computed here, one pack, one ref update.

Also what Git's own commands refuse to write but clones carry: tags without tagger, tags of
trees, blobs and tags, tag objects that name themselves otherwise. Three git processes a
repository, whatever its size, none of which sees the user's configuration.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

IDENTITY = "Ada <ada@example.com>"
EPOCH = 1_700_000_000

_TYPE_NUMBER = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}


@dataclass(frozen=True)
class Commit:
    """A commit. ``name`` is how the history refers to it; ``files`` are the whole tree."""

    name: str
    parents: tuple[str, ...] = ()
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    time: int = EPOCH


@dataclass(frozen=True)
class Tag:
    """A tag. ``target`` is a commit's name, ``tree:COMMIT``, ``blob:COMMIT:PATH`` or ``tag:TAG``.

    ``time`` None leaves the tagger out. ``embedded`` is the name inside the tag object where it
    is not the ref's.
    """

    name: str
    target: str
    time: int | None = EPOCH
    message: str = ""
    tagger: str = IDENTITY
    zone: str = "+0000"
    embedded: str | None = None
    lightweight: bool = False


@dataclass(frozen=True)
class History:
    """What to build: parents before children, and a tag before the tags that name it."""

    commits: tuple[Commit, ...] = (Commit("c0"),)
    tags: tuple[Tag, ...] = ()
    #: Branch to commit; HEAD is ``main``. None: ``main`` at the first commit.
    branches: Mapping[str, str] | None = None


def environment(**more: str) -> dict[str, str]:
    """An environment for git in which nothing of the user or of a CI runner shows."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
        **more,
    }


def run_git(path: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Run git in ``path``; its output, or its complaint as an error."""
    done = subprocess.run(
        ["git", "-C", str(path), *arguments], input=stdin, capture_output=True, env=environment(), check=False
    )
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


def build(path: Path, history: History, *, bare: bool = False, checkout: bool = False) -> dict[str, str]:
    """Make the repository at ``path`` and return the object id of every commit and ``tag:NAME``."""
    objects = Objects()
    ids: dict[str, str] = {}
    for commit in history.commits:
        ids[f"tree:{commit.name}"] = tree = objects.tree(commit.files)
        ids[commit.name] = objects.commit(tree, [ids[p] for p in commit.parents], commit.time, commit.name)
        for file, content in commit.files.items():
            ids[f"blob:{commit.name}:{file}"] = objects.add("blob", _bytes(content))
    refs = {f"refs/heads/{b}": ids[c] for b, c in _branches(history).items()}
    for tag in history.tags:
        target = ids[tag.target]
        ids[f"tag:{tag.name}"] = refs[f"refs/tags/{tag.name}"] = (
            target if tag.lightweight else objects.add("tag", tag_content(tag, target, objects.kinds[target]))
        )
    path.mkdir(parents=True, exist_ok=True)
    run_git(path, "init", "--quiet", "--template=", "--initial-branch=main", *(["--bare"] if bare else []))
    run_git(path, "unpack-objects", "-q", stdin=objects.pack())
    updates = "".join(f"create {ref}\0{oid}\0" for ref, oid in refs.items())
    run_git(path, "update-ref", "-z", "--stdin", stdin=updates.encode())
    if checkout:
        run_git(path, "reset", "--quiet", "--hard")
    return ids


def _branches(history: History) -> Mapping[str, str]:
    if history.branches is None:
        return {"main": history.commits[0].name}
    return history.branches


def tag_content(tag: Tag, target: str, kind: str) -> bytes:
    """The tag object's bytes."""
    tagger = "" if tag.time is None else f"tagger {tag.tagger} {tag.time} {tag.zone}\n"
    name = tag.name if tag.embedded is None else tag.embedded
    message = tag.message or f"{tag.name}\n"
    return f"object {target}\ntype {kind}\ntag {name}\n{tagger}\n{message}".encode()


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


class Objects:
    """Git objects by content, and the pack that carries them."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self._entries: list[bytes] = []

    def add(self, kind: str, data: bytes) -> str:
        """Add an object; its id."""
        oid = object_id(kind, data)
        if oid not in self.kinds:
            self.kinds[oid] = kind
            self._entries.append(pack_entry(kind, data))
        return oid

    def tree(self, files: Mapping[str, str | bytes]) -> str:
        """Add the tree of ``files`` (path to content) with all below it; its id."""
        children: dict[str, dict[str, str | bytes]] = {}
        entries: list[tuple[bytes, bytes]] = []
        for file, content in files.items():
            top, slash, rest = file.partition("/")
            if slash:
                children.setdefault(top, {})[rest] = content
            else:
                blob = bytes.fromhex(self.add("blob", _bytes(content)))
                entries.append((top.encode(), b"100644 %s\0%s" % (top.encode(), blob)))
        for name, below in children.items():
            subtree = bytes.fromhex(self.tree(below))
            # Git sorts a directory as if its name ended in a slash.
            entries.append((name.encode() + b"/", b"40000 %s\0%s" % (name.encode(), subtree)))
        return self.add("tree", b"".join(entry for _, entry in sorted(entries)))

    def commit(self, tree: str, parents: Iterable[str], time: int, message: str) -> str:
        """Add a commit; its id."""
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {IDENTITY} {time} +0000", f"committer {IDENTITY} {time} +0000", "", message, ""]
        return self.add("commit", "\n".join(lines).encode())

    def pack(self) -> bytes:
        """All objects as one pack."""
        body = pack_header(len(self._entries)) + b"".join(self._entries)
        return body + hashlib.sha1(body).digest()


def object_id(kind: str, data: bytes) -> str:
    """The id that Git gives to these bytes."""
    return hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(data), data)).hexdigest()


def pack_header(count: int) -> bytes:
    """The first twelve bytes of a pack of ``count`` objects."""
    return b"PACK" + (2).to_bytes(4, "big") + count.to_bytes(4, "big")


def pack_entry(kind: str, data: bytes) -> bytes:
    """One undeltified object as a pack carries it: type and size, then zlib.

    Source: https://git-scm.com/docs/pack-format
    """
    # A small window: setting up the usual one for each object would cost more than the object.
    packer = zlib.compressobj(1, zlib.DEFLATED, 10, 3)
    size = len(data)
    byte = (_TYPE_NUMBER[kind] << 4) | (size & 0x0F)
    size >>= 4
    head = bytearray()
    while size:
        head.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    head.append(byte)
    return bytes(head) + packer.compress(data) + packer.flush()
