"""Which file a rule is of, and the verdict where a repository's own is looser than the floor."""

from __future__ import annotations

from tagline.domain.changes.floors import below_floor
from tagline.domain.changes.policy import POLICY_FILE, Policy
from tagline.domain.changes.verdicts import Verdict

#: The key of the policy behind each rule.
_KEYS = {"after": "after", "soak": "soak", "gate": "gates", "freeze": "freeze", "approvals": "approvals"}


def judge_floor(policy: Policy, artifact: str, stage: str) -> list[Verdict]:
    """What the repository's rules of a stage let pass and the platform team's do not."""
    floor = policy.floor.name if policy.floor is not None else ""
    return [
        Verdict("policy-floor", "refused", *below_floor(one, origin, floor))
        for one, origin in policy.looser_rules(artifact, stage)
    ]


def with_origin(verdict: Verdict, policy: Policy, artifact: str, stage: str) -> Verdict:
    """A verdict that says which file its rule is of, where that is not the repository's own."""
    key = _KEYS.get(verdict.rule.partition(":")[0])
    origin = policy.origin(artifact, stage, key) if key is not None else POLICY_FILE
    return verdict if origin == POLICY_FILE else verdict._replace(message=f"{verdict.message} ({origin})")
