"""``plan`` and ``promote`` for people at a terminal, and in a job's log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tagline.domain.changes.promotion import Refusal
from tagline.domain.lineage.planned import Planned
from tagline.render.escape import one_line
from tagline.render.terminal.delivered import delivered
from tagline.render.terminal.tables import Pen, failure, table

#: Labels or artifacts that are named.
_MOST = 20
_COLORS = {"ok": "green", "waiting": "yellow", "refused": "red", "nothing": "dim"}


def changes(planned: Iterable[Planned], why: str, pen: Pen) -> str:
    """Each change in turn; ``why`` says why there is none."""
    parts = [
        part for one in planned for part in (*(_change(earlier, pen) for earlier in one.earlier), _change(one, pen))
    ]
    return "\n\n".join(parts) or one_line(why or "No change to look at.")


def _change(planned: Planned, pen: Pen) -> str:
    decided, change = planned.decided, planned.decided.change
    if planned.error is not None:
        head = f"{pen(f'#{change.number}', 'bold')} {one_line(change.title)[:100]}"
        receipts = (delivered(one, pen) for one in planned.delivery)
        return "\n".join([head, *_rows(planned, pen), *receipts, failure(planned.error, pen)])
    title = pen(f"#{change.number}", "bold") + f" {one_line(change.title)[:100]}"
    lines = [f"{title}  {pen(decided.verdict, _COLORS[decided.verdict], 'bold')}", f"  {one_line(change.url)}"]
    lines += [f"  looked at: {one_line('; '.join(_looked_at(planned)))}"]
    lines += [f"  {one_line(planned.note)}"] if planned.note else []
    lines += _rows(planned, pen)
    rules = [
        (
            f"{step.intent.artifact}#{step.intent.stage}" if step.intent.stage else step.intent.artifact,
            v.rule,
            v.state,
            v.message,
        )
        for step in decided.steps
        for v in step.verdicts
        if v.state == "ok"  # what stands against it is said below, with its fix
    ]
    if rules:
        lines += ["", table(("FOR", "RULE", "VERDICT", "WHY"), rules, pen, ("bold",))]
    lines += [f"  {line}" for line in _overrides(planned, pen)]
    lines += [_against(found, pen) for found in (*decided.refused, *decided.waiting)]
    lines += [f"  since the approval: {one_line(words)}" for words in decided.drift]
    lines += [delivered(one, pen) for one in planned.delivery]
    if planned.comment_url:
        lines.append(f"  comment: {one_line(planned.comment_url)}")
    return "\n".join(lines)


def _looked_at(planned: Planned) -> Iterator[str]:
    change, touched = planned.decided.change, list(planned.decided.touches.touched)
    commit = change.merge_commit if change.merged else change.head
    yield commit[:7] if commit else "no commit"
    yield f"labels {_some(change.labels)}" if change.labels else "no labels"
    if touched:
        yield f"touches {_some(touched)}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f"{', '.join(names[:_MOST])}{more}"


def _overrides(planned: Planned, pen: Pen) -> Iterator[str]:
    for step in planned.decided.steps:
        if (over := step.override) is not None:
            what = "#".join(part for part in step.intent.key if part)
            passed = f" (passed over: {', '.join(over.passed)})" if over.passed else ""
            yield f"{pen('override', 'red', 'bold')} of {one_line(what)} by {one_line(over.by)}: " + one_line(
                f"{over.reason}{passed}"
            )


def _rows(planned: Planned, pen: Pen) -> Iterator[str]:
    made = planned.decided.change.merged and not planned.dry_run
    # Of what else was asked nothing is made.
    tense = "made" if made else "would still make" if planned.decided.refused else "would make"
    for row in planned.decided.rows:
        word = tense if row.created or planned.dry_run else "has"
        yield f"  {word} {pen(row.tag, 'green')} at {row.commit[:7]}"


def _against(found: Refusal, pen: Pen) -> str:
    what = "#".join(part for part in (found.artifact, found.stage) if part) or "the change"
    lines = [f"  {pen(one_line(what), 'bold')}: {one_line(found.message)} [{found.rule}]"]
    lines += [
        f"    {pen('fix:', 'bold') if place == 0 else '    '} {one_line(line)}"
        for place, line in enumerate(found.fix.split("\n"))
        if line
    ]
    return "\n".join(lines)
