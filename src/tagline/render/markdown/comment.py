"""The comment on a change: what its merge will do, or did, and what stands against it.

The verdict first, then what is missing and who can give it, then current against proposed. What is satisfied is
folded away below: it is asked for once in a while. Nothing is said twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, assert_never

from tagline.domain.changes.approvals import RULE as APPROVALS
from tagline.domain.changes.asks import REQUESTS, Action, Ask
from tagline.domain.changes.pages import Pages
from tagline.domain.changes.promotion import Decided
from tagline.domain.changes.record import Record, hide
from tagline.domain.changes.steps import Step
from tagline.domain.changes.verdicts import State
from tagline.domain.delivery.receipts import Receipt
from tagline.domain.ledger.stops import RULE as HELD
from tagline.domain.lineage.comparison import Traced
from tagline.errors import TaglineError
from tagline.render.figures import count
from tagline.render.markdown.delivery import section as delivery_section
from tagline.render.markdown.escaping import code, fold, instant, link, long_table, table, text
from tagline.render.markdown.foot import AT_A_TERMINAL, Run, again, foot, rule_link
from tagline.render.markdown.lineage import section
from tagline.render.markdown.pasting import pasted, request_line

#: Characters of a whole comment: GitHub takes 65,536.
LIMIT = 60_000

_SIGNS: dict[State, str] = {"ok": "✅", "waiting": "⏳", "refused": "❌", "unknown": "❔"}


def comment(
    decided: Decided,
    record: Record,
    pages: Pages,
    policy: str,
    now: int,
    traced: Sequence[Traced] = (),
    error: TaglineError | None = None,
    run: Run = AT_A_TERMINAL,
    delivery: Sequence[Receipt] = (),
) -> str:
    """The whole text, within the forges' limits: what is least needed is left out first.

    The lineage of the artifacts (``traced``) takes what room the decision leaves. ``error`` is why a promotion failed,
    ``policy`` the digest of the policy that judged, ``run`` the job that does, ``delivery`` what its tags started.
    """
    hidden = hide(record)
    room = LIMIT - len(hidden)
    small, started = foot(decided, pages, policy, run, now), delivery_section(delivery)

    def written(level: int, behind: str) -> str:
        parts = (
            _decision(decided, pages, level, behind) if error is None else _failure(decided, error, pages, level, run)
        )
        return "\n\n".join(part for part in (*parts, started, small) if part)

    body = ""
    for level in range(_LEVELS):
        body = written(level, "")
        if len(body) <= room:
            break
    if traced:
        behind = section(traced, pages, room - len(body) - len("\n\n"), decided.change) or _NO_ROOM
        whole = written(level, behind)
        body = whole if len(whole) <= room else body
    if len(body) > room:
        # Whole paragraphs: half a code span would be text.
        body = body[: room - 100].rpartition("\n\n")[0]
        body += "\n\n… and more than fits into a comment: see the JSON of `tagline plan`."
    return f"{body}\n\n{hidden}"


#: 0: everything. 1: nobody's names and requests. 2: no rules. 3: 50 lines of each kind. 4: 10 lines.
_LEVELS = 5
_ROWS = {3: 50, 4: 10}
_ALL = 1000


_NO_ROOM = "What is behind the artifacts does not fit here: see `tagline lineage --change N`."


def _decision(decided: Decided, pages: Pages, level: int, behind: str) -> Iterator[str]:
    yield _title(decided)
    yield from _overrides(decided)
    yield from _against(decided, level)
    yield _drift(decided)
    yield _steps(decided, pages, level)
    yield _again(decided, level)
    yield behind
    yield _details(decided, level)
    yield "\n".join(f"- ⚠️ {_words(warning.message)}" for warning in decided.warnings[: _ROWS.get(level, 50)])


def _failure(decided: Decided, error: TaglineError, pages: Pages, level: int, run: Run) -> Iterator[str]:
    """Of a promotion that failed on the way: nothing is judged, so nothing else stands against it yet."""
    made = _made(decided)
    did = f"This merge made {made}. That is not all" if made else "Nothing was tagged"
    yield f"### ❌ Tagline: failed\n\n{did}:"
    yield _paragraph(_Objection(_SIGNS["refused"], error.message, error.hint, joint=""), [""], _ALL)
    yield (
        "A run again does what is left, by what stood at the merge, and nothing twice: "
        f"{again(decided.change, run)}. So does the next promotion within seven days of the merge."
    )
    yield _steps(decided, pages, level)


# -- the verdict --------------------------------------------------------------


def _title(decided: Decided) -> str:
    merged, made = decided.change.merged, _made(decided)
    match decided.verdict:
        case "ok" if not made:
            return "### ✅ Tagline: nothing left to do\n\nWhat this asks for is so already."
        case "ok" if merged:
            return f"### ✅ Tagline: done\n\nThis merge made {made}."
        case "ok":
            return f"### ✅ Tagline: ready\n\nMerging this makes {made}."
        case "waiting":
            return "### ⏳ Tagline: waiting\n\nIf this is merged now, what waits here is left out for good:"
        case "refused" if merged:
            did = f"This merge made {made}. The rest was" if made else "Nothing was tagged. This was"
            end = "What this token cannot read, a run with a better one decides" if decided.unreadable else _FINAL
            return f"### ❌ Tagline: refused\n\n{did} refused. {end}:"
        case "refused":
            what = "nothing is tagged" if decided.mistakes else "this is left out for good"
            return f"### ❌ Tagline: refused\n\nIf this is merged as it stands, {what}:"
    return "### Tagline: nothing to tag\n\nNo label and no request file asks for anything."


def _made(decided: Decided) -> str:
    """How many tags came or come of it, in words; empty for none."""
    made = sum(row.created or step.done for step in decided.steps for row in step.rows)
    return f"{made} tag{'s' * (made != 1)}" if made else ""


_FINAL = "That is final"


def _overrides(decided: Decided) -> Iterator[str]:
    """Rules that were passed over, which nobody shall overlook: who, why, and what stood against it."""
    for step in decided.steps:
        over = step.override
        if over is not None:
            passed = (
                f" Passed over: {', '.join(map(_span, over.passed))}." if over.passed else " Nothing stood against it."
            )
            yield f"🚨 **Override** of {_span(_subject(step))} by {_span(over.by)}: {_words(over.reason)}.{passed}"
        elif step.done and step.intent.override:
            yield f"🚨 **Override** of {_span(_subject(step))}: {_words(step.intent.override)}."


class _Objection(NamedTuple):
    """What stands against something: the sign, a sentence, what would help, the rule, and other words on it.

    ``joint`` stands between the names that it is about and the sentence.
    """

    sign: str
    message: str
    fix: str
    rule: str = ""
    more: str = ""
    joint: str = ": "


def _against(decided: Decided, level: int) -> Iterator[str]:
    """Everything that stands against it, and what would satisfy it; the same of many is said once."""
    found: dict[_Objection, dict[str, None]] = {}
    for subject, objection in (*_mistakes(decided), *_final(decided), *_verdicts(decided)):
        found.setdefault(objection, {})[subject] = None
    ordered = sorted(found.items(), key=lambda item: item[0].sign != _SIGNS["refused"])
    most = _ROWS.get(level, _ALL)
    for objection, subjects in ordered[:most]:
        yield _paragraph(objection, list(subjects), most)
    if len(ordered) > most:
        yield f"… and {len(ordered) - most} more."


def _mistakes(decided: Decided) -> Iterator[tuple[str, _Objection]]:
    for mistake in decided.mistakes:
        subject = " and ".join(map(_span, mistake.source.split(" and ")))
        # "LABEL would act on ..." needs no second LABEL before it.
        rest = mistake.message.removeprefix(f"{mistake.source} ")
        joint = ": " if rest == mistake.message else " "
        yield subject, _Objection(_SIGNS["refused"], rest, mistake.fix, "request", joint=joint)


def _final(decided: Decided) -> Iterator[tuple[str, _Objection]]:
    for artifact, stage, rule, message, fix in decided.final:
        subject = "#".join(part for part in (artifact, stage) if part)
        joint = ": " if subject else ""
        yield _span(subject) if subject else "", _Objection(_SIGNS["refused"], message, fix, rule, joint=joint)


def _verdicts(decided: Decided) -> Iterator[tuple[str, _Objection]]:
    for step in decided.steps:
        for verdict in step.verdicts:
            if verdict.state == "ok" or step.done:
                continue
            state = verdict.state if decided.change.open else "refused"
            others = ", ".join(f"{_span(login)} ({_words(why)})" for login, why in step.reviewers[:20])
            more = f"Not counted: {others}" if others and verdict.rule == APPROVALS else ""
            yield _span(_subject(step)), _Objection(_SIGNS[state], verdict.message, verdict.fix, verdict.rule, more)


def _paragraph(objection: _Objection, subjects: Sequence[str], most: int) -> str:
    first, *below = objection.fix.split("\n")
    rule = f" ({rule_link(objection.rule)})" if objection.rule else ""
    lines = [
        f"{objection.sign} {_some(subjects)}{objection.joint}{_words(objection.message)}{rule}",
        f"→ {_words(first)}" if first else "",
        objection.more,
    ]
    block = f"\n\n{pasted(below, most)}" if below else ""
    return "<br>".join(line for line in lines if line) + block


#: So many names are worth reading before "and 50 more".
_NAMES = 10


def _subject(step: Step) -> str:
    return "#".join(part for part in step.intent.key if part)


def _again(decided: Decided, level: int) -> str:
    """After a refused merge: the request files that ask for the same once more."""
    if not decided.change.merged or not decided.refused:
        return ""
    refused = [step for step in decided.steps if step.state != "ok" and not step.done]
    never = {(step.intent.artifact, step.version) for step in refused if step.intent.action is Action.REGISTER}
    by_stage: dict[str, list[str]] = {}
    for step in refused:
        request = request_line(step)
        if step.intent.stage and request and (step.intent.artifact, step.version) not in never:
            by_stage.setdefault(step.intent.stage, []).append(request)
    if not by_stage:
        return "To ask again, open a new change."
    most = _ROWS.get(level, _ALL)
    blocks = [
        f"{_span(f'{REQUESTS}{stage}/change-{decided.change.number}.yaml')}\n\n{pasted(requests, most)}"
        for stage, requests in list(by_stage.items())[:3]
    ]
    return "To ask again, open a new change that adds a request file:\n\n" + "\n\n".join(blocks)


def _drift(decided: Decided) -> str:
    lines = "\n".join(f"- {_words(words)}" for words in decided.drift[:20])
    return f"Changed since it was approved:\n\n{lines}" if lines else ""


# -- current against proposed ---------------------------------------------------


def _steps(decided: Decided, pages: Pages, level: int) -> str:
    """One row a step, those beyond a screenful folded away. What all of them are about stands in the head."""
    names = {step.intent.artifact for step in decided.steps}
    about = [code(*names)] if len(names) == 1 else ["Artifact", "What"]
    head = [*about, *(("Before", "After") if decided.change.merged else ("Now", "After merge")), "Tag"]
    rows = [_step(step, decided, pages)[len(names) == 1 :] for step in decided.steps]
    if any(step.state != "ok" and not step.done for step in decided.steps):
        head = ["", *head]
        rows = [[_sign(step, decided), *row] for step, row in zip(decided.steps, rows, strict=True)]
    if not rows:
        return ""
    return long_table(head, rows, _SCREEN, _ROWS.get(level, len(rows)))


_SCREEN = 15


def _does(action: Action) -> str:
    match action:
        case Action.REGISTER:
            return "new version"
        case Action.ASSIGN:
            return "stage"
        case Action.ROLLBACK:
            return "rollback of"
        case Action.UNASSIGN:
            return "unassign"
        case Action.DEPRECATE:
            return "deprecate"
        case Action.LIFT:
            return "lift the hold of"
        case _:
            assert_never(action)


def _sign(step: Step, decided: Decided) -> str:
    if step.done or step.state == "ok":
        return _SIGNS["ok"]
    return _SIGNS[step.state if decided.change.open else "refused"]


def _step(step: Step, decided: Decided, pages: Pages) -> list[str]:
    intent = step.intent
    what = _does(intent.action) + (f" {code(intent.stage)}" if intent.stage else "")
    if intent.lifts and intent.action is Action.ASSIGN:
        what += ", its hold lifted"
    elif intent.action is Action.ROLLBACK and any(verdict.rule == HELD for verdict in step.verdicts):
        what += ", held there"
    before, merged = code(step.before) if step.before else "–", decided.change.merged
    if step.state == "refused" or (merged and not step.rows):
        return [code(intent.artifact), what, before, "unchanged", "–"]
    tags = (link(code(row.tag), pages.tag_url(row.tag)) if merged else code(row.tag) for row in step.rows)
    return [code(intent.artifact), what, before, _after(step), ", ".join(tags) or "–"]


def _after(step: Step) -> str:
    waits = step.state != "ok" and not step.done
    if step.intent.action is Action.DEPRECATE:
        after = "hidden"
    elif step.intent.action is Action.UNASSIGN:
        after = "the holder before"
    elif step.version is None:
        return "–"
    else:
        after = code(step.version) if waits else f"**{code(step.version)}**"
    return f"not yet {after}" if waits else after


# -- what is read once in a while -------------------------------------------------


def _details(decided: Decided, level: int) -> str:
    """What is satisfied, whose approvals counted, and who asked for what."""
    if level >= 2:
        return ""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for step in decided.steps:
        for verdict in step.verdicts:
            if verdict.state == "ok":
                word = _word(step, verdict.rule, verdict.message)
                found.setdefault((verdict.rule, word), {})[code(_subject(step))] = None
    rows = [[_some(list(subjects)), code(rule), word] for (rule, word), subjects in found.items()]
    parts = [table(["For", "Rule", "Why"], rows)] if rows else []
    if level < 1:
        parts += [_requests(decided), _touched(decided)]
    content = "\n\n".join(part for part in parts if part)
    title = f"{_SIGNS['ok']} {count(len(rows), 'rule')} satisfied" if rows else "Who asked"
    return fold(title, content) if content else ""


def _some(names: Sequence[str]) -> str:
    others = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return f"{', '.join(names[:_NAMES])}{others}"


def _word(step: Step, rule: str, message: str) -> str:
    counted = ", ".join(code(line.split(" ")[0]) for line in step.approved_by[:20])
    return _words(message) + (f" Counted: {counted}" if counted and rule == APPROVALS else "")


def _requests(decided: Decided) -> str:
    asks = {ask.source: _asked(ask) for step in decided.steps for ask in step.intent.asks}
    return _listed("Asked for: ", asks.values())


def _asked(ask: Ask) -> str:
    """A request: its place, who asked, the tickets and the reason that it gives."""
    said = [*map(_span, ask.tickets[:_NAMES]), *([_words(ask.reason)] if ask.reason else [])]
    return _span(ask.source) + (f" by {_span(ask.by)}" if ask.by else "") + (f" ({': '.join(said)})" if said else "")


def _touched(decided: Decided) -> str:
    names = {step.intent.artifact for step in decided.steps}
    found = (f"{_span(name)} ({_words(why)})" for name, why in decided.touches.touched.items() if name in names)
    return _listed("Touched: ", found)


def _listed(head: str, items: Iterable[str]) -> str:
    words = list(items)
    more = f" and {len(words) - 20} more" if len(words) > 20 else ""
    return head + ", ".join(words[:20]) + more if words else ""


def _span(name: str) -> str:
    """A code span outside of tables, where a bar needs no escape."""
    return code(name).replace("\\|", "|")


_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def _words(sentence: str) -> str:
    """A sentence whose instants are for people."""
    return text(_INSTANT.sub(lambda match: instant(match[0]), sentence))
