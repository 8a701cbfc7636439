"""Who may approve a change, or pass over a rule: its reviews, and what the forge knows of the people behind them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from tagline.commands.changes.request import ChangeRequest
from tagline.domain.changes.approvals import People, approvers, is_made_by_run, is_team, persons_of, teams_of
from tagline.domain.changes.changes import Named, Reviews, Unknown
from tagline.domain.changes.intents import Intent
from tagline.domain.changes.policy import ApprovalRule, StageRules
from tagline.domain.changes.pushes import trail
from tagline.domain.delivery.proposals import opened_by_run
from tagline.ports.forge import CannotRead

#: Pushes that may be mere updates from the base branch: each takes a few fetches to see.
_MOST_UPDATES = 20
Rules = Mapping[Intent, list[StageRules]]
Owners = Mapping[str, tuple[str, ...]]
A = TypeVar("A")


def read_people(request: ChangeRequest, rules: Rules, owners: Owners, file_owners: Owners) -> People:
    """Reviews, and who the reviewers are; nothing where no rule asks for approvals and nobody overrides one.

    Of an override also whether the author may write, who else pushed, and who is in the teams that may.
    """
    wanted = {intent: [r.approvals for r in found if r.approvals is not None] for intent, found in rules.items()}
    allowed = [name for intent, found in rules.items() if intent.override for r in found for name in r.overriders]
    # A tag says who asked, also where nobody's approval hangs on it.
    tells = request.change.merged and opened_by_run(request.change.branch)
    if not any(wanted.values()) and not allowed:
        return People(starters=_starters(request), by_run=True) if tells else People()
    forge = request.context.forge
    reviews: Reviews | Unknown = Reviews(())
    if any(wanted.values()):
        reviews = _ask(request, "reviews", lambda _: forge.reviews(request.change), "")
    if isinstance(reviews, Unknown) and not allowed:
        return People(reviews=reviews)
    logins = {review.by.casefold(): review.by for review in approvers(reviews)}
    # The author's own is not counted anyway, unless a rule says so.
    rules_met = [rule for found in wanted.values() for rule in found]
    if all("author" in rule.exclude for rule in rules_met):
        logins.pop(request.change.author.casefold(), None)
    teams: dict[str, None] = {}
    persons: set[str] = set()
    for intent, found in wanted.items():
        asked = [ask.file for ask in intent.asks if ask.file]
        names = [o for file in asked for o in file_owners.get(file, ())] if asked else owners.get(intent.artifact, ())
        for rule in found:
            teams.update(dict.fromkeys(teams_of(rule, names)))
            persons.update(persons_of(rule, names))
    if allowed:
        logins[request.change.author.casefold()] = request.change.author
        teams.update(dict.fromkeys(name for name in allowed if is_team(name)))
    asks_pushers = bool(allowed) or (bool(logins) and any("pusher" in rule.exclude for rule in rules_met))
    # Before the merge it is told whose approval is missing: those who are named are looked for where others are.
    named = persons - {request.change.author.casefold()} if request.change.open else set()
    looked_for = {*logins, *named}
    pushers: Named = Named()
    if asks_pushers:
        pushers, looked_for = _pushers(request, logins, looked_for, everybody=bool(allowed))
    return People(
        reviews,
        read_at=request.answers.setdefault(("roles-read-at", ""), int(request.context.clock.now())),
        pushers=pushers,
        looked_for=frozenset(looked_for if asks_pushers else ()),
        starters=_starters(request) if tells or (logins and _asks_starters(request, wanted)) else Named(),
        by_run=is_made_by_run(request.change),
        writers={folded: _ask(request, "write", forge.may_write, login) for folded, login in logins.items()},
        members={team: _members(request, team) for team in teams if logins and _is_group(request, team, logins)},
    )


def _pushers(
    request: ChangeRequest, reviewers: Collection[str], people: set[str], *, everybody: bool
) -> tuple[Named, set[str]]:
    """Who of some people (folded logins) pushed to the change's branch, as the forge names them; and of whom that is
    known. ``everybody``: whoever pushed is named.

    What only brought the branch up to date with its base makes nobody a pusher. The reviewers come first: on them
    something hangs.
    """
    change, left = request.change, iter(range(_MOST_UPDATES))
    brings_nothing = request.context.history.brings_nothing
    found = _ask(
        request, "pushes", lambda _: trail(request.context.forge.pushes(change), change.head, change.merged_at), ""
    )
    if isinstance(found, Unknown):
        return Named(unread=found), set()
    pushers: set[str | None] = set()
    unsure: set[str] = set()
    by_whom = [(push.by.casefold() if push.by is not None else None, push) for push in found.pushes]
    for by, push in sorted(by_whom, key=lambda one: one[0] is not None and one[0] not in reviewers):
        if by in pushers or (by is not None and by not in people and not everybody):
            continue
        looks = next(left, None) is not None
        if not looks and by is not None and by not in reviewers and not everybody:
            unsure.add(by)
        elif not (looks and brings_nothing(push.before, push.after or "", request.before)):
            pushers.add(by)
    start = found.pushes[-1].before if found.pushes else None
    whole = found.whole or (start is not None and brings_nothing(None, start, request.before))
    known = frozenset(by for by in pushers if by is not None)
    if whole and None not in pushers:
        return Named(known), people - unsure
    needs = "Push its commits to a branch of a new name, and open a change from there."
    return Named(known, Unknown("who pushed some of its commits", needs)), people - unsure


def _asks_starters(request: ChangeRequest, wanted: Mapping[Intent, list[ApprovalRule]]) -> bool:
    """Whether it matters who started a run: a robot opens no change of itself, and a person asks for what they open."""
    author = request.change.author.casefold()
    asked = {
        role
        for intent, rules in wanted.items()
        for rule in rules
        for role in rule.exclude
        if role == "labeller" or (role == "author" and any((ask.by or "").casefold() == author for ask in intent.asks))
    }
    return bool(asked) and is_made_by_run(request.change)


def _starters(request: ChangeRequest) -> Named:
    """Who started what opened the change."""
    found = _ask(request, "starters", lambda _: request.context.forge.starters(request.change), "")
    return Named(unread=found) if isinstance(found, Unknown) else found


def _members(request: ChangeRequest, name: str) -> frozenset[str] | Unknown:
    if name.startswith("@@"):
        return Unknown(f"who has the role {name}", "Name people or groups in CODEOWNERS: roles are not read.")
    return _ask(request, "members", request.context.forge.members, name)


def _is_group(request: ChangeRequest, name: str, logins: Mapping[str, str]) -> bool:
    """CODEOWNERS writes people like groups: on GitHub a team has a slash, on GitLab a group may have none."""
    if "/" in name or name.startswith("@@"):
        return True
    return request.context.forge.flavour == "gitlab" and name.removeprefix("@").casefold() not in logins


def _ask(request: ChangeRequest, what: str, question: Callable[[str], A], about: str) -> A | Unknown:
    """Ask the forge once a run, and take a denial for unknown."""
    if (what, about) not in request.answers:
        try:
            request.answers[what, about] = question(about)
        except CannotRead as refusal:
            request.answers[what, about] = refusal.unknown
    found: A | Unknown = request.answers[what, about]
    return found
