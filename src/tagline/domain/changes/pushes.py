"""Who pushed what a branch holds, from the pushes that a forge tells of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple


class Push(NamedTuple):
    """A branch became another. ``by`` is None where the forge names nobody.

    ``before`` is None where the push made the branch, ``after`` where it took it away. ``at`` is unix seconds.
    ``kind``: the forge made it itself, to merge one change, or some that waited in its queue.
    """

    by: str | None
    before: str | None
    after: str | None
    at: float
    kind: Literal["push", "merge", "queue"] = "push"


class Trail(NamedTuple):
    """The pushes that brought a branch to a commit, newest first; ``whole``: from its beginning on."""

    pushes: tuple[Push, ...]
    whole: bool


def trail(pushes: Iterable[Push], head: str, until: float | None) -> Trail:
    """The pushes behind ``head``, of all those to a branch of that name (newest first), as of ``until``.

    Each begins where the one before it ended. The first one made the branch; one that only brought back what
    was taken away did not. No more are read than that takes.
    """
    found: list[Push] = []
    wanted: str | None = head
    is_made = False
    for push in pushes:
        if until is not None and push.at > until:
            continue
        if is_made:
            if push.after is not None or push.before != wanted:
                break
            is_made = False  # restored: what was there before goes on
        elif push.after == wanted:
            found.append(push)
            is_made = push.before is None
            wanted = push.before or wanted
        elif found:
            break
    return Trail(tuple(found), is_made)
