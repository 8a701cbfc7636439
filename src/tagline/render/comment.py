"""The comment on a change: what its merge will do, or did; and every rule's word on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tagline.domain.asks import Action
from tagline.domain.promotion import Decided, Refusal
from tagline.domain.record import Record, hide
from tagline.domain.steps import Step
from tagline.domain.times import format_time
from tagline.domain.verdicts import State
from tagline.render.markdown import code, link, table, text

#: Characters of a whole comment: GitHub takes 65,536.
LIMIT = 60_000

_SIGNS: dict[State, str] = {"ok": "✅", "waiting": "⏳", "refused": "❌", "unknown": "❔"}
_WORDS: dict[State, str] = {"ok": "ok", "waiting": "waiting", "refused": "refused", "unknown": "unknown"}

Url = Callable[[str], str]


class Pages:
    """Where tags and commits are shown."""

    def __init__(self, tag: Url, commit: Url) -> None:
        self.tag = tag
        self.commit = commit


def comment(decided: Decided, record: Record, pages: Pages, policy: str, now: int) -> str:
    """The whole text, within the forges' limits: what is least needed is left out first."""
    hidden = hide(record)
    room = LIMIT - len(hidden)
    body = ""
    for level in range(_LEVELS):
        body = "\n\n".join(part for part in _parts(decided, pages, policy, now, level) if part)
        if len(body) <= room:
            break
    if len(body) > room:
        body = body[: room - 100] + "\n\n… and more than fits into a comment: see the JSON of `tagline plan`."
    return f"{body}\n\n{hidden}"


#: 0: everything. 1: no reviewers. 2: only rules that stand against something. 3: 50 rows a table. 4: 10 rows.
_LEVELS = 5
_ROWS = {3: 50, 4: 10}


def _parts(decided: Decided, pages: Pages, policy: str, now: int, level: int) -> Iterator[str]:
    yield _title(decided)
    yield _against(decided, level)
    yield _drift(decided)
    yield _steps(decided, pages, level)
    yield from _rules(decided, level)
    yield _warnings(decided, level)
    yield _foot(decided, pages, policy, now)


def _title(decided: Decided) -> str:
    merged = decided.change.merged
    made = sum(row.created for row in decided.rows) if not merged else len(decided.rows)
    tags = f"{made} tag{'s' * (made != 1)}"
    match decided.verdict:
        case "ok" if merged:
            return f"### ✅ Tagline: done\n\nThis merge made {tags}."
        case "ok":
            return f"### ✅ Tagline: ready\n\nMerging this makes {tags}." if made else _ALREADY
        case "waiting":
            missing = len(decided.waiting)
            return f"### ⏳ Tagline: waiting\n\n{missing} thing{'s are' if missing != 1 else ' is'} missing yet."
        case "refused" if merged:
            done = f"This merge made {tags}; the rest was refused, and that is final." if made else _ALL_REFUSED
            return f"### ❌ Tagline: refused\n\n{done} {_AGAIN}"
        case "refused":
            return "### ❌ Tagline: refused\n\nAs it stands, merging this leaves out what is refused below."
    return "### Tagline: nothing to tag\n\nNo label and no request file asks for anything."


_ALREADY = "### ✅ Tagline: nothing left to do\n\nWhat this asks for is so already."
_ALL_REFUSED = "Nothing was tagged, and that is final."
_AGAIN = "To ask again, open a new change with a request file: `promotions/STAGE/NAME.yaml`."


def _against(decided: Decided, level: int) -> str:
    """Everything that stands against it, and what would satisfy it."""
    rows = [
        [sign, _subject(found), text(found.message), _fix(found.fix)]
        for sign, group in ((_SIGNS["refused"], decided.refused), (_SIGNS["waiting"], decided.waiting))
        for found in group
    ]
    return _cut(["", "What", "Why", "What would help"], rows, level)


def _subject(found: Refusal) -> str:
    if found.artifact is None:
        return "the change"
    return code(f"{found.artifact}#{found.stage}" if found.stage else found.artifact)


def _fix(fix: str) -> str:
    """A fix of several lines is text to be pasted."""
    first, *rest = fix.split("\n")
    pasted = "<br>".join(code(line) for line in rest[:40])
    more = f"<br>… and {len(rest) - 40} more" if len(rest) > 40 else ""
    return text(first) + (f"<br>{pasted}{more}" if pasted else "")


def _drift(decided: Decided) -> str:
    if not decided.drift:
        return ""
    lines = "\n".join(f"- {text(words)}" for words in decided.drift[:20])
    return f"**Changed since the plan that reviewers saw:**\n\n{lines}"


def _steps(decided: Decided, pages: Pages, level: int) -> str:
    """Current against proposed, one row a step."""
    after = "Now" if decided.change.merged else "After the merge"
    before = "Before" if decided.change.merged else "Now"
    rows = [_step(step, decided, pages) for step in decided.steps]
    return _cut(["", "Artifact", "What", before, after, "Tag"], rows, level)


_DOES = {
    Action.REGISTER: "new version",
    Action.ASSIGN: "stage",
    Action.ROLLBACK: "rollback of",
    Action.UNASSIGN: "unassign",
    Action.DEPRECATE: "deprecate",
}


def _step(step: Step, decided: Decided, pages: Pages) -> list[str]:
    intent = step.intent
    what = _DOES[intent.action] + (f" {code(intent.stage)}" if intent.stage else "")
    made = bool(step.rows)
    sign = _SIGNS["ok" if step.done else step.state]
    after = _after(step) if made or not decided.change.merged else "unchanged"
    tags = ", ".join(_tag(row.tag, decided, pages) for row in step.rows) or "–"
    before = code(step.before) if step.before else "–"
    return [sign, code(intent.artifact), what, before, after, tags]


def _after(step: Step) -> str:
    if step.state == "refused":
        return "unchanged"
    if step.intent.action is Action.DEPRECATE:
        return "hidden"
    if step.intent.action is Action.UNASSIGN:
        return "falls back"
    return f"**{code(step.version)}**" if step.version else "–"


def _tag(tag: str, decided: Decided, pages: Pages) -> str:
    return link(code(tag), pages.tag(tag)) if decided.change.merged else code(tag)


def _rules(decided: Decided, level: int) -> Iterator[str]:
    """The policy's words on each step."""
    for step in decided.steps[: _ROWS.get(level, 1000)]:
        rows = [
            [_SIGNS[v.state], code(v.rule), _WORDS[v.state], text(v.message) + (f" {_fix(v.fix)}" if v.fix else "")]
            for v in step.verdicts
            if level < 2 or v.state != "ok"
        ]
        if rows:
            subject = "#".join(part for part in step.intent.key if part)
            yield f"**Rules for {code(subject)}**\n\n" + table(["", "Rule", "Verdict", "Why"], rows)
        if level < 1 and (step.approved_by or step.reviewers):
            yield _reviewers(step)


def _reviewers(step: Step) -> str:
    counted = [f"- ✅ {code(line.split(' ')[0])}" for line in step.approved_by[:20]]
    others = [f"- ➖ {code(login)}: {text(why)}" for login, why in step.reviewers[:20]]
    lines = "\n".join([*counted, *others])
    return f"<details><summary>Whose approval counts</summary>\n\n{lines}\n\n</details>"


def _warnings(decided: Decided, level: int) -> str:
    lines = [f"- ⚠️ {text(warning.message)}" for warning in decided.warnings[: _ROWS.get(level, 50)]]
    return "\n".join(lines)


def _foot(decided: Decided, pages: Pages, policy: str, now: int) -> str:
    change = decided.change
    commit = change.merge_commit if change.merged and change.merge_commit else change.head
    shown = link(code(commit[:10]), pages.commit(commit))
    rules = f"policy {code(policy[:19])}" if policy != "none" else "no policy"
    return f"<sub>Evaluated at {format_time(now)} for {shown} under {rules}; updated in place.</sub>"


def _cut(head: list[str], rows: list[list[str]], level: int) -> str:
    """A table of as many rows as the level has room for."""
    if not rows:
        return ""
    most = _ROWS.get(level, len(rows))
    more = f"\n\n… and {len(rows) - most} more." if len(rows) > most else ""
    return table(head, rows[:most]) + more
