"""Records as Git holds them: a commit whose tree is the one file ``record.json``, its parent the record before."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tagline.adapters.git.running import STAY, Git
from tagline.domain.ledger.records import (
    ADOPTED,
    FILE,
    MAX_RECORD,
    Actor,
    Record,
    RecordedTag,
    commit_message,
    decode,
    encode,
    file_in,
)

_IDENTITY_RE = re.compile(r"(?P<name>[^<>\n]*) <(?P<email>[^<>\n]*)>")
_OLD_RE = re.compile(
    r"object (?P<commit>[0-9a-f]+)\ntype commit\ntag (?P<tag>[^\n]+)\n"
    r"tagger (?P<identity>[^<>\n]* <[^<>\n]*>) (?P<time>\d{1,11}) [+-]\d{4}\n"
)
#: So many writes of an artifact are looked back on.
MOST_RECORDS = 500
#: Bytes of a commit beside its record.
_HEAD = 4096


class Tip(NamedTuple):
    """What the ref of a line stands at: the object's id, its type and content; no content where it is too long."""

    object_id: str
    kind: str
    content: bytes

    @property
    def file(self) -> bytes | None:
        """The text of its ``record.json``, where the commit's message has it; None where only the file would tell."""
        head, _, message = self.content.partition(b"\n\n")
        data = file_in(message)
        tree = _name("tree", _tree(_name("blob", data, self.object_id)), self.object_id)
        return data if self.kind == "commit" and head.startswith(f"tree {tree}\n".encode()) else None

    @property
    def record(self) -> Record | None:
        """The record itself, as far as the commit tells it. A guard of the old form, a tag object, is of that tag."""
        if self.kind != "tag":
            return decode(self.file or b"")
        old = _OLD_RE.match(self.content.decode(errors="replace"))
        if old is None:
            return None
        tag = RecordedTag(old["tag"], self.object_id, old["commit"])
        return Record(ADOPTED, (tag,), None, actor_of(old["identity"]), int(old["time"]))


def read_tips(git: Git, object_ids: Iterable[str]) -> dict[str, Tip]:
    """Of objects that are here, by two processes; what is not is never fetched."""
    asked = "".join(f"{object_id}\n" for object_id in dict.fromkeys(object_ids)).encode()
    if not asked:
        return {}
    rows = git.run("cat-file", "--batch-check", stdin=asked, environment=STAY).stdout.decode().splitlines()
    heads = [(*row.split(), "0")[:3] for row in rows]  # what is missing has no size
    found = {object_id: Tip(object_id, kind, b"") for object_id, kind, _ in heads}
    sizes = {object_id: int(size) for object_id, _, size in heads if 0 < int(size) <= MAX_RECORD + _HEAD}
    asked = "".join(f"{object_id}\n" for object_id in sizes).encode()
    output = git.run("cat-file", "--batch", stdin=asked, environment=STAY).stdout if sizes else b""
    position = 0
    for object_id, size in sizes.items():
        start = output.index(b"\n", position) + 1
        position = start + size + 1
        found[object_id] = found[object_id]._replace(content=output[start : start + size])
    return found


def recorded_tags(git: Git, object_ids: Iterable[str]) -> list[RecordedTag]:
    """The tags that the newest records of lines name; none of what is no record of ours."""
    records = (tip.record for tip in read_tips(git, object_ids).values())
    return [tag for record in records if record is not None for tag in record.tags]


def written_at(git: Git, tip: str, latest: float) -> dict[str, int]:
    """Of each tag object that a line of records names, an instant before which it was not written (unix seconds).

    That is the newest time of its record and those behind it, whatever its tagger says. A time after ``latest`` is no
    time. Only what is here is read, at most ``MOST_RECORDS``.
    """
    command = ("log", "-z", "--first-parent", f"--max-count={MOST_RECORDS}", "--format=%B", "--end-of-options", tip)
    messages = git.run(*command, environment=STAY, check=False).stdout.split(b"\0")
    newest = 0
    found: dict[str, int] = {}
    for record in (decode(file_in(message)) for message in reversed(messages)):
        if record is None:
            continue
        if record.time <= latest:
            newest = max(newest, record.time)
        for tag in record.tags:
            found.setdefault(tag.tag_object, newest)
    return found


def write_record(folder: Path, record: Record, above: Tip | None, like: str) -> Tip:
    """Store a record's commit with its tree and file in an object folder. No ref knows it yet.

    ``above`` is where the line stands, ``like`` the id of any object of the repository.
    """
    return _store(folder, record, _parent(folder, above) if above else None, like)


def _parent(folder: Path, above: Tip) -> str | None:
    """The commit that a line goes on from. A guard of the old form becomes the first record of one."""
    if above.kind == "commit":
        if (data := above.file) is not None:
            # Git looks into what it builds on, and its files, and would fetch them: here they are.
            put(folder, "commit", above.content, above.object_id)
            put(folder, "tree", _tree(put(folder, "blob", data, above.object_id)), above.object_id)
        return above.object_id
    return _store(folder, above.record, None, like=above.object_id).object_id if above.record else None


def actor_of(identity: str) -> Actor:
    """Of Git's ``Name <email>``."""
    match = _IDENTITY_RE.fullmatch(identity)
    return Actor(match["name"], match["email"]) if match else Actor(identity, "")


def _store(folder: Path, record: Record, parent: str | None, like: str) -> Tip:
    tree = put(folder, "tree", _tree(put(folder, "blob", encode(record), like)), like)
    who = f"{record.actor.name} <{record.actor.email}> {record.time} +0000"
    above = f"parent {parent}\n" if parent else ""
    head = f"tree {tree}\n{above}author {who}\ncommitter {who}\n\n"
    content = head.encode() + commit_message(record)
    return Tip(put(folder, "commit", content, like), "commit", content)


def _tree(blob: str) -> bytes:
    return f"100644 {FILE}\0".encode() + bytes.fromhex(blob)


def _whole(kind: str, data: bytes) -> bytes:
    return f"{kind} {len(data)}\0".encode() + data


def _name(kind: str, data: bytes, like: str) -> str:
    """The id of an object, by the algorithm of another id of its repository."""
    return hashlib.new("sha256" if len(like) == 64 else "sha1", _whole(kind, data), usedforsecurity=False).hexdigest()


def put(folder: Path, kind: str, data: bytes, like: str) -> str:
    """Store a loose object, as git does it; a process less for each. ``like`` is the id of any object beside it."""
    name = _name(kind, data, like)
    path = folder / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(_whole(kind, data)))
    return name
