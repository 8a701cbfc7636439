"""Which file a rule is of, and the verdict where a repository's own is looser than the floor."""

from __future__ import annotations

from collections.abc import Iterable

from tagline.domain.changes.floors import below_floor
from tagline.domain.changes.policy import POLICY_FILE, Policy
from tagline.domain.changes.verdicts import Verdict
from tagline.domain.text.similar import listed, suggestion
from tagline.errors import Refused

#: The key of a stage behind each rule.
_KEYS = {
    "after": "after",
    "soak": "soak",
    "gate": "gates",
    "freeze": "freeze",
    "approvals": "approvals",
    "branch-behind": "approvals",
    "not-what-was-approved": "approvals",
    "ticket": "ticket",
    "override": "override",
}
#: The keys of the whole file that are rules.
_WHOLE = ("storage", "reproduced", "mlflow", "atomic")


def judge_floor(policy: Policy, artifact: str, stage: str) -> list[Verdict]:
    """What the repository's rules of a stage let pass and the platform team's do not."""
    floor = policy.floor.name if policy.floor is not None else ""
    return [
        Verdict("policy-floor", "refused", *below_floor(one, origin, floor))
        for one, origin in policy.looser_rules(artifact, stage)
    ]


def with_origin(verdict: Verdict, policy: Policy, artifact: str, stage: str) -> Verdict:
    """A verdict that says which file its rule is of, where that is not the repository's own."""
    rule = verdict.rule.partition(":")[0]
    key = _KEYS.get(rule)
    origin = policy.origin(artifact, stage, key) if key is not None else POLICY_FILE
    if rule in _WHOLE:
        origin = policy.origins.get(rule, POLICY_FILE)
    return verdict._replace(message=named(verdict.message, [origin]))


def named(message: str, files: Iterable[str]) -> str:
    """A sentence, with the files behind it that are not the repository's own."""
    others = [file for file in dict.fromkeys(files) if file != POLICY_FILE]
    return f"{message} ({', '.join(others)})" if others else message


def other_stage(policy: Policy, artifact: str, stage: str) -> Refused:
    """The refusal of a stage that the policy does not list."""
    known = policy.stages(artifact)
    said = policy.origins.get("other_stages")
    return Refused(
        named(
            f"The policy lists no stage {stage!r} of {artifact}, and refuses others.",
            [said] if said is not None else policy.listing(artifact),
        ),
        f"It lists {listed(known)}.{suggestion(stage, known)} A new stage is listed in {POLICY_FILE} of the default "
        "branch first, or all others are allowed there: other_stages: allow",
        code="other-stages",
    )
