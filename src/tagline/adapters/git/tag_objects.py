"""Tag objects as we build them, and who they are by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tagline.adapters.git.records import put
from tagline.adapters.git.running import Git
from tagline.domain.ledger.planning import NewTag
from tagline.errors import WrongUsage


class Tagger:
    """Who the tags are by, as Git knows it."""

    def __init__(self, git: Git, fallback: tuple[str, str] | None) -> None:
        self._git = git
        self._fallback = fallback

    def identity(self) -> str:
        """``Name <email>``. Raises WrongUsage when Git knows nobody and there is no fallback."""
        asked = ("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
        # The date is ours to set; an odd one in the environment must not look like a missing name.
        found = self._git.run(*asked, environment={"GIT_COMMITTER_DATE": "@0 +0000"}, check=False)
        known = found.stdout.decode(errors="replace").rstrip("\n") if found.status == 0 else ""
        if known:
            return known.rpartition("> ")[0] + ">"
        if self._fallback:
            name, email = self._fallback
            return f"{name} <{email}>"
        raise WrongUsage(
            "Git does not know who you are, and a tag needs a tagger.",
            "Say so: git config user.name 'Your Name' and git config user.email you@example.org",
            code="no-identity",
        )


def _tag_object(tag: NewTag, tagger: str) -> bytes:
    return (
        f"object {tag.commit}\ntype commit\ntag {tag.name}\ntagger {tagger} {tag.time} +0000\n\n{tag.message}"
    ).encode()


def write_objects(git: Git, tags: Sequence[NewTag], tagger: str) -> dict[str, str]:
    """Store the tag objects in a repository; name to object id.

    ``hash-object`` and not ``mktag``: in a shallow clone the commit may be on the remote only.
    """
    command = ("hash-object", "-t", "tag", "-w", "--stdin")
    stored = ((tag.name, git.run(*command, stdin=_tag_object(tag, tagger)).stdout) for tag in tags)
    return {name: said.decode().strip() for name, said in stored}


def put_objects(folder: Path, tags: Sequence[NewTag], tagger: str) -> dict[str, str]:
    """The same in a folder of objects that only a push reads: no process for each."""
    return {tag.name: put(folder, "tag", _tag_object(tag, tagger), tag.commit) for tag in tags}


def copy_tag(source: Git, target: Git, name: str) -> str:
    """Store a tag's object of one repository in another one; its id."""
    data = source.run("cat-file", "tag", f"refs/tags/{name}").stdout
    return target.run("hash-object", "-t", "tag", "-w", "--stdin", stdin=data).stdout.decode().strip()
