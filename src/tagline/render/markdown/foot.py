"""Where a comment leads: the commit, the policy that judged, the job, the documents, and how to run it again."""

from __future__ import annotations

from typing import NamedTuple

from tagline.domain.changes.changes import Change
from tagline.domain.changes.codeowners import Flavour
from tagline.domain.changes.pages import Pages
from tagline.domain.changes.policy import POLICY_FILE
from tagline.domain.changes.promotion import Decided
from tagline.domain.setup.places import DOCS
from tagline.domain.text.times import format_time
from tagline.render.markdown.escaping import code, instant, link, text

#: Where rules are explained that have a section of their own; the others are in a list.
_SECTIONS = {
    "approvals": "policy.md#approvals",
    "after": "policy.md#after-and-soak",
    "soak": "policy.md#after-and-soak",
    "gate": "policy.md#gates",
    "freeze": "policy.md#freeze",
    "storage": "policy.md#bytes",
    "reproduced": "policy.md#pipelines",
    "not-what-was-approved": "changes.md#drift",
    "branch-behind": "changes.md#drift",
    "request": "labels.md",
    "held": "labels.md#held-stages",
    "override": "policy.md#override",
    "ticket": "policy.md#ticket",
    "policy-floor": "policy.md#policies-for-many-repositories",
}
_OTHERS = "policy.md#rule-ids"


class Run(NamedTuple):
    """The job that writes a comment: its page, and whose it is; None at a terminal."""

    url: str | None = None
    forge: Flavour | None = None


AT_A_TERMINAL = Run()


def rule_link(rule: str) -> str:
    """A rule's id, as a link to what the documents say of it."""
    return link(text(rule), f"{DOCS}/{_SECTIONS.get(rule.partition(':')[0], _OTHERS)}")


def again(change: Change, run: Run) -> str:
    """How to have it run again, as the end of a sentence. What it is told anew never hangs on how."""
    command = code(f"tagline {'promote' if change.merged else 'plan'} --change {change.number}")
    if run.url is None:
        return command
    if run.forge == "github":
        return f"*Re-run all jobs* on {link('the run', run.url)}, or {command}"
    by_pipeline = "" if change.merged else "*Run pipeline* on the tab *Pipelines*, "
    return f"{by_pipeline}{link('the job', run.url)} once more, or {command}"


def foot(decided: Decided, pages: Pages, policy: str, run: Run, now: int) -> str:
    """The small print. ``policy`` is the digest of the file that judged, or ``none``."""
    change = decided.change
    commit = change.merge_commit if change.merged and change.merge_commit else change.head
    parts = [
        instant(format_time(now - now % 60)),
        f"commit {link(code(commit[:7]), pages.commit_url(commit))}",
        _policy(decided, pages, policy),
        link("run", run.url) if run.url is not None else "",
        link("help", f"{DOCS}/changes.md#the-comment"),
    ]
    line = " · ".join(part for part in parts if part)
    more = ""
    if change.open or decided.unreadable:
        # On GitLab nothing but a push or the schedule starts a job.
        alone = " Labels and approvals alone start nothing here." if change.open and run.forge == "gitlab" else ""
        more = f"<br>{'Updated in place. ' if change.open else ''}To run it again: {again(change, run)}.{alone}"
    return f"<sub>{line}{more}</sub>"


def _policy(decided: Decided, pages: Pages, policy: str) -> str:
    """The file as of the commit that judged; where that is not known, its digest."""
    if policy == "none":
        return f"no {link('policy', f'{DOCS}/policy.md')}"
    if decided.rules_at is not None:
        return link("policy", pages.file_url(decided.rules_at, POLICY_FILE))
    return f"policy {code(policy.removeprefix('sha256:')[:12])}"
