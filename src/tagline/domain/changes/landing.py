"""How a change landed on its branch, told from the commits alone.

GitHub's three ways and GitLab's: a merge commit has two parents; a squash is one new commit; a rebase
makes every commit anew and keeps its author, the author's time and the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Commit(NamedTuple):
    """A commit's own words. ``time`` is the committer's, in unix seconds."""

    id: str
    parents: tuple[str, ...]
    author: str
    message: str
    time: int

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
        match = re.search(r"> ([0-9]{1,18}) [+-][0-9]{4}$", committer)
        return cls(commit, tuple(parents), author, message, int(match[1]) if match else 0)

    def is_copy_of(self, other: Commit) -> bool:
        """Whether a rebase made this one of the other: same author, author's time and message."""
        return self.author == other.author and self.message.rstrip() == other.message.rstrip()


#: Seconds: a rebase makes all its commits at the moment of the merge.
_ONE_MOMENT = 120


def landed_after(commit: str, own: Sequence[Commit], read: Callable[[str], Commit]) -> str | None:
    """The tip of the branch before ``commit`` landed, where ``commit`` has one parent and is new.

    ``own`` are the change's own commits. A squash is a copy of none of them (its author's time is the
    merge's): its parent is the tip. A rebase copies every one of them that is no merge; the walk back
    passes each once. None where some are copied and some are not: then nobody can tell.
    """
    landed = last = read(commit)
    left = [one for one in own if len(one.parents) < 2]
    copied = 0
    while (twin := next((one for one in left if landed.is_copy_of(one)), None)) is not None:
        if not landed.parents or last.time - landed.time > _ONE_MOMENT:
            break
        left.remove(twin)
        copied += 1
        landed = read(landed.parents[0])
    if copied and left:
        return None
    return landed.id if copied else next(iter(landed.parents), landed.id)
