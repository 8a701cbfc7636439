"""Break-glass: a request that passes over the rules about people and time, by whom the policy lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tagline.domain.changes import approvals, tickets
from tagline.domain.changes.approvals import People, is_robot, is_team
from tagline.domain.changes.changes import Unknown
from tagline.domain.changes.verdicts import Verdict
from tagline.domain.ledger import stops

RULE = "override"
#: What an override passes over: who must agree, what must be waited for, and a stop. Never what a version is.
PASSES = frozenset(
    {approvals.RULE, approvals.OTHER, "branch-behind", "after", "soak", "freeze", tickets.RULE, stops.RULE},
)


class Override(NamedTuple):
    """Rules were passed over: who asked (the change's author), why, and which rules stood against it."""

    by: str
    reason: str
    passed: tuple[str, ...]


def judge_override(
    allowed: Sequence[str], people: People, author: str, reason: str, lifters: Sequence[str | None] = ()
) -> Verdict:
    """Whether the author of a change may pass over a stage's rules.

    So must everybody who pushed to it: a request file is what was pushed. ``allowed`` are logins and teams.
    ``lifters`` asked by a label that the stage's hold is lifted too (None for nobody known): they must be listed.
    """
    if not allowed:
        fix = "Satisfy the rules, or list who may override under the stage in .tagline.yaml: override: {allow: [...]}"
        return Verdict(RULE, "refused", "The policy lets nobody override this stage.", fix)
    fix = f"Somebody of {', '.join(allowed)} opens a change that asks for it, and nobody else pushes to it."
    if is_robot(author):
        return Verdict(RULE, "refused", f"{author} is a robot, and a person answers for an override.", fix)
    pushers = sorted(people.pushers.logins - {author.casefold()})
    unclear = [people.pushers.unread]
    lifting = [name for name in lifters if name is not None and name.casefold() != author.casefold()]
    if None in lifters:
        unclear.append(Unknown("who added the label that lifts the hold", "Say lift: true in the request file."))
    did_what = [(author, "opened the change"), *((name, "pushed to it") for name in pushers)]
    for login, did in (*did_what, *((name, "asked to lift its hold") for name in lifting)):
        listed = _is_listed(login.casefold(), allowed, people)
        if listed is False:
            return Verdict(RULE, "refused", f"{login} {did} and may not override this stage.", fix)
        unclear.append(listed if isinstance(listed, Unknown) else None)
    writes = people.writers.get(author.casefold(), Unknown(f"the permission of {author}", "A token that may read it."))
    if writes is False:
        return Verdict(RULE, "refused", f"{author} has no write permission.", fix)
    unclear.append(writes if isinstance(writes, Unknown) else None)
    first = next((one for one in unclear if one is not None), None)
    if first is not None:
        return Verdict(RULE, "unknown", f"{first.what} cannot be read with this token.", first.needs)
    return Verdict(RULE, "ok", f"{author} overrides: {reason}")


def _is_listed(login: str, allowed: Iterable[str], people: People) -> bool | Unknown:
    unknown: Unknown | None = None
    for name in allowed:
        if name.removeprefix("@").casefold() == login:
            return True
        found = people.members.get(name, frozenset()) if is_team(name) else frozenset()
        if isinstance(found, Unknown):
            unknown = found
        elif login in found:
            return True
    return unknown or False


def pass_over(verdicts: Sequence[Verdict]) -> tuple[list[Verdict], tuple[str, ...]]:
    """The verdicts after an override that is allowed, and the rules that it passed over."""
    passed = [v.rule for v in verdicts if v.rule in PASSES and v.state != "ok"]
    after = [
        v._replace(state="ok", message=f"Passed over by the override: {v.message}", fix="")
        if v.rule in PASSES and v.state != "ok"
        else v
        for v in verdicts
    ]
    return after, tuple(dict.fromkeys(passed))
