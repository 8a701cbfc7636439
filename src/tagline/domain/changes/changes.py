"""A change (a pull request, a merge request) as a forge tells it: data in the registry's words.

Times are unix seconds; GitLab's carry fractions, so they are floats.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tagline.domain.ledger.records import ChangeKey

#: ``merging``: the forge is at it.
State = Literal["open", "merging", "merged", "closed"]


@dataclass(frozen=True)
class Change:
    """One change.

    ``head`` is its last pushed commit. ``merge_commit`` is the commit that a merged one landed as and ``merged_at``
    when; both None where the forge does not tell. ``is_guess``: the commit only looks like it, by Git. ``squashed``:
    its commits became one. ``base`` is the branch that it goes into and ``base_commit`` the merge base where the forge
    tells it. ``labels`` are the names as they stand now. ``comments`` is how many there are. ``key`` is what names it
    for good, whatever its repository is called. ``by_bot``: the forge calls its author a bot. ``branch`` is its own.
    """

    number: int
    url: str
    title: str
    author: str
    base: str
    head: str
    state: State = "open"
    merged_at: float | None = None
    merge_commit: str | None = None
    is_guess: bool = False
    squashed: bool = False
    draft: bool = False
    from_fork: bool = False
    labels: tuple[str, ...] = ()
    base_commit: str | None = None
    commits: int | None = None
    comments: int | None = None
    key: ChangeKey | None = None
    opened_at: float | None = None
    by_bot: bool = False
    branch: str = ""

    @property
    def open(self) -> bool:
        """Whether it may still land."""
        return self.state == "open"

    @property
    def merged(self) -> bool:
        """Whether it has landed."""
        return self.state == "merged"


class Merges(NamedTuple):
    """Merged changes of a list; ``whole``: none is left out, though there are many."""

    changes: list[Change]
    whole: bool = True


class Label(NamedTuple):
    """A label that stands on a change: who put it there and when; None where nobody can tell.

    ``gone``: it was renamed or deleted since, and nobody took it off the change. ``name`` is the one that it had when
    it was put on; empty where the forge does not tell it any more.
    """

    name: str
    by: str | None
    at: float | None
    gone: bool = False


class LabelEvent(NamedTuple):
    """A label was added to a change, or taken away. ``name`` is None where the forge forgot it with the label."""

    name: str | None
    by: str | None
    at: float
    added: bool


ReviewVerdict = Literal["approved", "rejected", "withdrawn"]


class Review(NamedTuple):
    """What a person says of a change. ``commit`` is what was reviewed; None where the forge keeps none.

    ``at`` is None where the forge does not say when. ``head`` is the change's head at that time, where the forge keeps
    no commit and tells when the change was pushed to.
    """

    by: str
    verdict: ReviewVerdict
    commit: str | None
    at: float | None
    head: str | None = None


class Reviews(NamedTuple):
    """All reviews in order, and when the change was last pushed to (None: reviews carry commits).

    ``retargeted_at`` is when its base branch was last changed for another, or rewritten; None: never.
    """

    reviews: tuple[Review, ...]
    pushed_at: float | None = None
    retargeted_at: float | None = None


class Comment(NamedTuple):
    """A comment on a change. ``key`` is the forge's own name for it."""

    key: int
    author: str
    body: str
    url: str


class Status(NamedTuple):
    """What a commit's status says: ``state`` in words of the forges' common ground."""

    state: Literal["success", "pending", "failure", "error"]
    text: str
    url: str | None = None


class Unknown(NamedTuple):
    """Something that cannot be read with the token at hand: what it is, and which token could."""

    what: str
    needs: str


class Named(NamedTuple):
    """Whom a forge names for something: folded logins. ``unread`` says who else it may be, None where nobody else."""

    logins: frozenset[str] = frozenset()
    unread: Unknown | None = None


def standing_labels(names: Iterable[str], events: Sequence[LabelEvent], until: float | None) -> tuple[Label, ...]:
    """The labels as they stood at ``until`` (None: as they stand now), each with who put it there.

    ``names`` are today's, from which the events lead back. A label that no event put there, because
    it was renamed, stands without a person and a time: nobody can tell whether it stood then. One that an event put
    there and none took away stood, whatever became of it since.
    """
    standing = dict.fromkeys(names)
    ordered = sorted(events, key=lambda event: event.at)  # stable: of one second, the forge's order counts
    for event in reversed(ordered):
        if until is None or event.at <= until:
            break
        if event.name is None:
            continue
        if event.added:
            standing.pop(event.name, None)
        else:
            standing[event.name] = None
    before = [event for event in ordered if until is None or event.at <= until]
    last = {event.name: event for event in before if event.name is not None}
    put = {name: (event.by, event.at) for name, event in last.items() if event.added}
    found = [Label(name, *put.get(name, (None, None))) for name in standing]
    return tuple(found) if until is None else (*found, *_gone(before, put.keys() - standing.keys()))


def _gone(events: Sequence[LabelEvent], missing: Collection[str]) -> Iterator[Label]:
    """Labels that were put on (``missing``) or seem to have been, and are called otherwise today, or deleted."""
    nameless = [event for event in events if event.name is None]
    added = [event for event in nameless if event.added]
    # One more that was deleted before may be any of those that stood then.
    deleted = len(added) < len(nameless) - len(added)
    taken_at = max(event.at for event in nameless if not event.added) if deleted else float("-inf")
    for name, event in {event.name: event for event in events if event.name in missing}.items():
        known = event.at > taken_at
        yield Label(name or "", event.by if known else None, event.at if known else None, gone=True)
    if 2 * len(added) > len(nameless):
        yield Label("", added[-1].by, added[-1].at, gone=True)


def latest_reviews(reviews: Iterable[Review]) -> dict[str, Review]:
    """The review that decides for each person (by folded name): the latest approving, rejecting or withdrawn one."""
    return {review.by.casefold(): review for review in reviews}
