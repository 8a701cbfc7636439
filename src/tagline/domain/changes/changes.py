"""A change (a pull request, a merge request) as a forge tells it: data in the registry's words.

Times are unix seconds; GitLab's carry fractions, so they are floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tagline.domain.ledger.records import ChangeKey


@dataclass(frozen=True)
class Change:
    """One change.

    ``head`` is its last pushed commit; ``merge_commit`` the one that it landed as, None unless it is
    merged. ``base`` is the branch that it goes into and ``base_commit`` the merge base where the
    forge tells it. ``labels`` are the names as they stand now. ``comments`` is how many there are.
    ``key`` is what names it for good, whatever its repository is called.
    """

    number: int
    url: str
    title: str
    author: str
    base: str
    head: str
    merged_at: float | None = None
    merge_commit: str | None = None
    open: bool = True
    draft: bool = False
    from_fork: bool = False
    labels: tuple[str, ...] = ()
    base_commit: str | None = None
    commits: int | None = None
    comments: int | None = None
    key: ChangeKey | None = None
    opened_at: float | None = None

    @property
    def merged(self) -> bool:
        """Whether it has landed."""
        return self.merged_at is not None


class Label(NamedTuple):
    """A label that stands on a change: who put it there and when; None where nobody can tell."""

    name: str
    by: str | None
    at: float | None


class LabelEvent(NamedTuple):
    """A label was added to a change, or taken away."""

    name: str
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
    it was renamed, stands without a person and a time: nobody can tell whether it stood then.
    """
    standing = dict.fromkeys(names)
    ordered = sorted(events, key=lambda event: event.at)  # stable: of one second, the forge's order counts
    for event in reversed(ordered):
        if until is None or event.at <= until:
            break
        if event.added:
            standing.pop(event.name, None)
        else:
            standing[event.name] = None
    last = {event.name: event for event in ordered if until is None or event.at <= until}
    return tuple(_label(name, last.get(name)) for name in standing)


def _label(name: str, last: LabelEvent | None) -> Label:
    return Label(name, last.by, last.at) if last is not None and last.added else Label(name, None, None)


def latest_reviews(reviews: Iterable[Review]) -> dict[str, Review]:
    """The review that decides for each person (by folded name): the latest approving, rejecting or withdrawn one."""
    return {review.by.casefold(): review for review in reviews}
