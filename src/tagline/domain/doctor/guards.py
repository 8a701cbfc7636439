"""Who may write a stage's tags, push past reviews, and edit what decides: a forge's settings, judged."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tagline.domain.changes.codeowners import LOCATIONS, Codeowners, Flavour
from tagline.domain.changes.policy import POLICY_FILE
from tagline.domain.doctor.checks import Check, some
from tagline.domain.ledger.tags import EventKind, TagName, format_tag

#: Where each forge's people learn what to set.
_RECIPE = {
    "github": "Settings > Rules > Rulesets, for tags, with the patterns of docs/permissions.md ('Who may do what').",
    "gitlab": "Settings > Repository > Protected tags: *#* and *@*, allowed to create: the bot (docs/permissions.md).",
}


class TagRule(NamedTuple):
    """A ruleset of GitHub's, or a protected tag of GitLab's, that keeps people from creating tags.

    ``passes``: whether this token may all the same; None where the forge does not say. ``who`` may, in its words;
    None where it does not say.
    """

    name: str
    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    passes: bool | None = None
    who: tuple[str, ...] | None = None


class BranchGuard(NamedTuple):
    """Whether changes are the only way onto a branch, and owners must approve; None where the forge does not say."""

    reviewed: bool | None
    owners: bool | None = None


def judge_tag_guards(
    rules: Sequence[TagRule], stages: Collection[str], artifact: str, forge: Flavour
) -> Iterator[Check]:
    """A line for each stage that the policy guards. ``artifact`` stands for all: its tags are tried."""
    for stage in sorted(stages):
        tag = format_tag(TagName(artifact, EventKind.ASSIGNMENT, stage=stage, counter=1))
        found = [rule for rule in rules if _covers(rule, tag, forge)]
        names = some(rule.name for rule in found)
        if not found:
            message = f"Nothing keeps people from writing tags of {stage} by hand, past its rules: {tag} may be pushed."
            yield Check("tag-guard", "warn", message, _RECIPE[forge])
        elif any(rule.passes is False for rule in found):
            message = f"{stage} is guarded by {names}, and this token may not pass it: promote will be refused."
            fix = "Add the App or bot behind the token to those who may pass it; github.token never can."
            yield Check("tag-guard", "fail", message, fix if forge == "github" else _RECIPE["gitlab"])
        elif any(rule.passes is None for rule in found):
            message = f"{stage} is guarded by {names}; whether this token may pass it is not told."
            fix = "See its bypass list (Settings > Rules). Whoever may edit the ruleset is told by the API too."
            yield Check("tag-guard", "unknown", message, fix)
        else:
            who = sorted({name for rule in found for name in rule.who or ()})
            also = f" Those who may pass: {some(who)}." if who else ""
            yield Check("tag-guard", "ok", f"{stage} is guarded by {names}, and this token may pass it.{also}")


def _covers(rule: TagRule, tag: str, forge: Flavour) -> bool:
    def matches(patterns: Collection[str]) -> bool:
        return any(_matches(pattern, tag, forge) for pattern in patterns)

    return matches(rule.include) and not matches(rule.exclude)


def _matches(pattern: str, tag: str, forge: Flavour) -> bool:
    """GitLab's star is any text. GitHub's is Ruby's File.fnmatch with FNM_PATHNAME: any text without a slash."""
    if forge == "gitlab":
        return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), tag) is not None
    if pattern == "~ALL":
        return True
    pieces = {"**/": r"(?:[^/]+/)*", "*": r"[^/]*", "?": "[^/]"}
    text = pattern.removeprefix("refs/tags/")
    expression = re.sub(r"\*\*/|\*|\?|[^*?]+", lambda part: pieces.get(part[0], re.escape(part[0])), text)
    return re.fullmatch(expression, tag) is not None


def judge_branch(guard: BranchGuard, branch: str) -> Check:
    """Whether somebody may push to the default branch, and so edit policy and manifests, unseen."""
    fix = f"Protect {branch}: changes only by pull or merge requests, with a review by owners."
    if guard.reviewed is None:
        return Check("direct-push", "unknown", f"{branch} is protected; by what this token is not told.", fix)
    if not guard.reviewed:
        message = f"Whoever may write may push straight to {branch}: past plan, and the policy with it."
        return Check("direct-push", "warn", message, fix)
    return Check("direct-push", "ok", f"{branch} changes by pull or merge requests alone.")


def judge_owners(codeowners: Codeowners | None, files: Collection[str], flavour: Flavour) -> Check:
    """Whether what decides has owners: policy, CODEOWNERS itself, and what CI runs. ``files`` are there."""
    if codeowners is None:
        fix = f"Add {LOCATIONS[flavour][0]} with a line for each of {POLICY_FILE}, itself, and what CI runs."
        return Check("owners", "warn", "There is no CODEOWNERS: any reviewer may let the rules be edited.", fix)
    nobodys = [file for file in files if not codeowners.owners(file)]
    if nobodys:
        fix = f"Add a line to CODEOWNERS: /{nobodys[0]} @ORG/TEAM"
        return Check("owners", "warn", f"Nobody owns {some(nobodys)}: any reviewer may let it be edited.", fix)
    return Check("owners", "ok", f"{some(files)}: each has an owner.")
