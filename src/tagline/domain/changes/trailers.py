"""What the tags of a change say of why they are there and for whom: what an auditor asks a year later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tagline.domain.changes.asks import Action
from tagline.domain.changes.changes import Review
from tagline.domain.changes.intents import Intent
from tagline.domain.changes.steps import Content, Facts
from tagline.domain.ledger import messages
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.registry import VersionState
from tagline.domain.text.times import format_time


def trailers(
    intent: Intent, facts: Facts, policy: str, counted: Iterable[Review], content: Content, override: str | None
) -> list[tuple[str, str]]:
    """The trailers of an intent's tag; ``policy`` is its digest, ``override`` an allowed one's reason."""
    asks, reviews, read_at = intent.asks, list(counted), facts.people.read_at
    names = dict.fromkeys(_asked_by(ask.by, facts) for ask in asks if ask.by)
    reasons = dict.fromkeys(ask.reason for ask in asks if ask.reason)
    pairs: list[tuple[str, str | None]] = [
        (messages.CHANGE, facts.change.url),
        (messages.CHANGE_KEY, str(facts.change.key) if facts.change.key else None),
        (messages.MERGE_COMMIT, facts.commit),
        *((messages.REQUESTED_BY, name) for name in names),
        *((messages.APPROVED_BY, approval(review)) for review in reviews),
        (messages.ROLES_READ_AT, format_time(read_at) if reviews and read_at is not None else None),
        (messages.POLICY, policy),
        *((messages.REASON, reason) for reason in reasons),
        *((messages.TICKET, ticket) for ticket in intent.tickets),
        (messages.OVERRIDE, override),
        (messages.DIGEST, content.digest),
        (messages.SHA256, content.sha256),
        (messages.URI, content.uri),
        (messages.VERSION_ID, content.version_id),
        (messages.RUN, facts.run_url),
    ]
    return [(key, value) for key, value in pairs if value]


def _asked_by(login: str, facts: Facts) -> str:
    """Who asked: of what a run asked in its author's name the one person who started a run then, if there was one."""
    starters = facts.people.starters
    is_run = facts.people.by_run and login.casefold() == facts.change.author.casefold() and starters.unread is None
    return next(iter(starters.logins)) if is_run and len(starters.logins) == 1 else login


def content_of(intent: Intent, facts: Facts, raw: Mapping[str, RawTag], version: VersionState | None) -> Content:
    """As it was read for this run; of a version that nobody had to look at, as its own tag says."""
    registers = intent.action is Action.REGISTER
    commit = facts.commit if registers else version.commit if version else ""
    read = facts.contents.get((intent.artifact, commit))
    if read is not None or registers:
        return read or Content()
    if version is None or version.tag not in raw:
        return Content()
    said = messages.parse_trailers(raw[version.tag].message)
    keys = (messages.DIGEST, messages.URI, messages.VERSION_ID, messages.SHA256)
    return Content(*(next(iter(said.get(key, [])), None) for key in keys))


def approval(review: Review) -> str:
    """``login commit time``, what is not known left out."""
    when = format_time(int(review.at)) if review.at is not None else None
    return " ".join(part for part in (review.by, review.commit, when) if part)
