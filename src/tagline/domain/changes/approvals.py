"""Whose approval counts for a stage, and whose is missing.

An approval counts once a person, and only of people with write permission: on a public repository
anybody can approve. What cannot be read is never taken for a yes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tagline.domain.changes.changes import Change, Named, Review, Reviews, Unknown, latest_reviews
from tagline.domain.changes.policy import CODEOWNERS, ApprovalRule
from tagline.domain.changes.verdicts import Verdict
from tagline.domain.delivery.proposals import opened_by_run

RULE = "approvals"
#: The rule that enough people approved, but not what lands.
OTHER = "not-what-was-approved"
#: Robots of both forges: their approval is nobody's.
_BOT = re.compile(r".*\[bot\]|(project|group)_\d+_bot(_[0-9a-z]+)?|service_account_.*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class People:
    """What was read about who may say yes. Logins are folded; teams are written as policy and CODEOWNERS do.

    ``read_at`` (unix seconds) is when: forges tell what people may do now, and not what they might then.
    ``looked_for`` are the folded logins that were looked for among the pushers.
    """

    reviews: Reviews | Unknown = field(default_factory=lambda: Reviews(()))
    writers: Mapping[str, bool | Unknown] = field(default_factory=dict)
    members: Mapping[str, frozenset[str] | Unknown] = field(default_factory=dict)
    #: Who pushed to the change, and who started the run that opened it; and whether a run did.
    pushers: Named = field(default_factory=Named)
    starters: Named = field(default_factory=Named)
    by_run: bool = False
    looked_for: frozenset[str] = frozenset()
    read_at: int | None = None


@dataclass(frozen=True)
class Subject:
    """What an approval must cover. ``requesters`` are folded logins.

    ``requested_at`` is when the newest of the requests was made (unix seconds). Either is None where
    nobody can tell.
    """

    author: str
    head: str
    requesters: frozenset[str] | None
    requested_at: float | None
    owners: tuple[str, ...] = ()


class Judged(NamedTuple):
    """A verdict, the approvals that count, and for every other reviewer why theirs does not.

    ``drift`` says which of those that count were given for something else.
    """

    verdict: Verdict
    counted: tuple[Review, ...]
    others: tuple[tuple[str, str], ...]
    drift: tuple[str, ...] = ()


#: Why an approval was given for something else than what lands; None: it was given for that.
Covers = Callable[[Review], str | Unknown | None]


def _any(_: Review) -> None:
    """Every approval covers what lands."""


def approvers(reviews: Reviews | Unknown) -> list[Review]:
    """The people whose latest word is an approval."""
    if isinstance(reviews, Unknown):
        return []
    return [review for review in latest_reviews(reviews.reviews).values() if review.verdict == "approved"]


def is_robot(login: str) -> bool:
    """Whether a login is that of an App, of a project's or group's token, or of a service account."""
    return _BOT.fullmatch(login) is not None


def is_made_by_run(change: Change) -> bool:
    """Whether a run opened a change, and not its author by hand: by its author, or by the name of its branch."""
    return change.by_bot or is_robot(change.author) or opened_by_run(change.branch)


def is_team(name: str) -> bool:
    """Whether an entry of ``from`` or CODEOWNERS is a team or group, and not a login."""
    return name.startswith("@")


def teams_of(rule: ApprovalRule, owners: Iterable[str]) -> list[str]:
    """The teams whose members a rule needs to know."""
    names = list(rule.people or ())
    if CODEOWNERS in names:
        names += owners
    return list(dict.fromkeys(name for name in names if is_team(name)))


def persons_of(rule: ApprovalRule, owners: Iterable[str]) -> list[str]:
    """The folded logins that a rule names; one of CODEOWNERS may turn out to be a group of GitLab."""
    names = [name for name in rule.people or () if name != CODEOWNERS and not is_team(name)]
    if CODEOWNERS in (rule.people or ()):
        names += [name for name in owners if "/" not in name and not name.startswith("@@")]
    return [name.removeprefix("@").casefold() for name in names]


def judge(
    rule: ApprovalRule, people: People, subject: Subject, covers: Covers = _any, *, refuse_drift: bool = True
) -> Judged:
    """Whether there are enough approvals that count.

    One that was given for something else (``covers``) does not; without ``refuse_drift`` it does, and that is said.
    """
    if isinstance(people.reviews, Unknown):
        unknown = people.reviews
        verdict = Verdict(RULE, "unknown", f"{unknown.what} cannot be read with this token.", unknown.needs)
        return Judged(verdict, (), ())
    counted: list[Review] = []
    others: list[tuple[str, str]] = []
    unclear: list[Unknown] = []
    moved: list[str] = []
    for review in latest_reviews(people.reviews.reviews).values():
        reason = _why_not(rule, people, subject, review, people.reviews)
        other = covers(review) if reason is None else None
        if isinstance(other, str):
            moved.append(f"{review.by} {other}")
        if refuse_drift:
            reason = reason or other
        if reason is None:
            counted.append(review)
        elif isinstance(reason, Unknown):
            unclear.append(reason)
            others.append((review.by, f"{reason.what} cannot be read"))
        else:
            others.append((review.by, reason))
    verdict = _verdict(rule, people, subject, counted, unclear, moved)
    return Judged(verdict, tuple(counted), tuple(others), () if refuse_drift else tuple(moved))


def _verdict(
    rule: ApprovalRule,
    people: People,
    subject: Subject,
    counted: Sequence[Review],
    unclear: Sequence[Unknown],
    moved: Sequence[str],
) -> Verdict:
    have = f"{len(counted)} of {rule.count} approval{'s' * (rule.count != 1)}"
    if len(counted) >= rule.count:
        return Verdict(RULE, "ok", f"{have}.")
    if len(counted) + len(unclear) >= rule.count:
        first = unclear[0]
        return Verdict(
            RULE, "unknown", f"{have} that surely count: {first.what} cannot be read with this token.", first.needs
        )
    if len(counted) + len(unclear) + len(moved) >= rule.count:
        message = f"{have} of what it is now: {'; '.join(moved)}."
        return Verdict(OTHER, "waiting", message, who_may(rule, people, subject, counted, again=True))
    return Verdict(RULE, "waiting", f"{have}.", who_may(rule, people, subject, counted))


def who_may(
    rule: ApprovalRule, people: People, subject: Subject, counted: Sequence[Review] = (), *, again: bool = False
) -> str:
    """Whose approvals are missing, in words: of nobody whose own is known not to count, or counts already.

    What is unknown of those who are named is said of whom it may concern. ``again``: theirs covered something else.
    """
    barred = _barred(rule, people, subject)
    given = [review.by.casefold() for review in counted]
    left = rule.count - len(counted)
    what = "an approval" if left == 1 else f"{left} approvals"
    listed = _listed(rule, subject)
    able = [name for name in listed if _may_be(name, people, {*barred, *given})]
    persons = [name for name in able if not _is_many(name, people)]
    if rule.people is not None and len(persons) == len(able) < left:
        who = f" and only {_either(able)} can give one" if able else " and nobody whom the policy names can give one"
        others = (name for name in listed if name not in able and name.removeprefix("@").casefold() in barred)
        named = [_why(name.removeprefix("@"), barred) for name in others]
        nobody = " (CODEOWNERS names nobody)" if CODEOWNERS in rule.people and not subject.owners else ""
        return (
            f"Missing: {what},{who}{nobody}{f': not {_either(named)}' if named else ''}. "
            "Have somebody else ask for it in a new change, or name more people in .tagline.yaml (approvals: from)."
        )
    words = [f"a member of {name}" if name not in persons else name for name in able]
    terms = f"{', given again' if again else ''}{', on the last commit' if rule.fresh else ''}"
    not_of = _either(_exceptions(rule, people, able, barred, given))
    return f"Missing: {what} of {_either(words) or 'somebody who may write'}{terms}." + (
        f" Not of {not_of}." if not_of else ""
    )


def _listed(rule: ApprovalRule, subject: Subject) -> list[str]:
    names: list[str] = []
    for name in rule.people or ():
        names += subject.owners if name == CODEOWNERS else [name]
    return list(dict.fromkeys(names))


def _barred(rule: ApprovalRule, people: People, subject: Subject) -> dict[str, str]:
    """Who cannot approve, by folded login, and why; as far as it is known."""
    found = {login: _READER for login, may in people.writers.items() if may is False}
    if "pusher" in rule.exclude:
        found |= dict.fromkeys(sorted(people.pushers.logins), "pushed to it")
    if "labeller" in rule.exclude:
        found |= dict.fromkeys(sorted({*people.starters.logins, *(subject.requesters or ())}), "asked for it")
    if "author" in rule.exclude:
        found |= dict.fromkeys(sorted(people.starters.logins if _asked_by_run(people, subject) else ()), _STARTED)
        found[subject.author.casefold()] = "the author"
    return found


def _asked_by_run(people: People, subject: Subject) -> bool:
    """Whether a run opened the change and its author, a robot or not, asked: then whoever started the run did."""
    return people.by_run and subject.author.casefold() in (subject.requesters or ())


def _may_be(name: str, people: People, out: Collection[str]) -> bool:
    """Whether an approval may count of a person, or of somebody in a team, as far as anybody knows."""
    if name.startswith("@@"):  # a role: nobody can tell who has it
        return False
    members = people.members.get(name)
    if isinstance(members, frozenset) and (members or "/" in name):
        return not members <= set(out)
    login = name.removeprefix("@").casefold()
    # CODEOWNERS may name people by their address, which is nobody's login.
    return login not in out and "@" not in login and not is_robot(login)


def _is_many(name: str, people: People) -> bool:
    """Whether a name stands for a team or group. CODEOWNERS writes people with an @ too, but none with a slash."""
    return is_team(name) and ("/" in name or bool(people.members.get(name)))


def _exceptions(
    rule: ApprovalRule, people: People, able: Sequence[str], barred: Mapping[str, str], given: Collection[str]
) -> list[str]:
    """Who does not count among those that are meant by a team or by everybody; and what is unknown of any.

    Whether they are members of a team is not told: that may be nobody's business here.
    """
    unsure = rule.people is None or any(_is_many(name, people) for name in able)
    reviewed = {review.by.casefold() for review in approvers(people.reviews)}  # theirs is told beside it
    named = (login for login, why in barred.items() if why != _READER and login not in reviewed)
    shown = [_why(login, barred) for login in named] if unsure else []
    found = [*(f"{login} (approved already)" for login in given if unsure), *shown]
    persons = {name.removeprefix("@").casefold() for name in able if not _is_many(name, people)}
    unknown = []
    if "pusher" in rule.exclude and (unsure or people.pushers.unread or not persons <= people.looked_for):
        unknown.append("pushed to it")
    if rule.people is not None and (unsure or not persons <= people.writers.keys()):
        unknown.append("may not write")
    return [*found, f"anybody who {' or '.join(unknown)}"][-_MOST_NAMES:] if unknown else found[-_MOST_NAMES:]


_READER = "may not write"
_STARTED = "started a run that may have opened it"
#: So many people are worth reading.
_MOST_NAMES = 8


def _why(login: str, barred: Mapping[str, str]) -> str:
    return f"{login} ({barred[login.casefold()]})"


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _why_not(
    rule: ApprovalRule, people: People, subject: Subject, review: Review, reviews: Reviews
) -> str | Unknown | None:
    """Why a review does not count; None when it does."""
    login = review.by.casefold()
    if review.verdict != "approved":
        return "asked for changes" if review.verdict == "rejected" else "approval withdrawn"
    if is_robot(login):
        return "is a robot"
    if "author" in rule.exclude and login == subject.author.casefold():
        return "is the author"
    if review.commit is None and review.at is None:
        return Unknown(f"when {review.by} approved", "GitLab 18 and newer tell it.")
    checks = (
        _pusher(rule, people.pushers, login),
        _starter(rule, people, subject, login),
        _labeller(rule, people.starters, subject, login),
        _stale(subject, review, reviews) if rule.fresh else None,
        _outsider(rule, people, subject, login),
        _reader(people, login),
    )
    # A certain no beats what cannot be read.
    return next((c for c in checks if isinstance(c, str)), next((c for c in checks if c is not None), None))


def _pusher(rule: ApprovalRule, pushers: Named, login: str) -> str | Unknown | None:
    if "pusher" not in rule.exclude:
        return None
    if login in pushers.logins:
        return "pushed to it"
    return pushers.unread if rule.must_know_pushers else None


def _starter(rule: ApprovalRule, people: People, subject: Subject, login: str) -> str | Unknown | None:
    """Whoever has a run ask in another's name is as its author."""
    if "author" not in rule.exclude or not _asked_by_run(people, subject):
        return None
    return _STARTED if login in people.starters.logins else people.starters.unread


def _labeller(rule: ApprovalRule, starters: Named, subject: Subject, login: str) -> str | Unknown | None:
    if "labeller" not in rule.exclude:
        return None
    if login in starters.logins:
        return _STARTED
    if subject.requesters is None:
        return Unknown("who applied the label", "Remove the label and add it again.")
    return "asked for it" if login in subject.requesters else starters.unread


def _stale(subject: Subject, review: Review, reviews: Reviews) -> str | Unknown | None:
    """Whether a review is older than the last push, than the base branch, or than the request that it has to cover."""
    pushed_at, retargeted_at = reviews.pushed_at, reviews.retargeted_at
    if review.commit is not None:
        if review.commit != subject.head:
            return "approved an older commit"
    elif review.at is None or pushed_at is None:
        return Unknown("the time of the approval or of the last push", "GitLab tells it to project tokens (scope api).")
    elif review.at <= pushed_at:
        return "approved before the last push"
    if retargeted_at is not None and (review.at is None or review.at <= retargeted_at):
        # Against another base the same head brings other files.
        return "approved before the base branch was changed"
    if subject.requested_at is None or review.at is None:
        return Unknown("when the label was applied", "Remove the label and add it again, then approve.")
    return "approved before the request" if review.at <= subject.requested_at else None


def _outsider(rule: ApprovalRule, people: People, subject: Subject, login: str) -> str | Unknown | None:
    """Whether somebody is not among those that the rule names."""
    if rule.people is None:
        return None
    names = [name for name in rule.people if name != CODEOWNERS]
    if CODEOWNERS in rule.people:
        names += subject.owners
    unknown: Unknown | None = None
    for name in names:
        # CODEOWNERS writes people with an @, as it does teams.
        if name.removeprefix("@").casefold() == login:
            return None
        found = people.members.get(name, frozenset()) if is_team(name) else frozenset()
        if isinstance(found, Unknown):
            unknown = found
        elif login in found:
            return None
    return unknown or "is not among those who may approve"


def _reader(people: People, login: str) -> str | Unknown | None:
    found = people.writers.get(login, Unknown(f"the permission of {login}", "A token that may read members."))
    return None if found is True else "has no write permission" if found is False else found
