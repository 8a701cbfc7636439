"""How a change landed on its branch: what commits tell of it, and pushes.

GitHub's three ways and GitLab's: a merge commit has two parents; a squash is one new commit; a rebase makes
every commit anew and keeps its author, the author's time and the message; a fast-forward makes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from tagline.domain.changes.codeowners import Flavour
from tagline.domain.changes.pushes import Push

_COMMITTER_RE = re.compile(r"(.*>) ([0-9]{1,18}) [+-][0-9]{4}$", re.DOTALL)
#: Whom GitHub names for what it commits itself, and its Enterprise Server.
_GITHUB_RE = re.compile(r"GitHub(?: Enterprise)? <noreply@[^>]+>")
#: The last words of GitHub's squash, its first ones of a merge, and GitLab's last line of a merge.
_SQUASHED_RE = re.compile(r"\(#([0-9]{1,10})\)$")
_MERGED_RE = re.compile(r"Merge pull request #([0-9]{1,10}) from ")
_SEEN_RE = re.compile(r"^See merge request \S*!([0-9]{1,10})$", re.MULTILINE)

Read = Callable[[str], "Commit"]
#: Whether another merged change landed as a commit.
IsAnother = Callable[[str], bool]


class Commit(NamedTuple):
    """A commit's own words. ``author`` and ``committer`` are whole lines: name, address, time, zone."""

    id: str
    parents: tuple[str, ...]
    author: str
    committer: str
    message: str

    @classmethod
    def parse(cls, commit: str, text: str) -> Commit:
        """From the commit object's text. A header that is not as Git writes it counts as empty."""
        head, _, message = text.partition("\n\n")
        parents: list[str] = []
        author = committer = ""
        for line in head.split("\n"):
            key, _, value = line.partition(" ")
            if key == "parent":
                parents.append(value)
            elif key == "author":
                author = value
            elif key == "committer":
                committer = value
        return cls(commit, tuple(parents), author, committer, message)

    @property
    def time(self) -> int:
        """The committer's, in unix seconds."""
        match = _COMMITTER_RE.match(self.committer)
        return int(match[2]) if match else 0

    @property
    def made_by(self) -> str:
        """Who committed it, without the time."""
        match = _COMMITTER_RE.match(self.committer)
        return match[1] if match else ""

    @property
    def words(self) -> tuple[str, str]:
        """What a rebase keeps: the author, the author's time and the message."""
        return self.author, self.message.rstrip()

    def is_copy_of(self, other: Commit) -> bool:
        """Whether a rebase made this one of the other."""
        return self.id != other.id and self.words == other.words


def landed_after(
    commit: str, own: Sequence[Commit], read: Read, is_another: IsAnother, start: str | None = None
) -> str | None:
    """The tip of the branch before ``commit`` landed, where ``commit`` has one parent and is new.

    ``own`` are the change's own commits. A squash is a copy of none of them (its author's time is the merge's): its
    parent is the tip. A rebase copies every one of them that is no merge; the walk back passes each once, and never
    another change's landing nor ``start``, the tip before the push that brought the commit. None where some are copied
    and some are not: then nobody can tell, unless the walk ends at one of those.
    """
    tip = landed = read(commit)
    left = [one for one in own if len(one.parents) < 2]
    copied = 0
    while landed.parents and landed.made_by == tip.made_by and landed.id != start:
        twin = next((one for one in left if landed.is_copy_of(one)), None)
        if twin is None or (copied and is_another(landed.id)):
            break
        left.remove(twin)
        copied += 1
        landed = read(landed.parents[0])
    if copied and left and landed.id != start and not is_another(landed.id):
        return None
    return landed.id if copied else next(iter(landed.parents), landed.id)


def forwarded_after(
    behind: Iterable[str], start: str | None, own: Collection[str] | None, is_another: IsAnother,
    lies_behind: Callable[[str, str], bool],
) -> str | None:  # fmt: skip
    """The tip of a branch before it was fast-forwarded, of the first parents ``behind`` the new one, newest first.

    All since ``start`` came with it: of the change itself what is among ``own`` (None: everything), and no more than
    what lies before the newest landing of another. ``start`` need not be a first parent: the change may have merged its
    base branch. None where nobody tells where it began.
    """
    for commit in behind:
        if start is not None and (commit == start or lies_behind(commit, start)):
            return start
        if is_another(commit) or (own is not None and commit not in own):
            return commit
    return start


def push_of(commit: str, line: Sequence[str], pushes: Iterable[Push]) -> Push | None:
    """The push that brought a commit of a branch, by the branch's first parents; both newest first."""
    places = {one: place for place, one in enumerate(line)}
    mine = places.get(commit)
    for push in pushes:
        end = places.get(push.after or "")
        if push.after == commit:
            return push
        if mine is None or end is None:
            continue  # of a history that is not the branch's any more
        if end > mine:
            return None
        start = places.get(push.before or "")
        if start is None or start > mine:
            return push
    return None


class Made(NamedTuple):
    """A commit that a forge seems to have made for a merge; ``number`` is the change's where the commit says it."""

    number: int | None


def made_by_forge(commit: Commit, flavour: Flavour) -> Made | None:
    """Whether a commit looks like a forge's merge, by its own words, which anybody may have written."""
    subject, _, body = commit.message.partition("\n")
    if flavour == "gitlab":
        said = _SEEN_RE.findall(body)
        return Made(int(said[-1])) if said else None
    found = _MERGED_RE.match(subject) or _SQUASHED_RE.search(subject.rstrip())
    if found is not None:
        return Made(int(found[1]))
    return Made(None) if len(commit.parents) == 2 and _GITHUB_RE.fullmatch(commit.made_by) else None
