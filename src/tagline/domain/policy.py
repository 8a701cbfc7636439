"""The policy file, as far as the administrator's commands need it: which stages it guards."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

#: Its name, at the root of the default branch.
POLICY_FILE = ".tagline.yaml"
#: Bytes; a longer one is refused by its reader.
MAX_POLICY = 1024 * 1024


#: Everything that a policy may say at its top; anything else is a mistake that may hide a rule.
_KEYS = frozenset(
    ("stages", "artifacts", "labels", "max_artifacts", "atomic", "drift", "comment_authors", "other_stages", "mlflow")
)


def guards(policy: object, artifact: str, stage: str) -> bool:
    """Whether the policy has any rule for a stage of an artifact.

    A stage that is listed without rules is free. Whatever cannot be understood guards: a
    mistake in the policy never opens a stage.
    """
    if policy is None:
        return False
    if not isinstance(policy, Mapping) or not _KEYS.issuperset(policy):
        return True
    if policy.get("other_stages") not in (None, "refuse", "allow"):
        return True
    rules = [_rules(policy, stage)]
    overrides = policy.get("artifacts")
    if overrides is None:
        overrides = {}
    if not isinstance(overrides, Mapping):
        return True
    rules += [_rules(override, stage) for glob, override in overrides.items() if fnmatchcase(artifact, str(glob))]
    if all(found is None for found in rules):
        return policy.get("other_stages") == "refuse"
    return any(found not in (None, {}) for found in rules)


def _rules(section: object, stage: str) -> Any:
    """The rules of one stage in a section: None when it does not list the stage."""
    if not isinstance(section, Mapping):
        return "unreadable"
    stages = section.get("stages")
    if stages is None:
        return None
    if not isinstance(stages, Mapping):
        return "unreadable"
    if stage not in stages:
        return None
    return {} if stages[stage] is None else stages[stage]
