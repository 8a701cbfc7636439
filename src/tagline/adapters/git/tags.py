"""Reading registry tags: two git processes, whatever their number.

``git for-each-ref`` names the refs that the question needs and ``git cat-file --batch`` reads
the tag objects; the first one's output is the second one's input without passing through us.
Unlike for-each-ref's own ``%(*objectname)`` this never opens the commits.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator
from typing import IO, Any

from tagline.adapters.git.running import Git, command_failed
from tagline.domain.ledger.events import RawTag, names_other_commit
from tagline.domain.ledger.tags import artifact_in_tag
from tagline.errors import PlatformRefused

_PREFIX = len("refs/tags/")
_OBJECT_ID_RE = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_USUAL_RE = re.compile(rb"object ([0-9a-f]+)\ntype ([a-z]+)\ntag ([!-~]+)\ntagger [^\n]*> ([0-9]{1,18}) [+-][0-9]{4}\n")


def ref_patterns(artifacts: Collection[str] | None) -> list[str]:
    """for-each-ref patterns of the tags of some artifacts; of all tags for None."""
    if artifacts is None:
        return ["refs/tags"]
    patterns = []
    for artifact in artifacts:
        base = f"refs/tags/{artifact_in_tag(artifact)}"
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
    read, readline, usual = stream.read, stream.readline, _USUAL_RE.match
    while line := readline():
        try:
            object_id, object_type, size, ref = line.decode(errors="surrogateescape").split(" ", 3)
        except ValueError:  # "<oid> missing"
            raise _unreadable(line) from None
        content = read(int(size) + 1)
        name = ref[_PREFIX:-1]
        if object_type != "tag":
            yield RawTag(name, object_id, object_type, object_id, object_type, None, name)
        elif not details and (match := usual(content)):
            # What every tool writes: one match instead of a walk over the lines.
            target, kind, embedded, seconds = match.groups()
            odd = names_other_commit(content, target)
            message = content[match.end() : -1].removeprefix(b"\n").decode(errors="replace") if odd else ""
            yield RawTag(
                name, object_id, "tag", target.decode(), kind.decode(), int(seconds), embedded.decode(), message=message
            )
        else:
            yield _tag(name, object_id, content[:-1], details=details)


def _unreadable(line: bytes) -> PlatformRefused:
    what = line.decode(errors="replace").strip()
    return PlatformRefused(
        f"Git cannot read a tag object: {what}.",
        "The clone is damaged or partial. Fetch the tags again: git fetch --tags --force origin",
    )


def _tag(name: str, object_id: str, content: bytes, *, details: bool) -> RawTag:
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
    if not details:
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
    return [line[len("refs/tags/") :] for line in output.decode(errors="surrogateescape").splitlines()]
