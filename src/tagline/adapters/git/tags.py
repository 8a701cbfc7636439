"""Reading registry tags: two git processes, whatever their number.

``git for-each-ref`` names the refs that the question needs and ``git cat-file --batch`` reads
the tag objects; the first one's output is the second one's input without passing through us.
Unlike for-each-ref's own ``%(*objectname)`` this never opens the commits.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

from tagline.adapters.git.running import Git, command_failed
from tagline.domain.ledger.events import MERGED_AS, STOP_WORDS, RawTag, names_other_commit
from tagline.domain.ledger.tags import artifact_in_tag
from tagline.errors import PlatformRefused

TAGS = "refs/tags/"
_OBJECT_ID_RE = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
#: What cat-file prints of a tag, up to the tagger.
_USUAL_RE = re.compile(
    r"([0-9a-f]+) tag ([0-9]+) refs/tags/([!-~]+)\n"
    r"object ([0-9a-f]+)\ntype ([a-z]+)\ntag ([!-~]+)\ntagger ([^\n]*)> ([0-9]{1,18}) [+-][0-9]{4}\n"
)
_BEFORE_TARGET = len("object ")
#: Bytes that are taken at once: as many as a pipe holds.
_PIECE = 1 << 16


def ref_patterns(artifacts: Collection[str] | None) -> list[str]:
    """for-each-ref patterns of the tags of some artifacts; of all tags for None."""
    if artifacts is None:
        return ["refs/tags"]
    patterns = []
    for artifact in artifacts:
        base = f"{TAGS}{artifact_in_tag(artifact)}"
        # A stage may contain slashes and then sits deeper in the tree of refs.
        patterns += [f"{base}@*", f"{base}#*", f"{base}#*/**"]
    return patterns


def read_tags(git: Git, artifacts: Collection[str] | None, *, details: bool = False) -> Iterator[RawTag]:
    """Every tag of ``artifacts`` (None: of the repository), registry tag or not.

    ``details`` adds tagger and message. Raises :class:`PlatformRefused` when Git cannot read a tag.
    """
    if artifacts is not None and not artifacts:
        return
    lister = git.start("for-each-ref", "--format=%(objectname) %(refname)", *ref_patterns(artifacts))
    reader = git.start(
        "cat-file",
        "--batch=%(objectname) %(objecttype) %(objectsize) %(rest)",
        "--buffer",
        istream=lister.proc.stdout,
    )
    lister.proc.stdout.close()  # the reader has it; so it sees the end when the lister ends
    complaints = [_Complaints("for-each-ref", lister), _Complaints("cat-file", reader)]
    nested: list[RawTag] = []
    try:
        for tag in _parse(reader.proc.stdout, details=details):
            if tag.target_type == "tag":
                nested.append(tag)
            else:
                yield tag
        for complaint in complaints:
            complaint.judge()
    finally:
        reader.proc.stdout.close()
        for complaint in complaints:
            complaint.stop()
    yield from _peel(git, nested)


class _Complaints:
    """What a process says on stderr, taken while it runs: a full pipe would stop it for ever."""

    def __init__(self, command: str, process: Any) -> None:
        self._command = command
        self._proc = process.proc
        self._said = b""
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        self._said = self._proc.stderr.read()

    def stop(self) -> None:
        """End the process, wherever it is."""
        if self._proc.poll() is None:
            self._proc.kill()
            self._proc.wait()
        self._thread.join()
        self._proc.stderr.close()

    def judge(self) -> None:
        """Wait for the end. Raises PlatformRefused on failure, and when git passed over a ref."""
        status = self._proc.wait()
        self._thread.join()
        said = self._said.decode(errors="replace")
        if status != 0:
            raise command_failed(self._command, said)
        if "ignoring" in said:  # git's own exit code is 0: it would answer without that ref
            raise PlatformRefused(
                f"Git cannot read a tag: {said.splitlines()[0]}.",
                "The clone is damaged. Fetch the tags again: git fetch --tags --force origin",
                code="broken-ref",
            )


def _parse(stream: IO[bytes], *, details: bool) -> Iterator[RawTag]:
    """What cat-file prints, as it comes. A character is a byte here, so that a size is a length of the text."""
    usual, new = _USUAL_RE.match, tuple.__new__
    text, at = "", 0
    while True:
        if (match := usual(text, at)) is not None:
            # What every tool writes: one match instead of a walk over the lines.
            object_id, size, name, target, kind, embedded, identity, seconds = match.groups()
            start, end = match.end(), match.start(4) - _BEFORE_TARGET + int(size)
            if start <= end < len(text) and (not details or start == end or text[start] == "\n"):
                at = end + 1
                actor = email = message = ""
                if details or text.find(STOP_WORDS, start, end) >= 0:
                    actor, _, email = identity.partition(" <")
                    actor, email, message = map(_decoded, (actor, email, text[start + 1 : end]))
                elif text.find(MERGED_AS, start, end) >= 0 and names_other_commit(text[start:end], target):
                    message = _decoded(text[start:end].removeprefix("\n"))
                # What calling the class does, in half the time.
                yield new(RawTag, (name, object_id, "tag", target, kind, int(seconds), embedded, actor, email, message))
                continue
        head, newline, _ = text[at : text.find("\n", at) + 1].partition("\n")
        end = at + len(head) + 1 + _size(head) if newline else len(text)
        if end < len(text):
            yield _odd(head, text[at + len(head) + 1 : end].encode("latin-1"), details=details)
            at = end + 1
        elif piece := stream.read(max(_PIECE, end + 1 - len(text))):
            text, at = text[at:] + piece.decode("latin-1"), 0
        else:
            return  # whether git ended well is judged elsewhere


def _decoded(text: str) -> str:
    """Text whose characters are bytes as the text that those are."""
    return text if text.isascii() else text.encode("latin-1").decode(errors="replace")


def _size(head: str) -> int:
    """How long the object is that follows. Raises PlatformRefused where git has none, as it says: "ID missing"."""
    parts = head.split(" ", 3)
    if len(parts) < 4:
        raise _unreadable(head)
    return int(parts[2])


def _odd(head: str, content: bytes, *, details: bool) -> RawTag:
    """A tag that is not as every tool writes it."""
    object_id, object_type, _, ref = head.encode("latin-1").decode(errors="surrogateescape").split(" ", 3)
    name = ref[len(TAGS) :]
    if object_type != "tag":
        return RawTag(name, object_id, object_type, object_id, object_type, None, name)
    return tag_of(name, object_id, content, details=details)


def _unreadable(head: str) -> PlatformRefused:
    return PlatformRefused(
        f"Git cannot read a tag object: {_decoded(head)}.",
        "The clone is damaged or partial. Fetch the tags again: git fetch --tags --force origin",
    )


def tag_of(name: str, object_id: str, content: bytes, *, details: bool) -> RawTag:
    """Parse a tag object. A header that is not as Git writes it leaves its field empty."""
    head, _, body = content.partition(b"\n\n")
    target = target_type = embedded = b""
    tagger = b""
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"object":
            target = value
        elif key == b"type":
            target_type = value
        elif key == b"tag":
            embedded = value
        elif key == b"tagger":
            tagger = value
    identity, _, when = tagger.rpartition(b"> ")
    seconds = when.partition(b" ")[0]
    time = int(seconds) if seconds.isdigit() and len(seconds) < 19 else None
    # A target that is no object id is no commit, whatever the header says of its type.
    kind = target_type.decode(errors="replace") if _OBJECT_ID_RE.fullmatch(target) else "nothing"
    inner = embedded.decode(errors="replace")
    raw = RawTag(name, object_id, "tag", target.decode(errors="replace"), kind, time, inner)
    if not details and STOP_WORDS.encode() not in body:
        return raw
    actor, _, email = identity.partition(b" <")
    return raw._replace(
        actor_name=actor.decode(errors="replace"),
        actor_email=email.decode(errors="replace"),
        message=body.decode(errors="replace"),
    )


def _peel(git: Git, nested: list[RawTag]) -> Iterator[RawTag]:
    """Follow tags of tags to their end, with one more process for all of them."""
    if not nested:
        return
    wanted = "".join(f"{tag.object_id}^{{}}\n" for tag in nested).encode()
    output = git.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=wanted).stdout
    for tag, line in zip(nested, output.decode().splitlines(), strict=True):
        target, _, kind = line.partition(" ")
        yield tag._replace(target=target, target_type=kind)


def tag_names(git: Git) -> list[str]:
    """The names of all tags, without reading any."""
    output = git.run("for-each-ref", "--format=%(refname)", "refs/tags").stdout
    return [line[len(TAGS) :] for line in output.decode(errors="surrogateescape").splitlines()]


def tags_among(refs: Mapping[str, str]) -> dict[str, str]:
    """The tags among some refs, by their own names: full name of a ref to object id, as it is listed."""
    return {ref[len(TAGS) :]: object_id for ref, object_id in refs.items() if ref.startswith(TAGS)}
