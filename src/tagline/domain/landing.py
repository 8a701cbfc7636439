"""How a change landed on its branch, told from the commits alone.

GitHub's three ways and GitLab's: a merge commit has two parents; a squash is one new commit; a rebase
makes every commit anew and keeps its author, the author's time and the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
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


#: Longer rebases are not walked: GitHub itself rebases at most 100 commits.
LONGEST = 1000


def landed_after(commit: str, head: str, read: Callable[[str], Commit]) -> str:
    """The tip of the branch before ``commit`` landed, where ``commit`` has one parent.

    Walks back while each commit is a rebased copy of the change's own; a squash is no copy (its
    author's time is the merge's), so it goes back by one. A fast-forward is its own head and does
    not come here.
    """
    landed, own = read(commit), read(head)
    tip = landed.parents[0] if landed.parents else commit
    for _ in range(LONGEST):
        if not landed.is_copy_of(own) or landed.id == own.id or not landed.parents:
            break
        tip = landed.parents[0]
        if len(own.parents) != 1:
            break
        landed, own = read(tip), read(own.parents[0])
    return tip
