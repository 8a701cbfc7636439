"""The policy file's bytes -> findings, or the policy that is in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any

from tagline.domain.changes.policy import MAX_POLICY, NO_POLICY, POLICY_FILE, Policy, read_policy
from tagline.domain.changes.policy_rules import policy_problems
from tagline.domain.manifest.document import Document, Node, Path
from tagline.domain.manifest.findings import Finding
from tagline.errors import WrongUsage
from tagline.formats.schema.check import Check, compile_check, read_schema
from tagline.formats.schema.explanation import Explanation
from tagline.formats.yaml import reading as yaml

_FILE = "policy.schema.json"

# What other tools call these keys.
_SYNONYMS = {
    "environments": "stages",
    "reviewers": "approvals",
    "approvers": "from",
    "users": "from",
    "exclude": "not",
    "threshold": "min",
    "start": "from",
    "end": "to",
}


def check_policy(data: bytes, file: str = POLICY_FILE) -> list[Finding]:
    """Everything that is wrong in a policy file, in its order; nothing in an empty one."""
    return _check(yaml.load(data, max_bytes=MAX_POLICY), file)


def load_policy(data: bytes | None) -> Policy:
    """The policy of the default branch from the bytes of its file, None where there is none.

    Raises WrongUsage (``policy-unreadable``) for a file with any finding: a rule that is not
    understood must not count as absent.
    """
    if data is None:
        return NO_POLICY
    policy = judge_policy(data)
    if policy.findings:
        raise unreadable(policy)
    return policy


def other_tools(data: bytes | None) -> Policy:
    """The policy of a file, for what it says of other tools; of one that is not understood, nothing."""
    return judge_policy(data) if data is not None and b"ignore" in data else NO_POLICY


def judge_policy(data: bytes) -> Policy:
    """The policy that a file says; of one with any finding the findings, and what tells our labels and comments."""
    document = yaml.load(data, max_bytes=MAX_POLICY)
    digest = f"sha256:{sha256(data).hexdigest()}"
    if findings := _check(document, POLICY_FILE):
        return Policy(
            label_prefix=_text(document.find(("labels", "prefix"))),
            comment_authors=tuple(filter(None, map(_text, _items(document.find(("comment_authors",)))))),
            digest=digest,
            findings=tuple(findings),
        )
    raw = document.root.value if document.root else None
    return read_policy(raw or {}, digest)


def _text(node: Node | None) -> str:
    return node.value if node is not None and isinstance(node.value, str) else ""


def _items(node: Node | None) -> list[Node]:
    return node.items if node is not None else []


def _check(document: Document, file: str) -> list[Finding]:
    # Warnings are about GTO and DVC, which do not read this file. An empty file has no rules.
    problems = [p for p in document.problems if p.severity == "error" and p.rule != "file-empty"]
    found = [problem.finding(file) for problem in problems]
    if document.root is not None and document.root.value is not None:
        if not _quick()(document.root.value):
            found += _PolicyExplanation(document, (), file).findings(_errors(document.root.value))
        found += policy_problems(document, file)
    # One value that aliases repeat is one mistake.
    return sorted(dict.fromkeys(found), key=lambda finding: (finding.line, finding.column))


def _errors(value: Any) -> Iterable[Any]:
    # Patterns are in the schema for editors; policy_problems says the same in words.
    return (error for error in _validator().iter_errors(value) if error.validator != "pattern")


@cache
def _quick() -> Check:
    return compile_check(read_schema(_FILE))


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(read_schema(_FILE))


class _PolicyExplanation(Explanation):
    """Errors about a policy."""

    main_keys: Mapping[str, str] = {"labels": "prefix"}

    def root_name(self) -> str:
        return "The policy"

    def synonym(self, path: Path, key: str) -> str | None:
        return _SYNONYMS.get(key)


def unreadable(policy: Policy) -> WrongUsage:
    """The error for a policy with findings, by the first of them."""
    first, more = policy.findings[0], len(policy.findings) - 1
    others = f" And {more} more problem{'s' if more > 1 else ''}." if more else ""
    return WrongUsage(
        f"{POLICY_FILE} of the default branch cannot be read, line {first.line}: {first.message}{others}",
        first.hint,
        code="policy-unreadable",
    )
