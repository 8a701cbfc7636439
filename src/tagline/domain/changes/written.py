"""Which tags a change wrote: by what its repository's name does not change."""

from __future__ import annotations

from tagline.domain.changes.changes import Change
from tagline.domain.ledger import messages
from tagline.domain.ledger.messages import Trailers, parse_trailers
from tagline.domain.text.origins import origin_of


def is_written_by(message: str, change: Change) -> bool:
    """Whether a tag of this message was written for a change."""
    # Thousands of tags are of other changes: looking for a word of it first spares reading their trailers.
    words = (change.url, str(change.key) if change.key else change.url, change.merge_commit or change.url)
    return any(word in message for word in words) and is_named_by(parse_trailers(message), change)


def is_named_by(trailers: Trailers, change: Change) -> bool:
    """Whether trailers name a change: by its key, and where they are older than keys by its page.

    The page of a renamed repository is another; then the commit that the change landed as says it, with its number.
    """
    keys = trailers.get(messages.CHANGE_KEY)
    if keys and change.key is not None:
        return str(change.key) in keys
    pages = trailers.get(messages.CHANGE, [])
    if change.url in pages:
        return True
    landed = change.merge_commit is not None and change.merge_commit in trailers.get(messages.MERGE_COMMIT, ())
    return landed and any(_is_same_place(page, change.url) for page in pages)


def _is_same_place(page: str, other: str) -> bool:
    """Whether two pages are of one number on one server, whatever their repositories are called."""
    return origin_of(page) == origin_of(other) and page.rpartition("/")[2] == other.rpartition("/")[2]
